//! Reading in the order of changes.

use super::super::wire::Row;
use super::{At, Cursor, Mode, Of, Part, Turn, count, distinct, is_id, latest, records};
use chrono::{DateTime, Utc};
use cmms_core::Result;

/// Rows of a block of equal times that are remembered; beyond, a row may be given twice.
const SEEN_MAX: usize = 10_000;

pub(super) struct Changes {
    pub(super) part: Part,
    pub(super) bound: Option<i64>,
    pub(super) seen: Vec<String>,
    pub(super) high: Option<DateTime<Utc>>,
    pub(super) idle: u8,
    pub(super) doubts: u8,
    pub(super) until: Option<i64>,
}

impl Changes {
    pub(super) fn turn(mut self, at: At, mut rows: Vec<Row>) -> Result<Turn> {
        if self.until.is_some_and(|until| self.bound >= Some(until)) {
            return Ok(self.at(At::Start).end());
        }
        if at == At::Newest {
            return self.newest(&rows);
        }
        let Some(first) = rows.first().map(|r| r.key.clone()) else {
            return Ok(self.empty(at));
        };
        let before = match at {
            At::Start | At::Back { .. } | At::Record { .. } | At::Newest => 0,
            At::Confirm { offset, last } => {
                return Ok(Turn::Again(self.at(At::Overlap { offset, last })));
            }
            // A row that was given leaves no gap, wherever it is by now.
            At::Overlap { last, .. } if first != last && !self.seen.contains(&first) => {
                return Ok(self.restart());
            }
            At::Overlap { offset, last } => {
                rows.retain(|r| r.key != first);
                if rows.is_empty() {
                    return Ok(Turn::Again(self.at(At::Beyond { offset, last })));
                }
                offset
            }
            // The server gives the same row at every offset, or the block shifted in this moment.
            At::Beyond { last, .. } if first == last => return Ok(self.restart()),
            At::Beyond { offset, .. } => offset,
        };
        if !self.honours_query(&rows) {
            let listing = self.at(At::Start).without_order();
            return Ok(Turn::Again(listing));
        }
        self.high = latest(self.high, &rows);
        let last = rows.last().map(|r| r.key.clone()).unwrap_or_default();
        let top = rows.iter().filter_map(Row::millis).max().max(self.bound);
        let at_top: Vec<String> = rows
            .iter()
            .filter(|r| r.millis().is_none_or(|m| Some(m) == top))
            .map(|r| r.key.clone())
            .collect();
        let rises = top > self.bound;
        // An offset is needed only inside a block of equal times. A row that is given twice has one place.
        let offset = before + if rises { 0 } else { distinct(&rows) };
        let known = std::mem::take(&mut self.seen);
        let at_bound = |r: &Row| r.millis().is_none_or(|m| Some(m) == self.bound);
        rows.retain(|r| !(at_bound(r) && known.contains(&r.key)));
        let next = if rises {
            self.bound = top;
            self.seen = at_top;
            At::Start
        } else {
            // A block has no more known rows than are remembered: from there on the server repeats itself.
            let repeats = rows.is_empty() && offset > count(&known);
            self.idle += u8::from(repeats);
            self.seen = known;
            for key in at_top {
                if self.seen.len() < SEEN_MAX && !self.seen.contains(&key) {
                    self.seen.push(key);
                }
            }
            if rows.is_empty() {
                At::Confirm { offset, last }
            } else {
                At::Overlap { offset, last }
            }
        };
        if rows.is_empty() {
            return Ok(Turn::Again(self.at(next)));
        }
        self.idle = 0;
        self.doubts = 0;
        Ok(Turn::Page(records(rows), self.at(next)))
    }

    /// An empty page: the end, unless rows that were given should still be there.
    fn empty(mut self, at: At) -> Turn {
        if matches!(at, At::Overlap { .. }) {
            return self.restart();
        }
        if at != At::Start || self.seen.is_empty() {
            return self.confirmed();
        }
        let Some(id) = self.seen.iter().find(|key| is_id(key)).cloned() else {
            // Rows without ids cannot be asked for.
            self.seen.clear();
            return self.confirmed();
        };
        Turn::Again(self.at(At::Record { id }))
    }

    /// The end, once the latest records say so, too; an account in which nothing was ever seen may be empty.
    fn confirmed(self) -> Turn {
        if self.has_records() {
            Turn::Again(self.at(At::Newest))
        } else {
            self.at(At::Start).end()
        }
    }

    /// Whether the list gave something, now or before.
    fn has_records(&self) -> bool {
        self.high.is_some() || (self.part.from.is_some() && self.part.of != Of::Archived)
    }

    /// What the end is measured by: nothing of it is later than what the list gave.
    fn newest(mut self, rows: &[Row]) -> Result<Turn> {
        if rows.is_empty() && self.high.is_none() {
            // It had records, and has none at all now.
            return self.at(At::Newest).doubt(At::Newest);
        }
        let latest = rows.iter().filter_map(Row::millis).max();
        if latest <= self.bound {
            return Ok(self.at(At::Newest).end());
        }
        if self.doubts > 0 {
            return self.at(At::Newest).doubt(At::Start);
        }
        // The first time it is asked again at once: most likely the records changed just now. What changes after
        // that is for the next listing, or a busy account would never come to its end.
        self.until = self.until.or(latest);
        self.doubts = 1;
        Ok(Turn::Again(self.at(At::Start)))
    }

    /// Whether rows are as asked for: none below the bound, times ascending.
    fn honours_query(&self, rows: &[Row]) -> bool {
        let times = rows.iter().filter_map(Row::millis);
        times
            .clone()
            .all(|m| self.bound.is_none_or(|bound| m >= bound))
            && times.is_sorted()
    }

    /// Rows of the block went, so the rest moved up: the block is read again from its beginning.
    fn restart(mut self) -> Turn {
        self.idle += 1;
        Turn::Again(self.at(At::Start))
    }

    fn at(self, at: At) -> Cursor {
        Cursor {
            part: self.part,
            mode: Mode::Changes {
                bound: self.bound,
                seen: self.seen,
            },
            at,
            high: self.high,
            idle: self.idle,
            doubts: self.doubts,
            until: self.until,
        }
    }
}
