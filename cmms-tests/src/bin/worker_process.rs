//! Works on a database until it is killed: `worker_process DATABASE [LEASE MILLISECONDS]`, with `CMMS_EGRESS_ALLOW` in
//! the environment. The database is a URL.

use cmms::secrets::KeyVault;
use cmms::{Client, Config};
use cmms_tests::{KEY, open};
use std::time::Duration;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("the database");
    let mut builder = Client::builder(open(&url).await)
        .config(Config::from_env().unwrap())
        .vault(KeyVault::with_key(KEY));
    if let Some(millis) = arguments.next() {
        builder = builder.lease(Duration::from_millis(millis.parse().unwrap()));
    }
    let client = builder.build().await.unwrap();
    client.worker().run(std::future::pending()).await;
}
