//! Two programs count on the same row: every number is given once, and none is left out.
//!
//! The switch that breaks it is one of the whole process and is read when statements are built, so this is a program of
//! its own.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod server;

use cmms_core::code;
use cmms_core::context::Scope;
use cmms_core::domain::numbering::DailyNumber;
use cmms_core::domain::setting::Setting;
use cmms_core::failpoint::{Failpoint, set};
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Query, Store as _, TxMode};
use cmms_core::testing::samples;
use cmms_store::PostgresStore;
use std::collections::BTreeSet;

/// Counts on, and stores a setting that is named after the number.
async fn count(store: &PostgresStore, scope: &Scope, who: usize) -> cmms_core::Result<i64> {
    let one = DailyNumber {
        prefix: "WO".into(),
        day: samples::day(1),
        last: 1,
    };
    let mut tx = store.begin(scope, TxMode::Add).await?;
    let number = tx.of().upsert_and_get(&one).await?.last;
    let setting = samples::setting(&format!("{number:04} {who}"), 1);
    tx.of().insert_later(&setting).await?;
    tx.commit().await?;
    Ok(number)
}

/// What two programs were given in these turns, each a few times in a row; and how often one was in the other's way.
async fn taken(turns: &[usize]) -> (Vec<i64>, usize) {
    let schema = server::schema();
    let open = async || {
        PostgresStore::connect(server::options_of(&schema))
            .await
            .unwrap()
    };
    let stores = [open().await, open().await];
    stores[0].migrate().await.unwrap();
    let scope = samples::scope(1);
    let (mut numbers, mut met) = (Vec::new(), 0);
    for (turn, times) in turns.iter().enumerate() {
        for _ in 0..*times {
            let number = loop {
                match count(&stores[turn % 2], &scope, turn % 2).await {
                    Ok(number) => break number,
                    Err(e) => {
                        assert!(e.is(code::STORE_CONFLICT), "{e:?}");
                        met += 1;
                    }
                }
            };
            numbers.push(number);
        }
    }
    let mut tx = stores[0].begin(&scope, TxMode::Once).await.unwrap();
    let stored = tx.of::<Setting>().list(&Query::default()).await.unwrap();
    let stored: Vec<i64> = stored
        .iter()
        .map(|s| s.name[..4].parse().unwrap())
        .collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(stored, sorted, "what was answered is stored");
    (numbers, met)
}

/// What four programs are given that count at once.
async fn taken_at_once() -> Vec<i64> {
    let schema = server::schema();
    let first = PostgresStore::connect(server::options_of(&schema)).await;
    first.unwrap().migrate().await.unwrap();
    let program = async |who: usize| {
        let options = server::options_of(&schema);
        let store = PostgresStore::connect(options).await.unwrap();
        let scope = samples::scope(1);
        let mut numbers = Vec::new();
        while numbers.len() < 50 {
            match count(&store, &scope, who).await {
                Ok(number) => numbers.push(number),
                Err(e) => assert!(e.is(code::STORE_CONFLICT), "{e:?}"),
            }
        }
        numbers
    };
    let taken = tokio::join!(program(0), program(1), program(2), program(3));
    let mut all = [taken.0, taken.1, taken.2, taken.3].concat();
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_two_programs_are_given_once() {
    let turns = [5, 4, 1, 1, 1, 3, 6, 2, 4];
    let (numbers, met) = taken(&turns).await;
    let want: Vec<i64> = (1..=turns.iter().sum::<usize>() as i64).collect();
    assert_eq!(numbers, want);
    // Where a program counted alone before the other one did, and not at each turn.
    assert!((1..=turns.len()).contains(&met), "{met}");
    assert_eq!(taken_at_once().await, (1..=200).collect::<Vec<i64>>());
    set(Failpoint::BelieveCounts, true);
    let (numbers, _) = taken(&turns).await;
    set(Failpoint::BelieveCounts, false);
    let different: BTreeSet<_> = numbers.iter().collect();
    assert!(different.len() < numbers.len(), "the twin gives some twice");
}
