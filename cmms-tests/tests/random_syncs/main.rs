//! Random programs of operations and syncs: records change at two accounts and here, clocks of host and vendor move,
//! connections change their account, are deleted and made again, syncs are dropped. Afterwards two runs bring the
//! store in step, and no record was ever taken for another account's. 200 of them in the release tier.

mod clock;
mod program;
mod world;

use cmms_tests::{Where, release_tier};

const STEPS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn after_whatever_happened_two_runs_bring_the_store_in_step() {
    let seeds = if release_tier() { 200 } else { 9 };
    for seed in 0..seeds {
        let place = [Where::Sqlite, Where::Memory, Where::Postgres][seed as usize % 3];
        program::run(seed, place, STEPS).await;
    }
    println!("{seeds} programs of {STEPS} steps: in step, 0 records of another account changed");
}
