//! Ours: a durable sync into SQLite or PostgreSQL, with links, raw records, snapshots and audit.

use crate::custom_adapter::Paged;
use cmms::adapters::{EgressClient, EgressPolicy};
use cmms::{
    Client, Config, ConnectionOptions, CreateConnection, ListConnections, StartSync, SyncStatus,
};
use cmms_benches::{Figures, open_store};
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The vendor's address.
    #[arg(long)]
    url: String,
    /// The vendor's kind.
    #[arg(long, default_value = "paged")]
    vendor: String,
    /// The database: a file, or the URL of PostgreSQL.
    #[arg(long)]
    db: String,
    /// Records of a page.
    #[arg(long, default_value_t = 1000)]
    page_size: u32,
    /// Reads everything again.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
pub struct Database {
    /// The URL of the database.
    #[arg(long)]
    db: String,
}

/// Drops the schema of an earlier sync, and lets the server write what it has to, so that no run pays for another.
pub async fn empty(args: Database) {
    let mut database = PgConnection::connect(&args.db).await.expect("a database");
    for sql in ["DROP SCHEMA IF EXISTS cmms CASCADE", "CHECKPOINT"] {
        // Only a superuser may ask for the second.
        if let Err(why) = sqlx::raw_sql(sql).execute(&mut database).await {
            eprintln!("{sql}: {why}");
        }
    }
}

/// Opens the database and connects it to the vendor, if it is not yet.
pub async fn open(
    db: &str,
    url: &str,
    vendor: &str,
    page_size: u32,
) -> (Client, cmms::core::ids::ConnectionId) {
    let pairs = [
        ("CMMS_EGRESS_ALLOW", url.to_owned()),
        (
            "CMMS_MASTER_KEY",
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned(),
        ),
        ("USER", "bench".to_owned()),
    ];
    let config = Config::from_pairs(pairs).expect("settings");
    let egress = EgressClient::new(EgressPolicy::new(&[url.to_owned()]).expect("a policy"));
    let store = open_store(db).await;
    let client = Client::builder(store)
        .config(config)
        .adapter(Arc::new(Paged::new(egress.expect("a client"))))
        .build()
        .await
        .expect("an application");
    let known = client
        .connections()
        .list(ListConnections::new())
        .await
        .expect("connections");
    if let Some(connection) = known.items.first() {
        return (client, connection.id);
    }
    let options = ConnectionOptions {
        page_size: Some(page_size),
        ..ConnectionOptions::default()
    };
    let token = if vendor == "upkeep" {
        "r:bench"
    } else {
        "test-token"
    };
    let input = CreateConnection::new(vendor, url, "Bench")
        .api_key(token)
        .options(options);
    let connection = client
        .connections()
        .create(input)
        .await
        .expect("a connection");
    (client, connection.id)
}

/// Syncs once. The time starts when the database is open and the login is done.
pub async fn sync(args: Args) {
    let (client, connection) = open(&args.db, &args.url, &args.vendor, args.page_size).await;
    let start = Instant::now();
    let run = client
        .sync()
        .all(StartSync::new(connection).force_sync(args.force))
        .await
        .expect("a run");
    let took = start.elapsed();
    assert_eq!(run.status, SyncStatus::Ok, "{:?}", run.errors);
    eprintln!("{:?}", run.streams);
    Figures::of(took, u64::try_from(run.synced_count).expect("a count")).print();
}
