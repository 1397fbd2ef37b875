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
use std::sync::Arc;
use std::time::Instant;

const OPERATIONS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_end_in_equal_state_on_all_stores() {
    let seeds = if release_tier() { 500 } else { 20 };
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut disturbed = [Disturbed::default(); 3];
    for seed in 0..seeds {
        // Each in stores of its own, so that a failure can be had again from its seed alone.
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let again = async || Arc::clone(&memory);
        let oracle = MemoryStore::new();
        disturbed[0] += random_programs_agree(&oracle, again, seed, OPERATIONS).await;

        let file = folder.path().join(format!("{seed}.db"));
        let open = async || {
            let store = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
            Arc::new(store) as Arc<dyn Store>
        };
        let oracle = MemoryStore::new();
        disturbed[1] += random_programs_agree(&oracle, open, seed, OPERATIONS).await;
        std::fs::remove_file(&file).unwrap();

        let url = postgres::fresh().await;
        let open = async || Arc::new(postgres::open(&url).await) as Arc<dyn Store>;
        let oracle = MemoryStore::new();
        disturbed[2] += random_programs_agree(&oracle, open, seed, OPERATIONS).await;
    }
    for (store, disturbed) in ["memory", "sqlite", "postgres"].iter().zip(disturbed) {
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
