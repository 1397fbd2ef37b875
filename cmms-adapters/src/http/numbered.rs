//! Listings of numbered pages.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use cmms_core::failpoint::{Failpoint, is_on};
use cmms_core::ports::adapter::{ExternalRecord, Position, PullPage, PullReq};
use cmms_core::{Error, Result, code};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How far a filter by time goes back: filters are by whole seconds at the coarsest, and many leave out the
/// time itself.
const STEP_BACK: TimeDelta = TimeDelta::seconds(1);
/// From which size on pages overlap by two records: then one that went is met without going back.
const OVERLAPS_TWICE: u64 = 20;

/// A place in a listing whose pages have numbers and tell how many records there are in all.
///
/// Two ways lead through it:
///
/// - **Everything**, in an order that changes do not alter, such as that of creation. A page's number tells
///   where it is, so that several are asked for at a time. The next listing of changes begins at the latest
///   change of the first page, since all that changes while the others are read is later.
/// - **Changes**, in the order of their time. A change moves its record to the end, so page numbers would
///   slip: instead the bound moves up with each page, and numbers are used only among records of one second.
///   Where such a record is met twice, their order is another one at each request, and everything is read.
///
/// A record that goes while pages are read moves those behind it forward, and where another comes meanwhile the total
/// does not tell. So each page overlaps the one before by a record or more: its size is chosen so that it begins
/// before the place that was reached, at little cost. The core looks for the overlap, and goes back where there is
/// none. Pages of fewer than five records may stand side by side.
///
/// A page with fewer records than the total promises never passes for an end, and a total that falls is not
/// believed. Among changes a record may be gone for good; then everything is read. In a listing of everything it is
/// `CMMS-VENDOR-010`, and the next sync begins anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedPages {
    page: u64,
    size: u64,
    /// The largest page that is asked for.
    full: u64,
    /// How many records of the list the pages before reached.
    covered: u64,
    /// How many records there must be at least.
    total: u64,
    /// How many changes were passed before the bound.
    #[serde(default)]
    passed: u64,
    /// Changes behind this time; none: everything.
    since: Option<DateTime<Utc>>,
    /// The latest change that the next listing may begin with.
    mark: Option<DateTime<Utc>>,
    /// The changes met since the bound moved, by hashes of their ids.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    met: BTreeSet<u64>,
}

impl NumberedPages {
    /// The place that is asked for; a listing that begins has pages of this size.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a stored place that cannot be read.
    pub fn of(req: &PullReq, size: u32) -> Result<Self> {
        let size = size.max(1).into();
        let begin = Self {
            page: 1,
            size,
            full: size,
            covered: 0,
            total: 0,
            passed: 0,
            since: req.since.map(step_back),
            mark: None,
            met: BTreeSet::new(),
        };
        req.position.as_ref().map_or(Ok(begin), Position::read)
    }

    /// For [`Adapter::page_after`](cmms_core::ports::adapter::Adapter::page_after): the page behind a page that
    /// has not come in yet.
    pub fn after(req: &PullReq) -> Option<Position> {
        let at: Self = req.position.as_ref()?.read().ok()?;
        if at.since.is_some() || at.end() >= at.total {
            return None;
        }
        Position::of(&at.following()).ok()
    }

    /// The number of the page, from 1.
    pub fn page(&self) -> u64 {
        self.page
    }

    /// How many records a page has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Only records that changed after this time are wanted; none: every record.
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// The same time as RFC 3339 in whole seconds, as many vendors take it.
    pub fn since_rfc3339(&self) -> Option<String> {
        self.since
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    /// The same, once the answer says that it is the page that was asked for: some servers give the page before
    /// once more. Vendors that number their answers are worth asking.
    ///
    /// # Errors
    /// `CMMS-VENDOR-010` for another page.
    pub fn is_page(self, answered: u64) -> Result<Self> {
        if answered == self.page {
            return Ok(self);
        }
        let what = format!(
            "the vendor answers page {answered} instead of {}",
            self.page
        );
        Err(Error::new(code::VENDOR_LIST, what))
    }

    /// Makes the page of the records that came in; `total` is how many the vendor says that the listing has.
    ///
    /// # Errors
    /// `CMMS-VENDOR-010` when records are missing.
    pub fn turn(mut self, records: Vec<ExternalRecord>, total: u64) -> Result<PullPage> {
        let last = records.iter().filter_map(|r| r.updated_at).max();
        if self.covered == 0 || self.since.is_some() {
            self.mark = self.mark.max(last);
        }
        self.total = self.total.max(total);
        // What the bound was taken from is there.
        let least = self.total.max(self.since.is_some().into());
        let due = least.saturating_sub(self.before()).min(self.size);
        let is_short = u64::try_from(records.len()).unwrap_or(u64::MAX) < due;
        let bound = last.map(step_back);
        let passed = records.iter().filter(|r| r.updated_at <= bound).count();
        let gone = self.before() + u64::try_from(passed).unwrap_or(u64::MAX);
        let meets_again = self.since.is_some() && self.meets_again(&records);
        let moves = bound.is_some() && bound > self.since;
        let next = match self.since {
            None if is_short => {
                return Err(Error::new(
                    code::VENDOR_LIST,
                    format!(
                        "the vendor's list ends before {} records, which is how many it has",
                        self.total
                    ),
                ));
            }
            // Everything is no less than the changes were.
            Some(_) if is_short || meets_again => Some(Self {
                total: self.passed + self.total,
                since: None,
                ..self.anew()
            }),
            _ if self.end() >= self.total => None,
            Some(_) if moves => Some(Self {
                // What was there behind the bound has not become less: a change goes to the end.
                total: self.total.saturating_sub(gone).max(1),
                passed: self.passed + gone,
                since: bound,
                ..self.anew()
            }),
            _ => Some(self.following()),
        };
        let next = next.as_ref().map(Position::of).transpose()?;
        Ok(PullPage {
            high_water: self.mark,
            is_whole: self.since.is_none(),
            overlaps: self.before() < self.covered,
            ..PullPage::new(records, next)
        })
    }

    /// How many records of the list stand before the page.
    fn before(&self) -> u64 {
        self.size.saturating_mul(self.page.saturating_sub(1))
    }

    /// How many stand before its end.
    fn end(&self) -> u64 {
        self.size.saturating_mul(self.page)
    }

    /// Whether a change was met since the bound moved that is no part of the overlap. Notes those that were not.
    fn meets_again(&mut self, records: &[ExternalRecord]) -> bool {
        let overlap = self.covered.saturating_sub(self.before());
        let overlap = usize::try_from(overlap).unwrap_or(usize::MAX);
        let ids = records.iter().map(|r| r.external_id.as_deref());
        let mut again = false;
        let mut here = BTreeSet::new();
        for (at, id) in ids.enumerate() {
            let Some(id) = id.map(hash) else { continue };
            // A record that a page has twice has one place.
            if here.insert(id) && !self.met.insert(id) && at >= overlap {
                again = true;
            }
        }
        again && !is_on(Failpoint::BelieveOffsets)
    }

    /// The first page, of the same listing.
    fn anew(&self) -> Self {
        Self {
            page: 1,
            size: self.full,
            covered: 0,
            met: BTreeSet::new(),
            ..self.clone()
        }
    }

    /// The page that goes on behind this one: of the sizes above the half of a full page the one whose page reaches
    /// furthest and begins before the place that was reached.
    fn following(&self) -> Self {
        let covered = self.end();
        let overlap = |size: u64| covered.checked_rem(size).unwrap_or(0);
        let least = 1 + u64::from(self.full >= OVERLAPS_TWICE);
        let size = (self.full / 2 + 1..=self.full)
            .filter(|size| overlap(*size) >= least && overlap(*size) < *size)
            .max_by_key(|size| size - overlap(*size));
        // Side by side only where no page of another size would do.
        let size = size.unwrap_or_else(|| {
            let even = (1..=self.full).rev().find(|size| overlap(*size) == 0);
            even.unwrap_or(1)
        });
        Self {
            page: covered.checked_div(size).unwrap_or(covered) + 1,
            size,
            covered,
            ..self.clone()
        }
    }
}

/// FNV-1a: the same on every machine and in every version, since positions are stored.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// The time behind which a filter surely has what changed at this one.
fn step_back(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_sub_signed(STEP_BACK).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cmms_core::domain::entity::Entity;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + second, 0).unwrap()
    }

    fn rows(seconds: impl IntoIterator<Item = i64>) -> Vec<ExternalRecord> {
        let record = |second| ExternalRecord {
            listed_archived: None,
            external_id: None,
            updated_at: Some(at(second)),
            raw: "{}".into(),
        };
        seconds.into_iter().map(record).collect()
    }

    fn req(position: Option<Position>, since: Option<i64>) -> PullReq {
        PullReq {
            entity: Entity::Asset,
            position,
            since: since.map(at),
        }
    }

    #[test]
    fn everything_is_read_by_pages_that_overlap_and_can_be_told_beforehand() {
        for full in [1, 2, 3, 5, 20, 100, 1000] {
            let all = 10 * i64::from(full) + 7;
            let mut ask = req(None, None);
            let (mut covered, mut requests) = (0, 0);
            loop {
                let place = NumberedPages::of(&ask, full).unwrap();
                let (from, to) = (place.before(), place.end().min(all as u64));
                let told = NumberedPages::after(&ask);
                assert!(place.size() <= u64::from(full) && to > covered, "{place:?}");
                assert!(from < covered || covered == 0 || full < 5, "{place:?}");
                let seconds = (from as i64..to as i64).map(|n| (n * 37) % 60);
                let turned = place.turn(rows(seconds), all as u64).unwrap();
                assert_eq!(turned.overlaps, from < covered);
                // What changes while later pages are read is not passed over by the next listing.
                let first = (0..i64::from(full)).map(|n| (n * 37) % 60).max().unwrap();
                assert_eq!(turned.high_water, Some(at(first)));
                assert!(requests == 0 || told == turned.next, "{told:?}");
                (covered, requests) = (to, requests + 1);
                ask.position = turned.next;
                if ask.position.is_none() {
                    break;
                }
            }
            assert_eq!(covered, all as u64);
            assert!(full < 100 || requests <= 13, "{full}: {requests}");
        }
    }

    #[test]
    fn a_list_that_ends_early_is_an_error() {
        let first = NumberedPages::of(&req(None, None), 3).unwrap();
        let next = first.turn(rows([1, 2, 3]), 7).unwrap().next;
        for (seconds, total) in [(vec![], 7), (vec![], 0), (vec![4], 7), (vec![4], 4)] {
            let place = NumberedPages::of(&req(next.clone(), None), 3).unwrap();
            let e = place.turn(rows(seconds), total).unwrap_err();
            assert!(e.is(code::VENDOR_LIST));
        }
    }

    #[test]
    fn another_page_than_the_one_asked_for_is_an_error() {
        let first = NumberedPages::of(&req(None, None), 3).unwrap();
        assert!(first.clone().is_page(2).unwrap_err().is(code::VENDOR_LIST));
        assert_eq!(first.clone().is_page(1).unwrap(), first);
    }

    #[test]
    fn changes_are_read_by_a_bound_and_by_numbers_only_within_a_second() {
        let mut ask = req(None, Some(10));
        let mut seen = Vec::new();
        for seconds in [
            vec![10, 12, 20, 20, 20],
            vec![20, 20, 20, 20, 20],
            vec![20, 20, 25, 26],
            vec![26, 27],
        ] {
            let place = NumberedPages::of(&ask, 5).unwrap();
            seen.push((place.page(), place.size(), place.since().unwrap()));
            let left = [11, 9, 9, 2][seen.len() - 1];
            ask.position = place.turn(rows(seconds), left).unwrap().next;
        }
        let want = [
            (1, 5, at(9)),
            (1, 5, at(19)),
            (2, 4, at(19)),
            (1, 5, at(25)),
        ];
        assert_eq!(seen, want);
        assert_eq!(ask.position, None);
    }

    #[test]
    fn changes_of_one_time_that_are_met_twice_are_not_read_by_numbers() {
        let named = |ids: &[&str]| -> Vec<ExternalRecord> {
            let of = |id: &&str| ExternalRecord {
                listed_archived: None,
                external_id: Some((*id).to_owned()),
                ..rows([20]).remove(0)
            };
            ids.iter().map(of).collect()
        };
        for (second, is_whole) in [(["e", "f", "g", "h"], false), (["e", "f", "a", "h"], true)] {
            let first = NumberedPages::of(&req(None, Some(20)), 5).unwrap();
            let next = first
                .turn(named(&["a", "b", "c", "d", "e"]), 9)
                .unwrap()
                .next;
            let place = NumberedPages::of(&req(next, None), 5).unwrap();
            assert_eq!((place.page(), place.size()), (2, 4));
            let next = place.turn(named(&second), 9).unwrap().next;
            let place = NumberedPages::of(&req(next, None), 5).unwrap();
            assert_eq!(place.since().is_none(), is_whole, "{second:?}");
        }
    }

    #[test]
    fn when_the_record_at_the_bound_is_gone_everything_is_read() {
        let ask = req(None, Some(10));
        let turned = NumberedPages::of(&ask, 3).unwrap().turn(Vec::new(), 0);
        let place = NumberedPages::of(&req(turned.unwrap().next, None), 3).unwrap();
        assert_eq!((place.page(), place.since()), (1, None));
        // The last record may have been deleted.
        let end = place.clone().turn(Vec::new(), 0).unwrap();
        assert!(end.next.is_none() && end.is_whole);
        assert!(place.turn(Vec::new(), 1).unwrap_err().is(code::VENDOR_LIST));
    }
}
