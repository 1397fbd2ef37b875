//! `cmms connections`

use super::files::{read_file, read_stdin};
use super::terminal::shown;
use super::{Database, announce_key, sync, table};
use cmms::core::request::SecretText;
use cmms::{
    ConnectionOptions, CreateConnection, Error, ListConnections, Result, UpdateConnection, code,
};
use std::collections::BTreeMap;
use std::io::IsTerminal;
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
    /// Give a connection another secret, from a prompt, a file or standard input.
    SetSecret(SetSecret),
    /// Change a connection; what is not named stays.
    Update(Update),
    /// Remove a connection. The records that it brought in stay.
    Remove {
        /// The connection, by name or id.
        connection: String,
    },
}

/// Where a secret comes from: a prompt, unless it is said. Never an argument, which everybody sees who lists processes.
#[derive(Debug, clap::Args)]
struct Secret {
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
}

/// How the vendor is called.
#[derive(Debug, clap::Args)]
struct Calls {
    /// Records that are asked for at a time.
    #[arg(long)]
    page_size: Option<u32>,
    /// Requests a second that are not exceeded.
    #[arg(long)]
    max_requests_per_second: Option<f64>,
    /// A file of certificates in PEM: authorities that are believed in place of those of the system.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// What is to become of links when a connection would lead to another account of the vendor.
#[derive(Debug, clap::Args)]
struct OtherAccount {
    /// It is the same plant, whose records have the same ids there: links stay.
    #[arg(long, conflicts_with = "forget_links")]
    relink: bool,
    /// It is another plant: records stay here, and what they are linked with is forgotten.
    #[arg(long)]
    forget_links: bool,
    /// Another connection may lead to the account, too: every record comes in once more.
    #[arg(long)]
    allow_same_account: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct SetSecret {
    /// The connection, by name or id.
    connection: String,
    #[command(flatten)]
    secret: Secret,
    /// Another address, which the secret is for.
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    #[command(flatten)]
    account: OtherAccount,
}

#[derive(Debug, clap::Args)]
pub(super) struct Update {
    /// The connection, by name or id.
    connection: String,
    /// Another name.
    #[arg(long)]
    name: Option<String>,
    /// Another address of the same host; another host comes with its secret: `set-secret --api-url`.
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// Whether it may be synced.
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,
    /// Seconds between syncs by themselves; 0: by hand.
    #[arg(long, value_name = "SECONDS")]
    sync_interval: Option<i64>,
    #[command(flatten)]
    calls: Calls,
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
    /// Another connection may lead to the account, too: every record comes in once more.
    #[arg(long)]
    allow_same_account: bool,
    #[command(flatten)]
    secret: Secret,
    #[command(flatten)]
    calls: Calls,
}

/// A secret as it was read.
enum Given {
    Fields(BTreeMap<String, SecretText>),
    Password { username: String, secret: String },
    Key(String),
}

pub(super) async fn run(database: Database, command: Command) -> Result<ExitCode> {
    match command {
        Command::Add(add) => add_one(database, add).await,
        Command::List => list(database).await,
        Command::Test { connection } => test(database, &connection).await,
        Command::SetSecret(args) => set_secret(database, args).await,
        Command::Update(args) => update(database, args).await,
        Command::Remove { connection } => remove(database, &connection).await,
    }
}

async fn add_one(database: Database, add: Add) -> Result<ExitCode> {
    let mut input = CreateConnection::new(add.cmms_type, add.api_url, add.name);
    input = input.options(add.calls.over(ConnectionOptions::default())?);
    if add.allow_same_account {
        input = input.allow_same_account(true);
    }
    input = match add.secret.read()? {
        Given::Fields(fields) => input.credentials(fields),
        Given::Password { username, secret } => input.username(username).password(secret),
        Given::Key(key) => input.api_key(key),
    };
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

async fn set_secret(database: Database, args: SetSecret) -> Result<ExitCode> {
    let place = database.named()?.to_string();
    // Found before anybody types a secret.
    let opened = database.open_existing().await?;
    let connection = sync::find(&opened.client, &place, &args.connection).await?;
    let mut input = args.account.of(UpdateConnection::new(connection.id));
    if let Some(url) = args.api_url {
        input = input.api_url(url);
    }
    let input = match args.secret.read()? {
        Given::Fields(fields) => input.credentials(fields),
        Given::Password { username, secret } => input.username(username).password(secret),
        Given::Key(key) => input.api_key(key),
    };
    opened.client.connections().update(input).await?;
    announce_key(&opened);
    say!("{} has another secret.", shown(&connection.connection_name));
    Ok(ExitCode::SUCCESS)
}

async fn update(database: Database, args: Update) -> Result<ExitCode> {
    let place = database.named()?.to_string();
    let opened = database.open_existing().await?;
    let connection = sync::find(&opened.client, &place, &args.connection).await?;
    let options = args.calls.over(connection.options.0.clone())?;
    let mut input = UpdateConnection::new(connection.id).version(connection.version);
    if options != connection.options.0 {
        input = input.options(options);
    }
    if let Some(name) = args.name {
        input = input.connection_name(name);
    }
    if let Some(url) = args.api_url {
        input = input.api_url(url);
    }
    if let Some(enabled) = args.enabled {
        input = input.enabled(enabled);
    }
    input = match args.sync_interval {
        Some(0) => input.clear_sync_interval(),
        Some(seconds) => input.sync_interval(seconds),
        None => input,
    };
    let changed = opened.client.connections().update(input).await?;
    say!(
        "{} is at {}, {}.",
        shown(&changed.connection_name),
        shown(&changed.api_url),
        if changed.enabled {
            "enabled"
        } else {
            "disabled"
        }
    );
    Ok(ExitCode::SUCCESS)
}

async fn remove(database: Database, named: &str) -> Result<ExitCode> {
    let place = database.named()?.to_string();
    let opened = database.open_existing().await?;
    let connection = sync::find(&opened.client, &place, named).await?;
    opened.client.connections().delete(connection.id).await?;
    say!(
        "Removed {}; the records that it brought in stay.",
        shown(&connection.connection_name)
    );
    Ok(ExitCode::SUCCESS)
}

impl OtherAccount {
    fn of(self, mut input: UpdateConnection) -> UpdateConnection {
        if self.relink {
            input = input.relink(true);
        }
        if self.forget_links {
            input = input.forget_links(true);
        }
        if self.allow_same_account {
            input = input.allow_same_account(true);
        }
        input
    }
}

impl Calls {
    /// These options, where they are given, over others.
    fn over(&self, options: ConnectionOptions) -> Result<ConnectionOptions> {
        let ca_file = self.ca_file.as_deref().map(from_root).transpose()?;
        Ok(ConnectionOptions {
            page_size: self.page_size.or(options.page_size),
            max_requests_per_second: self
                .max_requests_per_second
                .or(options.max_requests_per_second),
            ca_file: ca_file.or(options.ca_file),
            ..options
        })
    }
}

impl Secret {
    fn read(self) -> Result<Given> {
        if let Some(file) = &self.credentials_file {
            return credentials(file).map(Given::Fields);
        }
        let secret = match (&self.secret_file, self.secret_stdin) {
            (Some(file), _) => first_line(&read_file(file)?),
            (None, true) => first_line(&read_stdin()?),
            (None, false) => prompt(if self.username.is_some() {
                "Password"
            } else {
                "API key"
            })?,
        };
        Ok(match self.username {
            Some(username) => Given::Password { username, secret },
            None => Given::Key(secret),
        })
    }
}

fn credentials(file: &Path) -> Result<BTreeMap<String, SecretText>> {
    serde_json::from_str(&read_file(file)?).map_err(|_| {
        Error::new(
            code::CONNECTION_CREDENTIALS,
            format!("{} is no JSON object of texts", file.display()),
        )
        .field(
            "credentials",
            "credentials_invalid",
            "such as {\"email\": \"…\", \"password\": \"…\"}",
        )
    })
}

async fn list(database: Database) -> Result<ExitCode> {
    let opened = database.open_existing().await?;
    let mut rows = Vec::new();
    let mut asked = ListConnections::new().limit(500u32);
    loop {
        let page = opened.client.connections().list(asked.clone()).await?;
        rows.extend(page.items.into_iter().map(|c| {
            vec![
                c.connection_name,
                c.cmms_type,
                c.api_url,
                c.health.state.to_string(),
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
    let place = database.named()?.to_string();
    let opened = database.open_existing().await?;
    let connection = sync::find(&opened.client, &place, named).await?;
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

/// The path from the root: other programs on the same database stand in other folders.
fn from_root(path: &Path) -> Result<String> {
    let unusable = |why: String| {
        Error::new(
            code::INPUT_VALUE,
            format!("{} is no path of a file: {why}", path.display()),
        )
        .field(
            "options.ca_file",
            "invalid_value",
            "must be the path of a file",
        )
    };
    let path = std::path::absolute(path).map_err(|e| unusable(e.to_string()))?;
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| unusable("it is not UTF-8".to_owned()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
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
