//! The command `cmms`.

#[macro_use]
mod say;

mod connections;
mod copy;
mod demo;
mod files;
mod keys;
mod migrate;
mod op;
mod problem;
mod progress;
mod quarantine;
mod runs;
mod secrets;
mod serve;
mod simulate;
mod sync;
mod table;
mod terminal;

use clap::{Parser, Subcommand};
use cmms::core::ports::store::Store;
use cmms::secrets::{KeyOrigin, KeyVault};
use cmms::{Client, Config, Error, Result, code};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

/// The exit code of what was done only in part, or is still to be done.
const PARTLY: u8 = 3;
/// The exit code of what the user or the system ended: 128 and the number of SIGINT, as shells have it.
const ENDED: u8 = 130;

/// What scripts need to know, below the help.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed: the error says why and what to do
  2    the command line is wrong
  3    done in part, or something is still to be done: a sync that left records in quarantine or a kind of record out,
       `migrate status` with steps that the database has not had
  130  ended by Ctrl-C or by the system; a sync ends its run as cancelled";

/// Connects to maintenance systems, keeps their records in step, and serves them.
#[derive(Debug, Parser)]
#[command(name = "cmms", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// Says more about what happens.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST interface.
    Serve(At<serve::Args>),
    /// Show the main job on a simulated vendor: connect, sync, sync what changed, serve.
    Demo(demo::Args),
    /// Bring a vendor's records in.
    Sync(At<sync::Args>),
    /// Add, list, test, change and remove connections to vendors' systems.
    Connections(On<connections::Command>),
    /// Show and end runs: what each sync did.
    Runs(On<runs::Command>),
    /// Show records that could not be stored, try them again, or leave them out.
    Quarantine(On<quarantine::Command>),
    /// Run a simulated vendor.
    Simulate(simulate::Args),
    /// Call an operation by name.
    #[command(disable_help_flag = true)]
    Op(At<op::Args>),
    /// Show and bring up the schema of the database.
    Migrate(On<migrate::Command>),
    /// Begin with another master key where the one of the stored credentials is lost.
    Keys(On<keys::Command>),
    /// Carry everything to another database, of whatever engine; a copy that broke off goes on.
    Copy(copy::Args),
}

/// Which database is meant.
#[derive(Debug, clap::Args)]
struct Place {
    /// The database, such as sqlite://cmms.db or postgres://user@host/database [default: CMMS_DATABASE_URL, CMMS_DB_…, or
    /// sqlite://cmms.db]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
}

/// What a command is told, beside its database.
#[derive(Debug, clap::Args)]
struct At<A: clap::Args> {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    args: A,
}

/// Commands below a command, on one database.
#[derive(Debug, clap::Args)]
struct On<C: Subcommand> {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: C,
}

impl Cli {
    /// Lets a server run itself again without secrets in its environment, where other programs of the same
    /// user could read them. Comes back where that is not needed or not possible.
    pub fn hide_secrets(&self) {
        if let Command::Serve(At { args, .. }) = &self.command
            && !args.secrets_on_stdin
        {
            secrets::run_again_without();
        }
    }
}

/// Runs a command and says with its exit code how it ended, as its help tells.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(code) => code,
        Err(e) => {
            problem::print(&e);
            ExitCode::from(if e.is(code::OP_CANCELLED) { ENDED } else { 1 })
        }
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let given = match &cli.command {
        Command::Serve(At { args, .. }) if args.secrets_on_stdin => secrets::from_stdin()?,
        _ => BTreeMap::new(),
    };
    let config = Config::from_env_and(given)?;
    let on = |place: Place| Database {
        url: place.database_url,
        config: config.clone(),
    };
    match cli.command {
        Command::Serve(At { place, args }) => serve::run(on(place), args).await,
        Command::Demo(args) => demo::run(config, args).await,
        Command::Sync(At { place, args }) => sync::run(on(place), args).await,
        Command::Connections(On { place, command }) => connections::run(on(place), command).await,
        Command::Runs(On { place, command }) => runs::run(on(place), command).await,
        Command::Quarantine(On { place, command }) => quarantine::run(on(place), command).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Op(At { place, args }) => op::run(on(place), args).await,
        Command::Migrate(On { place, command }) => migrate::run(on(place), command).await,
        Command::Keys(On { place, command }) => keys::run(on(place), command).await,
        Command::Copy(args) => copy::run(&config, args).await,
    }
}

/// Which database a command works on.
struct Database {
    url: Option<String>,
    config: Config,
}

impl Database {
    fn named(&self) -> Result<cmms::config::Database> {
        match &self.url {
            Some(url) => cmms::config::Database::parse(url),
            None => self.config.database(),
        }
    }

    /// Opens the database of a command that may begin one: an SQLite file is made where there is none.
    async fn open(self) -> Result<Opened> {
        let store = self.named()?.open().await?;
        open(store, self.config).await
    }

    /// Opens the database of a command that needs one that is there: in a new one there is nothing to be found, so the
    /// name is a mistake.
    async fn open_existing(self) -> Result<Opened> {
        self.existing()?;
        self.open().await
    }

    /// The database, which must be there.
    fn existing(&self) -> Result<cmms::config::Database> {
        let named = self.named()?;
        if named.is_missing() {
            let field = if self.url.is_some() {
                "--database-url"
            } else {
                "CMMS_DATABASE_URL"
            };
            return Err(Error::new(code::STORE_MISSING, format!("there is no database {named}"))
                .field(field, "database_missing", "names a file that does not exist")
                .remedy_is(
                    "Name the right one with --database-url or CMMS_DATABASE_URL, or go to its folder. A new one is made \
                     by `cmms migrate up`, `cmms connections add` and `cmms serve`.",
                ));
        }
        Ok(named)
    }
}

/// An open database with what seals its secrets.
struct Opened {
    client: Client,
    vault: Arc<KeyVault>,
}

async fn open(store: Arc<dyn Store>, config: Config) -> Result<Opened> {
    let vault = Arc::new(KeyVault::of(&config, &*store));
    let builder = Client::builder(store).config(config);
    let client = builder.vault(Arc::clone(&vault)).build().await?;
    Ok(Opened { client, vault })
}

/// Says where a new master key was put, if one was just made.
fn announce_key(opened: &Opened) {
    if let Some(KeyOrigin::Created(path)) = opened.vault.key_origin() {
        tell!(
            "A new key for secrets was put into {}: keep a copy of it in a safe place.",
            path.display()
        );
    }
}

/// Waits until the user or the system asks the program to end.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Where signals cannot be heard the program ends with its terminal.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
