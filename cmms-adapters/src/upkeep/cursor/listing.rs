//! Reading by offsets alone.

use super::super::wire::Row;
use super::{At, Cursor, Mode, Part, Turn, distinct, is_id, latest, records};
use chrono::{DateTime, Utc};
use cmms_core::Result;

/// Rows that are remembered besides those of the last page, to find the place again and to give none twice.
const KNOWN: usize = 200;
/// Rows that are gone back to find the place again: fewer than are remembered.
const STEP: u64 = 50;
/// Rows that are looked for at the end because they were given and not met again.
const MISSING_MAX: usize = 5;
/// How often a listing begins anew because none of the known rows is found; then it goes on where it is.
const LOST_MAX: u8 = 5;

pub(super) struct Listing {
    pub(super) part: Part,
    pub(super) known: Vec<String>,
    pub(super) lost: u8,
    pub(super) high: Option<DateTime<Utc>>,
    pub(super) idle: u8,
    /// Rows that were given and not met again where they should be.
    pub(super) missing: Vec<String>,
    pub(super) doubts: u8,
}

impl Listing {
    pub(super) fn turn(mut self, at: At, mut rows: Vec<Row>) -> Result<Turn> {
        if rows.is_empty() {
            return Ok(match at {
                At::Overlap { offset, last } => self.back(offset.saturating_sub(1), last),
                At::Back { offset, last } if offset > 0 => self.back(offset, last),
                At::Beyond { .. } => self.end(),
                // The same list gave something when it was asked for in order.
                At::Start if self.known.is_empty() && self.high.is_some() => {
                    return self.at(At::Start).doubt(At::Start);
                }
                _ => {
                    // Nothing is left of what was given.
                    let last = self.known.last().cloned();
                    self.misses(last.as_deref().unwrap_or_default());
                    self.end()
                }
            });
        }
        self.missing
            .retain(|key| rows.iter().all(|r| r.key != *key));
        if let At::Overlap { last, .. } | At::Confirm { last, .. } | At::Back { last, .. } = &at
            && !rows.iter().any(|r| r.key == *last)
        {
            self.misses(&last.clone());
        }
        let behind = |last: &str| Some(rows.iter().rposition(|r| r.key == last)? + 1);
        // Where the last row is gone itself, one that was given before it marks the place.
        let any = || Some(rows.iter().rposition(|r| self.known.contains(&r.key))? + 1);
        let (start, skip, last) = match at {
            At::Start | At::Record { .. } | At::Newest => (0, 0, String::new()),
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
        let offset = start + distinct(rows.get(..skip).unwrap_or_default());
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
            offset: offset + distinct(&rows),
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
        self.doubts = 0;
        Ok(Turn::Page(records(rows), self.at(next)))
    }

    /// A row that was given is not where it should be: the list must not end without it.
    fn misses(&mut self, key: &str) {
        let fits = self.missing.len() < MISSING_MAX && is_id(key);
        if fits && !self.missing.iter().any(|known| known == key) {
            self.missing.push(key.to_owned());
        }
    }

    /// The end, unless rows that were given are in the list no more: then the records are asked for.
    fn end(self) -> Turn {
        match self.missing.first().cloned() {
            Some(id) => Turn::Again(self.at(At::Record { id })),
            None => self.at(At::Start).end(),
        }
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
                missing: self.missing,
            },
            at,
            high: self.high,
            idle: self.idle,
            doubts: self.doubts,
            until: None,
        }
    }
}
