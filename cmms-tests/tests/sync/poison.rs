//! One record that cannot be kept stops no other.

use cmms::core::clock::SystemClock;
use cmms::core::ports::adapter::ExternalRecord;
use cmms::core::services::copy::copy;
use cmms::{Entity, ListWorkOrders, SyncStatus, code};
use cmms_tests::Where;
use cmms_tests::listed::{Bench, record};
use cmms_tests::refusing_store::RefusingStore;
use serde_json::{Value, json};
use std::sync::Arc;

const PLACES: [Where; 3] = [Where::Memory, Where::Sqlite, Where::Postgres];

fn order(n: usize, title: &str) -> ExternalRecord {
    let id = format!("{n:05}");
    record(&id, json!({ "id": id, "title": title }))
}

/// Records that no store keeps or nobody can read, each with the reason.
fn poison() -> Vec<(String, &'static str)> {
    let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    vec![
        (
            r#"{"title":"a","fi\u0000eld":1}"#.to_owned(),
            "nul_character",
        ),
        (
            r#"{"title":"a","x":{"\u0000":"\u0000"}}"#.to_owned(),
            "nul_character",
        ),
        (r#"{"title":"a\u0000"}"#.to_owned(), "nul_character"),
        ("{\"title\":\"a\0\"}".to_owned(), "unreadable"),
        (r#"{"title":"a","cost":1e999}"#.to_owned(), "unreadable"),
        (r#"{"title":"a","cost":NaN}"#.to_owned(), "unreadable"),
        (r#"{"title":"\ud800"}"#.to_owned(), "unreadable"),
        (r#"{"title":"a""#.to_owned(), "unreadable"),
        (format!(r#"{{"title":"a","x":{}}}"#, deep(64)), "too_deep"),
        (
            format!(r#"{{"title":"a","x":{}}}"#, deep(5_000)),
            "unreadable",
        ),
        (
            json!({ "title": "a", "asset": "x".repeat(5_000) }).to_string(),
            "too_long",
        ),
        (
            json!({ "title": "a", "number": "x".repeat(5_000) }).to_string(),
            "too_long",
        ),
        (
            json!({ "title": "a", "fields": { "log": "x".repeat(256 << 10) } }).to_string(),
            "too_large",
        ),
        (
            json!({ "title": "a", "due": "10000-01-01T00:00:00Z" }).to_string(),
            "bad_date",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_store_keeps_is_that_records_quarantine() {
    let _quiet = super::twins::quiet().await;
    for place in PLACES {
        let bench = Bench::new(place).await;
        let poison = poison();
        let mut page: Vec<_> = (0..600).map(|n| order(n, "good")).collect();
        for (n, (raw, _)) in poison.iter().enumerate() {
            page.insert(n * 40, record(&format!("bad {n:02}"), raw));
        }
        // Ids that nobody can name are none.
        for id in ["", "\0", "a\nb", &"x".repeat(3_000)] {
            page.push(record(id, json!({ "title": format!("id {id:?}") })));
        }
        bench.vendor.list(Entity::WorkOrder, vec![page]);
        let run = bench.sync().await;
        let told = (run.status, run.created, run.quarantined);
        let bad = poison.len() as i64 + 4;
        assert_eq!(told, (SyncStatus::Partial, 600, bad), "{run:?}");
        let items = bench.quarantine().await;
        for (n, (raw, reason)) in poison.iter().enumerate() {
            let item = &items[&format!("bad {n:02}")];
            assert_eq!(item.reason, *reason, "{item:?}");
            assert_eq!(item.raw.text(), *raw);
            assert!(!item.field.contains(char::is_control), "{item:?}");
            // Every language reads the answer.
            let answer = serde_json::to_string(item).unwrap();
            let read: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(read["reason"], *reason);
            let again = bench.client.quarantine().retry(item.id).await.unwrap();
            assert_eq!((again.attempts, again.reason.as_str()), (2, *reason));
        }
        // As they were, they change nothing; discarded, they are not met any more.
        let again = bench.force().await;
        let told = (again.status, again.unchanged, again.quarantined);
        assert_eq!(told, (SyncStatus::Partial, 600, bad), "{again:?}");
        for item in items.values() {
            bench.client.quarantine().discard(item.id).await.unwrap();
        }
        let last = bench.force().await;
        let told = (last.status, last.unchanged, last.quarantined);
        assert_eq!(told, (SyncStatus::Ok, 600, 0), "{last:?}");
    }
}

/// Three thousand records of which the store refuses three, in different pages and pieces.
pub async fn refused_alone(place: Where) -> Result<(), String> {
    let (store, folder) = Bench::store(place).await;
    let bench = Bench::over(
        Arc::new(RefusingStore::new(store, "work_orders", "poison")),
        folder,
    )
    .await;
    let title = |n: usize| if n % 1_000 == 777 { "poison" } else { "good" };
    let pages = (0..3).map(|page| {
        let records = page * 1_000..(page + 1) * 1_000;
        records.map(|n| order(n, title(n))).collect()
    });
    bench.vendor.list(Entity::WorkOrder, pages.collect());
    let run = bench.client.sync().all(bench.connection.id).await;
    let run = run.map_err(|e| e.to_string())?;
    let told = (run.status, run.created, run.quarantined);
    if told != (SyncStatus::Partial, 2_997, 3) {
        return Err(format!("{run:?}"));
    }
    let items = bench.quarantine().await;
    assert_eq!(
        items.keys().collect::<Vec<_>>(),
        ["00777", "01777", "02777"]
    );
    for item in items.values() {
        assert_eq!(item.reason, "store_refused", "{item:?}");
        let again = bench.client.quarantine().retry(item.id).await.unwrap();
        assert_eq!(
            (again.attempts, again.reason.as_str()),
            (2, "store_refused")
        );
    }
    let again = bench.force().await;
    let told = (again.status, again.unchanged, again.quarantined);
    assert_eq!(told, (SyncStatus::Partial, 2_997, 3), "{again:?}");
    // Corrected at the vendor, it comes in.
    bench
        .vendor
        .list(Entity::WorkOrder, vec![vec![order(777, "corrected")]]);
    let healed = bench.sync().await;
    assert_eq!(healed.created, 1, "{healed:?}");
    assert_eq!(bench.quarantine().await.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_only_the_store_refuses_is_found_and_the_others_come_in() {
    let _quiet = super::twins::quiet().await;
    for place in PLACES {
        refused_alone(place).await.unwrap();
    }
}

/// What SQLite itself refuses, here by a trigger, is a value and not a fault of the program.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_refuses_by_a_rule_of_its_own_is_that_records_quarantine() {
    let _quiet = super::twins::quiet().await;
    let bench = Bench::new(Where::Sqlite).await;
    let file = rusqlite::Connection::open(bench.folder.path().join("cmms.db")).unwrap();
    file.execute_batch(
        "CREATE TRIGGER refusing BEFORE INSERT ON work_orders WHEN NEW.title = 'poison' \
         BEGIN SELECT RAISE(ABORT, 'a bad word'); END",
    )
    .unwrap();
    let page = (0..50).map(|n| order(n, if n == 33 { "poison" } else { "good" }));
    bench.vendor.list(Entity::WorkOrder, vec![page.collect()]);
    let run = bench.sync().await;
    assert_eq!((run.created, run.quarantined), (49, 1), "{run:?}");
    let item = &bench.quarantine().await["00033"];
    assert!(item.detail.contains("a bad word"), "{item:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_the_target_of_a_copy_refuses_are_named_and_all_others_are_there() {
    for place in PLACES {
        let bench = Bench::new(Where::Memory).await;
        let page = (0..3_000).map(|n| order(n, if n % 1_000 == 5 { "poison" } else { "good" }));
        bench.vendor.list(Entity::WorkOrder, vec![page.collect()]);
        bench.sync().await;
        let (empty, _folder) = Bench::store(place).await;
        let refusing = RefusingStore::new(Arc::clone(&empty), "work_orders", "poison");
        let mut refused = Vec::new();
        let clock = SystemClock::default();
        let told = copy(&*bench.store, &refusing, &clock, |done| {
            refused.extend(done.refused.clone())
        });
        let error = told.await.unwrap_err();
        assert!(error.is(code::COPY_ROWS), "{error:?}");
        assert_eq!(refused.len(), 3, "{error}");
        assert!(error.message().contains(&refused[0].key), "{error}");
        // Started again, it goes on; without what was refused it comes to its end.
        copy(&*bench.store, &*empty, &clock, |_| {}).await.unwrap();
        let config = cmms::Config::from_pairs([("USER", "tester".to_owned())]).unwrap();
        let copied = cmms::Client::builder(empty)
            .config(config)
            .build()
            .await
            .unwrap();
        let page = copied
            .work_orders()
            .list(ListWorkOrders::new().limit(500_u32));
        assert_eq!(page.await.unwrap().items.len(), 500);
    }
}
