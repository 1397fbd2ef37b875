//! Several writers at the same time, each on a thread of its own.

use super::harness::{Work, all, at_once, insert, once, save, save_all, scope, stored, write};
use crate::domain::connection::Connection;
use crate::domain::numbering::DailyNumber;
use crate::domain::setting::Setting;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Query, SaveRule, Saved, Store, TxMode};
use crate::record::{Cell, Json};
use crate::testing::samples;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often each race is run.
const ROUNDS: u32 = 20;

fn sorted(mut saved: Vec<Saved>) -> Vec<Saved> {
    saved.sort_by_key(|s| format!("{s:?}"));
    saved
}

/// Two writers that read the same version: one is `Updated`, the other `Stale`, and the winner's row is stored.
pub async fn two_writers_race_on_one_version_one_wins(store: &dyn Store) {
    let scope = &scope(store, "a").await;
    for round in 1..=ROUNDS {
        let first = &samples::connection(round);
        insert(store, scope, std::slice::from_ref(first)).await;
        let update = |writer: u32| -> Work<'_, Saved> {
            Box::pin(async move {
                let mut next = first.clone();
                next.version += 1;
                next.api_url = format!("https://{writer}.example.com");
                if writer == 0 {
                    return save(store, scope, &next, SaveRule::Update).await;
                }
                let mut tx = write(store, scope).await;
                let saved = tx.of::<Connection>().save(&next, SaveRule::Update).await;
                tx.commit().await.unwrap();
                saved.unwrap()
            })
        };
        let saved = at_once(vec![update(0), update(1)]);
        let winner = saved.iter().position(|s| *s == Saved::Updated).unwrap();
        assert_eq!(sorted(saved), [Saved::Stale, Saved::Updated]);
        let row = stored(store, scope, first).await.unwrap();
        assert_eq!(row.version, 2);
        assert_eq!(row.api_url, format!("https://{winner}.example.com"));
    }
}

/// Two writers that insert one key, or one unique value: one is `Inserted`, the other `Duplicate`.
pub async fn two_writers_race_on_insert_one_wins(store: &dyn Store) {
    let scope = &scope(store, "a").await;
    for round in 1..=ROUNDS {
        let insert = |writer: u32| -> Work<'_, Saved> {
            Box::pin(async move {
                let mut row = samples::connection(round * 2 + writer * (round % 2));
                row.connection_name = format!("Round {round}");
                row.slug = format!("round-{round}");
                let mode = [TxMode::Once, TxMode::Write][writer as usize];
                let mut tx = store.begin(scope, mode).await.unwrap();
                let saved = tx.of::<Connection>().save(&row, SaveRule::Insert).await;
                tx.commit().await.unwrap();
                saved.unwrap()
            })
        };
        let saved = at_once(vec![insert(0), insert(1)]);
        assert_eq!(sorted(saved), [Saved::Duplicate, Saved::Inserted]);
    }
    let stored = all::<Connection>(store, scope).await;
    assert_eq!(stored.len(), ROUNDS as usize);
}

/// A writer begins when the one before it has ended, and then sees what that one did.
pub async fn writer_waits_for_writer(store: &dyn Store) {
    let scope = &scope(store, "a").await;
    let (began, committing) = (&AtomicBool::new(false), &AtomicBool::new(false));
    let mut first = write(store, scope).await;
    let row = samples::setting("first", 1);
    let saved = first.of::<Setting>().save(&row, SaveRule::Insert).await;
    assert_eq!(saved.unwrap(), Saved::Inserted);
    let second: Work<'_, usize> = Box::pin(async move {
        began.store(true, Ordering::SeqCst);
        let mut tx = write(store, scope).await;
        assert!(committing.load(Ordering::SeqCst), "it began beside another");
        let seen = tx.of::<Setting>().list(&Query::default()).await.unwrap();
        tx.commit().await.unwrap();
        seen.len()
    });
    let first: Work<'_, usize> = Box::pin(async move {
        while !began.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        for _ in 0..200 {
            std::thread::yield_now();
        }
        committing.store(true, Ordering::SeqCst);
        first.commit().await.unwrap();
        1
    });
    assert_eq!(at_once(vec![first, second]), [1, 1]);
}

/// A writer hears that another one waits, and that one goes next.
pub async fn who_waits_is_heard_of_and_goes_next(store: &dyn Store) {
    let scope = &scope(store, "a").await;
    let first = write(store, scope).await;
    assert!(!first.others_wait(), "nobody waits");
    let second: Work<'_, usize> = Box::pin(async move {
        let mut tx = write(store, scope).await;
        let row = samples::setting("second", 1);
        let saved = tx.of::<Setting>().save(&row, SaveRule::Insert).await;
        assert_eq!(saved.unwrap(), Saved::Inserted);
        tx.commit().await.unwrap();
        1
    });
    let first: Work<'_, usize> = Box::pin(async move {
        let mut looks = 0;
        while !first.others_wait() {
            looks += 1;
            assert!(looks < 10_000_000, "nobody was heard of");
            std::thread::yield_now();
        }
        first.commit().await.unwrap();
        let mut again = write(store, scope).await;
        let seen = again.of::<Setting>().list(&Query::default()).await;
        again.commit().await.unwrap();
        seen.unwrap().len()
    });
    assert_eq!(at_once(vec![first, second]), [1, 1]);
}

/// Writers that read, add one and write lose no addition.
pub async fn writers_lose_no_update(store: &dyn Store) {
    const EACH: i64 = 10;
    let scope = &scope(store, "a").await;
    insert(store, scope, &[samples::setting("counter", 0)]).await;
    let count = |_| -> Work<'_, ()> {
        Box::pin(async move {
            for _ in 0..EACH {
                let mut tx = write(store, scope).await;
                let mut repo = tx.of::<Setting>();
                let key = [Cell::text("counter")];
                let mut counter = repo.get(&key).await.unwrap().unwrap();
                counter.value = Json(json!(counter.value.0.as_i64().unwrap() + 1));
                let saved = repo.save(&counter, SaveRule::Update).await.unwrap();
                assert_eq!(saved, Saved::Updated);
                tx.commit().await.unwrap();
            }
        })
    };
    at_once((0..4).map(count).collect());
    let expected = samples::setting("counter", 4 * EACH);
    assert_eq!(all::<Setting>(store, scope).await, [expected]);
}

/// Calls of several writers, each on its own over many rows, lose no addition.
pub async fn sums_of_several_writers_lose_nothing(store: &dyn Store) {
    const EACH: i64 = 25;
    let scope = &scope(store, "a").await;
    let numbers = |last| -> Vec<_> {
        let number = |n| samples::daily_number(n, last);
        (100..200).map(number).collect()
    };
    let numbers = &numbers;
    let add = |_| -> Work<'_, ()> {
        Box::pin(async move {
            for _ in 0..EACH {
                save_all(store, scope, &numbers(1), SaveRule::Upsert).await;
            }
        })
    };
    at_once((0..4).map(add).collect());
    let found = all::<DailyNumber>(store, scope).await;
    assert_eq!(found, numbers(4 * EACH));
}

/// Who reads while somebody writes sees the state before or after a commit, never between.
pub async fn readers_never_see_half_a_commit(store: &dyn Store) {
    let scope = &scope(store, "a").await;
    let done = &AtomicBool::new(false);
    let pair = |value: u32| [samples::setting("a", value), samples::setting("b", value)];
    insert(store, scope, &pair(0)).await;
    let writer: Work<'_, u32> = Box::pin(async move {
        for value in 1..=ROUNDS {
            let mut tx = write(store, scope).await;
            for row in pair(value) {
                let saved = tx.of::<Setting>().save(&row, SaveRule::Update).await;
                assert_eq!(saved.unwrap(), Saved::Updated);
            }
            tx.commit().await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        0
    });
    let reader: Work<'_, u32> = Box::pin(async move {
        let mut reads = 0;
        while !done.load(Ordering::SeqCst) || reads == 0 {
            let mut tx = once(store, scope).await;
            let rows = tx.of::<Setting>().list(&Query::default()).await.unwrap();
            assert!(
                rows.len() == 2 && rows[0].value == rows[1].value,
                "{rows:?}"
            );
            reads += 1;
        }
        reads
    });
    let reads = at_once(vec![writer, reader]);
    assert!(reads[1] > 0);
}
