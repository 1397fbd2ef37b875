//! Syncs a database until it is done or killed, and says so after each batch that it committed.
//!
//! `crash_worker DATABASE CONNECTION [--checkpoint-first] [--skip-fence] [--lease MILLISECONDS]`, with
//! `CMMS_EGRESS_ALLOW` in the environment. The database is a URL.

use cmms::core::domain::sync_run::StreamCount;
use cmms::core::failpoint::{Failpoint, set};
use cmms::core::ids::ConnectionId;
use cmms::secrets::KeyVault;
use cmms::{Client, Config, SyncStatus};
use cmms_tests::crash::{CHECKPOINT_FIRST, LEASE, SKIP_FENCE};
use cmms_tests::{KEY, open};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("the database");
    let connection: ConnectionId = arguments.next().expect("the connection").parse().unwrap();
    let mut lease = None;
    while let Some(word) = arguments.next() {
        match word.as_str() {
            CHECKPOINT_FIRST => set(Failpoint::CheckpointFirst, true),
            SKIP_FENCE => set(Failpoint::SkipFence, true),
            LEASE => {
                let millis = arguments.next().expect("milliseconds").parse().unwrap();
                lease = Some(Duration::from_millis(millis));
            }
            other => panic!("unknown word {other}"),
        }
    }
    let mut builder = Client::builder(open(&url).await)
        .config(Config::from_env().unwrap())
        .vault(KeyVault::with_key(KEY));
    if let Some(lease) = lease {
        builder = builder.lease(lease);
    }
    let client = builder.build().await.unwrap();
    let (sender, mut progress) = watch::channel(Vec::<StreamCount>::new());
    let telling = client.telling(Arc::new(sender));
    let sync = async move { telling.sync().all(connection).await };
    let tell = async move {
        let mut told = 0;
        while progress.changed().await.is_ok() {
            let synced: u64 = progress
                .borrow_and_update()
                .iter()
                .map(StreamCount::synced)
                .sum();
            if synced > told {
                told = synced;
                let mut out = std::io::stdout().lock();
                writeln!(out, "{synced} records").unwrap();
                out.flush().unwrap();
            }
        }
    };
    drop(client);
    let (run, ()) = tokio::join!(sync, tell);
    match run {
        Ok(run) if run.status == SyncStatus::Ok => ExitCode::SUCCESS,
        not => {
            eprintln!("{not:?}");
            ExitCode::FAILURE
        }
    }
}
