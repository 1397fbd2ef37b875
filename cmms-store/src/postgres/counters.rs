//! What this process has counted to, so that the next count needs no question.
//!
//! A row that only counts is most often counted on by the process that did so last. It can foresee the answer, and the
//! statement that counts on asks whether it was right.

use cmms_core::record::{Cell, Role, Row, RowSource, Table};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// A row that was counted on.
#[derive(Debug, Clone)]
pub(super) struct Count {
    pub(super) table: &'static Table,
    key: Row,
    /// How many were added.
    pub(super) added: i64,
    /// How many there were then.
    pub(super) total: i64,
}

/// The column that counts, of a table whose rows have nothing else beside their key.
pub(super) fn counting(table: &'static Table) -> Option<usize> {
    let mut others = table.columns.iter().enumerate();
    let mut others = others.by_ref().filter(|(_, c)| c.role != Role::Key);
    match (others.next(), others.next()) {
        (Some((place, column)), None) if column.role == Role::Sum => Some(place),
        _ => None,
    }
}

impl Count {
    /// A row to be added, after which there will be so many.
    pub(super) fn of(table: &'static Table, rows: &dyn RowSource, total: i64) -> Option<Self> {
        let place = counting(table)?;
        match Row::of_source(rows, 0).0.get(place) {
            Some(Cell::Int(added)) => Some(Self {
                table,
                key: Row::of_key(table, rows, 0),
                added: *added,
                total,
            }),
            _ => None,
        }
    }

    /// The cells of its key.
    pub(super) fn key(&self) -> &[Cell<'static>] {
        &self.key.0
    }

    /// How many there were before.
    pub(super) fn before(&self) -> i64 {
        self.total.saturating_sub(self.added)
    }

    /// The row with another number in it.
    fn row(&self, number: i64) -> Row {
        let mut key = self.key.0.iter();
        let columns = self.table.columns.iter();
        let cells = columns.map(|column| match column.role {
            Role::Key => key.next().cloned().unwrap_or(Cell::Null),
            _ => Cell::Int(number),
        });
        Row(cells.collect())
    }

    /// The row as it is stored then.
    pub(super) fn stored(&self) -> Row {
        self.row(self.total)
    }

    /// The row that is added.
    pub(super) fn to_add(&self) -> Row {
        self.row(self.added)
    }

    fn is_of(&self, other: &Self) -> bool {
        std::ptr::eq(self.table, other.table) && self.key == other.key
    }
}

/// The last count of an organization.
#[derive(Debug)]
struct Last {
    count: Count,
    /// Whether nobody else counted between this process's last two, and nobody was met since.
    alone: bool,
}

/// The last count of each organization.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<HashMap<Uuid, Last>>);

impl Counters {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Last>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process was the only one to count lately.
    pub(super) fn alone(&self, org: Uuid) -> bool {
        self.lock().get(&org).is_some_and(|last| last.alone)
    }

    /// What a count will come to, if that can be foreseen.
    pub(super) fn foresee(
        &self,
        org: Uuid,
        table: &'static Table,
        rows: &dyn RowSource,
    ) -> Option<Count> {
        let mut next = Count::of(table, rows, 0)?;
        let counters = self.lock();
        let last = counters.get(&org)?;
        if !last.alone || !last.count.is_of(&next) {
            return None;
        }
        next.total = last.count.total.checked_add(next.added)?;
        Some(next)
    }

    /// Notes a count that was committed.
    pub(super) fn note(&self, org: Uuid, count: Count) {
        let mut counters = self.lock();
        let before = counters.get(&org).map(|last| &last.count);
        let alone = before.is_some_and(|b| b.is_of(&count) && b.total == count.before());
        counters.insert(org, Last { count, alone });
    }

    /// Notes that another process may have been there.
    pub(super) fn missed(&self, org: Uuid) {
        if let Some(last) = self.lock().get_mut(&org) {
            last.alone = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cmms_core::domain::numbering::DailyNumber;
    use cmms_core::domain::work_order::WorkOrder;
    use cmms_core::record::Record as _;
    use cmms_core::testing::samples;

    #[test]
    fn a_count_is_foreseen_after_two_of_this_process_in_a_row() {
        let (counters, org) = (Counters::default(), Uuid::from_u128(1));
        let add = |day, last| {
            let prefix = "WO".to_owned();
            let day = samples::day(day);
            vec![DailyNumber { prefix, day, last }]
        };
        let foreseen = |day, added| {
            let next = counters.foresee(org, DailyNumber::TABLE, &add(day, added));
            next.map(|next| next.total)
        };
        let note = |day, added, total| {
            let count = Count::of(DailyNumber::TABLE, &add(day, added), total).unwrap();
            counters.note(org, count);
        };
        assert_eq!(foreseen(1, 1), None);
        note(1, 1, 7);
        assert_eq!((foreseen(1, 1), counters.alone(org)), (None, false));
        note(1, 2, 9);
        assert_eq!((foreseen(1, 3), counters.alone(org)), (Some(12), true));
        assert_eq!(foreseen(2, 1), None, "another day");
        note(1, 1, 11);
        assert_eq!(foreseen(1, 1), None, "somebody else took the tenth");
        note(1, 1, 12);
        assert_eq!(foreseen(1, 1), Some(13));
        counters.missed(org);
        assert_eq!(foreseen(1, 1), None);
        assert_eq!(counting(WorkOrder::TABLE), None);
    }
}
