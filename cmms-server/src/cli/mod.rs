//! The command `cmms`.

#[macro_use]
mod say;

mod connections;
mod copy;
mod demo;
mod migrate;
mod op;
mod problem;
mod progress;
mod secrets;
mod serve;
mod simulate;
mod sync;
mod table;
mod terminal;

use clap::{Parser, Subcommand};
use cmms::{Builder, Config, Opened, Result};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Connects to maintenance systems, keeps their records in step, and serves them.
#[derive(Debug, Parser)]
#[command(name = "cmms", version, max_term_width = 100)]
pub struct Cli {
    /// The database, such as sqlite://cmms.db or postgres://user@host/database [default: CMMS_DATABASE_URL, CMMS_DB_…, or
    /// sqlite://cmms.db]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Says more about what happens.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST interface.
    Serve(serve::Args),
    /// Show the main job on a simulated vendor: connect, sync, sync what changed, serve.
    Demo(demo::Args),
    /// Bring a vendor's records in.
    Sync(sync::Args),
    /// Add, list and test connections to vendors' systems.
    #[command(subcommand)]
    Connections(connections::Command),
    /// Run a simulated vendor.
    Simulate(simulate::Args),
    /// Call an operation by name.
    Op(op::Args),
    /// Show and bring up the schema of the database.
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Carry everything to another database, of whatever engine; a copy that broke off goes on.
    Copy(copy::Args),
}

impl Cli {
    /// Lets a server run itself again without secrets in its environment, where other programs of the same
    /// user could read them. Comes back where that is not needed or not possible.
    pub fn hide_secrets(&self) {
        if let Command::Serve(args) = &self.command
            && !args.secrets_on_stdin
        {
            secrets::run_again_without();
        }
    }
}

/// Runs a command and says with its exit code how it ended: 0 well, 1 not, 2 only in part.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(code) => code,
        Err(e) => {
            problem::print(&e);
            ExitCode::from(1)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let given = match &cli.command {
        Command::Serve(args) if args.secrets_on_stdin => secrets::from_stdin()?,
        _ => BTreeMap::new(),
    };
    let database = Database {
        url: cli.database_url,
        config: Config::from_env_and(given)?,
    };
    match cli.command {
        Command::Serve(args) => serve::run(database, args).await,
        Command::Demo(args) => demo::run(database, args).await,
        Command::Sync(args) => sync::run(database, args).await,
        Command::Connections(command) => connections::run(database, command).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Op(args) => op::run(database, args).await,
        Command::Migrate(command) => migrate::run(database, command).await,
        Command::Copy(args) => copy::run(&database.config, args).await,
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

    async fn open(self) -> Result<Opened> {
        let store = self.named()?.open().await?;
        Builder::new(store, self.config).build().await
    }
}

/// Says where a new master key was put, if one was just made.
fn announce_key(opened: &Opened) {
    if let Some(cmms::secrets::KeyOrigin::Created(path)) = opened.vault.key_origin() {
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
