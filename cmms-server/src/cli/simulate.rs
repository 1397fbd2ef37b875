//! `cmms simulate`

use super::asked_to_end;
use super::table;
use chrono::{DateTime, Utc};
use cmms::core::clock::{Clock, SystemClock};
use cmms::{Error, Result, code};
use cmms_sim::SimError;
use cmms_sim::paged::{PagedConfig, PagedSim, PagedVendor};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim, UpkeepVendor};
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

pub(super) async fn run(args: Args) -> Result<ExitCode> {
    match args.vendor {
        Vendor::Upkeep => upkeep(args).await,
        Vendor::Paged => paged(args).await,
    }
}

async fn upkeep(args: Args) -> Result<ExitCode> {
    let mut config = UpkeepConfig::default()
        .now(SystemClock::default().now())
        .seed(args.seed)
        .assets(args.assets)
        .work_orders(args.work_orders)
        .latency(Duration::from_millis(args.latency_ms));
    if let Some(records) = args.page_cap {
        config = config.page_cap(records);
    }
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, args.port)
        .await
        .map_err(sim_error)?;
    let account = [("e-mail", email), ("password", password)];
    announce("UpKeep", &sim.base_url(), &account, &args);
    let vendor = sim.vendor().clone();
    tokio::select! {
        () = live(&vendor, args.edits_per_minute) => {}
        () = sim.run_until(asked_to_end()) => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn paged(args: Args) -> Result<ExitCode> {
    let mut config = PagedConfig::default()
        .now(SystemClock::default().now())
        .seed(args.seed)
        .assets(args.assets)
        .work_orders(args.work_orders)
        .latency(Duration::from_millis(args.latency_ms));
    if let Some(records) = args.page_cap {
        config = config.page_cap(records);
    }
    let token = config.token.clone();
    let sim = PagedSim::start(config, args.port)
        .await
        .map_err(sim_error)?;
    announce("paged API", &sim.base_url(), &[("token", token)], &args);
    let vendor = sim.vendor().clone();
    tokio::select! {
        () = live(&vendor, args.edits_per_minute) => {}
        () = sim.run_until(asked_to_end()) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Says where the simulator is and what lets a client in.
fn announce(title: &str, address: &str, account: &[(&str, String)], args: &Args) {
    say!("A simulated {title}, nothing of it is real:");
    let mut rows = vec![vec!["address".to_owned(), address.to_owned()]];
    let account = account.iter();
    rows.extend(account.map(|(name, value)| vec![(*name).to_owned(), value.clone()]));
    let records = format!("{} assets, {} work orders", args.assets, args.work_orders);
    rows.push(vec!["records".to_owned(), records]);
    table::print(&["", ""], &rows);
    say!("To call it, set CMMS_EGRESS_ALLOW={address}");
}

/// A simulated account whose clock goes on and whose records change by themselves.
pub(super) trait Live {
    /// Sets the vendor's clock.
    fn set_clock(&self, now: DateTime<Utc>);
    /// Changes so many records.
    fn edit(&self, how_many: usize);
}

impl Live for UpkeepVendor {
    fn set_clock(&self, now: DateTime<Utc>) {
        Self::set_clock(self, now);
    }
    fn edit(&self, how_many: usize) {
        Self::edit(self, how_many);
    }
}

impl Live for PagedVendor {
    fn set_clock(&self, now: DateTime<Utc>) {
        Self::set_clock(self, now);
    }
    fn edit(&self, how_many: usize) {
        Self::edit(self, how_many);
    }
}

/// Lets the vendor's clock go, and lets it change records by itself. Never ends.
pub(super) async fn live(vendor: &impl Live, edits_per_minute: usize) {
    let clock = SystemClock::default();
    for second in 1_usize.. {
        clock.sleep(Duration::from_secs(1)).await;
        vendor.set_clock(clock.now());
        if edits_per_minute > 0 && second % 60 == 0 {
            vendor.edit(edits_per_minute);
        }
    }
}

/// The error of a simulator that did not start.
pub(super) fn sim_error(e: SimError) -> Error {
    let row = match &e {
        SimError::PortInUse { .. } => code::SERVE_PORT,
        _ => code::SERVE_HOST,
    };
    Error::new(row, e.to_string()).field("port", row.reason(), "choose another one with --port")
}
