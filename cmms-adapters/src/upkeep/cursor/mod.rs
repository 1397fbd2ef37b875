//! Where a listing stands, and what a page makes of it.
//!
//! Lists have offsets and no cursor, so a record that changes, appears or goes while a list is read shifts
//! its successors. Two ways through a list stand that:
//!
//! - **Changes**: ascending `updatedAt` from a lower bound that moves up with each page. The bound is
//!   inclusive and ids seen at it are remembered; an offset is used only inside a block of equal times, and
//!   then the request overlaps by the one row that must still be there. A block whose rows come in another order
//!   at each request is read until as many ids are known as it has rows, twice the same.
//! - **Listing**: offsets alone, with the same overlap. For lists whose filter or order is not honoured,
//!   which the rows themselves show.
//!
//! A server may give fewer rows than were asked for, so only an empty page (or a 404) is an end, and not every
//! empty page is one: rows that were given must still be in the list or be gone for real, which the record
//! itself tells; and the latest records, asked for in another order, must not be later than the end. What
//! does not fit is asked for again after a pause, and then the list is not believed.

mod changes;
mod listing;
mod part;
mod tie;

use self::changes::Changes;
use self::listing::Listing;
use self::part::{Of, Part};
use self::tie::{Seen, Tie};
use super::wire::Row;
use crate::http::misunderstood;
use chrono::{DateTime, Utc};
use cmms_core::ports::adapter::{ExternalRecord, Remark};
use cmms_core::{Error, Result, code};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Rounds without anything new after which the list cannot be read.
const IDLE_MAX: u8 = 30;
/// Rows of a block of equal times that are remembered; beyond, a row may be given twice.
const SEEN_MAX: usize = 10_000;
/// The filter by time: inclusive, in milliseconds since 1970.
const UPDATED_FROM: &str = "updatedAtGreaterThanOrEqualTo";
/// Pauses before a list that contradicts itself is asked again: an index can lag for a moment.
const DOUBTS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(15),
];

/// Where a listing stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    part: Part,
    #[serde(flatten)]
    mode: Mode,
    at: At,
    /// The latest time seen in this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<DateTime<Utc>>,
    /// Rounds without anything new.
    #[serde(default)]
    idle: u8,
    /// How often the list contradicted itself since it last gave something new.
    #[serde(default, skip_serializing_if = "is_zero")]
    doubts: u8,
    /// The latest change when an end had more behind it: once that is read, the listing ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum Mode {
    Changes {
        /// The lower bound, in milliseconds since 1970; none before the first time is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound: Option<i64>,
        /// Rows given at the bound.
        seen: Vec<Seen>,
        /// How the block of rows at the bound is read.
        #[serde(default, skip_serializing_if = "Tie::is_new")]
        tie: Tie,
    },
    Listing {
        /// The latest rows that were given or known, oldest first.
        known: Vec<String>,
        /// How often the place was lost altogether.
        #[serde(default)]
        lost: u8,
        /// Rows that were given and not met again where they should be.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
    },
}

/// What the next request is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum At {
    /// The first page from the bound, or of the list.
    Start,
    /// The page behind `offset` rows, of which `last` was the last: it is asked for again.
    Overlap { offset: u64, last: String },
    /// Whether anything is behind `offset` rows, after `last` was found to be still in its place.
    Beyond { offset: u64, last: String },
    /// Whether anything is behind `offset` rows that were all known.
    Confirm { offset: u64, last: String },
    /// A page before, to find `last` or another known row in.
    Back { offset: u64, last: String },
    /// Whether a row that was given and is in the list no more is gone for real: the record itself.
    Record { id: String },
    /// Whether the end is the end, asked for in another order: what changed later, or, where the list gave
    /// nothing, the records that were created last.
    Newest,
}

/// What is asked for next.
#[derive(Debug, PartialEq)]
pub(super) enum Ask {
    /// A page of the list.
    List(Vec<(&'static str, String)>),
    /// One record.
    Record(String),
}

/// What a page made of a listing.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    /// Another request is needed.
    Again(Cursor),
    /// The same after a pause: the list contradicts itself.
    Doubt(Duration, Cursor),
    /// Records, and where it goes on.
    Page(Vec<ExternalRecord>, Cursor),
    /// Nothing is left.
    End(Cursor),
}

impl Cursor {
    /// The beginning of a listing of assets.
    pub(super) fn assets(since: Option<DateTime<Utc>>) -> Self {
        Self::begin(Part::new(Of::Whole, bound(since)))
    }

    /// The beginning of a listing of work orders.
    pub(super) fn work_orders(since: Option<DateTime<Utc>>) -> Self {
        Self::begin(Part::new(Of::Plain, bound(since)))
    }

    fn begin(part: Part) -> Self {
        Self {
            mode: Mode::Changes {
                bound: part.from,
                seen: Vec::new(),
                tie: Tie::default(),
            },
            at: At::Start,
            high: None,
            idle: 0,
            doubts: 0,
            until: None,
            part,
        }
    }

    /// The latest time of the first part. Records can leave the second part for the first after that was
    /// read, and then have a later time; those of the second part do not count so that they are not missed.
    pub(super) fn high_water(&self) -> Option<DateTime<Utc>> {
        self.part.before.or(self.high)
    }

    /// Whether every record was asked for, of this part and the one before.
    pub(super) fn is_whole(&self) -> bool {
        let by_offsets = matches!(self.mode, Mode::Listing { .. });
        !self.part.after_changes && (by_offsets || self.part.from.is_none())
    }

    /// What has to be said of the listing so far.
    pub(super) fn remarks(&self) -> Vec<Remark> {
        let gap = "UpKeep gives records that changed at one time in another order at each request, so some of them may be missing";
        let ignored = "UpKeep heeds no archived=true: archived work orders come in only where its lists have them anyway";
        let mut remarks = Vec::new();
        if self.part.has_gap {
            remarks.push(Remark::Gap(gap.into()));
        }
        if self.part.ignores_archived {
            remarks.push(Remark::Ignored(ignored.into()));
        }
        remarks
    }

    /// The next request.
    pub(super) fn ask(&self, limit: u32) -> Ask {
        match &self.at {
            At::Record { id } => Ask::Record(id.clone()),
            _ => Ask::List(self.query(limit)),
        }
    }

    fn query(&self, limit: u32) -> Vec<(&'static str, String)> {
        let mut query = vec![
            ("limit", limit.to_string()),
            ("offset", self.offset().to_string()),
        ];
        if self.part.of == Of::Archived {
            query.push(("archived", "true".to_owned()));
        }
        if self.at == At::Newest {
            query.push(("orderBy", "createdAt DESC".to_owned()));
            // Where the list gave something, only what is behind that is asked for.
            let bound = match self.mode {
                Mode::Changes { bound, .. } if self.high.is_some() => bound,
                _ => None,
            };
            if let Some(bound) = bound {
                query.push((UPDATED_FROM, bound.saturating_add(1).to_string()));
            }
        } else if let Mode::Changes { bound, .. } = &self.mode {
            query.push(("orderBy", "updatedAt ASC".to_owned()));
            if let Some(bound) = bound {
                query.push((UPDATED_FROM, bound.to_string()));
            }
        }
        query
    }

    fn offset(&self) -> u64 {
        match &self.at {
            At::Start | At::Newest | At::Record { .. } => 0,
            At::Overlap { offset, .. } => offset.saturating_sub(1),
            At::Beyond { offset, .. } | At::Confirm { offset, .. } | At::Back { offset, .. } => {
                *offset
            }
        }
    }

    /// Whether a 404 means that nothing is left: behind some rows, and where the list gave some before.
    pub(super) fn can_end(&self) -> bool {
        self.offset() > 0 || self.high_water().is_some()
    }

    /// What is left to do where the server refuses the query; none where it refuses the plain list.
    pub(super) fn refused(self) -> Option<Turn> {
        match self.mode {
            // The other order is not known here: the end has nothing against it.
            Mode::Changes { .. } if self.at == At::Newest => Some(self.end()),
            Mode::Changes { .. } => Some(Turn::Again(self.without_order())),
            Mode::Listing { .. } if self.part.of == Of::Archived => Some(self.end()),
            Mode::Listing { .. } => None,
        }
    }

    /// The same list from its beginning, without filter by time and order.
    fn without_order(self) -> Self {
        let given: Vec<String> = match &self.mode {
            Mode::Changes { seen, .. } => {
                let ids = seen.iter().filter(|row| is_id(&row.0));
                ids.take(1).map(|row| row.0.clone()).collect()
            }
            Mode::Listing { missing, .. } => missing.clone(),
        };
        Self {
            mode: Mode::Listing {
                known: Vec::new(),
                lost: 0,
                missing: given,
            },
            at: At::Start,
            idle: 0,
            ..self
        }
    }

    /// The list contradicts itself: it goes on here after a pause, a few times.
    fn doubt(mut self, at: At) -> Result<Turn> {
        let Some(pause) = DOUBTS.get(usize::from(self.doubts)) else {
            return Err(Error::new(
                code::VENDOR_LIST,
                "UpKeep's list ends early: records that exist are not in it",
            ));
        };
        self.doubts += 1;
        self.at = at;
        Ok(Turn::Doubt(*pause, self))
    }

    /// The end of a part: where the next begins, or the end of all.
    fn end(self) -> Turn {
        match self.part.of {
            Of::Plain => {
                let is_whole = self.is_whole();
                Turn::Again(Self::begin(Part {
                    of: Of::Archived,
                    from: self.part.from.filter(|_| !is_whole),
                    before: self.high_water(),
                    after_changes: !is_whole,
                    ..self.part
                }))
            }
            Of::Whole | Of::Archived => Turn::End(self),
        }
    }

    /// The end of a list that had records and has none at all, however often it is asked: they may all be gone.
    fn emptied(mut self) -> Turn {
        self.part.from = None;
        self.end()
    }

    /// Whether the answer to a request for archived work orders has others: the filter is not heeded, and the rest
    /// was read already. Where the rows do not say what they are, the list begins as it did without the filter.
    fn ignores_archived(&self, rows: &[Row]) -> bool {
        let begins = self.part.of == Of::Archived && self.at == At::Start && self.high.is_none();
        let says = rows.iter().any(|r| r.archived.is_some());
        let first = rows.first().map(|r| &r.key);
        begins
            && (rows.iter().any(|r| r.archived == Some(false))
                || (!says && first.is_some() && first == self.part.first.as_ref()))
    }

    /// Takes the page that the query gave.
    ///
    /// # Errors
    /// `CMMS-VENDOR-004` when the list does not move on, `CMMS-VENDOR-010` when it ends early.
    pub(super) fn turn(mut self, mut rows: Vec<Row>) -> Result<Turn> {
        if self.idle > IDLE_MAX {
            return Err(misunderstood(
                "UpKeep's list does not move on: its pages give the same records again",
            ));
        }
        if self.ignores_archived(&rows) {
            self.part.ignores_archived = true;
            return Ok(self.end());
        }
        // A list with archived ones in it tells nothing of those that do not say what they are.
        let listed_archived = match self.part.of {
            Of::Whole => None,
            Of::Plain => Some(false),
            Of::Archived => Some(true),
        };
        for row in rows.iter_mut().filter(|row| row.archived.is_none()) {
            row.record.listed_archived = listed_archived;
        }
        let Self {
            mut part,
            mode,
            at,
            high,
            idle,
            doubts,
            until,
        } = self;
        if part.of == Of::Plain && at != At::Newest {
            part.first = part.first.or_else(|| Some(rows.first()?.key.clone()));
            if rows.iter().any(Row::is_archived) {
                part.of = Of::Whole;
            }
        }
        match mode {
            Mode::Changes { bound, seen, tie } => Changes {
                part,
                bound,
                seen,
                tie,
                high,
                idle,
                doubts,
                until,
            }
            .turn(at, rows),
            Mode::Listing {
                known,
                lost,
                missing,
            } => Listing {
                part,
                known,
                lost,
                missing,
                high,
                idle,
                doubts,
            }
            .turn(at, rows),
        }
    }

    /// Takes the record that was asked for; none: it does not exist.
    ///
    /// # Errors
    /// `CMMS-VENDOR-010` when the list goes on without a record that it should have.
    pub(super) fn record(mut self, record: Option<Row>) -> Result<Turn> {
        let At::Record { id } = &self.at else {
            return Err(Error::internal("no record was asked for"));
        };
        let listed = record.is_some_and(|row| self.holds(&row));
        match &mut self.mode {
            Mode::Changes { .. } if listed => self.doubt(At::Start),
            Mode::Changes { seen, .. } => {
                // Of many rows at one time a few are asked for.
                seen.retain(|row| row.0 != *id);
                seen.truncate(2);
                self.at = At::Start;
                Ok(Turn::Again(self))
            }
            Mode::Listing { .. } if listed => {
                let last = id.clone();
                self.doubt(At::Back { offset: 0, last })
            }
            Mode::Listing { missing, .. } => {
                missing.retain(|key| key != id);
                match missing.first().cloned() {
                    Some(id) => {
                        self.at = At::Record { id };
                        Ok(Turn::Again(self))
                    }
                    None => Ok(self.end()),
                }
            }
        }
    }

    /// Whether this part of the list has to have a record.
    fn holds(&self, row: &Row) -> bool {
        let in_time = match self.mode {
            Mode::Changes { bound, .. } => row.millis().is_none_or(|m| Some(m) >= bound),
            Mode::Listing { .. } => true,
        };
        in_time
            && match self.part.of {
                Of::Whole => true,
                Of::Plain => !row.is_archived(),
                Of::Archived => row.is_archived(),
            }
    }
}

fn bound(since: Option<DateTime<Utc>>) -> Option<i64> {
    since.map(|at| at.timestamp_millis())
}

fn records(rows: Vec<Row>) -> Vec<ExternalRecord> {
    rows.into_iter().map(|r| r.record).collect()
}

fn latest(high: Option<DateTime<Utc>>, rows: &[Row]) -> Option<DateTime<Utc>> {
    rows.iter()
        .filter_map(|r| r.record.updated_at)
        .max()
        .max(high)
}

/// How many different rows.
fn distinct(rows: &[Row]) -> u64 {
    let keys: BTreeSet<&str> = rows.iter().map(|r| r.key.as_str()).collect();
    u64::try_from(keys.len()).unwrap_or(u64::MAX)
}

/// Whether a record with this key can be asked for: it has an id as ids are documented.
fn is_id(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}
