//! Reading in the order of changes.

use super::super::wire::Row;
use super::tie::{End, Seen, Tie};
use super::{At, Cursor, DOUBTS, Mode, Of, Part, Turn, distinct, is_id, latest, records};
use crate::http::misunderstood;
use chrono::{DateTime, Utc};
use cmms_core::Result;

/// By how many rows a block whose order changes may seem larger than twice what is known of it.
const SLACK: u64 = 50;

pub(super) struct Changes {
    pub(super) part: Part,
    pub(super) bound: Option<i64>,
    pub(super) seen: Vec<Seen>,
    pub(super) tie: Tie,
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
            At::Start | At::Back { .. } | At::Record { .. } | At::Newest => {
                self.tie.begin();
                0
            }
            At::Confirm { offset, last } if !self.tie.is_mixed => {
                return Ok(Turn::Again(self.at(At::Overlap { offset, last })));
            }
            At::Overlap { last, .. } if first != last && !self.tie.has_met(&self.seen, &first) => {
                return Ok(self.restart());
            }
            At::Overlap { offset, last } => {
                // A row that this reading met elsewhere: the order is another one by now.
                self.tie.is_mixed |= first != last;
                rows.retain(|r| r.key != first);
                if rows.is_empty() {
                    return Ok(Turn::Again(self.at(At::Beyond { offset, last })));
                }
                offset
            }
            // The server gives the same row at every offset, or the block shifted in this moment.
            At::Beyond { last, .. } if first == last && !self.tie.is_mixed => {
                return Ok(self.restart());
            }
            At::Beyond { offset, .. } | At::Confirm { offset, .. } => offset,
        };
        if !self.honours_query(&rows) {
            let listing = self.at(At::Start).without_order();
            return Ok(Turn::Again(listing));
        }
        let bound = self.bound;
        let at_bound = |r: &Row| r.millis().is_none_or(|m| Some(m) == bound);
        let top = rows.iter().filter_map(Row::millis).max().max(bound);
        let block: Vec<Row> = rows.iter().filter(|r| at_bound(r)).cloned().collect();
        let known = self.seen.len();
        let new = self.tie.meet(&mut self.seen, &block);
        let mut next = None;
        if top > bound {
            match self.tie.end(&self.seen, before + distinct(&block)) {
                // What is later comes again once the block is known.
                End::Again => {
                    rows.retain(at_bound);
                    next = Some(At::Start);
                }
                End::Gap => self.part.has_gap = true,
                End::Whole => {}
            }
        }
        self.high = latest(self.high, &rows);
        let last = rows.last().map(|r| r.key.clone()).unwrap_or_default();
        let offset = before + distinct(&rows);
        let at_top: Vec<Row> = rows
            .iter()
            .filter(|r| r.millis().is_none_or(|m| Some(m) == top))
            .cloned()
            .collect();
        rows.retain(|r| !at_bound(r) || new.contains(&r.key));
        let next = match next {
            Some(again) => again,
            None if top > bound => {
                self.bound = top;
                self.tie = Tie::default();
                self.seen.clear();
                Tie::default().meet(&mut self.seen, &at_top);
                At::Start
            }
            // An offset is needed only inside a block of equal times. A row that is given twice has one place.
            None if self.tie.is_mixed => {
                let all = u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
                if offset > all.saturating_mul(2).saturating_add(SLACK) {
                    return Err(misunderstood(
                        "UpKeep's list does not move on: its pages give the same records again",
                    ));
                }
                At::Beyond { offset, last }
            }
            None => {
                // A block has no more known rows than are remembered: from there on the server repeats itself.
                let repeats = rows.is_empty() && offset > u64::try_from(known).unwrap_or(u64::MAX);
                self.idle += u8::from(repeats);
                if rows.is_empty() {
                    At::Confirm { offset, last }
                } else {
                    At::Overlap { offset, last }
                }
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
        match at {
            At::Overlap { .. } if !self.tie.is_mixed => return self.restart(),
            At::Overlap { offset, .. } | At::Beyond { offset, .. } | At::Confirm { offset, .. } => {
                match self.tie.end(&self.seen, offset) {
                    End::Again => return Turn::Again(self.at(At::Start)),
                    End::Gap => self.part.has_gap = true,
                    End::Whole => {}
                }
            }
            _ => {}
        }
        if at != At::Start || self.seen.is_empty() {
            return self.confirmed();
        }
        let Some(id) = self.seen.iter().find(|row| is_id(&row.0)) else {
            // Rows without ids cannot be asked for.
            self.seen.clear();
            return self.confirmed();
        };
        let id = id.0.clone();
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
            // It had records, and has none at all now: believed when it stays so.
            if usize::from(self.doubts) >= DOUBTS.len() {
                return Ok(self.at(At::Start).emptied());
            }
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
        self.tie.restart();
        Turn::Again(self.at(At::Start))
    }

    fn at(self, at: At) -> Cursor {
        Cursor {
            part: self.part,
            mode: Mode::Changes {
                bound: self.bound,
                seen: self.seen,
                tie: self.tie,
            },
            at,
            high: self.high,
            idle: self.idle,
            doubts: self.doubts,
            until: self.until,
        }
    }
}
