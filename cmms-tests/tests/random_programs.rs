//! Random programs of 200 operations end in the same state on every store: 500 of them in the release tier,
//! 300 of these on PostgreSQL.

#![expect(
    clippy::disallowed_methods,
    reason = "a test that asks for the time that it takes"
)]

use cmms::core::memory::MemoryStore;
use cmms::core::testing::random_programs_agree;
use cmms::store::{SqliteOptions, SqliteStore};
use cmms_tests::{postgres, release_tier};
use std::time::Instant;

const OPERATIONS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_end_in_equal_state_on_all_stores() {
    let seeds = if release_tier() { 500 } else { 20 };
    // Fewer, since each needs a schema of its own.
    let on_postgres = if release_tier() { 300 } else { 20 };
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    for seed in 0..seeds {
        // Each in stores of its own, so that a failure can be had again from its seed alone.
        let file = folder.path().join(format!("{seed}.db"));
        let sqlite = SqliteStore::open(&file, SqliteOptions::default()).unwrap();
        random_programs_agree(&MemoryStore::new(), &sqlite, seed, OPERATIONS).await;
        if seed < on_postgres {
            let postgres = postgres::open(&postgres::fresh().await).await;
            random_programs_agree(&MemoryStore::new(), &postgres, seed, OPERATIONS).await;
        }
        drop(sqlite);
        let _ = std::fs::remove_file(file);
    }
    println!(
        "{seeds} programs of {OPERATIONS} operations, {on_postgres} of them on PostgreSQL, too, in {:.1} s",
        began.elapsed().as_secs_f64()
    );
}
