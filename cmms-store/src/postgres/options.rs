//! Where a database is, and how it is reached.

use super::tls::{Mode, Tls};
use cmms_core::{Error, Result, code};
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use std::borrow::Cow;
use std::path::PathBuf;
use url::Url;

/// The form that is offered where a URL cannot be used.
const FORM: &str = "Write it as postgres://user:password@host:5432/database, with % before what has a meaning in a URL.";
/// Statements that a connection keeps prepared.
const PREPARED: usize = 500;
/// Connections where nothing else is said.
const CONNECTIONS: u32 = 10;
/// The schema where none is named.
const SCHEMA: &str = "cmms";
/// What may stand behind the `?` of a URL.
const KEYS: [&str; 7] = [
    "host",
    "schema",
    "connections",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
];

/// Where a PostgreSQL database is, and how it is reached. Nothing of it comes from the environment: of the `PG…`
/// variables only `PGOPTIONS` is heeded.
///
/// ```
/// use cmms_store::PostgresOptions;
/// let options = PostgresOptions::parse("postgres://cmms:secret@db.example.com/plant?schema=cmms&connections=20")?;
/// assert_eq!(options.location(), "db.example.com:5432/plant");
/// # Ok::<(), cmms_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    host: String,
    port: u16,
    database: String,
    user: String,
    // Its `Debug` does not show it.
    password: Option<SecretString>,
    schema: String,
    connections: u32,
    tls: Tls,
}

impl PostgresOptions {
    /// A database on a host; a host that begins with `/` is the folder of a socket.
    pub fn new(host: &str, port: u16, database: &str, user: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            database: database.to_owned(),
            user: user.to_owned(),
            password: None,
            schema: SCHEMA.to_owned(),
            connections: CONNECTIONS,
            tls: Tls::default(),
        }
    }

    /// Reads `postgres://user:password@host:5432/database`, with `schema`, `connections`, `sslmode`, `sslrootcert`,
    /// `sslcert` and `sslkey` behind a `?`, and `host` for the folder of a socket.
    ///
    /// # Errors
    /// `CMMS-STORE-009`; the message never repeats the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self> {
        Self::parse_as(url, "database_url")
    }

    /// Reads a URL that came by this name.
    ///
    /// # Errors
    /// `CMMS-STORE-009`, naming the field.
    pub fn parse_as(url: &str, field: &str) -> Result<Self> {
        read(url).map_err(|e| e.under(field))
    }

    /// Logs in with this password.
    #[must_use]
    pub fn password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Keeps its tables in this schema instead of `cmms`.
    ///
    /// # Errors
    /// `CMMS-STORE-009` for a name that is no plain word.
    pub fn schema(mut self, schema: &str) -> Result<Self> {
        self.schema = schema_name(schema)?;
        Ok(self)
    }

    /// Has at most so many connections, from 2 to 500, instead of 10.
    ///
    /// # Errors
    /// `CMMS-STORE-009` outside of that range.
    pub fn connections(mut self, connections: u32) -> Result<Self> {
        if !(2..=500).contains(&connections) {
            return Err(
                Bad::new("connections", "out_of_range", "must be from 2 to 500")
                    .under("connections"),
            );
        }
        self.connections = connections;
        Ok(self)
    }

    /// Encrypts so: `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`. Where nothing is said,
    /// hosts that are not this machine need `verify-full`.
    ///
    /// # Errors
    /// `CMMS-STORE-009` for another word.
    pub fn ssl_mode(mut self, mode: &str) -> Result<Self> {
        self.tls.mode = Some(ssl_mode(mode).map_err(|e| e.under("sslmode"))?);
        Ok(self)
    }

    /// Trusts the certificates in this file instead of the well-known ones.
    #[must_use]
    pub fn ssl_root_cert(mut self, file: impl Into<PathBuf>) -> Self {
        self.tls.root_cert = Some(file.into());
        self
    }

    /// Where it is, without secrets: `host:port/database`.
    pub fn location(&self) -> String {
        format!("{}:{}/{}", self.host, self.port, self.database)
    }

    pub(super) fn connect_options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .database(&self.database)
            .username(&self.user)
            // Set even where there is none: else one in the environment would enter.
            .password(self.password.as_ref().map_or("", |p| p.expose_secret()))
            .application_name("cmms")
            .statement_cache_capacity(PREPARED)
            .disable_statement_logging();
        self.tls.apply(&self.host, options)
    }

    pub(super) fn schema_name(&self) -> &str {
        &self.schema
    }

    pub(super) fn most(&self) -> usize {
        self.connections as usize
    }
}

/// The name of a schema: a word that needs no quotes, short enough for the name of its role.
pub(super) fn schema_name(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let first = name.chars().next();
    let fits = first.is_some_and(|c| plain(c) && !c.is_ascii_digit())
        && name.chars().all(plain)
        && name.len() <= 40
        && !name.starts_with("pg_");
    if fits {
        return Ok(name.to_owned());
    }
    Err(Bad::new(
        "schema",
        "invalid_value",
        "must be a word of a-z, 0-9 and _ with at most 40 characters, not beginning with pg_ or a digit",
    )
    .under("schema"))
}

/// What is wrong with a URL: which part, and what it must be.
struct Bad {
    part: &'static str,
    reason: &'static str,
    must: Cow<'static, str>,
}

impl Bad {
    fn new(part: &'static str, reason: &'static str, must: impl Into<Cow<'static, str>>) -> Self {
        Self {
            part,
            reason,
            must: must.into(),
        }
    }

    fn under(self, field: &str) -> Error {
        let Self { part, reason, must } = self;
        Error::new(
            code::STORE_URL,
            format!("the {part} of the database URL cannot be used: it {must}"),
        )
        .field(field, reason, format!("{part} {must}"))
        .remedy_is(FORM)
    }
}

fn read(url: &str) -> Result<PostgresOptions, Bad> {
    let url = Url::parse(url.trim())
        .map_err(|e| Bad::new("form", "invalid_value", format!("must be a URL: {e}")))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(Bad::new("scheme", "invalid_value", "must be postgres"));
    }
    if url.fragment().is_some() {
        return Err(Bad::new(
            "form",
            "invalid_value",
            "must have no #; write # as %23",
        ));
    }
    let user = decoded("user", url.username())?;
    let host = url.host_str().unwrap_or_default();
    let host = decoded("host", host.trim_matches(['[', ']']))?;
    let database = decoded("database", url.path().trim_start_matches('/'))?;
    let named = |name: String, other: &str| {
        if name.is_empty() {
            other.to_owned()
        } else {
            name
        }
    };
    let user = named(user, "cmms");
    let database = named(database, &user);
    let host = named(host, "127.0.0.1");
    let mut options = PostgresOptions::new(&host, url.port().unwrap_or(5432), &database, &user);
    if let Some(password) = url.password() {
        options.password = Some(decoded("password", password)?.into());
    }
    let mut seen = Vec::new();
    for (key, value) in url.query_pairs() {
        if seen.contains(&key) {
            return Err(Bad::new(
                "query",
                "repeated_field",
                "must name each setting once",
            ));
        }
        setting(&mut options, &key, &value)?;
        seen.push(key);
    }
    Ok(options)
}

fn setting(options: &mut PostgresOptions, key: &str, value: &str) -> Result<(), Bad> {
    let file = || match value {
        "" => Err(Bad::new(
            "query",
            "invalid_value",
            format!("must name a file behind {key}="),
        )),
        path => Ok(Some(PathBuf::from(path))),
    };
    match key {
        "host" if value.starts_with('/') => options.host = value.to_owned(),
        "host" => {
            return Err(Bad::new(
                "query",
                "invalid_value",
                "must have a folder behind host=",
            ));
        }
        "schema" => {
            options.schema = schema_name(value).map_err(|_| {
                Bad::new(
                    "schema",
                    "invalid_value",
                    "must be a word of a-z, 0-9 and _",
                )
            })?;
        }
        "connections" => {
            let number = value.parse().ok().filter(|n| (2..=500).contains(n));
            options.connections = number
                .ok_or_else(|| Bad::new("connections", "out_of_range", "must be from 2 to 500"))?;
        }
        "sslmode" => options.tls.mode = Some(ssl_mode(value)?),
        "sslrootcert" => options.tls.root_cert = file()?,
        "sslcert" => options.tls.client_cert = file()?,
        "sslkey" => options.tls.client_key = file()?,
        _ => {
            let known = KEYS.join(", ");
            let must = format!("must have nothing but {known} behind the ?");
            return Err(Bad::new("query", "unknown_field", must));
        }
    }
    Ok(())
}

fn ssl_mode(word: &str) -> Result<Mode, Bad> {
    Mode::of(word).ok_or_else(|| {
        Bad::new(
            "sslmode",
            "unknown_value",
            format!("must be one of {}", Mode::words()),
        )
    })
}

/// A part of a URL without its percent signs.
fn decoded(part: &'static str, text: &str) -> Result<String, Bad> {
    let text = percent_encoding::percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| Bad::new(part, "not_text", "must be UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(Bad::new(
            part,
            "invalid_value",
            "must have no control characters",
        ));
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::PgSslMode;

    #[test]
    fn each_part_of_a_url_is_read() {
        let url = "postgres://anna%40plant:p%2Fw%3A@[::1]:6000/my%20db?schema=plant_2&connections=40&sslmode=verify-ca\
                   &sslrootcert=/etc/ca.pem";
        let options = PostgresOptions::parse(url).unwrap();
        assert_eq!(options.location(), "::1:6000/my db");
        assert_eq!((options.schema_name(), options.most()), ("plant_2", 40));
        assert_eq!(options.user, "anna@plant");
        assert_eq!(options.password.as_ref().unwrap().expose_secret(), "p/w:");
        assert!(!format!("{options:?}").contains("p/w:"));
        let connect = options.connect_options();
        assert_eq!(connect.get_username(), "anna@plant");
        assert!(matches!(connect.get_ssl_mode(), PgSslMode::VerifyCa));
    }

    #[test]
    fn what_is_left_away_has_a_value() {
        let options = PostgresOptions::parse("postgresql://").unwrap();
        assert_eq!(options.location(), "127.0.0.1:5432/cmms");
        assert_eq!(options.schema_name(), "cmms");
        let socket = PostgresOptions::parse("postgres:///plant?host=/run/postgresql").unwrap();
        assert_eq!(socket.connect_options().get_host(), "/run/postgresql");
    }

    #[test]
    fn other_hosts_need_a_verified_certificate_unless_it_is_said_otherwise() {
        let mode = |url: &str| {
            PostgresOptions::parse(url)
                .unwrap()
                .connect_options()
                .get_ssl_mode()
        };
        for local in ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"] {
            let mode = mode(&format!("postgres://{local}/db"));
            assert!(matches!(mode, PgSslMode::Prefer), "{local}");
        }
        for other in [
            "db.example.com",
            "10.0.0.5",
            "localhost.example.com",
            "[fd00::1]",
        ] {
            let mode = mode(&format!("postgres://{other}/db"));
            assert!(matches!(mode, PgSslMode::VerifyFull), "{other}");
        }
        let said = mode("postgres://db.example.com/db?sslmode=require");
        assert!(matches!(said, PgSslMode::Require));
    }

    #[test]
    fn a_bad_url_names_its_part_and_no_secret() {
        for (rest, part) in [
            ("@host:99999/db", "form"),
            ("@host/db#x", "form"),
            ("@host/d%00b", "database"),
            ("@host/db?sslmode=maybe", "sslmode"),
            ("@host/db?schema=Plant", "schema"),
            ("@host/db?schema=pg_x", "schema"),
            ("@host/db?connections=1", "connections"),
            ("@host/db?connections=many", "connections"),
            ("@host/db?sslrootcert=", "sslrootcert"),
            ("@host/db?host=elsewhere", "host="),
            ("@host/db?colour=red", "schema, connections"),
            ("@host/db?schema=a&schema=b", "once"),
        ] {
            let e = PostgresOptions::parse(&format!("postgres://u:topsecret{rest}")).unwrap_err();
            assert!(e.is(code::STORE_URL), "{rest}: {e:?}");
            assert!(e.message().contains(part), "{rest}: {e}");
            assert_eq!(e.first_field(), Some("database_url"));
            assert!(!format!("{e:?} {e}").contains("topsecret"), "{rest}");
        }
        assert!(PostgresOptions::parse("mysql://host/db").is_err());
    }
}
