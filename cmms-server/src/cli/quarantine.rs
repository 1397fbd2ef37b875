//! `cmms quarantine`

use super::terminal::shown;
use super::{Database, sync, table};
use cmms::core::ids::QuarantineId;
use cmms::{ListQuarantine, QuarantineItem, Result};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the records that wait in quarantine.
    List {
        /// Only those of this connection, by name or id.
        #[arg(long)]
        connection: Option<String>,
        /// At most so many, up to 500.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Try to store a record again, as after a change of the mapping.
    Retry {
        /// The record's id in the quarantine.
        item: QuarantineId,
    },
    /// Leave a record out; syncs do not tell it again until the vendor changes it.
    Discard {
        /// The record's id in the quarantine.
        item: QuarantineId,
    },
}

pub(super) async fn run(database: Database, command: Command) -> Result<ExitCode> {
    let place = database.named()?.to_string();
    let client = database.open_existing().await?.client;
    match command {
        Command::List { connection, limit } => {
            let mut asked = ListQuarantine::new().limit(limit);
            if let Some(named) = connection {
                let found = sync::find(&client, &place, &named).await?;
                asked = asked.cmms_connection_id(found.id);
            }
            let page = client.quarantine().list(asked).await?;
            if page.items.is_empty() {
                say!("Nothing is in quarantine.");
                return Ok(ExitCode::SUCCESS);
            }
            let rows: Vec<_> = page
                .items
                .into_iter()
                .map(|item| {
                    vec![
                        item.id.to_string(),
                        item.entity.to_string(),
                        item.external_id,
                        item.field,
                        item.detail,
                    ]
                })
                .collect();
            table::print(&["id", "kind", "vendor's id", "field", "reason"], &rows);
            if page.next.is_some() {
                say!("  … and more: --limit shows up to 500");
            }
        }
        Command::Retry { item } => print(&client.quarantine().retry(item).await?),
        Command::Discard { item } => print(&client.quarantine().discard(item).await?),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(item: &QuarantineItem) {
    say!(
        "{} {} ({}): {}",
        item.entity,
        shown(&item.external_id),
        item.id,
        item.state
    );
}
