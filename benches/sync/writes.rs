//! Writes through the REST interface while a sync of 120,000 records runs.

use crate::ours;
use cmms::StartSync;
use cmms_server::rest::{Access, Server};
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
    let sync = tokio::spawn(async move { client.sync().all(StartSync::new(connection)).await });
    let mut took = Vec::new();
    for n in 0..args.writes {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        let body = serde_json::json!({ "title": format!("Written meanwhile {n}") });
        let answer = http.post(&url).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 201);
        took.push(start.elapsed().as_secs_f64() * 1000.0);
        assert!(!sync.is_finished(), "the sync ended before write {n} did");
    }
    let written = begin.elapsed();
    let run = sync.await.expect("a run").expect("a run");
    assert_eq!(run.synced_count, 120_000);
    eprintln!(
        "writes ended at {written:.2?}, the sync at {:.2?}",
        begin.elapsed()
    );
    println!("MILLISECONDS {took:?}");
}
