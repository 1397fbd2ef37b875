//! Whether a block of rows of one time was read whole.
//!
//! Offsets lead through a block only as long as its order stays. It may not: two replicas without a tie-breaker order
//! equal rows as they like, and a row is passed over for another that is met twice. A reading that meets no row twice
//! has met all of them, since they are as many as its offsets. Once one is met twice, the block is read again from its
//! beginning until two readings had as many rows and the ids that were met are as many, too.

use super::super::wire::Row;
use super::SEEN_MAX;
use cmms_core::failpoint::{Failpoint, is_on};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Readings after which a block cannot be read whole. Where the order is another one at each request, a reading of many
/// pages misses about a third of what was missed before.
const READINGS_MAX: u8 = 40;
/// How often a block is read from its beginning because rows went, before its order is thought to change.
const RESTARTS_MAX: u8 = 3;

/// A row of the block and the latest reading that met it; 0: it was given before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen(pub(super) String, pub(super) u8);

/// How the block at the bound is read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Tie {
    /// Which reading this is, from 1; 0 before the first.
    reading: u8,
    /// Whether the order is another one from request to request.
    #[serde(default)]
    pub(super) is_mixed: bool,
    /// How often it was begun again because rows went.
    #[serde(default)]
    restarts: u8,
    /// How many rows the reading before had.
    #[serde(default)]
    rows: Option<u64>,
    /// The first reading behind one that had as many rows.
    #[serde(default)]
    since: u8,
}

/// What the end of a reading says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The block is known.
    Whole,
    /// It has to be read again.
    Again,
    /// It cannot be read whole.
    Gap,
}

impl Tie {
    /// Whether nothing was met that has to be remembered.
    pub(super) fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this reading has met a row.
    pub(super) fn has_met(&self, seen: &[Seen], key: &str) -> bool {
        seen.iter().any(|s| s.0 == key && s.1 == self.reading)
    }

    /// Meets rows of the block; answers those that were not given before.
    pub(super) fn meet(&mut self, seen: &mut Vec<Seen>, rows: &[Row]) -> BTreeSet<String> {
        let mut new = BTreeSet::new();
        // A row that a page has twice has one place.
        let keys: BTreeSet<&str> = rows.iter().map(|r| r.key.as_str()).collect();
        let known = seen.iter().enumerate();
        let known: BTreeMap<&str, usize> = known.map(|(at, row)| (row.0.as_str(), at)).collect();
        let places: Vec<Option<usize>> = keys.iter().map(|key| known.get(key).copied()).collect();
        for (key, place) in keys.into_iter().zip(places) {
            match place.and_then(|at| seen.get_mut(at)) {
                Some(row) => {
                    self.is_mixed |= row.1 == self.reading;
                    row.1 = self.reading;
                }
                None => {
                    new.insert(key.to_owned());
                    if seen.len() < SEEN_MAX {
                        seen.push(Seen(key.to_owned(), self.reading));
                    }
                }
            }
        }
        new
    }

    /// Begins a reading.
    pub(super) fn begin(&mut self) {
        self.reading = self.reading.saturating_add(1);
    }

    /// The reading is broken off, since rows went.
    pub(super) fn restart(&mut self) {
        self.restarts = self.restarts.saturating_add(1);
        self.is_mixed |= self.restarts >= RESTARTS_MAX;
    }

    /// The end of a reading that had so many rows.
    pub(super) fn end(&mut self, seen: &[Seen], rows: u64) -> End {
        if !self.is_mixed || is_on(Failpoint::BelieveOffsets) {
            return End::Whole;
        }
        if self.rows == Some(rows) {
            let met = seen.iter().filter(|s| s.1 >= self.since).count();
            if u64::try_from(met).unwrap_or(u64::MAX) >= rows {
                return End::Whole;
            }
        } else {
            // Rows went or came: what was met before may not be there any longer.
            self.rows = Some(rows);
            self.since = self.reading.saturating_add(1);
        }
        if self.reading >= READINGS_MAX || usize::try_from(rows).is_ok_and(|n| n > SEEN_MAX) {
            return End::Gap;
        }
        End::Again
    }
}
