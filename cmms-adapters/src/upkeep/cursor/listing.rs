//! Reading by offsets alone.

use super::super::wire::Row;
use super::{At, Cursor, Mode, Part, Turn, count, latest, records};
use chrono::{DateTime, Utc};
use cmms_core::Result;

/// Rows that are remembered besides those of the last page, to find the place again and to give none twice.
const KNOWN: usize = 200;
/// Rows that are gone back to find the place again: fewer than are remembered.
const STEP: u64 = 50;
/// How often a listing begins anew because none of the known rows is found; then it goes on where it is.
const LOST_MAX: u8 = 5;

pub(super) struct Listing {
    pub(super) part: Part,
    pub(super) known: Vec<String>,
    pub(super) lost: u8,
    pub(super) high: Option<DateTime<Utc>>,
    pub(super) idle: u8,
}

impl Listing {
    pub(super) fn turn(mut self, at: At, mut rows: Vec<Row>) -> Result<Turn> {
        if rows.is_empty() {
            return Ok(match at {
                At::Overlap { offset, last } => self.back(offset.saturating_sub(1), last),
                At::Back { offset, last } if offset > 0 => self.back(offset, last),
                _ => self.at(At::Start).end(),
            });
        }
        let behind = |last: &str| Some(rows.iter().position(|r| r.key == last)? + 1);
        // Where the last row is gone itself, one that was given before it marks the place.
        let any = || Some(rows.iter().rposition(|r| self.known.contains(&r.key))? + 1);
        let (start, skip, last) = match at {
            At::Start => (0, 0, String::new()),
            At::Overlap { offset, last } | At::Confirm { offset, last } => {
                let start = offset.saturating_sub(1);
                match behind(&last).or_else(any) {
                    Some(skip) => (start, skip, last),
                    None => return Ok(self.back(start, last)),
                }
            }
            At::Back { offset, last } => match behind(&last).or_else(any) {
                Some(skip) => (offset, skip, last),
                None if offset > 0 && self.lost < LOST_MAX => return Ok(self.back(offset, last)),
                None => {
                    self.lost = self.lost.saturating_add(1);
                    (offset, 0, last)
                }
            },
            At::Beyond { offset, last } => {
                let skip = behind(&last).unwrap_or(0);
                self.idle += u8::from(skip > 0);
                (offset, skip, last)
            }
        };
        let offset = start + u64::try_from(skip).unwrap_or(u64::MAX);
        let place = rows
            .get(skip.saturating_sub(1))
            .map_or(last, |r| r.key.clone());
        rows.drain(..skip);
        if rows.is_empty() {
            return Ok(Turn::Again(self.at(At::Beyond {
                offset,
                last: place,
            })));
        }
        self.high = latest(self.high, &rows);
        let next = At::Overlap {
            offset: offset + count(&rows),
            last: rows.last().map(|r| r.key.clone()).unwrap_or_default(),
        };
        let page: Vec<String> = rows.iter().map(|r| r.key.clone()).collect();
        rows.retain(|r| !self.known.contains(&r.key));
        self.remember(page);
        if rows.is_empty() {
            self.idle += 1;
            return Ok(Turn::Again(self.at(next)));
        }
        self.idle = 0;
        Ok(Turn::Page(records(rows), self.at(next)))
    }

    fn remember(&mut self, page: Vec<String>) {
        let keep = KNOWN.max(page.len());
        self.known.retain(|key| !page.contains(key));
        self.known.extend(page);
        let over = self.known.len().saturating_sub(keep);
        self.known.drain(..over);
    }

    /// No row of this page is known: rows before it went, so the place is looked for further in front.
    fn back(mut self, offset: u64, last: String) -> Turn {
        if offset == 0 {
            // Nothing is in front: the list is read from here.
            self.idle += 1;
            return Turn::Again(self.at(At::Start));
        }
        let offset = offset.saturating_sub(STEP);
        Turn::Again(self.at(At::Back { offset, last }))
    }

    fn at(self, at: At) -> Cursor {
        Cursor {
            part: self.part,
            mode: Mode::Listing {
                known: self.known,
                lost: self.lost,
            },
            at,
            high: self.high,
            idle: self.idle,
        }
    }
}
