//! Faults of what lists hold.

use cmms_sim::Fault;
use serde_json::Value;

use crate::raw::Bench;

fn ids(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn lists_turn_empty_or_short_until_the_faults_end() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::EmptyList.on("work-orders"));
    for offset in [0, 10] {
        assert_eq!(bench.page(offset).await.records().len(), 0);
    }
    assert_eq!(bench.get("assets").await.records().len(), 25);
    bench.vendor().end_faults();
    bench.vendor().inject(Fault::ShortList.on("work-orders"));
    let counts = [0, 20, 25, 30, 40];
    let mut seen = Vec::new();
    for offset in counts {
        seen.push(bench.page(offset).await.records().len());
    }
    assert_eq!(seen, [10, 10, 5, 0, 0]);
    assert!(!bench.vendor().faults_done());
    bench.vendor().end_faults();
    assert_eq!(bench.page(50).await.records().len(), 10);
    assert_eq!(bench.vendor().oracle().work_orders.len(), 60);
}

#[tokio::test]
async fn a_record_can_be_huge_deep_or_no_utf8() {
    let bench = Bench::start().await;
    let right = bench.page(0).await;
    bench.vendor().inject(Fault::HugeRecord);
    let raw = bench.page(0).await;
    assert!(raw.body.len() > 10_000_000);
    assert_eq!(ids(&raw.records()), ids(&right.records()));
    assert_eq!(
        raw.records()[5]["title"].as_str().unwrap().len(),
        10_000_000
    );
    bench.vendor().inject(Fault::DeepJson);
    let raw = bench.page(0).await;
    assert_eq!(raw.length(), raw.body.len());
    let opened = raw.body.iter().filter(|byte| **byte == b'[').count();
    assert!(opened > 10_000);
    assert!(
        raw.body
            .windows(10_000)
            .any(|part| part.iter().all(|b| *b == b'['))
    );
    bench.vendor().inject(Fault::InvalidUtf8);
    let raw = bench.page(0).await;
    assert!(std::str::from_utf8(&raw.body).is_err());
    let mended = String::from_utf8_lossy(&raw.body).into_owned();
    let mended: Value = serde_json::from_str(&mended).unwrap();
    assert_eq!(
        ids(mended["results"].as_array().unwrap()),
        ids(&right.records())
    );
}

#[tokio::test]
async fn a_page_can_come_again_in_place_of_the_next() {
    let bench = Bench::start().await;
    bench
        .vendor()
        .inject(Fault::DuplicatePage.on("work-orders"));
    let first = bench.page(0).await;
    let again = bench.page(10).await;
    assert_eq!(first.body, again.body);
    assert!(bench.vendor().faults_done());
    assert_ne!(bench.page(10).await.body, first.body);
}

#[tokio::test]
async fn a_record_can_be_twice_in_a_page() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::RecordTwice);
    let page = bench.page(0).await.records();
    assert_eq!(page.len(), 11);
    assert_eq!(page.iter().filter(|record| **record == page[5]).count(), 2);
}

#[tokio::test]
async fn records_move_behind_each_page() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::MovingRecords.times(3));
    let mut before = bench.vendor().oracle();
    for _ in 0..3 {
        bench.page(0).await;
        let after = bench.vendor().oracle();
        assert_ne!(after.work_orders, before.work_orders);
        before = after;
    }
    bench.page(0).await;
    assert_eq!(bench.vendor().oracle(), before);
}

#[tokio::test]
async fn records_around_the_border_share_a_time() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::TiesAtBorder.after(1));
    bench.page(0).await;
    let second = bench.page(10).await.records();
    let third = bench.page(20).await.records();
    assert_eq!(second[9]["updatedAt"], third[0]["updatedAt"]);
    assert_eq!(second[5]["updatedAt"], third[4]["updatedAt"]);
    let oracle = bench.vendor().oracle();
    assert_eq!(
        oracle.work_orders[second[9]["id"].as_str().unwrap()],
        second[9]
    );
}

#[tokio::test]
async fn a_session_ends_before_its_time() {
    let bench = Bench::start().await;
    bench.vendor().inject(Fault::ExpiredToken.after(1));
    assert_eq!(bench.page(0).await.status(), 200);
    assert_eq!(bench.page(10).await.status(), 401);
    // It stays ended: only a login brings another.
    assert_eq!(bench.page(10).await.status(), 401);
}

#[tokio::test]
async fn the_clock_jumps_a_day_and_records_change_by_it() {
    for (fault, days) in [(Fault::ClockAhead, 1), (Fault::ClockBehind, -1)] {
        let bench = Bench::start().await;
        let before = bench.vendor().now();
        bench.vendor().inject(fault);
        let raw = bench.page(0).await;
        let date = chrono::DateTime::parse_from_rfc2822(raw.header("date").unwrap()).unwrap();
        let hours = (date.to_utc() - before).num_hours();
        assert!((hours - 24 * days).abs() <= 1, "{hours}");
        let changed = bench.page(0).await;
        assert_eq!(changed.status(), 200);
        // What changes once more is stamped by the clock that is off.
        let id = bench
            .vendor()
            .oracle()
            .work_orders
            .keys()
            .next()
            .unwrap()
            .clone();
        let stamped = |vendor: &cmms_sim::upkeep::UpkeepVendor| {
            let at = vendor.oracle().work_orders[&id]["updatedAt"].clone();
            at.as_str()
                .unwrap()
                .parse::<chrono::DateTime<chrono::Utc>>()
                .unwrap()
        };
        bench.vendor().set_raw(
            cmms_sim::upkeep::SimEntity::WorkOrder,
            &id,
            serde_json::json!({"title": "x", "updatedAt": before.to_rfc3339()}),
        );
        bench.vendor().update(
            cmms_sim::upkeep::SimEntity::WorkOrder,
            &id,
            serde_json::json!({"title": "y"}),
        );
        assert_eq!(stamped(bench.vendor()), bench.vendor().now());
        let off = (bench.vendor().now() - before).num_hours();
        assert!((off - 24 * days).abs() <= 1, "only one jump: {off}");
    }
}

#[tokio::test]
async fn fields_are_renamed_retyped_and_missing_and_a_status_is_unknown() {
    let bench = Bench::start().await;
    let right = bench.page(0).await.records();
    let mut pages = Vec::new();
    for fault in [
        Fault::RenamedField,
        Fault::RetypedField,
        Fault::MissingField,
        Fault::UnknownEnum,
    ] {
        assert!(fault.changes_content());
        bench.vendor().inject(fault);
        pages.push(bench.page(0).await.records());
    }
    for (n, record) in right.iter().enumerate() {
        assert_eq!(pages[0][n]["titleV2"], record["title"]);
        assert!(pages[0][n]["title"].is_null());
        assert_eq!(pages[1][n]["title"]["text"], record["title"]);
        assert!(pages[2][n]["title"].is_null());
        assert_eq!(pages[3][n]["status"], "quantum-flux");
        assert_eq!(pages[2][n]["updatedAt"], record["updatedAt"]);
    }
    assert_eq!(bench.page(0).await.records(), right);
}
