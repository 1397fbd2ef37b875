//! `cmms simulate`

use super::asked_to_end;
use super::table;
use cmms::core::clock::{Clock, SystemClock};
use cmms::{Error, Result, code};
use cmms_sim::{ServeOptions, Served, SimError};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The vendor.
    #[arg(value_enum)]
    vendor: Vendor,
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 9100)]
    port: u16,
    /// How many assets it has.
    #[arg(long, default_value_t = 200)]
    assets: usize,
    /// How many work orders it has.
    #[arg(long, default_value_t = 2_000)]
    work_orders: usize,
    /// The seed of its records.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many milliseconds it waits before each answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// The largest page that it answers: 200 (upkeep) or 5000 (paged) unless it is given.
    #[arg(long)]
    page_cap: Option<usize>,
    /// Records that it changes by itself each minute.
    #[arg(long, default_value_t = 0)]
    edits_per_minute: usize,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Vendor {
    /// UpKeep, API version 2.
    Upkeep,
    /// A small API of numbered pages, which the example custom_adapter speaks.
    Paged,
}

impl From<Vendor> for cmms_sim::Vendor {
    fn from(vendor: Vendor) -> Self {
        match vendor {
            Vendor::Upkeep => Self::Upkeep,
            Vendor::Paged => Self::Paged,
        }
    }
}

pub(super) async fn run(args: Args) -> Result<ExitCode> {
    let vendor = args.vendor.into();
    let mut options = ServeOptions::default();
    options.port = args.port;
    options.assets = args.assets;
    options.work_orders = args.work_orders;
    options.seed = args.seed;
    options.latency = Duration::from_millis(args.latency_ms);
    options.page_cap = args.page_cap;
    options.edits_per_minute = args.edits_per_minute;
    let clock = SystemClock::default();
    let served = Served::start(vendor, &options, clock.now())
        .await
        .map_err(sim_error)?;
    announce(vendor.title(), &served, &options);
    tokio::select! {
        () = served.live(|| clock.now()) => {}
        () = asked_to_end() => {}
    }
    served.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Says where the simulator is and what lets a client in.
fn announce(title: &str, served: &Served, options: &ServeOptions) {
    let address = served.address();
    say!("A simulated {title}, nothing of it is real:");
    let mut rows = vec![vec!["address".to_owned(), address.clone()]];
    let account = served.account().iter();
    rows.extend(account.map(|(name, value)| vec![(*name).to_owned(), value.clone()]));
    let records = format!(
        "{} assets, {} work orders",
        options.assets, options.work_orders
    );
    rows.push(vec!["records".to_owned(), records]);
    table::print(&["", ""], &rows);
    say!("To call it, set CMMS_EGRESS_ALLOW={address}");
}

/// The error of a simulator that did not start.
pub(super) fn sim_error(e: SimError) -> Error {
    let row = match &e {
        SimError::PortInUse { .. } => code::SERVE_PORT,
        _ => code::SERVE_HOST,
    };
    Error::new(row, e.to_string()).field("port", row.reason(), "choose another one with --port")
}
