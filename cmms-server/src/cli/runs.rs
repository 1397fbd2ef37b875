//! `cmms runs`

use super::{Database, sync, table};
use cmms::core::ids::RunId;
use cmms::{ListRuns, Result, RunSort};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List runs, the latest first.
    List {
        /// Only those of this connection, by name or id.
        #[arg(long)]
        connection: Option<String>,
        /// At most so many, up to 500.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show what a run did, with its errors.
    Show {
        /// The run's id.
        run: RunId,
    },
    /// End a run at its next safe point; what it has stored stays.
    Cancel {
        /// The run's id.
        run: RunId,
    },
}

pub(super) async fn run(database: Database, command: Command) -> Result<ExitCode> {
    let place = database.named()?.to_string();
    let client = database.open_existing().await?.client;
    match command {
        Command::List { connection, limit } => {
            let mut asked = ListRuns::new().sort(RunSort::CreatedAtDesc).limit(limit);
            if let Some(named) = connection {
                let found = sync::find(&client, &place, &named).await?;
                asked = asked.cmms_connection_id(found.id);
            }
            let runs = client.runs().list(asked).await?.items;
            if runs.is_empty() {
                say!("No runs yet. Bring records in: cmms sync CONNECTION");
                return Ok(ExitCode::SUCCESS);
            }
            let rows: Vec<_> = runs
                .into_iter()
                .map(|run| {
                    vec![
                        run.id.to_string(),
                        run.sync_type.to_string(),
                        run.status.to_string(),
                        run.started_at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
                        run.created.to_string(),
                        run.updated.to_string(),
                        run.quarantined.to_string(),
                    ]
                })
                .collect();
            table::print(
                &[
                    "id",
                    "what",
                    "status",
                    "started",
                    "new",
                    "changed",
                    "quarantine",
                ],
                &rows,
            );
        }
        Command::Show { run } => sync::print(&client.runs().get(run).await?),
        Command::Cancel { run } => sync::print(&client.runs().cancel(run).await?),
    }
    Ok(ExitCode::SUCCESS)
}
