//! Several handles on one file, and what is left after a failure.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use cmms_core::code;
use cmms_core::domain::setting::Setting;
use cmms_core::domain::sync_state::ExternalLink;
use cmms_core::domain::work_order::WorkOrder;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Query, SaveRule, Saved, Store as _, Tx, TxMode};
use cmms_core::record::{Cell, Json, RawJson, Record as _, Row, Rows};
use cmms_core::testing::samples;
use cmms_store::{SqliteOptions, SqliteStore};
use common::{open, place, scope};
use std::time::Duration;

fn impatient(path: &std::path::Path) -> SqliteStore {
    let options = SqliteOptions::default().busy_timeout(Duration::from_millis(60));
    SqliteStore::open(path, options).unwrap()
}

async fn count(store: &SqliteStore, scope: &cmms_core::context::Scope) -> usize {
    let mut tx = store.begin(scope, TxMode::Once).await.unwrap();
    tx.of::<Setting>()
        .list(&Query::default())
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn a_second_writer_is_told_that_the_first_one_does_not_end() {
    let (_folder, path) = place();
    let (first, second) = (open(&path), impatient(&path));
    let scope = scope(&first).await;
    let tx = first.begin(&scope, TxMode::Write).await.unwrap();
    // By another handle, as by another process; and by the same one.
    let busy = second.begin(&scope, TxMode::Write).await.err().unwrap();
    assert!(busy.is(code::STORE_BUSY), "{busy}");
    assert!(
        busy.message().contains(&path.display().to_string()),
        "{busy}"
    );
    tx.commit().await.unwrap();
    let held = second.begin(&scope, TxMode::Write).await.unwrap();
    let busy = second.begin(&scope, TxMode::Write).await.err().unwrap();
    assert!(busy.is(code::STORE_BUSY), "{busy}");
    drop(held);
    second.begin(&scope, TxMode::Write).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_two_handles_take_turns_and_lose_nothing() {
    let (_folder, path) = place();
    let stores = [open(&path), open(&path)];
    let scope = scope(&stores[0]).await;
    let start = samples::setting("counter", 0);
    let mut tx = stores[0].begin(&scope, TxMode::Once).await.unwrap();
    tx.of::<Setting>()
        .save(&start, SaveRule::Insert)
        .await
        .unwrap();
    let runtime = tokio::runtime::Handle::current();
    std::thread::scope(|threads| {
        for store in &stores {
            threads.spawn(|| {
                runtime.block_on(async {
                    for _ in 0..25 {
                        let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
                        let mut all = tx.of::<Setting>().list(&Query::default()).await.unwrap();
                        let mut counter = all.pop().unwrap();
                        counter.value = Json((counter.value.0.as_i64().unwrap() + 1).into());
                        let saved = tx.of::<Setting>().save(&counter, SaveRule::Update).await;
                        assert_eq!(saved.unwrap(), Saved::Updated);
                        tx.commit().await.unwrap();
                    }
                })
            });
        }
    });
    let mut tx = stores[1].begin(&scope, TxMode::Once).await.unwrap();
    let all = tx.of::<Setting>().list(&Query::default()).await.unwrap();
    assert_eq!(all, [samples::setting("counter", 50)]);
}

/// As if they were two processes: one that writes without end, one that writes a row now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writer_of_another_handle_is_heard_of_and_goes_next() {
    let (_folder, path) = place();
    let (busy, other) = (open(&path), open(&path));
    let scope = &scope(&busy).await;
    for round in 1..=20 {
        let first = busy.begin(scope, TxMode::Write).await.unwrap();
        assert!(!first.others_wait(), "nobody waits");
        let write = async {
            let mut tx = other.begin(scope, TxMode::Write).await.unwrap();
            let row = samples::setting(&format!("row {round}"), 1);
            tx.of().save(&row, SaveRule::Insert).await.unwrap();
            tx.commit().await.unwrap();
        };
        let work = async {
            while !first.others_wait() {
                tokio::task::yield_now().await;
            }
            first.commit().await.unwrap();
            // At once, before the other one tries again.
            let second = busy.begin(scope, TxMode::Write).await.unwrap();
            let seen = count(&busy, scope).await;
            second.commit().await.unwrap();
            seen
        };
        let (seen, ()) = tokio::join!(work, write);
        assert_eq!(seen, round, "the other one did not go next");
    }
}

#[tokio::test]
async fn a_snapshot_stays_while_another_handle_commits() {
    let (_folder, path) = place();
    let (reader, writer) = (open(&path), open(&path));
    let scope = scope(&writer).await;
    let mut snapshot = reader.begin(&scope, TxMode::Snapshot).await.unwrap();
    let mut tx = writer.begin(&scope, TxMode::Write).await.unwrap();
    tx.of::<Setting>()
        .save(&samples::setting("a", 1), SaveRule::Insert)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let seen = snapshot
        .of::<Setting>()
        .list(&Query::default())
        .await
        .unwrap();
    assert!(seen.is_empty());
    snapshot.commit().await.unwrap();
    assert_eq!(count(&reader, &scope).await, 1);
}

#[tokio::test]
async fn more_snapshots_than_readers_wait_and_are_told() {
    let (_folder, path) = place();
    let options = SqliteOptions::default()
        .readers(2)
        .busy_timeout(Duration::from_millis(40));
    let store = SqliteStore::open(&path, options).unwrap();
    let scope = scope(&store).await;
    let first = store.begin(&scope, TxMode::Snapshot).await.unwrap();
    let _second = store.begin(&scope, TxMode::Snapshot).await.unwrap();
    let busy = store.begin(&scope, TxMode::Snapshot).await.err().unwrap();
    assert!(busy.is(code::STORE_BUSY), "{busy}");
    assert!(busy.message().contains("all 2 readers"), "{busy}");
    drop(first);
    store.begin(&scope, TxMode::Snapshot).await.unwrap();
}

#[tokio::test]
async fn two_handles_make_one_organization() {
    let (_folder, path) = place();
    let (a, b) = (open(&path), open(&path));
    let new = |n| cmms_core::ids::OrgId(samples::id(9, n));
    let first = a
        .organization("plant", new(1), samples::start())
        .await
        .unwrap();
    let second = b
        .organization("plant", new(2), samples::start())
        .await
        .unwrap();
    assert_eq!((first, second), (new(1), new(1)));
}

#[tokio::test]
async fn a_full_disk_stores_nothing_of_the_change_and_the_rest_stays() {
    let (_folder, path) = place();
    let store = SqliteStore::open(&path, SqliteOptions::default().max_pages(80)).unwrap();
    let scope = scope(&store).await;
    let mut tx = store.begin(&scope, TxMode::Once).await.unwrap();
    let kept = samples::setting("kept", 1);
    tx.of::<Setting>()
        .save(&kept, SaveRule::Insert)
        .await
        .unwrap();
    let big: Vec<_> = (0..500)
        .map(|n| samples::setting(&format!("{n}"), "x".repeat(2_000)))
        .collect();
    let e = tx
        .of::<Setting>()
        .save_all(&big, SaveRule::Insert)
        .await
        .unwrap_err();
    assert!(e.is(code::STORE_FULL), "{e:?}");
    assert!(e.message().contains(&path.display().to_string()), "{e}");
    assert_eq!(count(&store, &scope).await, 1);
    // The same inside of a transaction: what was saved before stays in it, if it still stands.
    let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
    let small = samples::setting("small", 1);
    tx.of::<Setting>()
        .save(&small, SaveRule::Insert)
        .await
        .unwrap();
    let e = tx
        .of::<Setting>()
        .save_all(&big, SaveRule::Insert)
        .await
        .unwrap_err();
    assert!(e.is(code::STORE_FULL), "{e:?}");
    let committed = tx.commit().await;
    assert_eq!(
        count(&store, &scope).await,
        if committed.is_ok() { 2 } else { 1 }
    );
    // And the writer goes on.
    let mut tx = store.begin(&scope, TxMode::Once).await.unwrap();
    tx.of::<Setting>()
        .save(&samples::setting("later", 1), SaveRule::Insert)
        .await
        .unwrap();
}

/// There is no savepoint around the rows of a call, so a row that cannot be stored ends the transaction.
#[tokio::test]
async fn half_a_call_is_never_committed() {
    let (_folder, path) = place();
    let store = open(&path);
    let scope = scope(&store).await;
    let save = async |tx: &mut Box<dyn Tx>, name| {
        let row = samples::setting(name, 1);
        tx.of::<Setting>().save(&row, SaveRule::Insert).await
    };
    let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
    save(&mut tx, "before").await.unwrap();
    let mut rows = Rows::of_width(Setting::TABLE.columns.len());
    rows.rows = vec![
        Row::of(&samples::setting("good", 1)),
        Row(vec![Cell::text("bad"), Cell::Int(1)]),
    ];
    let e = tx.save(Setting::TABLE, &rows, SaveRule::Insert).await;
    let e = e.unwrap_err();
    assert!(e.message().contains("settings.value"), "{e}");
    let ended = save(&mut tx, "after").await.unwrap_err();
    assert!(ended.message().contains("has ended"), "{ended}");
    let ended = tx.commit().await.unwrap_err();
    assert!(ended.message().contains("has ended"), "{ended}");
    assert_eq!(count(&store, &scope).await, 0);
    let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
    save(&mut tx, "after").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&store, &scope).await, 1);
}

#[tokio::test]
async fn a_dropped_call_leaves_the_writer_clean() {
    let (_folder, path) = place();
    let store = open(&path);
    let scope = scope(&store).await;
    let held = store.begin(&scope, TxMode::Write).await.unwrap();
    for _ in 0..3 {
        let waiting = store.begin(&scope, TxMode::Write);
        let given_up = tokio::time::timeout(Duration::from_millis(5), waiting).await;
        assert!(given_up.is_err());
    }
    drop(held);
    let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
    tx.of::<Setting>()
        .save(&samples::setting("a", 1), SaveRule::Insert)
        .await
        .unwrap();
    drop(tx);
    assert_eq!(count(&store, &scope).await, 0);
    let tx = store.begin(&scope, TxMode::Write).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_saves_answer_each_row_and_keep_large_texts() {
    let (_folder, path) = place();
    let store = open(&path);
    let scope = scope(&store).await;
    let connection = samples::connection_id(1);
    let mut links: Vec<_> = (0..3_000)
        .map(|n| samples::external_link(connection, n))
        .collect();
    links[7].raw = RawJson(format!("\"{}\"", "ä".repeat(300_000)).into());
    let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
    let mut repo = tx.of::<ExternalLink>();
    let saved = repo.save_all(&links, SaveRule::Upsert).await.unwrap();
    assert!(saved.iter().all(|s| *s == Saved::Inserted));
    links[5].digest.0[0] ^= 1;
    let saved = repo.save_all(&links, SaveRule::Upsert).await.unwrap();
    let updated: Vec<_> = (0..saved.len())
        .filter(|i| saved[*i] == Saved::Updated)
        .collect();
    assert_eq!(updated, [5]);
    tx.commit().await.unwrap();
    let mut tx = store.begin(&scope, TxMode::Snapshot).await.unwrap();
    let mut found = tx
        .of::<ExternalLink>()
        .list(&Query::default())
        .await
        .unwrap();
    found.sort_by_key(|l| l.record_id);
    assert_eq!(found, links);
}

#[tokio::test]
async fn a_row_with_a_wrong_number_of_cells_is_refused() {
    use cmms_core::record::{Record as _, Row, Rows};
    let (_folder, path) = place();
    let store = open(&path);
    let scope = scope(&store).await;
    let mut row = Row::of(&samples::work_order(1));
    row.0.pop();
    let mut rows = Rows::of_width(row.0.len());
    rows.rows.push(row);
    let mut tx = store.begin(&scope, TxMode::Once).await.unwrap();
    let e = tx
        .save(WorkOrder::TABLE, &rows, SaveRule::Insert)
        .await
        .unwrap_err();
    assert!(e.is(code::INTERNAL), "{e}");
}
