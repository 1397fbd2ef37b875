//! The command `cmms`.

use clap::Parser;
use cmms_server::cli::{self, Cli};
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Records are made on one thread and freed on another by the thousand; the C library's allocator keeps the freed
/// memory in pieces and waits for its locks there. SQLite uses this one, too, where it can take malloc's name.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.hide_secrets();
    let default = if cli.verbose {
        "cmms=debug,cmms_core=debug,cmms_adapters=debug,cmms_server=debug,info"
    } else {
        "warn"
    };
    let filter = EnvFilter::try_from_env("CMMS_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(cli::run(cli)),
        Err(e) => {
            eprintln!("error: the program cannot start its threads: {e}");
            ExitCode::from(1)
        }
    }
}
