//! The server is restarted while programs write: nothing is lost, nothing comes twice.

use super::own::{Own, Stop};
use super::{count, insert, names, scope};
use cmms_core::ports::store::Store as _;
use cmms_core::{Error, code};
use cmms_store::{PostgresOptions, PostgresStore};
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often the server is restarted.
const RESTARTS: usize = 5;

/// Why a write may fail meanwhile; in each case nothing of it is stored.
fn is_expected(e: &Error) -> bool {
    e.is(code::STORE_UNREACHABLE) || e.is(code::STORE_BUSY)
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_under_load_lose_nothing_and_repeat_nothing() {
    let mut own = Own::start().await;
    let mut admin = connected(&own.url("cmms_admin", "postgres")).await;
    for sql in [
        "CREATE ROLE cmms_owner LOGIN CREATEROLE",
        "CREATE DATABASE cmms_test OWNER cmms_owner",
    ] {
        sqlx::raw_sql(sql).execute(&mut admin).await.unwrap();
    }
    drop(admin);
    let options = PostgresOptions::parse(&own.url("cmms_owner", "cmms_test")).unwrap();
    let store = PostgresStore::connect(options).await.unwrap();
    store.migrate().await.unwrap();
    let scope = &scope(&store).await;
    let (store, done) = (&store, &AtomicBool::new(false));
    // Every writer tells what it was answered, and since when it succeeds again.
    let writer = async |name: &str| {
        let (mut stored, mut failed) = (BTreeSet::new(), Vec::new());
        let mut n = 0;
        while !done.load(Ordering::Relaxed) {
            n += 1;
            let name = format!("{name} {n:06}");
            match insert(store, scope, &name).await {
                Ok(()) => {
                    stored.insert(name);
                }
                Err(e) => {
                    assert!(is_expected(&e), "{e:?}");
                    failed.push(name);
                    sleep(Duration::from_millis(5)).await;
                }
            }
        }
        (stored, failed)
    };
    // So does one whose transactions are one statement each.
    let adder = async {
        let (mut stored, mut failed) = (BTreeSet::new(), 0);
        while !done.load(Ordering::Relaxed) {
            match count(store, scope).await {
                Ok(number) => assert!(stored.insert(number), "{number} was given twice"),
                Err(e) => {
                    assert!(is_expected(&e), "{e:?}");
                    failed += 1;
                    sleep(Duration::from_millis(5)).await;
                }
            }
        }
        (stored, failed)
    };
    let restarts = async {
        let mut slowest = Duration::ZERO;
        for round in 0..RESTARTS {
            sleep(Duration::from_millis(400)).await;
            own.stop([Stop::Fast, Stop::Immediate][round % 2]);
            let up = own.again().await;
            let probe = format!("probe {round}");
            while insert(store, scope, &probe).await.is_err() {
                sleep(Duration::from_millis(5)).await;
            }
            slowest = slowest.max(Instant::now() - up);
        }
        sleep(Duration::from_millis(300)).await;
        done.store(true, Ordering::Relaxed);
        slowest
    };
    let (a, b, added, slowest) = tokio::join!(writer("a"), writer("b"), adder, restarts);
    let (numbers, there): (Vec<_>, Vec<_>) = names(store, scope)
        .await
        .into_iter()
        .partition(|name| name.starts_with('0'));
    let want: Vec<_> = added.0.iter().map(|n| format!("{n:06}")).collect();
    assert_eq!(
        numbers, want,
        "what was answered is stored, and nothing else"
    );
    assert_eq!(
        added.0.last().copied(),
        i64::try_from(numbers.len()).ok(),
        "no number is left out"
    );
    let all: BTreeSet<_> = there.iter().cloned().collect();
    assert_eq!(there.len(), all.len(), "nothing twice");
    for (stored, failed) in [&a, &b] {
        assert!(stored.is_subset(&all), "nothing lost");
        assert!(
            failed.iter().all(|name| !all.contains(name)),
            "an error that was stored"
        );
    }
    println!(
        "{RESTARTS} restarts: {} writes answered, {} refused, first success at most {slowest:.2?} after the port answered",
        a.0.len() + b.0.len() + added.0.len(),
        a.1.len() + b.1.len() + added.1
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

async fn connected(url: &str) -> PgConnection {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match PgConnection::connect(url).await {
            Ok(connection) => return connection,
            Err(e) => assert!(Instant::now() < deadline, "{e}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}
