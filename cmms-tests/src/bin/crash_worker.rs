//! Syncs a database until it is done or killed, and says so after each batch that it committed.
//!
//! `crash_worker DATABASE CONNECTION [--checkpoint-first]`, with `CMMS_EGRESS_ALLOW` in the environment.

use cmms::core::domain::sync_run::StreamCount;
use cmms::core::failpoint::{Failpoint, set};
use cmms::core::ids::ConnectionId;
use cmms::secrets::KeyVault;
use cmms::{Builder, Config, SyncStatus};
use cmms_tests::KEY;
use cmms_tests::crash::CHECKPOINT_FIRST;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::watch;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("the database");
    let connection: ConnectionId = arguments.next().expect("the connection").parse().unwrap();
    if arguments.next().as_deref() == Some(CHECKPOINT_FIRST) {
        set(Failpoint::CheckpointFirst, true);
    }
    let client = Builder::sqlite(path.as_ref(), Config::from_env().unwrap())
        .unwrap()
        .vault(KeyVault::with_key(KEY))
        .build()
        .await
        .unwrap()
        .client;
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
