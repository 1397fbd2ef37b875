//! A syncing process may be killed at any moment: what it committed is whole, and the next run completes it.

use cmms_tests::crash::{CHECKPOINT_FIRST, Ground};
use cmms_tests::{Where, release_tier};

const WORKER: &str = env!("CARGO_BIN_EXE_crash_worker");
/// Where the seeds begin; each round of one kill or several has the next one.
const SEED: u64 = 20_260_601;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sync_is_completed_by_the_next() {
    let wanted = if release_tier() { 200 } else { 15 };
    kill(Ground::new(WORKER, &[], Where::Sqlite).await, wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sync_is_completed_by_the_next_on_postgresql() {
    let wanted = if release_tier() { 100 } else { 10 };
    kill(Ground::new(WORKER, &[], Where::Postgres).await, wanted).await;
}

/// Kills until so many kills fell between the first and the last commit.
async fn kill(ground: Ground, wanted: u64) {
    let (mut landed, mut kills) = (0, 0);
    let mut wrong = Vec::new();
    // A kill that missed is drawn anew, and counts: half of all must land.
    for seed in SEED.. {
        let outcome = ground.strike(seed).await;
        kills += outcome.kills;
        landed += outcome.landed;
        if !outcome.wrong.is_empty() {
            wrong.push((seed, outcome.wrong));
        }
        assert!(
            kills < 10 || landed * 2 >= kills,
            "{landed} of {kills} kills landed between the first and the last commit"
        );
        if landed >= wanted {
            break;
        }
    }
    println!(
        "{kills} kills, {landed} between the first and the last commit, {} wrong",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_checkpoint_before_rows_is_caught() {
    let ground = Ground::new(WORKER, &[CHECKPOINT_FIRST], Where::Sqlite).await;
    // What the checkpoint jumped over must be older than the look-back of the next listing.
    assert!(ground.spread() > chrono::TimeDelta::days(30));
    for strike in 0..30 {
        let outcome = ground.strike(SEED + strike).await;
        let lost = |text: &String| text.ends_with("is not linked");
        if outcome.wrong.iter().any(lost) {
            println!("caught by kill {}: {:?}", strike + 1, outcome.wrong.first());
            return;
        }
    }
    panic!("30 kills did not show that the checkpoint went ahead of its rows");
}
