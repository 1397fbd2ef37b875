//! Which database: an SQLite file or a PostgreSQL server.

use super::DEFAULT_DATABASE;
#[cfg(feature = "postgres")]
use super::values::{bad, seen};
use cmms_core::memory::MemoryStore;
use cmms_core::ports::store::Store;
use cmms_core::{Error, Result, code};
#[cfg(feature = "postgres")]
use cmms_store::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
use cmms_store::{SqliteOptions, SqliteStore};
#[cfg(feature = "postgres")]
use secrecy::ExposeSecret;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const HOST: &str = "CMMS_DB_HOST";
const PORT: &str = "CMMS_DB_PORT";
const NAME: &str = "CMMS_DB_NAME";
const USER: &str = "CMMS_DB_USER";
/// A secret.
pub(super) const PASSWORD: &str = "CMMS_DB_PASSWORD";
const SCHEMA: &str = "CMMS_DB_SCHEMA";
const SSLMODE: &str = "CMMS_DB_SSLMODE";
const SSLROOTCERT: &str = "CMMS_DB_SSLROOTCERT";
/// The variables any of which selects PostgreSQL.
pub(super) const POSTGRES: [&str; 8] = [
    HOST,
    PORT,
    NAME,
    USER,
    PASSWORD,
    SCHEMA,
    SSLMODE,
    SSLROOTCERT,
];

/// What names a database in memory.
const MEMORY: &str = ":memory:";
/// What a URL begins with; as a name of a file it is a URL that was cut off.
const SCHEMES: [&str; 3] = ["sqlite", "postgres", "postgresql"];

/// A database that is named and not opened yet.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Database {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// Memory of this process; all is gone with the last client.
    Memory,
    /// A schema on a PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresOptions>),
}

impl Database {
    /// Reads a URL: `sqlite://cmms.db`, `sqlite:///srv/cmms.db`, `postgres://user:password@host/database`. A plain
    /// name is that of an SQLite file, `:memory:` a database that lives as long as its clients.
    ///
    /// ```
    /// use cmms::config::Database;
    /// let Database::Sqlite(path) = Database::parse("sqlite:///srv/cmms.db")? else { unreachable!() };
    /// assert_eq!(path.to_str(), Some("/srv/cmms.db"));
    /// # Ok::<(), cmms_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `CMMS-STORE-009`; the message never repeats the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self> {
        Self::parse_as(url, "database_url")
    }

    pub(super) fn parse_as(url: &str, field: &str) -> Result<Self> {
        let name = url.trim();
        match scheme(name).as_deref() {
            Some("postgres" | "postgresql") => postgres(url, field),
            _ if [MEMORY, "sqlite::memory:", "sqlite://:memory:"].contains(&name) => {
                Ok(Self::Memory)
            }
            None if !SCHEMES.contains(&name) => file_name(name, field).map(Self::Sqlite),
            _ => sqlite_path(url, field).map(Self::Sqlite),
        }
    }

    /// Whether it is an SQLite file that does not exist, which opening would make. That its folder does not exist, or that
    /// a server has no such database, shows when it is opened.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Sqlite(path) => {
                let folder = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty());
                matches!(path.try_exists(), Ok(false)) && folder.is_none_or(Path::is_dir)
            }
            Self::Memory => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => false,
        }
    }

    /// Opens it. An SQLite file is made and migrated; a server is reached, and its schema is left as it is.
    ///
    /// # Errors
    /// `CMMS-STORE-…`, saying what to do.
    pub async fn open(self) -> Result<Arc<dyn Store>> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => Ok(Arc::new(SqliteStore::open(
                &path,
                SqliteOptions::default(),
            )?)),
            Self::Memory => Ok(Arc::new(MemoryStore::new())),
            #[cfg(not(feature = "sqlite"))]
            Self::Sqlite(_) => Err(not_built("database_url", "SQLite", "sqlite")),
            #[cfg(feature = "postgres")]
            Self::Postgres(options) => Ok(Arc::new(PostgresStore::connect(*options).await?)),
        }
    }
}

/// Where it is, without secrets: a file by its path from the root, `host:port/database` of a server.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => {
                let whole = std::path::absolute(path);
                write!(f, "{}", whole.as_deref().unwrap_or(path).display())
            }
            Self::Memory => f.write_str(MEMORY),
            #[cfg(feature = "postgres")]
            Self::Postgres(options) => f.write_str(&options.location()),
        }
    }
}

#[cfg(feature = "postgres")]
fn postgres(url: &str, field: &str) -> Result<Database> {
    let options = PostgresOptions::parse_as(url, field)?;
    Ok(Database::Postgres(Box::new(options)))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &str, field: &str) -> Result<Database> {
    Err(not_built(field, "PostgreSQL", "postgres"))
}

#[cfg(not(all(feature = "sqlite", feature = "postgres")))]
fn not_built(field: &str, engine: &str, feature: &str) -> Error {
    Error::new(
        code::STORE_URL,
        format!("the database is {engine}, which this program was built without"),
    )
    .field(
        field,
        "unsupported",
        format!("needs the feature `{feature}` of cmms"),
    )
    .remedy_is(format!(
        "Build it with the feature `{feature}` of cmms, or use another database."
    ))
}

/// The database that `CMMS_DB_…` name; what is not set has its usual value.
#[cfg(feature = "postgres")]
pub(super) fn of_variables(set: &BTreeMap<&'static str, SecretString>) -> Result<Database> {
    let value = |name: &str| set.get(name).map(|value| value.expose_secret());
    let port = match value(PORT).map(str::parse) {
        None => 5432,
        Some(Ok(port)) if port > 0 => port,
        Some(_) => {
            return Err(bad(
                PORT,
                "out_of_range",
                "must be a number from 1 to 65535",
                &seen(PORT, "is no port", value(PORT).unwrap_or_default()),
            ));
        }
    };
    let mut options = PostgresOptions::new(
        value(HOST).unwrap_or("127.0.0.1"),
        port,
        value(NAME).unwrap_or("cmms"),
        value(USER).unwrap_or("cmms"),
    );
    if let Some(password) = set.get(PASSWORD) {
        options = options.password(password.clone());
    }
    if let Some(schema) = value(SCHEMA) {
        options = options.schema(schema).map_err(|_| {
            bad(
                SCHEMA,
                "invalid_value",
                "must be a word of a-z, 0-9 and _ with at most 40 characters",
                &seen(SCHEMA, "is no name of a schema", schema),
            )
        })?;
    }
    if let Some(mode) = value(SSLMODE) {
        options = options.ssl_mode(mode).map_err(|_| {
            bad(
                SSLMODE,
                "unknown_value",
                "must be disable, allow, prefer, require, verify-ca or verify-full",
                &seen(SSLMODE, "is no mode", mode),
            )
        })?;
    }
    if let Some(file) = value(SSLROOTCERT) {
        options = options.ssl_root_cert(file);
    }
    Ok(Database::Postgres(Box::new(options)))
}

#[cfg(not(feature = "postgres"))]
pub(super) fn of_variables(set: &BTreeMap<&'static str, SecretString>) -> Result<Database> {
    let variable = set.keys().next().copied().unwrap_or(HOST);
    Err(not_built(variable, "PostgreSQL", "postgres"))
}

/// What stands before the colon of a URL. One letter is a drive, and a path may have a colon in it.
fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let is_drive = scheme.len() == 1;
    let is_path = scheme.contains(['/', '\\', '.']);
    (!is_drive && !is_path).then(|| scheme.to_ascii_lowercase())
}

fn refused(field: &str, message: &str, detail: &str) -> Error {
    Error::new(code::STORE_URL, message)
        .field(field, "invalid_value", detail)
        .remedy_is(format!(
            "Write it as {DEFAULT_DATABASE}, or as sqlite:///srv/cmms.db for a path from the root."
        ))
}

/// A plain name, as it is.
fn file_name(path: &str, field: &str) -> Result<PathBuf> {
    if path.is_empty() || path.ends_with(['/', '\\']) || path.contains(|c: char| c.is_control()) {
        return Err(refused(
            field,
            "the database URL names no file",
            "must name a file",
        ));
    }
    Ok(PathBuf::from(path))
}

fn sqlite_path(url: &str, field: &str) -> Result<PathBuf> {
    let refuse = |message: &str, detail: &str| Err(refused(field, message, detail));
    let url = url.trim();
    if scheme(url).as_deref() != Some("sqlite") {
        return refuse(
            "the database URL begins neither with sqlite: nor with postgres:",
            "must begin with sqlite: or postgres:, or be the name of a file",
        );
    }
    let rest = url.get("sqlite:".len()..).unwrap_or_default();
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.contains(['?', '#']) {
        return refuse(
            "the database URL has options behind its path",
            "must end with the path; write ? as %3F and # as %23",
        );
    }
    let Some(path) = percent_decoded(path) else {
        return refuse(
            "the database URL has a % that does not begin a character",
            "must write % as %25",
        );
    };
    file_name(without_drive_slash(&path), field)
}

/// `/C:/cmms.db` is how a URL writes `C:/cmms.db`.
fn without_drive_slash(path: &str) -> &str {
    match path.strip_prefix('/') {
        Some(rest) if cfg!(windows) && rest.chars().nth(1) == Some(':') => rest,
        _ => path,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut out = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        out.push(u8::from_str_radix(code, 16).ok()?);
        out.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(out).ok()
}
