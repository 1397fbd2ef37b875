//! Up to when the records of a vendor are known to be here, by the vendor's clock.
//!
//! The times of records are what anybody wrote into them, and a vendor's clock can be set. So the mark at which
//! the next listing of changes begins is never later than the moment at which this one began, by the clock that
//! the vendor's own answers show, less what changes take to show in its lists. Where that clock went back since,
//! the mark goes back with it.

use super::run::error_of;
use super::sieve::Records;
use crate::clock::micros;
use crate::domain::entity::Entity;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::Checkpoint;
use crate::failpoint::{Failpoint, is_on};
use crate::ports::adapter::{Position, Remark};
use crate::record::Json;
use crate::{Error, code};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Seconds from 1970 back to the first moment of the year 1: no mark is earlier.
const FIRST: i64 = -62_135_596_800;

/// How far clocks are apart at two moments though nobody set them: `Date` is in whole seconds, and replicas differ.
const LITTLE: Duration = Duration::from_mins(1);

/// What a listing makes of its checkpoint.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    /// The mark before it, as far as the clocks of today bear it out. None: nothing is known to be here.
    pub(super) before: Option<DateTime<Utc>>,
    /// Whether everything is listed, so that nothing before counts.
    pub(super) is_whole: bool,
    /// When it began: by our clock, and by the vendor's where that was heard.
    began: Option<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    look_back: Duration,
    /// Whether records may be missing.
    has_gap: bool,
    /// The ids that the latest page ends with.
    seam: Vec<String>,
}

impl Mark {
    /// That of a listing that begins now.
    pub(super) fn beginning(
        stored: &Checkpoint,
        here: DateTime<Utc>,
        vendor: Option<DateTime<Utc>>,
        look_back: Duration,
    ) -> Self {
        let mut mark = Self {
            before: None,
            is_whole: false,
            began: Some((here, vendor)),
            look_back,
            has_gap: false,
            seam: Vec::new(),
        };
        mark.before = mark.borne_out(stored);
        mark
    }

    /// That of a listing that began in an earlier run; none where it is not known when.
    pub(super) fn going_on(stored: &Checkpoint, look_back: Duration) -> Option<Self> {
        Some(Self {
            before: stored.high_water,
            is_whole: stored.is_whole,
            began: Some((stored.began_at?, stored.vendor_clock)),
            look_back,
            has_gap: false,
            seam: Vec::new(),
        })
    }

    /// Heeds what a page says of the listing.
    pub(super) fn heed(&mut self, remarks: &[Remark], is_whole: bool, seam: Vec<String>) {
        self.seam = seam;
        self.is_whole |= is_whole;
        self.has_gap |= remarks.iter().any(|r| matches!(r, Remark::Gap(_)));
    }

    /// The stored mark, earlier by as much as the vendor's clock went back against ours since it was taken.
    ///
    /// One that lies beyond the present moment all the same was taken from a clock of which nothing is known: what
    /// changed since cannot be told by times, so everything is read.
    fn borne_out(&self, stored: &Checkpoint) -> Option<DateTime<Utc>> {
        let mark = stored.high_water?;
        if is_on(Failpoint::BelieveTimes) {
            return Some(mark);
        }
        let ahead = |vendor: Option<DateTime<Utc>>, here: Option<DateTime<Utc>>| {
            Some(vendor?.signed_duration_since(here?))
        };
        let (here, vendor) = self.began?;
        let then = ahead(stored.vendor_clock, stored.began_at);
        // By a little they differ always, and the look-back covers that.
        let little = TimeDelta::from_std(LITTLE.min(self.look_back)).unwrap_or_default();
        let back = match (then, ahead(vendor, Some(here))) {
            (Some(then), Some(now)) => Some(then - now).filter(|back| *back > little),
            _ => None,
        };
        let mark = mark.checked_sub_signed(back.unwrap_or_default())?;
        let latest = self.latest().checked_add_signed(little)?;
        (mark <= latest).then_some(mark)
    }

    /// The latest that a mark of this listing may be.
    fn latest(&self) -> DateTime<Utc> {
        let began = self.began.map(|(here, vendor)| vendor.unwrap_or(here));
        let look_back = TimeDelta::from_std(self.look_back).unwrap_or(TimeDelta::MAX);
        began
            .and_then(|at| at.checked_sub_signed(look_back))
            .map_or_else(first, |at| micros(at).max(first()))
    }

    /// The checkpoint once a page is stored, whose listing has seen changes up to a time. The mark moves when the
    /// listing is complete.
    pub(super) fn behind(
        &self,
        stored: &Checkpoint,
        next: Option<&Position>,
        seen: Option<DateTime<Utc>>,
    ) -> Checkpoint {
        // Where records may be missing, the next listing looks for them again.
        let high_water = if next.is_some() || self.has_gap {
            self.before
        } else {
            self.after(seen)
        };
        if next.is_none() && stored.position.is_none() && stored.high_water == high_water {
            // Nothing moved, and to say since when is not worth a write.
            return stored.clone();
        }
        Checkpoint {
            position: next.map(|at| at.0.clone()),
            high_water,
            began_at: self.began.map(|(here, _)| here),
            vendor_clock: self.began.and_then(|(_, vendor)| vendor),
            is_whole: self.is_whole,
            seam: (next.is_some() && !self.seam.is_empty()).then(|| Json(self.seam.clone())),
            ..stored.clone()
        }
    }

    /// The mark once the listing is complete.
    fn after(&self, seen: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        if is_on(Failpoint::BelieveTimes) {
            return self.before.max(seen);
        }
        let seen = if self.is_whole {
            seen
        } else {
            self.before.max(seen)
        };
        seen.map(|at| at.min(self.latest()).max(first()))
    }
}

fn first() -> DateTime<Utc> {
    DateTime::from_timestamp(FIRST, 0).unwrap_or_default()
}

/// The records of a run that are dated later than the vendor's clock shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Ahead(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    /// Their ids, by their hashes.
    ids: HashSet<u64>,
    hasher: RandomState,
    /// The latest of them, and what the clock showed.
    latest: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Ahead {
    /// Notes those of a page that are later than now by more than clocks are apart.
    pub(super) fn note(&self, records: &Records, now: DateTime<Utc>, apart: Duration) {
        let apart = TimeDelta::from_std(apart).unwrap_or(TimeDelta::MAX);
        let Some(limit) = now.checked_add_signed(apart) else {
            return;
        };
        let dated = records
            .iter()
            .filter_map(|(id, r)| Some((id, r.updated_at?)));
        for (id, at) in dated.filter(|(_, at)| *at > limit) {
            let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let id = found.hasher.hash_one(id);
            found.ids.insert(id);
            found.latest = found.latest.max(Some((at, now)));
        }
    }

    /// Tells of them in the run.
    pub(super) fn tell(&self, entity: Entity, run: &mut SyncRun) {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((latest, now)) = found.latest else {
            return;
        };
        let detail = format!(
            "{} records of {entity} are dated later than the vendor's clock, which shows {now}; the latest {latest}",
            found.ids.len(),
        );
        let why = Error::new(code::RECORDS_AHEAD, detail);
        run.add_error(error_of(&why, Some(entity), None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ConnectionId;
    use uuid::Uuid;

    const LOOK_BACK: Duration = Duration::from_mins(10);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn stored(mark: &str, began: Option<(&str, Option<&str>)>) -> Checkpoint {
        Checkpoint {
            high_water: Some(at(mark)),
            began_at: began.map(|(here, _)| at(here)),
            vendor_clock: began.and_then(|(_, vendor)| vendor).map(at),
            ..Checkpoint::new(ConnectionId(Uuid::nil()), Entity::Asset)
        }
    }

    fn begin(stored: &Checkpoint, here: &str, vendor: Option<&str>) -> Mark {
        Mark::beginning(stored, at(here), vendor.map(at), LOOK_BACK)
    }

    #[test]
    fn a_mark_never_passes_the_beginning_of_the_listing() {
        let nothing = Checkpoint::new(ConnectionId(Uuid::nil()), Entity::Asset);
        // Seen, our clock, the vendor's, the mark.
        for (seen, here, vendor, mark) in [
            (
                "2126-01-01T00:00:00Z",
                "2026-06-01T08:00:00Z",
                None,
                "2026-06-01T07:50:00Z",
            ),
            (
                "2126-01-01T00:00:00Z",
                "2020-01-01T00:00:00Z",
                Some("2026-06-01T08:00:00Z"),
                "2026-06-01T07:50:00Z",
            ),
            (
                "2026-06-01T07:55:00Z",
                "2026-06-01T08:00:00Z",
                None,
                "2026-06-01T07:50:00Z",
            ),
            (
                "2026-06-01T07:00:00Z",
                "2026-06-01T08:00:00Z",
                None,
                "2026-06-01T07:00:00Z",
            ),
            (
                "1969-12-31T23:59:59.999Z",
                "2026-06-01T08:00:00Z",
                None,
                "1969-12-31T23:59:59.999Z",
            ),
            (
                "0001-01-01T00:00:00Z",
                "2026-06-01T08:00:00Z",
                None,
                "0001-01-01T00:00:00Z",
            ),
            (
                "9999-12-31T23:59:59Z",
                "9999-12-31T23:59:59Z",
                None,
                "9999-12-31T23:49:59Z",
            ),
            (
                "2026-06-01T07:00:00Z",
                "2026-06-01T08:00:00Z",
                Some("0001-01-01T00:00:00Z"),
                "0001-01-01T00:00:00Z",
            ),
        ] {
            let done = begin(&nothing, here, vendor).behind(&nothing, None, Some(at(seen)));
            assert_eq!(done.high_water, Some(at(mark)), "{seen} {here} {vendor:?}");
        }
        for odd in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let mark = Mark::beginning(&nothing, odd, Some(odd), LOOK_BACK);
            let done = mark.behind(&nothing, None, Some(odd)).high_water.unwrap();
            assert!(done >= first());
        }
    }

    #[test]
    fn a_mark_goes_back_with_the_clock_it_was_taken_from() {
        let taken = Some(("2026-06-01T08:00:00Z", Some("2026-06-02T08:00:00Z")));
        let before = stored("2026-06-02T07:50:00Z", taken);
        // The clock was a day ahead: what changed at 8:05 has a time below the mark.
        let set_right = begin(
            &before,
            "2026-06-01T09:00:00Z",
            Some("2026-06-01T09:00:00Z"),
        );
        assert_eq!(set_right.before, Some(at("2026-06-01T07:50:00Z")));
        let unchanged = begin(
            &before,
            "2026-06-01T09:00:00Z",
            Some("2026-06-02T09:00:00Z"),
        );
        assert_eq!(unchanged.before, before.high_water);
        let a_little = begin(
            &before,
            "2026-06-01T09:00:00Z",
            Some("2026-06-02T08:59:10Z"),
        );
        assert_eq!(a_little.before, before.high_water);
        let at_once = begin(
            &before,
            "2026-06-01T08:00:00Z",
            Some("2026-06-02T07:59:59Z"),
        );
        assert_eq!(at_once.before, before.high_water);
        let further = begin(
            &before,
            "2026-06-01T09:00:00Z",
            Some("2026-06-03T09:00:00Z"),
        );
        assert_eq!(further.before, before.high_water);
        // Both clocks went back: nothing is known of what changed since.
        let both = begin(
            &before,
            "2026-05-01T09:00:00Z",
            Some("2026-05-02T09:00:00Z"),
        );
        assert_eq!(both.before, None);
    }

    #[test]
    fn a_mark_in_the_future_of_which_nothing_is_known_is_not_believed() {
        let before = stored("2126-01-01T00:00:00Z", None);
        assert_eq!(begin(&before, "2026-06-01T08:00:00Z", None).before, None);
    }

    #[test]
    fn a_listing_of_everything_sets_the_mark_and_one_of_changes_does_not_lower_it() {
        let taken = Some(("2026-06-01T08:00:00Z", None));
        let before = stored("2026-06-01T07:50:00Z", taken);
        let mut mark = begin(&before, "2026-06-01T09:00:00Z", None);
        let seen = Some(at("2026-05-01T00:00:00Z"));
        assert_eq!(mark.behind(&before, None, seen), before);
        mark.is_whole = true;
        assert_eq!(mark.behind(&before, None, seen).high_water, seen);
        assert_eq!(mark.behind(&before, None, None).high_water, None);
    }

    #[test]
    fn a_listing_that_goes_on_in_a_later_run_began_when_it_began() {
        let nothing = Checkpoint::new(ConnectionId(Uuid::nil()), Entity::Asset);
        let begun = begin(
            &nothing,
            "2026-06-01T08:00:00Z",
            Some("2026-06-01T08:00:05Z"),
        );
        let halfway = begun.behind(&nothing, Some(&Position("{}".to_owned())), None);
        let later = Mark::going_on(&halfway, LOOK_BACK).unwrap();
        let done = later.behind(&halfway, None, Some(at("2026-06-01T12:00:00Z")));
        assert_eq!(done.high_water, Some(at("2026-06-01T07:50:05Z")));
        assert_eq!(done.position, None);
    }
}
