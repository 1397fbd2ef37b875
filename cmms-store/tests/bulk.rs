//! Measures how fast records go in: `cargo test --release -p cmms-store --test bulk -- --ignored --nocapture`.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use cmms_core::domain::audit::{AuditEntry, Batch, BatchRecord};
use cmms_core::domain::entity::Entity;
use cmms_core::domain::sync_state::{ExternalLink, LinkDigest};
use cmms_core::domain::work_order::WorkOrder;
use cmms_core::ids::RunId;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Dir, Filter, Query, SaveRule, Saved, Store as _, TxMode};
use cmms_core::record::{Cell, Json, RawJson};
use cmms_core::testing::samples;
use common::{open, place, scope};
use std::time::Instant;

const RECORDS: u32 = 120_000;
const BATCH: u32 = 10_000;

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn now() -> Instant {
    Instant::now()
}

fn link(n: u32, raw: &str) -> ExternalLink {
    let mut link = samples::external_link(samples::connection_id(1), n);
    // Vendors' ids come in no order of ours.
    link.external_id = format!("{:08x}", n.wrapping_mul(2_654_435_761));
    link.raw = RawJson(raw.into());
    link
}

fn audit(first: u32) -> AuditEntry {
    let record = |n| BatchRecord {
        id: samples::id(1, n),
        action: "create".into(),
        fields: Vec::new(),
        overwritten: Vec::new(),
    };
    let mut entry = samples::audit_entry(first);
    entry.batch = Some(Json(Batch {
        run: RunId(samples::id(5, 1)),
        entity: Entity::WorkOrder,
        records: (first..first + BATCH).map(record).collect(),
    }));
    entry
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn bulk_load() {
    let (_folder, path) = place();
    let store = open(&path);
    let scope = scope(&store).await;
    let raw = format!("{{\"description\":\"{}\"}}", "raw record ".repeat(70));
    let mut spent = std::time::Duration::ZERO;
    for first in (0..RECORDS).step_by(BATCH as usize) {
        let orders: Vec<_> = (first..first + BATCH).map(samples::work_order).collect();
        let links: Vec<_> = (first..first + BATCH).map(|n| link(n, &raw)).collect();
        let entry = audit(first);
        let begin = now();
        let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
        let a = tx
            .of::<WorkOrder>()
            .save_all(&orders, SaveRule::Insert)
            .await
            .unwrap();
        let b = tx
            .of::<ExternalLink>()
            .save_all(&links, SaveRule::Upsert)
            .await
            .unwrap();
        let c = tx
            .of::<AuditEntry>()
            .save(&entry, SaveRule::Insert)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        spent += begin.elapsed();
        assert!(
            a.iter()
                .chain(&b)
                .chain([&c])
                .all(|s| *s == Saved::Inserted)
        );
    }
    let seconds = spent.as_secs_f64();
    let records = f64::from(RECORDS);
    println!(
        "{RECORDS} records with link, raw and audit: {seconds:.2} s, {:.0} records/s, {:.0} rows/s",
        records / seconds,
        2.0 * records / seconds
    );

    let links: Vec<_> = (0..RECORDS).map(|n| link(n, &raw)).collect();
    let keys: Vec<_> = links
        .iter()
        .map(|l| {
            [
                Cell::Id(l.connection_id.0),
                Cell::text("work_order"),
                Cell::text(&l.external_id),
            ]
        })
        .collect();
    let begin = now();
    let mut tx = store.begin(&scope, TxMode::Once).await.unwrap();
    for chunk in keys.chunks(BATCH as usize) {
        let keys: Vec<_> = chunk.iter().map(|k| k.as_slice()).collect();
        let found = tx.of::<LinkDigest>().get_all(&keys).await.unwrap();
        assert_eq!(found.len(), chunk.len());
    }
    println!(
        "reading {RECORDS} digests by key: {:.2} s",
        begin.elapsed().as_secs_f64()
    );

    let begin = now();
    for n in 0..1_000 {
        let key = [Cell::Id(samples::id(1, n * 100))];
        assert!(tx.of::<WorkOrder>().get(&key).await.unwrap().is_some());
    }
    println!("get by id: {:.1} µs", begin.elapsed().as_secs_f64() * 1e3);

    let mut page = Query {
        filter: Filter::eq(WorkOrder::STATUS, Cell::text("scheduled")),
        order: vec![
            (WorkOrder::UPDATED_AT, Dir::Desc),
            (WorkOrder::ID, Dir::Desc),
        ],
        limit: Some(50),
        ..Query::default()
    };
    let begin = now();
    for n in 0..200_u32 {
        let (at, id) = (samples::at(n * 500 + 500), samples::id(1, n * 500 + 499));
        page.after = Some(vec![Cell::Time(at.timestamp_micros()), Cell::Id(id)]);
        assert_eq!(tx.of::<WorkOrder>().list(&page).await.unwrap().len(), 50);
    }
    println!(
        "list of 50: {:.0} µs",
        begin.elapsed().as_secs_f64() * 1e6 / 200.0
    );
}
