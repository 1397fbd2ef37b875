//! `cmms copy`

use super::table;
use cmms::config::Database;
use cmms::core::clock::SystemClock;
use cmms::core::services::copy::{Copied, copy};
use cmms::core::{Error, code};
use cmms::{Config, Result};
use std::process::ExitCode;

/// Stands for the database that the environment names.
const ENVIRONMENT: &str = "env";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The database that is copied, such as sqlite://cmms.db, or `env` for the one that the environment names (a URL with
    /// a password is better kept there). Other programs may go on writing it: of each organization the state of one
    /// moment is copied, which is told.
    from: String,
    /// An empty database whose schema is there (`cmms migrate up`), or the one in which this copy broke
    /// off; `env` here, too.
    to: String,
}

pub(super) async fn run(config: &Config, args: Args) -> Result<ExitCode> {
    let from = named(config, &args.from)?;
    is_there(&from)?;
    let from = from.open().await?;
    let to = named(config, &args.to)?.open().await?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut all, mut written) = (0, 0);
    let copied = copy(&*from, &*to, &SystemClock::default(), |done: &Copied| {
        (all, written) = (all + done.rows, written + done.written);
        if done.rows > 0 {
            rows.push(vec![
                done.organization.clone(),
                done.table.to_owned(),
                done.as_of.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
                done.rows.to_string(),
                done.written.to_string(),
            ]);
        }
    })
    .await;
    table::print(
        &["organization", "table", "as of", "rows", "written"],
        &rows,
    );
    copied?;
    say!(
        "Copied {all} rows, {written} of them written now. Sealed secrets open with the same master key only."
    );
    Ok(ExitCode::SUCCESS)
}

/// Arguments are seen by everybody who lists processes: a database with a password is better named by the environment.
fn named(config: &Config, url: &str) -> Result<Database> {
    match url {
        ENVIRONMENT => config.database(),
        url => Database::parse(url),
    }
}

/// To open an SQLite file makes it: a mistyped name would be copied as a store without records.
fn is_there(from: &Database) -> Result<()> {
    match from {
        from if from.is_missing() => Err(Error::new(
            code::STORE_MISSING,
            format!("there is no database {from} to copy"),
        )
        .field("from", "not_found", "names a file that does not exist")
        .remedy_is("Name the file that is to be copied.")),
        _ => Ok(()),
    }
}
