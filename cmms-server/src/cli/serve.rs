//! `cmms serve`

use super::{Database, announce_key, asked_to_end};
use crate::rest::{Access, Server};
use cmms::Result;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen [default: CMMS_API_HOST, or 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// The port; 0 takes any free one [default: CMMS_API_PORT, or 8003]
    #[arg(long)]
    port: Option<u16>,
    /// Serve without authentication: this machine's own programs only.
    #[arg(long)]
    no_auth: bool,
    /// Read secrets of the environment from standard input: the program says this to itself.
    #[arg(long, hide = true)]
    pub(super) secrets_on_stdin: bool,
}

pub(super) async fn run(database: Database, args: Args) -> Result<ExitCode> {
    let host = args
        .host
        .unwrap_or_else(|| database.config.api_host.clone());
    let port = args.port.unwrap_or(database.config.api_port);
    // Refused before the database is touched, where the flags alone tell.
    let access = Access::new(&host, args.no_auth)?;
    let opened = database.open().await?;
    let server = Server::bind(opened.client.clone(), &host, port, access).await?;
    announce_key(&opened);
    say!(
        "Serving {} (no authentication: this machine's own programs only)",
        server.url()
    );
    let stop = CancellationToken::new();
    let worker = opened.client.worker();
    let (served, ()) = tokio::join!(
        // The worker claims nothing more when the server begins to stop its runs.
        server.run(async {
            asked_to_end().await;
            stop.cancel();
        }),
        worker.run(stop.cancelled())
    );
    served?;
    Ok(ExitCode::SUCCESS)
}
