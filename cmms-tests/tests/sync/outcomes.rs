//! What a run says of its records: each counts once, and only what was written is good.

use cmms::{AssetType, Entity, ListRuns, RegisterAsset, SyncRun, SyncStatus};
use cmms_tests::Where;
use cmms_tests::listed::{Bench, record};
use serde_json::json;

/// Assets of the vendor, the first of which gets no tag since both it could have are taken.
async fn refused_first(place: Where, how_many: usize) -> (Bench, SyncRun) {
    let bench = Bench::new(place).await;
    for tag in [
        "A-00000".to_owned(),
        format!("{}:A-00000", bench.connection.slug),
    ] {
        let local = RegisterAsset::new(tag, "Local", AssetType::Tool);
        bench.client.assets().register(local).await.unwrap();
    }
    let assets = (0..how_many).map(|n| {
        let id = format!("A-{n:05}");
        record(&id, json!({ "id": id, "name": format!("Pump {n}") }))
    });
    bench.vendor.list(Entity::Asset, vec![assets.collect()]);
    let run = bench.sync().await;
    (bench, run)
}

/// A page is written in pieces of 500; the one that is refused is in the first, and the last may not call it good.
pub async fn refused_while_written_waits(place: Where) -> Result<(), String> {
    let (bench, run) = refused_first(place, 1_200).await;
    let waiting = bench.quarantine().await;
    let told = (run.status, run.created, run.quarantined, waiting.len());
    if told != (SyncStatus::Partial, 1_199, 1, 1) {
        return Err(format!("{told:?}"));
    }
    let item = &waiting["A-00000"];
    assert_eq!(
        (item.field.as_str(), item.reason.as_str()),
        ("id", "tag_taken")
    );
    // Nor is it good when it comes again among records that are as they were.
    let again = bench.force().await;
    let told = (again.status, again.unchanged, again.quarantined);
    assert_eq!(told, (SyncStatus::Partial, 1_199, 1), "{again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_refused_while_it_is_written_stays_in_quarantine() {
    let _quiet = super::twins::quiet().await;
    for place in [Where::Memory, Where::Sqlite, Where::Postgres] {
        refused_while_written_waits(place).await.unwrap();
    }
}

fn order(id: &str, title: &str) -> cmms::core::ports::adapter::ExternalRecord {
    record(id, json!({ "id": id, "title": title }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_comes_several_times_in_a_run_counts_once() {
    for place in [Where::Memory, Where::Sqlite, Where::Postgres] {
        let bench = Bench::new(place).await;
        let pages = vec![
            vec![
                order("1", "a"),
                order("2", "b"),
                order("1", "a"),
                order("3", ""),
            ],
            vec![order("1", "changed"), order("3", "")],
            vec![order("2", "b"), order("3", " "), order("4", "d")],
        ];
        bench.vendor.list(Entity::WorkOrder, pages);
        for (run, created, unchanged) in [
            (bench.sync().await, 3, 0),
            // The first is stored as changed; its old form comes and goes.
            (bench.force().await, 0, 2),
        ] {
            let counts = &run.streams.0[1];
            assert_eq!(counts.fetched, 9, "what the vendor sent");
            assert_eq!(
                (run.status, run.created, run.unchanged, run.quarantined),
                (SyncStatus::Partial, created, unchanged, 1),
                "{run:?}"
            );
            assert_eq!(run.synced_count, 3, "{run:?}");
            assert_eq!(run.errors.0.len(), 1, "{run:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_which_a_record_was_refused_is_partial_even_if_it_came_in_later() {
    for place in [Where::Memory, Where::Sqlite, Where::Postgres] {
        let bench = Bench::new(place).await;
        let pages = vec![vec![order("1", "")], vec![order("1", "a title")]];
        bench.vendor.list(Entity::WorkOrder, pages);
        let run = bench.sync().await;
        let told = (run.status, run.created, run.quarantined, run.errors.0.len());
        assert_eq!(told, (SyncStatus::Partial, 1, 0, 1), "{run:?}");
        assert!(bench.quarantine().await.is_empty());
        let stored = bench.client.runs().list(ListRuns::new()).await.unwrap();
        assert_eq!(stored.items[0].status, SyncStatus::Partial);
        // The next one has nothing to tell.
        bench
            .vendor
            .list(Entity::WorkOrder, vec![vec![order("1", "a title")]]);
        assert_eq!(bench.sync().await.status, SyncStatus::Ok);
    }
}
