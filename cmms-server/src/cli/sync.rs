//! `cmms sync`

use super::terminal::shown;
use super::{Database, ENDED, PARTLY, progress, table};
use cmms::{
    Client, Connection, Error, ListConnections, ListRuns, Result, RunSort, StartSync, SyncRun,
    SyncStatus, SyncType, code,
};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The connection, by name or id.
    connection: String,
    /// What comes in.
    #[arg(long, value_enum, default_value = "all")]
    only: Only,
    /// Read everything at the vendor again.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Only {
    All,
    Assets,
    WorkOrders,
}

pub(super) async fn run(database: Database, args: Args) -> Result<ExitCode> {
    let place = database.named()?.to_string();
    let opened = database.open_existing().await?;
    let connection = find(&opened.client, &place, &args.connection).await?;
    let sync_type = match args.only {
        Only::All => SyncType::All,
        Only::Assets => SyncType::Assets,
        Only::WorkOrders => SyncType::WorkOrders,
    };
    let input = StartSync::new(connection.id).force_sync(args.force);
    let run = match progress::sync(&opened.client, sync_type, input).await {
        // Whoever ended it hears what it did until then.
        Err(e) if e.is(code::OP_CANCELLED) => {
            let latest = ListRuns::new()
                .cmms_connection_id(connection.id)
                .sort(RunSort::CreatedAtDesc)
                .limit(1_u32);
            let mut runs = opened.client.runs().list(latest).await?.items;
            runs.pop().ok_or(e)?
        }
        run => run?,
    };
    print(&run);
    Ok(match run.status {
        SyncStatus::Ok => ExitCode::SUCCESS,
        SyncStatus::Partial => ExitCode::from(PARTLY),
        SyncStatus::Cancelled => ExitCode::from(ENDED),
        _ => ExitCode::from(1),
    })
}

/// The connection of this name, or else of this id: a name may look like an id.
pub(super) async fn find(client: &Client, place: &str, named: &str) -> Result<Connection> {
    let asked = ListConnections::new().connection_name(named);
    let mut found = client.connections().list(asked).await?.items;
    if let Some(connection) = found.pop() {
        return Ok(connection);
    }
    let missing = |e: Option<Error>| {
        let missing = Error::new(
            code::CONNECTION_NOT_FOUND,
            format!("there is no connection {named:?} in the database {place}"),
        )
        .field(
            "connection",
            "connection_not_found",
            "`cmms connections list` shows all",
        );
        match e {
            Some(e) => missing.source(e),
            None => missing,
        }
    };
    match named.parse::<cmms::core::ids::ConnectionId>() {
        Ok(id) => match client.connections().get(id).await {
            Err(e) if e.is(code::CONNECTION_NOT_FOUND) => Err(missing(Some(e))),
            found => found,
        },
        Err(_) => Err(missing(None)),
    }
}

/// Prints what a run did.
pub(super) fn print(run: &SyncRun) {
    let rows: Vec<Vec<String>> = run
        .streams
        .0
        .iter()
        .map(|s| {
            let counts = [
                s.fetched,
                s.created,
                s.updated,
                s.unchanged,
                s.quarantined,
                s.pages,
            ];
            std::iter::once(format!("{}s", s.entity).replace('_', " "))
                .chain(counts.iter().map(u64::to_string))
                .collect()
        })
        .collect();
    say!("Run {}: {}", run.id, run.status);
    table::print(
        &[
            "",
            "read",
            "new",
            "changed",
            "unchanged",
            "quarantine",
            "pages",
        ],
        &rows,
    );
    for e in run.errors.0.iter().take(10) {
        let record = e
            .external_id
            .as_deref()
            .map(|id| format!(" ({})", shown(id)))
            .unwrap_or_default();
        say!("  {}{record}: {}", e.code, shown(&e.detail));
        say!("    {}", shown(&e.remedy));
    }
    if run.errors.0.len() > 10 {
        say!(
            "  … and {} more: cmms op runs.get '{{\"run_id\":\"{}\"}}'",
            run.errors.0.len() - 10,
            run.id
        );
    }
}
