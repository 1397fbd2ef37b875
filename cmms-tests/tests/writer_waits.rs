//! A small write waits a short time while another process syncs into the same database.

#![expect(
    clippy::disallowed_methods,
    reason = "a test that measures how long calls take"
)]

use cmms::core::domain::sync_run::SyncRun;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::{Client, ConnectionOptions, CreateConnection, CreateWorkOrder, SyncStatus};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use cmms_tests::{client, open, postgres, release_tier};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// The pause between two writes.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the whole of it may take.
const LONGEST: Duration = Duration::from_secs(300);

/// The process that syncs.
fn start(url: &str, sim: &UpkeepSim) -> Child {
    Command::new(env!("CARGO_BIN_EXE_worker_process"))
        .arg(url)
        .env_clear()
        .env("CMMS_EGRESS_ALLOW", sim.base_url())
        .env("USER", "worker")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn run(client: &Client) -> Option<SyncRun> {
    let store = &client.app().store;
    let mut tx = store.begin(client.scope(), TxMode::Once).await.unwrap();
    let runs: Vec<SyncRun> = tx.of().list(&Query::default()).await.unwrap();
    runs.into_iter().min_by_key(|run| run.id)
}

/// How long each small write took beside a sync.
async fn beside_a_sync(url: &str) -> Vec<Duration> {
    let orders = if release_tier() { 100_000 } else { 5_000 };
    let config = UpkeepConfig::default().assets(1_000).work_orders(orders);
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let client = client(open(url).await, &sim).await;
    let options = ConnectionOptions {
        page_size: Some(1_000),
        ..ConnectionOptions::default()
    };
    let input = CreateConnection::new("upkeep", sim.base_url(), "Plant")
        .username(email)
        .password(password)
        .sync_interval(3_600)
        .options(options);
    client.connections().create(input).await.unwrap();
    let _worker = start(url, &sim);
    let began = Instant::now();
    let mut took = Vec::new();
    loop {
        assert!(began.elapsed() < LONGEST, "the sync does not end");
        match run(&client).await {
            // Records come in by now.
            Some(run) if run.created > 0 && run.finished_at.is_none() => {
                let asked = Instant::now();
                let order = CreateWorkOrder::new("Written meanwhile");
                client.work_orders().create(order).await.unwrap();
                took.push(asked.elapsed());
            }
            Some(run) if run.finished_at.is_some() => {
                assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
                took.sort();
                return took;
            }
            _ => {}
        }
        sleep(PAUSE).await;
    }
}

async fn judge(store: &str, url: &str) {
    let took = beside_a_sync(url).await;
    let [median, late, longest] = [500, 990, 1_000].map(|part| {
        let place = (took.len() * part).div_ceil(1_000).saturating_sub(1);
        took[place].as_secs_f64() * 1_000.0
    });
    println!(
        "{store}: {} writes beside the sync of another process: median {median:.1} ms, 99 of 100 within {late:.1} ms, longest {longest:.1} ms",
        took.len()
    );
    assert!(took.len() > 5, "hardly any write met the sync");
    // The longest depends on what else the machine does; most of them do not.
    assert!(median < 100.0, "{median} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_write_waits_a_short_time_beside_a_sync_of_another_process_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("cmms.db").display());
    judge("sqlite", &url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_write_waits_a_short_time_beside_a_sync_of_another_process_on_postgres() {
    judge("postgres", &postgres::fresh().await).await;
}
