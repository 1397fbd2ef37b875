//! Listings of numbered pages.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use cmms_core::ports::adapter::{ExternalRecord, Position, PullPage, PullReq};
use cmms_core::{Error, Result, code};
use serde::{Deserialize, Serialize};

/// How far a filter by time goes back: filters are by whole seconds at the coarsest, and many leave out the
/// time itself.
const STEP_BACK: TimeDelta = TimeDelta::seconds(1);

/// A place in a listing whose pages have numbers and tell how many records there are in all.
///
/// Two ways lead through it:
///
/// - **Everything**, in an order that changes do not alter, such as that of creation. A page's number tells
///   where it is, so that several are asked for at a time. The next listing of changes begins at the latest
///   change of the first page, since all that changes while the others are read is later.
/// - **Changes**, in the order of their time. A change moves its record to the end, so page numbers would
///   slip: instead the bound moves up with each page, and numbers are used only among records of one second.
///
/// A page with fewer records than the total promises never passes for an end, and a total that falls is not
/// believed. Among changes a record may be gone for good; then everything is read. In a listing of everything it is `CMMS-VENDOR-010`, and the next
/// sync begins anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedPages {
    page: u64,
    size: u64,
    /// How many records there must be at least.
    total: u64,
    /// How many changes were passed before the bound.
    #[serde(default)]
    passed: u64,
    /// Changes behind this time; none: everything.
    since: Option<DateTime<Utc>>,
    /// The latest change that the next listing may begin with.
    mark: Option<DateTime<Utc>>,
}

impl NumberedPages {
    /// The place that is asked for; a listing that begins has pages of this size.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a stored place that cannot be read.
    pub fn of(req: &PullReq, size: u32) -> Result<Self> {
        let since = req.since.map(step_back);
        let begin = Self {
            page: 1,
            size: size.max(1).into(),
            // What the bound was taken from is there.
            total: since.is_some().into(),
            passed: 0,
            since,
            mark: None,
        };
        req.position.as_ref().map_or(Ok(begin), Position::read)
    }

    /// For [`Adapter::page_after`](cmms_core::ports::adapter::Adapter::page_after): the page behind a page that
    /// has not come in yet.
    pub fn after(req: &PullReq) -> Option<Position> {
        let at: Self = req.position.as_ref()?.read().ok()?;
        if at.since.is_some() || at.page * at.size >= at.total {
            return None;
        }
        Position::of(&at.to_page(at.page + 1)).ok()
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
        if self.page == 1 || self.since.is_some() {
            self.mark = self.mark.max(last);
        }
        self.total = self.total.max(total);
        let before = self.size * (self.page - 1);
        let due = self.total.saturating_sub(before).min(self.size);
        let is_short = u64::try_from(records.len()).unwrap_or(u64::MAX) < due;
        let bound = last.map(step_back);
        let passed = records.iter().filter(|r| r.updated_at <= bound).count();
        let gone = u64::try_from(passed).unwrap_or(u64::MAX);
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
            Some(_) if is_short => Some(Self {
                total: self.passed + self.total,
                since: None,
                ..self.to_page(1)
            }),
            _ if before + self.size >= self.total => None,
            Some(since) if bound.is_some_and(|bound| bound > since) => Some(Self {
                // What was there behind the bound has not become less: a change goes to the end.
                total: self.total.saturating_sub(before + gone).max(1),
                passed: self.passed + before + gone,
                since: bound,
                ..self.to_page(1)
            }),
            _ => Some(self.to_page(self.page + 1)),
        };
        Ok(PullPage {
            records,
            next: next.as_ref().map(Position::of).transpose()?,
            high_water: self.mark,
        })
    }

    fn to_page(&self, page: u64) -> Self {
        Self {
            page,
            ..self.clone()
        }
    }
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
    fn everything_is_read_by_numbers_that_can_be_told_beforehand() {
        let mut ask = req(None, None);
        assert_eq!(NumberedPages::after(&ask), None);
        for (page, seconds) in [(1, vec![5, 1, 9]), (2, vec![30, 2, 3]), (3, vec![4])] {
            let place = NumberedPages::of(&ask, 3).unwrap();
            assert_eq!((place.page(), place.size(), place.since()), (page, 3, None));
            let told = NumberedPages::after(&ask);
            let turned = place.turn(rows(seconds), 7).unwrap();
            assert!(page == 1 || told == turned.next, "page {page}");
            // What changes while later pages are read is not passed over by the next listing.
            assert_eq!(turned.high_water, Some(at(9)));
            ask.position = turned.next;
        }
        assert_eq!(ask.position, None);
    }

    #[test]
    fn a_list_that_ends_early_is_an_error() {
        let first = NumberedPages::of(&req(None, None), 3).unwrap();
        let next = first.turn(rows([1, 2, 3]), 7).unwrap().next;
        for (seconds, total) in [(vec![], 7), (vec![], 0), (vec![4, 5], 7), (vec![4], 4)] {
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
            vec![10, 12, 20],
            vec![20, 20, 20],
            vec![20, 25, 26],
            vec![26, 27],
        ] {
            let place = NumberedPages::of(&ask, 3).unwrap();
            seen.push((place.page(), place.since().unwrap()));
            let left = [9, 7, 7, 2][seen.len() - 1];
            ask.position = place.turn(rows(seconds), left).unwrap().next;
        }
        let want = [(1, at(9)), (1, at(19)), (2, at(19)), (1, at(25))];
        assert_eq!(seen, want);
        assert_eq!(ask.position, None);
    }

    #[test]
    fn when_the_record_at_the_bound_is_gone_everything_is_read() {
        let ask = req(None, Some(10));
        let turned = NumberedPages::of(&ask, 3).unwrap().turn(Vec::new(), 0);
        let place = NumberedPages::of(&req(turned.unwrap().next, None), 3).unwrap();
        assert_eq!((place.page(), place.since()), (1, None));
        // There was a record, so an empty list is none.
        assert!(place.turn(Vec::new(), 0).unwrap_err().is(code::VENDOR_LIST));
    }
}
