//! `cmms connections`

use super::terminal::shown;
use super::{Database, announce_key, sync, table};
use cmms::core::request::SecretText;
use cmms::{ConnectionOptions, CreateConnection, Error, ListConnections, Result, code};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a connection. Its secret comes from a prompt, a file or standard input, never from an argument.
    Add(Add),
    /// List the connections.
    List,
    /// Log in at the vendor of a connection.
    Test {
        /// The connection, by name or id.
        connection: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The vendor's system, such as upkeep.
    cmms_type: String,
    /// The address of its API.
    api_url: String,
    /// What you call the connection.
    #[arg(long)]
    name: String,
    /// The user name (an e-mail address at UpKeep); the secret then is its password. Without it the secret
    /// is an API key.
    #[arg(long)]
    username: Option<String>,
    /// Read the secret from the first line of this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_stdin", "credentials_file"])]
    secret_file: Option<PathBuf>,
    /// Read the secret from the first line of standard input.
    #[arg(long, conflicts_with = "credentials_file")]
    secret_stdin: bool,
    /// Read all credentials from a JSON file, for vendors that need several.
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    credentials_file: Option<PathBuf>,
    /// Records that are asked for at a time.
    #[arg(long)]
    page_size: Option<u32>,
    /// Requests a second that are not exceeded.
    #[arg(long)]
    max_requests_per_second: Option<f64>,
}

pub(super) async fn run(database: Database, command: Command) -> Result<ExitCode> {
    match command {
        Command::Add(add) => add_one(database, add).await,
        Command::List => list(database).await,
        Command::Test { connection } => test(database, &connection).await,
    }
}

async fn add_one(database: Database, add: Add) -> Result<ExitCode> {
    let mut input = CreateConnection::new(add.cmms_type, add.api_url, add.name);
    let options = ConnectionOptions {
        page_size: add.page_size,
        max_requests_per_second: add.max_requests_per_second,
        ..ConnectionOptions::default()
    };
    input = input.options(options);
    if let Some(file) = &add.credentials_file {
        let text = read_file(file)?;
        let fields: BTreeMap<String, SecretText> = serde_json::from_str(&text).map_err(|_| {
            Error::new(
                code::CONNECTION_CREDENTIALS,
                format!("{} is no JSON object of texts", file.display()),
            )
            .field(
                "credentials",
                "credentials_invalid",
                "such as {\"email\": \"…\", \"password\": \"…\"}",
            )
        })?;
        input = input.credentials(fields);
    } else {
        let secret = match (&add.secret_file, add.secret_stdin) {
            (Some(file), _) => first_line(&read_file(file)?),
            (None, true) => first_line(&read_stdin()?),
            (None, false) => prompt(if add.username.is_some() {
                "Password"
            } else {
                "API key"
            })?,
        };
        input = match add.username {
            Some(name) => input.username(name).password(secret),
            None => input.api_key(secret),
        };
    }
    let opened = database.open().await?;
    let connection = opened.client.connections().create(input).await?;
    announce_key(&opened);
    say!(
        "Added {} ({})",
        shown(&connection.connection_name),
        connection.id
    );
    say!(
        "Next: cmms connections test {:?}",
        shown(&connection.connection_name)
    );
    Ok(ExitCode::SUCCESS)
}

async fn list(database: Database) -> Result<ExitCode> {
    let opened = database.open().await?;
    let mut rows = Vec::new();
    let mut asked = ListConnections::new().limit(500u32);
    loop {
        let page = opened.client.connections().list(asked.clone()).await?;
        rows.extend(page.items.into_iter().map(|c| {
            vec![
                c.connection_name,
                c.cmms_type,
                c.api_url,
                c.health.0.state.to_string(),
                c.id.to_string(),
            ]
        }));
        match page.next {
            Some(cursor) => asked = asked.cursor(cursor),
            None => break,
        }
    }
    if rows.is_empty() {
        say!(
            "No connections yet. Add one: cmms connections add upkeep https://api.onupkeep.com --name NAME"
        );
    } else {
        table::print(&["name", "type", "address", "health", "id"], &rows);
    }
    Ok(ExitCode::SUCCESS)
}

async fn test(database: Database, named: &str) -> Result<ExitCode> {
    let opened = database.open().await?;
    let connection = sync::find(&opened.client, named).await?;
    let answer = opened.client.connections().test(connection.id).await?;
    say!(
        "{}: {}",
        shown(&connection.connection_name),
        answer.health.state
    );
    if let Some(account) = answer.account {
        say!("  {}", shown(&account));
    }
    for kind in answer.kinds {
        if let Some(error) = kind.error {
            say!("  {}: {} {}", kind.entity, error.code, shown(&error.detail));
            say!("    {}", error.remedy);
        }
    }
    Ok(if answer.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Reads a small text file that the user named.
pub(super) fn read_file(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| {
        Error::new(
            code::CONFIG_VALUE,
            format!("{} cannot be read: {e}", path.display()),
        )
        .remedy_is("Check the name of the file and whether you may read it.")
    })
}

/// Reads standard input to its end.
pub(super) fn read_stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|e| {
            Error::new(
                code::INPUT_UNREADABLE,
                format!("standard input cannot be read: {e}"),
            )
        })?;
    Ok(text)
}

fn prompt(what: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(
            code::CONNECTION_CREDENTIALS,
            "there is no terminal to ask for the secret",
        )
        .field("credentials", "credentials_invalid", "is missing")
        .remedy_is("Give the secret with --secret-file FILE or --secret-stdin."));
    }
    rpassword::prompt_password(format!("{what}: ")).map_err(|e| {
        Error::new(
            code::CONNECTION_CREDENTIALS,
            format!("the secret cannot be asked for: {e}"),
        )
        .remedy_is("Give the secret with --secret-file FILE or --secret-stdin.")
    })
}
