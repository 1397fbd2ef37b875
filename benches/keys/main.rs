//! Creates with an idempotency key per second, beside no, 10,000 and 1,000,000 keys that are kept.
//!
//! `cargo bench -p cmms-benches --bench keys`, on SQLite. The databases take turns, so that all of them have the same
//! noise; a create without a key is measured beside them. The goal is the same rate within 10 %, however many keys are
//! kept. `CMMS_BENCH_KEYS=0,10000` keeps other numbers of keys.

use chrono::{TimeDelta, Utc};
use cmms::core::context::Scope;
use cmms::core::domain::idempotency::KeptAnswer;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Store, TxMode};
use cmms::core::record::{Digest, RawJson};
use cmms::{Client, Config, CreateWorkOrder};
use cmms_benches::open_store;
use std::time::Instant;
use tokio::runtime::Runtime;

/// As in the command `cmms`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How often each database has its turn.
const TURNS: usize = 7;
/// Creates of a turn.
const CREATES: usize = 1_000;
/// Keys that are stored at a time.
const AT_ONCE: usize = 10_000;

/// A database with so many kept keys.
struct Kept {
    keys: usize,
    client: Client,
    /// Creates per second of each turn, with a key and without.
    rates: [Vec<f64>; 2],
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let wanted = std::env::var("CMMS_BENCH_KEYS").unwrap_or("0,10000,1000000".to_owned());
    let mut all: Vec<Kept> = wanted
        .split(',')
        .map(|keys| {
            let keys = keys.parse().expect("a number of keys");
            let file = folder.path().join(format!("{keys}.db"));
            Kept {
                keys,
                client: runtime.block_on(filled(&file.display().to_string(), keys)),
                rates: [Vec::new(), Vec::new()],
            }
        })
        .collect();
    for turn in 0..TURNS {
        for kept in &mut all {
            for (with, rates) in [true, false].into_iter().zip(&mut kept.rates) {
                rates.push(runtime.block_on(creates(&kept.client, turn, with)));
            }
        }
    }
    println!("creates per second, median of {TURNS} turns of {CREATES} (least to most)");
    for Kept { keys, rates, .. } in all {
        let [with, without] = rates.map(shown);
        println!("  {keys:>9} kept keys: with a key {with}, without {without}");
    }
}

fn shown(mut rates: Vec<f64>) -> String {
    rates.sort_by(f64::total_cmp);
    let (least, most) = (rates[0], rates[rates.len() - 1]);
    let median = rates[rates.len() / 2];
    format!("{median:.0} ({least:.0} to {most:.0})")
}

/// An application on a database that keeps so many keys, none of which is forgotten soon.
async fn filled(db: &str, keys: usize) -> Client {
    let store = open_store(db).await;
    let config = Config::from_pairs([("USER", "bench")]).expect("settings");
    let built = Client::builder(store).config(config).build().await;
    let client = built.expect("an application");
    for first in (0..keys).step_by(AT_ONCE) {
        let last = keys.min(first + AT_ONCE);
        keep(&*client.app().store, client.scope(), first..last).await;
    }
    client
}

async fn keep(store: &dyn Store, scope: &Scope, keys: std::ops::Range<usize>) {
    let now = Utc::now();
    let of = |n: usize| KeptAnswer {
        id: Digest::of(&[b"key", &n.to_le_bytes()]),
        input: Digest::of(&[b"input", &n.to_le_bytes()]),
        operation: "work_orders.create".to_owned(),
        created_at: now,
        // As they come in a day.
        expires_at: now + TimeDelta::hours(1) + TimeDelta::milliseconds(n as i64),
        run_id: None,
        // About as long as the answer of a create.
        answer: Some(RawJson(format!("{{\"id\":\"{n:0>600}\"}}").into())),
    };
    let rows: Vec<KeptAnswer> = keys.map(of).collect();
    let mut tx = store.begin(scope, TxMode::Write).await.expect("a writer");
    tx.of::<KeptAnswer>()
        .insert_all_later(&rows)
        .await
        .expect("keys");
    tx.commit().await.expect("a commit");
}

/// Creates work orders, and says how many a second.
async fn creates(client: &Client, turn: usize, with_key: bool) -> f64 {
    let began = Instant::now();
    for n in 0..CREATES {
        let input = CreateWorkOrder::new(format!("Work order {turn} {n}"));
        let done = if with_key {
            let keyed = client.with_idempotency_key(&format!("turn-{turn}-{n}"));
            keyed.expect("a key").work_orders().create(input).await
        } else {
            client.work_orders().create(input).await
        };
        done.expect("a work order");
    }
    CREATES as f64 / began.elapsed().as_secs_f64()
}
