//! Writes through the REST interface while a sync of 120,000 records runs: the first one, and then others that read
//! everything again until all writes are done.

use crate::ours;
use cmms::StartSync;
use cmms_server::rest::{Access, Server};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The vendor's address.
    #[arg(long)]
    url: String,
    /// The database.
    #[arg(long)]
    db: String,
    /// How many writes.
    #[arg(long, default_value_t = 50)]
    writes: usize,
}

/// Sends writes in even distances and prints how long each took, in milliseconds.
pub async fn write(args: Args) {
    let (client, connection) = ours::open(&args.db, &args.url, "paged", 1000).await;
    let server = Server::bind(client.clone(), "127.0.0.1", 0, Access::NoAuth)
        .await
        .expect("a server");
    let url = format!("{}/work-orders", server.url());
    tokio::spawn(server.run(std::future::pending::<()>()));
    let http = reqwest::Client::new();
    let begin = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&over);
    let syncs = tokio::spawn(async move {
        let mut runs = 0;
        while !enough.load(Ordering::Relaxed) {
            let again = StartSync::new(connection).force_sync(runs > 0);
            let run = client.sync().all(again).await.expect("a run");
            assert_eq!(run.synced_count, 120_000);
            runs += 1;
        }
        runs
    });
    let mut took = Vec::new();
    for n in 0..args.writes {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        let body = serde_json::json!({ "title": format!("Written meanwhile {n}") });
        let answer = http.post(&url).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 201);
        took.push(start.elapsed().as_secs_f64() * 1000.0);
        assert!(!syncs.is_finished(), "no sync ran beside write {n}");
    }
    let written = begin.elapsed();
    over.store(true, Ordering::Relaxed);
    let runs = syncs.await.expect("syncs");
    eprintln!(
        "writes ended at {written:.2?}, {runs} syncs at {:.2?}",
        begin.elapsed()
    );
    println!("MILLISECONDS {took:?}");
}
