//! Listings that nothing disturbs.

use super::rig::{PATIENT, Rig, assert_same, by_id, first, listed, pages, pages_with, readable};
use crate::ports::adapter::{Pages, Position, Remark, VendorClock};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// A listing of everything ends, and gives every record once and byte for byte.
pub async fn full_listing_gives_every_record_as_it_is_served(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    for entity in readable(&*adapter) {
        let records = listed(&*adapter, &rig.connection(), entity, None)
            .await
            .unwrap();
        let served = rig.records(entity);
        assert_eq!(records.len(), served.len(), "{entity}");
        assert_same(&by_id(records), &served, entity.as_str());
    }
}

/// Where a listing stands is a text: another adapter goes on from every page's end and gives the rest.
pub async fn listing_goes_on_from_every_page_after_a_restart(rig: &dyn Rig) {
    let (adapter, cx) = (rig.adapter(PATIENT), rig.connection());
    for entity in readable(&*adapter) {
        let whole = pages(&*adapter, &cx, first(entity, None)).await.unwrap();
        assert!(
            whole.len() > 2,
            "the rig has too few {entity}s for several pages"
        );
        let mut given = BTreeMap::new();
        let served = rig.records(entity);
        for page in whole {
            given.extend(by_id(page.records));
            let Some(next) = page.next else { break };
            let mut req = first(entity, None);
            req.position = Some(Position(next.0.clone()));
            let rest = pages(&*rig.adapter(PATIENT), &cx, req).await.unwrap();
            let mut all = given.clone();
            all.extend(by_id(rest.into_iter().flat_map(|page| page.records)));
            assert_same(&all, &served, &format!("{entity} from {}", next.0));
        }
        assert_same(&given, &served, entity.as_str());
    }
}

/// A listing since a time gives all that changed then or later; one since the last listing's high-water mark
/// gives all that changed since.
pub async fn listing_since_a_time_gives_what_changed(rig: &dyn Rig) {
    let (adapter, cx) = (rig.adapter(PATIENT), rig.connection());
    let mut marks = BTreeMap::new();
    for (entity, can) in adapter.capabilities().entities.clone() {
        if !can.since {
            continue;
        }
        let whole = pages(&*adapter, &cx, first(entity, None)).await.unwrap();
        let mark = whole.last().and_then(|page| page.high_water);
        marks.insert(entity, mark.unwrap());
        let records: Vec<_> = whole.into_iter().flat_map(|page| page.records).collect();
        let mut times: Vec<_> = records.iter().filter_map(|r| r.updated_at).collect();
        times.sort_unstable();
        for at in [times[0], times[times.len() / 2], times[times.len() - 1]] {
            let since = listed(&*adapter, &cx, entity, Some(at)).await.unwrap();
            let since = by_id(since);
            let changed = records.iter().filter(|r| r.updated_at >= Some(at));
            for record in changed {
                let id = record.external_id.as_deref().unwrap_or_default();
                assert_eq!(
                    since.get(id).map(String::as_str),
                    Some(&*record.raw),
                    "{entity} {id} since {at}"
                );
            }
        }
    }
    let edited = rig.edit(25);
    assert!(!edited.is_empty());
    for (entity, mark) in marks {
        let since = listed(&*adapter, &cx, entity, Some(mark)).await.unwrap();
        let (since, served) = (by_id(since), rig.records(entity));
        for (_, id) in edited.iter().filter(|(of, _)| *of == entity) {
            assert_eq!(since.get(id), served.get(id), "{entity} {id} since {mark}");
        }
        assert!(since.len() <= served.len(), "{entity}");
    }
}

/// A time that no clock has reached, or none reached ever, stops no listing and hides no later change; and what the
/// vendor's clock shows is heard.
pub async fn odd_times_hide_nothing(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let odd = [
        "0001-01-01T00:00:00Z",
        "1900-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2126-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ];
    for (entity, can) in adapter.capabilities().entities.clone() {
        if !can.pull {
            continue;
        }
        for at in odd.map(|at| at.parse().unwrap()) {
            rig.redate(entity, 1, at);
            let mut cx = rig.connection();
            cx.vendor_clock = VendorClock::default();
            let whole = pages(&*adapter, &cx, first(entity, None)).await.unwrap();
            let began = cx.vendor_clock.first();
            let apart = began.map(|began| (rig.now() - began).num_seconds().abs());
            assert!(
                apart.is_some_and(|seconds| seconds < 60),
                "the vendor's clock is not heard: {began:?}"
            );
            let about = format!("{entity} at {at}");
            assert_same(
                &by_id(whole.into_iter().flat_map(|page| page.records)),
                &rig.records(entity),
                &about,
            );
            if !can.since {
                continue;
            }
            let mark = began.unwrap() - can.look_back;
            let edited = rig.edit(10);
            for since in [mark, at.min(mark)] {
                let since = listed(&*adapter, &cx, entity, Some(since)).await.unwrap();
                let (since, served) = (by_id(since), rig.records(entity));
                for (_, id) in edited.iter().filter(|(of, _)| *of == entity) {
                    assert_eq!(since.get(id), served.get(id), "{about}: {id}");
                }
            }
        }
    }
}

/// Many records of one time, in another order at each request, come in all, or the listing says that it has a gap.
pub async fn ties_in_a_changing_order_are_read_whole_or_told(rig: &dyn Rig) {
    let (adapter, cx) = (rig.adapter(PATIENT), rig.connection());
    let at = rig.now() - TimeDelta::hours(1);
    rig.shuffle_ties(true);
    for (entity, can) in adapter.capabilities().entities.clone() {
        if !can.pull {
            continue;
        }
        rig.redate(entity, 60, at);
        for since in [None, can.since.then_some(at - TimeDelta::seconds(5))] {
            let mut req = first(entity, since);
            req.since = since;
            let whole = pages(&*adapter, &cx, req).await.unwrap();
            let mut remarks = whole.iter().flat_map(|page| &page.remarks);
            if remarks.any(|remark| matches!(remark, Remark::Gap(_))) {
                continue;
            }
            let given = by_id(whole.into_iter().flat_map(|page| page.records));
            let served = rig.records(entity);
            let missing = served.iter().filter(|(id, raw)| {
                let record: serde_json::Value = serde_json::from_str(raw).unwrap();
                let changed = record["updatedAt"].as_str().unwrap_or_default();
                let changed = changed.parse::<DateTime<Utc>>().ok();
                changed >= since && !given.contains_key(*id)
            });
            assert_eq!(missing.count(), 0, "{entity} since {since:?}");
        }
    }
    rig.shuffle_ties(false);
}

/// While pages are read records are deleted and others added: none that is there all the time is passed over.
pub async fn records_that_go_move_none_out_of_sight(rig: &dyn Rig) {
    let (adapter, cx) = (rig.adapter(PATIENT), rig.connection());
    for entity in readable(&*adapter) {
        let before = rig.records(entity);
        let req = first(entity, None);
        let whole = pages_with(&*adapter, &cx, req, |asked| {
            if asked < 12 {
                rig.swap(entity);
                // Some at once: more than pages overlap.
                (0..if asked == 3 { 9 } else { 0 }).for_each(|_| rig.swap(entity));
            }
        });
        let given = by_id(
            whole
                .await
                .unwrap()
                .into_iter()
                .flat_map(|page| page.records),
        );
        let after = rig.records(entity);
        let stayed = before.keys().filter(|id| after.contains_key(*id));
        let missing: Vec<_> = stayed.filter(|id| !given.contains_key(*id)).collect();
        assert!(missing.is_empty(), "{entity}: {missing:?}");
    }
}

/// A list that had records and has none is empty, and says that nothing is left.
pub async fn list_that_lost_its_last_record_is_empty(rig: &dyn Rig) {
    let (adapter, cx) = (rig.adapter(PATIENT), rig.connection());
    for (entity, can) in adapter.capabilities().entities.clone() {
        if !can.since || !can.pull {
            continue;
        }
        rig.clear(entity);
        for since in [Some(rig.now() - TimeDelta::hours(1)), None] {
            let whole = pages(&*adapter, &cx, first(entity, since)).await.unwrap();
            let last = whole.last().unwrap();
            assert!(last.is_whole || since.is_none(), "{entity} since {since:?}");
            assert!(whole.iter().all(|page| page.records.is_empty()), "{entity}");
        }
    }
}

/// What it tells of the next page before it has come in is where that begins; it tells nothing where pages are
/// serial.
pub async fn told_positions_are_where_pages_begin(rig: &dyn Rig) {
    let (adapter, cx) = (rig.adapter(PATIENT), rig.connection());
    for (entity, can) in adapter.capabilities().entities.clone() {
        if !can.pull {
            continue;
        }
        let mut req = first(entity, None);
        let mut told = 0;
        loop {
            let guess = adapter.page_after(&req);
            let page = adapter.pull(&cx, &req).await.unwrap();
            if guess.is_some() {
                told += 1;
                assert_eq!(guess, page.next, "{entity} after {:?}", req.position);
            }
            let Some(next) = page.next else { break };
            req.position = Some(next);
        }
        let numbered = matches!(can.pages, Pages::Numbered { .. });
        assert_eq!(
            told > 0,
            numbered,
            "{entity}: {told} positions are told, {:?}",
            can.pages
        );
    }
}
