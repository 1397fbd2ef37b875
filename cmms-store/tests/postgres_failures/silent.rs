//! A writer that does not go on keeps the others out for a while only.

use super::{insert, names, scope, server, setting};
use cmms_core::code;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{SaveRule, Store as _, TxMode};
use cmms_store::PostgresStore;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_says_nothing_more_is_ended_by_the_server() {
    let schema = server::schema();
    let store = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    let scope = scope(&store).await;
    let mut silent = store.begin(&scope, TxMode::Write).await.unwrap();
    let saved = silent.of().save(&setting("silent"), SaveRule::Insert).await;
    saved.unwrap();
    // Another process: in this one writers wait for each other's turn.
    let other = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    let began = Instant::now();
    insert(&other, &scope, "next").await.unwrap();
    let waited = began.elapsed();
    println!("the next writer waited for {waited:.1?}");
    assert!(waited.as_secs() < 15, "{waited:?}");
    let failed = silent.commit().await.unwrap_err();
    assert!(failed.is(code::STORE_UNREACHABLE), "{failed:?}");
    assert_eq!(names(&other, &scope).await, ["next"]);
}

/// A writer that works is waited for, and is told that others wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_goes_on_is_not_ended_and_hears_of_the_next() {
    goes_on(200).await;
}

/// On a slow store pieces are small.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_of_single_rows_hears_of_the_next_too() {
    goes_on(1).await;
}

/// Writes so many rows at a time until it hears of the next one.
async fn goes_on(at_once: usize) {
    let schema = server::schema();
    let store = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    let scope = &scope(&store).await;
    let mut busy = store.begin(scope, TxMode::Write).await.unwrap();
    let other = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    let write = async {
        insert(&other, scope, "next").await.unwrap();
    };
    let work = async {
        let mut round = 0;
        while !busy.others_wait() {
            round += 1;
            assert!(round < 20_000, "nobody was heard of");
            let rows: Vec<_> = (0..at_once)
                .map(|n| setting(&format!("{round:05} {n:03}")))
                .collect();
            busy.of().save_all(&rows, SaveRule::Insert).await.unwrap();
        }
        busy.commit().await.unwrap();
        round
    };
    let ((), rounds) = tokio::join!(write, work);
    assert_eq!(names(&other, scope).await.len(), rounds * at_once + 1);
}
