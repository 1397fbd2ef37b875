//! `cmms keys`

use super::Database;
use cmms::core::services::connections::master_key;
use cmms::{Client, Result};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Forget all stored credentials, because the master key that opens them is lost. Connections and records stay; each
    /// connection needs its credentials again.
    ForgetSecrets {
        /// Says that the key is lost: what is forgotten does not come back. Look for a copy of it first.
        #[arg(long, required = true)]
        yes: bool,
    },
}

pub(super) async fn run(database: Database, command: Command) -> Result<ExitCode> {
    let Command::ForgetSecrets { yes: _ } = command;
    let store = database.existing()?.open().await?;
    let builder = Client::builder(store).config(database.config);
    let client = builder.with_any_key().build().await?;
    let without = master_key::forget_secrets(&client.context(None), client.app()).await?;
    if without.is_empty() {
        say!("No connection had stored credentials.");
    }
    for name in without {
        say!("{name}: give its credentials again with `cmms connections set-secret`");
    }
    Ok(ExitCode::SUCCESS)
}
