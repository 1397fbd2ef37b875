//! Three processes work on one PostgreSQL database: each connection has one owner at a time, also when one is killed.

use cmms::core::domain::audit::AuditEntry;
use cmms::core::domain::sync_run::SyncRun;
use cmms::core::ids::RunId;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::{Client, ConnectionOptions, CreateConnection, SyncStatus};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use cmms_tests::{client, open, postgres};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Connections that all processes are told to sync.
const CONNECTIONS: usize = 20;
/// How long a connection waits for its next run, in seconds.
const INTERVAL: i64 = 10;
/// A lease, in milliseconds.
const LEASE: &str = "3000";

async fn stored(client: &Client) -> (Vec<SyncRun>, Vec<AuditEntry>) {
    let store = &client.app().store;
    let mut tx = store.begin(client.scope(), TxMode::Snapshot).await.unwrap();
    let all = Query::default();
    (
        tx.of().list(&all).await.unwrap(),
        tx.of().list(&all).await.unwrap(),
    )
}

fn start(url: &str, sim: &UpkeepSim) -> Child {
    Command::new(env!("CARGO_BIN_EXE_worker_process"))
        .args([url, LEASE])
        .env_clear()
        .env("CMMS_EGRESS_ALLOW", sim.base_url())
        .env("USER", "worker")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Every run's batches were written by one owner after the other, and its counts are what the audit says.
fn wrong(runs: &[SyncRun], audit: &[AuditEntry]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut created: BTreeMap<RunId, i64> = BTreeMap::new();
    let mut records = BTreeMap::new();
    for batch in audit.iter().filter_map(|entry| entry.batch.as_ref()) {
        for record in batch.0.records.iter().filter(|r| r.action == "create") {
            *created.entry(batch.0.run).or_default() += 1;
            *records.entry(record.id).or_insert(0) += 1;
        }
    }
    wrong.extend(
        records
            .iter()
            .filter(|(_, n)| **n > 1)
            .map(|(id, n)| format!("{id} was created {n} times")),
    );
    let mut by_connection: BTreeMap<_, Vec<&SyncRun>> = BTreeMap::new();
    for run in runs {
        let of_audit = created.get(&run.id).copied().unwrap_or_default();
        if run.created != of_audit {
            wrong.push(format!("the audit says {of_audit} created of {run:?}"));
        }
        by_connection
            .entry(run.cmms_connection_id)
            .or_default()
            .push(run);
    }
    for runs in by_connection.values_mut() {
        runs.sort_by_key(|run| run.id);
        for pair in runs.windows(2) {
            if pair[0]
                .finished_at
                .is_none_or(|end| end > pair[1].created_at)
            {
                wrong.push(format!("two at once: {pair:?}"));
            }
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn each_connection_has_one_owner_among_three_processes() {
    let config = UpkeepConfig::default()
        .assets(10)
        .work_orders(60)
        .latency(Duration::from_millis(15));
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let url = postgres::fresh().await;
    let client = client(open(&url).await, &sim).await;
    for n in 0..CONNECTIONS {
        let options = ConnectionOptions {
            page_size: Some(20),
            batch_records: Some(20),
            ..ConnectionOptions::default()
        };
        let input = CreateConnection::new("upkeep", sim.base_url(), format!("Plant {n}"))
            .username(email.clone())
            .password(password.clone())
            .sync_interval(INTERVAL)
            .options(options)
            .allow_same_account(true);
        client.connections().create(input).await.unwrap();
    }
    let mut workers: Vec<_> = (0..3).map(|_| start(&url, &sim)).collect();
    // Until some runs are on their way.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (runs, _) = stored(&client).await;
        if runs
            .iter()
            .filter(|r| r.status == SyncStatus::Running)
            .count()
            >= 3
        {
            break;
        }
        assert!(Instant::now() < deadline, "nobody works: {}", runs.len());
        sleep(Duration::from_millis(5)).await;
    }
    workers[0].kill().await.unwrap();
    let killed = Instant::now();
    let (runs, _) = stored(&client).await;
    let open_then: Vec<_> = runs
        .iter()
        .filter(|r| r.finished_at.is_none())
        .map(|r| r.id)
        .collect();
    let mut handed_over = None;
    loop {
        let (runs, _) = stored(&client).await;
        let still = open_then.iter().any(|id| {
            let run = runs.iter().find(|r| r.id == *id);
            run.is_none_or(|r| r.finished_at.is_none())
        });
        if !still && handed_over.is_none() {
            handed_over = Some(killed.elapsed());
        }
        let ok = runs.iter().filter(|r| r.status == SyncStatus::Ok).count();
        if handed_over.is_some() && ok >= CONNECTIONS {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{ok} runs are ok, handed over: {handed_over:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
    for worker in &mut workers {
        worker.kill().await.ok();
    }
    // What the last kill left is gone on with here.
    let worker = client.worker();
    loop {
        worker.tick().await.unwrap();
        client.settled().await;
        let (runs, _) = stored(&client).await;
        if runs.iter().all(|r| r.finished_at.is_some()) {
            break;
        }
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(100)).await;
    }
    let (runs, audit) = stored(&client).await;
    let claims = audit.iter().filter(|e| e.action == "sync.claim").count();
    let wrong = wrong(&runs, &audit);
    println!(
        "{} runs of {CONNECTIONS} connections, {claims} claims, the runs of the killed process had ended {:.1?} after the kill: {} wrong",
        runs.len(),
        handed_over.unwrap(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(runs.iter().all(|r| r.status == SyncStatus::Ok), "{runs:#?}");
    assert!(handed_over.unwrap() < Duration::from_secs(15));
}
