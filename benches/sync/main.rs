//! Syncs of 20,000 assets and 100,000 work orders, beside the bound and other programs in the same run.
//!
//! `cargo bench -p cmms-benches --bench sync` measures ours alone, on vendors that it simulates. With
//! `CMMS_PEERS=FOLDER` it also runs the programs of that folder (`vendor_sim`, `limits`, `sync`), all against
//! the same vendor. With `CMMS_BENCH_POSTGRES=URL` of a database in the server of the peers' `pg.sh` it measures on
//! PostgreSQL, too. `CMMS_BENCH_ONLY=first,delta` takes some of the measurements, `CMMS_BENCH_REPEATS` sets
//! how often each runs (3). Figures of different runs are not comparable; ratios within one are.

#[path = "../../examples/rust/custom_adapter.rs"]
#[expect(
    dead_code,
    reason = "the adapter is used, the program around it is not"
)]
pub mod custom_adapter;

mod measure;
mod ours;
mod program;
mod replay;
mod vendor;
mod writes;

use clap::Parser;

/// As in the command `cmms`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What this process is to do: compare, or be one of those that are compared.
#[derive(Debug, Parser)]
struct Args {
    /// Cargo says so to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// Serves a simulated vendor until standard input ends.
    Vendor(vendor::Args),
    /// Syncs with cmms.
    Ours(ours::Args),
    /// Sends the requests that standard input names, and does nothing else.
    Replay(replay::Args),
    /// Drops what an earlier sync left in a database of PostgreSQL.
    Empty(ours::Database),
    /// Writes through the REST interface while a sync runs.
    Writes(writes::Args),
}

fn main() {
    let args = Args::parse();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match args.role {
        None => measure::all(),
        Some(Role::Vendor(args)) => runtime.block_on(vendor::serve(args)),
        Some(Role::Ours(args)) => runtime.block_on(ours::sync(args)),
        Some(Role::Empty(args)) => runtime.block_on(ours::empty(args)),
        Some(Role::Replay(args)) => replay::send(&args),
        Some(Role::Writes(args)) => runtime.block_on(writes::write(args)),
    }
}
