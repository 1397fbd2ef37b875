//! The vendors, each in a process of its own.

use cmms_sim::paged::{PagedConfig, PagedSim};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which one.
    #[arg(value_enum)]
    kind: Kind,
    /// How long each answer takes.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// How many assets it has.
    #[arg(long, default_value_t = 20_000)]
    assets: usize,
    /// How many work orders it has.
    #[arg(long, default_value_t = 100_000)]
    work_orders: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Numbered pages.
    Paged,
    /// UpKeep.
    Upkeep,
}

/// Serves until standard input ends. The line `requests` there is answered with all requests so far, and an
/// empty line.
pub async fn serve(args: Args) {
    let latency = Duration::from_millis(args.latency_ms);
    let mut lines = BufReader::new(stdin()).lines();
    match args.kind {
        Kind::Paged => {
            let config = PagedConfig::default()
                .assets(args.assets)
                .work_orders(args.work_orders)
                .latency(latency);
            let sim = PagedSim::start(config, 0).await.expect("a vendor");
            println!("LISTENS {}", sim.base_url());
            while lines.next_line().await.ok().flatten().is_some() {}
        }
        Kind::Upkeep => {
            let config = UpkeepConfig::default()
                .assets(args.assets)
                .work_orders(args.work_orders)
                .latency(latency)
                .ready_token("r:bench");
            let sim = UpkeepSim::start(config, 0).await.expect("a vendor");
            println!("LISTENS {}", sim.base_url());
            while lines.next_line().await.ok().flatten().is_some() {
                for request in sim.vendor().requests() {
                    let query: Vec<String> = request
                        .query
                        .iter()
                        .map(|(name, value)| format!("{name}={}", value.replace(' ', "%20")))
                        .collect();
                    println!("{}?{}", request.path, query.join("&"));
                }
                println!();
            }
        }
    }
}
