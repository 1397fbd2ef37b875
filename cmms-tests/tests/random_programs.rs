//! Random programs of 200 operations end in the same state on every store, also where calls are dropped in the middle and
//! the store is opened anew: 500 of them in the release tier, on each of three stores.

#![expect(
    clippy::disallowed_methods,
    reason = "a test that asks for the time that it takes"
)]

use cmms::core::memory::MemoryStore;
use cmms::core::ports::store::Store;
use cmms::core::testing::{Disturbed, random_programs_agree};
use cmms::store::{SqliteOptions, SqliteStore};
use cmms_tests::{postgres, release_tier};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

const OPERATIONS: usize = 200;
/// How many programs run side by side: more than there are cores, since they often wait for a disk or a server.
const LANES: usize = 6;

/// Runs the program of a seed on each store. Its organizations are its own, so that a failure can be had again from its
/// seed alone.
async fn program(seed: u64, folder: &Path, url: &str) -> [Disturbed; 3] {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let again = async || Arc::clone(&memory);
    let oracle = MemoryStore::new();
    let on_memory = random_programs_agree(&oracle, again, seed, OPERATIONS).await;

    let file = folder.join(format!("{seed}.db"));
    let open = async || {
        let store = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
        Arc::new(store) as Arc<dyn Store>
    };
    let oracle = MemoryStore::new();
    let on_sqlite = random_programs_agree(&oracle, open, seed, OPERATIONS).await;
    std::fs::remove_file(&file).unwrap();

    let open = async || Arc::new(postgres::open(url).await) as Arc<dyn Store>;
    let oracle = MemoryStore::new();
    let on_postgres = random_programs_agree(&oracle, open, seed, OPERATIONS).await;
    [on_memory, on_sqlite, on_postgres]
}

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_end_in_equal_state_on_all_stores() {
    let seeds = if release_tier() { 500 } else { 20 };
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let began = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        let (next, folder) = (Arc::clone(&next), Arc::clone(&folder));
        let url = postgres::fresh().await;
        lanes.push(spawn_blocking(move || {
            Handle::current().block_on(async {
                let mut all = [Disturbed::default(); 3];
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return all;
                    }
                    let disturbed = program(seed, folder.path(), &url).await;
                    for (all, one) in all.iter_mut().zip(disturbed) {
                        *all += one;
                    }
                }
            })
        }));
    }
    let mut all = [Disturbed::default(); 3];
    for lane in lanes {
        for (all, one) in all.iter_mut().zip(lane.await.unwrap()) {
            *all += one;
        }
    }
    for (store, disturbed) in ["memory", "sqlite", "postgres"].iter().zip(all) {
        let Disturbed {
            dropped, reopened, ..
        } = disturbed;
        println!("{store}: {dropped} calls dropped, opened anew {reopened} times");
    }
    println!(
        "{seeds} programs of {OPERATIONS} operations on three stores in {:.1} s",
        began.elapsed().as_secs_f64()
    );
}
