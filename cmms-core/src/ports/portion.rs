//! The first rows of a query, up to so many octets: whoever lists large records needs no more memory for them.

use crate::Result;
use crate::record::{Cell, Record, RowTarget, Source};

/// The first records of a query.
#[derive(Debug)]
pub struct Portion<R> {
    /// The records, in the order of the query. One is there though it alone is larger.
    pub records: Vec<R>,
    /// What the cells of their rows hold.
    pub octets: usize,
    /// Whether the query finds more than these.
    pub is_cut: bool,
    most: usize,
}

impl<R: Record> Portion<R> {
    /// None yet; it ends with the record that makes it so many octets.
    pub fn up_to(most: usize, expected: usize) -> Self {
        Self {
            records: Vec::with_capacity(expected),
            octets: 0,
            is_cut: false,
            most,
        }
    }
}

impl<R: Record> RowTarget for Portion<R> {
    fn row(&mut self, from: &mut dyn Source) -> Result<()> {
        if self.octets >= self.most {
            self.is_cut = true;
            return Ok(());
        }
        let mut weighed = Weighed { from, octets: 0 };
        self.records.push(R::read(&mut weighed)?);
        self.octets += weighed.octets;
        Ok(())
    }

    fn takes_more(&self) -> bool {
        !self.is_cut
    }
}

/// Counts what the cells hold that it passes on.
struct Weighed<'s> {
    from: &'s mut dyn Source,
    octets: usize,
}

impl Source for Weighed<'_> {
    fn take(&mut self) -> Result<Cell<'_>> {
        let cell = self.from.take()?;
        self.octets += match &cell {
            Cell::Text(text) | Cell::Json(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len(),
            _ => size_of::<u64>(),
        };
        Ok(cell)
    }
}
