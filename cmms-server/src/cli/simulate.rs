//! `cmms simulate`

use super::asked_to_end;
use super::table;
use cmms::core::clock::{Clock, SystemClock};
use cmms::{Error, Result, code};
use cmms_sim::SimError;
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
    /// How long it waits before each answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// The largest page that it answers.
    #[arg(long, default_value_t = 200)]
    page_cap: usize,
    /// Records that it changes by itself each minute.
    #[arg(long, default_value_t = 0)]
    edits_per_minute: usize,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Vendor {
    /// UpKeep, API version 2.
    Upkeep,
}

pub(super) async fn run(args: Args) -> Result<ExitCode> {
    let Vendor::Upkeep = args.vendor;
    let config = UpkeepConfig::default()
        .now(SystemClock::default().now())
        .seed(args.seed)
        .assets(args.assets)
        .work_orders(args.work_orders)
        .page_cap(args.page_cap)
        .latency(Duration::from_millis(args.latency_ms));
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, args.port)
        .await
        .map_err(sim_error)?;
    println!("A simulated UpKeep, nothing of it is real:");
    table::print(
        &["", ""],
        &[
            vec!["address".into(), sim.base_url()],
            vec!["e-mail".into(), email],
            vec!["password".into(), password],
            vec![
                "records".into(),
                format!("{} assets, {} work orders", args.assets, args.work_orders),
            ],
        ],
    );
    println!("To call it, set CMMS_EGRESS_ALLOW={}", sim.base_url());
    let vendor = sim.vendor().clone();
    tokio::select! {
        () = live(&vendor, args.edits_per_minute) => {}
        () = sim.run_until(asked_to_end()) => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Lets the vendor's clock go, and lets it change records by itself. Never ends.
pub(super) async fn live(vendor: &UpkeepVendor, edits_per_minute: usize) {
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
