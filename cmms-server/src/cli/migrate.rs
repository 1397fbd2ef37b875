//! `cmms migrate`

use super::{Database, PARTLY, table};
use cmms::Result;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show which steps of the schema the database has had. Exit code 3: some are still to be done.
    Status,
    /// Bring the schema up to this program's. Replicas may all call it at once: one does it, the others wait.
    Up,
    /// Print the SQL of the steps that are still to be done, and change nothing.
    Plan,
}

/// An SQLite file is migrated when it is opened, so there is never anything left to be done.
pub(super) async fn run(database: Database, command: Command) -> Result<ExitCode> {
    let named = match command {
        Command::Up => database.named()?,
        Command::Status | Command::Plan => database.existing()?,
    };
    let store = named.open().await?;
    match command {
        Command::Status => {
            let steps = store.migrations().await?;
            let pending = steps.iter().any(|step| step.applied_at.is_none());
            let rows: Vec<_> = steps
                .iter()
                .map(|step| {
                    let applied = step.applied_at.map(|at| at.format("%Y-%m-%d %H:%M:%S UTC"));
                    vec![
                        step.number.to_string(),
                        step.name.to_owned(),
                        applied.map_or("pending".to_owned(), |at| at.to_string()),
                    ]
                })
                .collect();
            table::print(&["step", "name", "applied"], &rows);
            Ok(ExitCode::from(if pending { PARTLY } else { 0 }))
        }
        Command::Up => {
            let migrated = store.migrate().await?;
            if migrated.from == migrated.to {
                say!("The schema is up to date: version {}.", migrated.to);
            } else {
                say!(
                    "The schema went from version {} to {}.",
                    migrated.from,
                    migrated.to
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Plan => {
            let steps = store.migrations().await?;
            for step in steps.iter().filter(|step| step.applied_at.is_none()) {
                say!("-- {} {}\n{}", step.number, step.name, step.sql);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
