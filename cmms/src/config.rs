//! The settings, read from the environment once. Nothing else in the product reads it.

use cmms_core::{Error, Result, code};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The address to listen on.
pub const API_HOST: &str = "CMMS_API_HOST";
/// The port to listen on.
pub const API_PORT: &str = "CMMS_API_PORT";
/// Whether to log more and answer with more detail.
pub const API_DEBUG: &str = "CMMS_API_DEBUG";
/// The database.
pub const DATABASE_URL: &str = "CMMS_DATABASE_URL";
/// The file with the master key.
pub const MASTER_KEY_FILE: &str = "CMMS_MASTER_KEY_FILE";
/// The master key itself.
pub const MASTER_KEY: &str = "CMMS_MASTER_KEY";
/// What outbound requests may reach beyond the vendors.
pub const EGRESS_ALLOW: &str = "CMMS_EGRESS_ALLOW";
/// The variables that select PostgreSQL.
const POSTGRES: [&str; 5] = [
    "CMMS_DB_HOST",
    "CMMS_DB_PORT",
    "CMMS_DB_NAME",
    "CMMS_DB_USER",
    "CMMS_DB_PASSWORD",
];
/// The variables that fill in a connection created without a key.
const API_KEYS: [&str; 3] = ["UPKEEP_API_KEY", "FIIX_API_KEY", "MAXIMO_API_KEY"];
/// The variables that name the user of the operating system.
const OS_USER: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];
/// The variables that name the folders of the user.
const FOLDERS: [&str; 3] = ["XDG_CONFIG_HOME", "HOME", "APPDATA"];
/// The database where none is named.
const DEFAULT_DATABASE: &str = "sqlite://cmms.db";

/// The settings of the program.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// `CMMS_API_HOST`, 127.0.0.1 where it is not set.
    pub api_host: String,
    /// `CMMS_API_PORT`, 8003 where it is not set; 0 lets the system choose.
    pub api_port: u16,
    /// `CMMS_API_DEBUG`.
    pub api_debug: bool,
    /// `CMMS_EGRESS_ALLOW`: origins and address blocks, not parsed yet.
    pub egress_allow: Vec<String>,
    // A URL can hold a password.
    database_url: Option<SecretString>,
    postgres: Option<&'static str>,
    master_key_file: Option<PathBuf>,
    master_key: Option<SecretString>,
    api_keys: BTreeMap<&'static str, SecretString>,
    os_user: Option<String>,
    user_folder: Option<PathBuf>,
}

impl Config {
    /// The variables whose values are secrets, for a program that runs itself again without them.
    pub const SECRET_VARIABLES: &'static [&'static str] = &[
        MASTER_KEY,
        DATABASE_URL,
        "CMMS_DB_PASSWORD",
        "UPKEEP_API_KEY",
        "FIIX_API_KEY",
        "MAXIMO_API_KEY",
    ];

    /// Reads the environment of the process.
    ///
    /// # Errors
    /// `CMMS-CONFIG-001`, naming the variable.
    pub fn from_env() -> Result<Self> {
        Self::from_env_and(BTreeMap::new())
    }

    /// Reads the environment of the process and, before it, values that came another way: the secrets of a
    /// program that runs itself again without them.
    ///
    /// # Errors
    /// `CMMS-CONFIG-001`, naming the variable.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn from_env_and(mut given: BTreeMap<String, String>) -> Result<Self> {
        Self::from_pairs(known().filter_map(|name| {
            let value = given.remove(name).map(OsString::from);
            Some((name, value.or_else(|| std::env::var_os(name))?))
        }))
    }

    /// The secrets that stand in the environment now, by variable.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn secrets_in_environment() -> BTreeMap<String, String> {
        let value = |name: &&str| std::env::var(name).ok().filter(|v| !v.is_empty());
        Self::SECRET_VARIABLES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), value(name)?)))
            .collect()
    }

    /// Reads names and values instead of the environment; names that it does not know are left alone.
    ///
    /// ```
    /// let config = cmms::config::Config::from_pairs([("CMMS_API_PORT", "9000")])?;
    /// assert_eq!(config.api_port, 9000);
    /// # Ok::<(), cmms_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `CMMS-CONFIG-001`, naming the variable.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self>
    where
        N: AsRef<str>,
        V: Into<OsString>,
    {
        let pairs = pairs.into_iter();
        Values(
            pairs
                .filter_map(|(name, value)| {
                    let name = known().find(|known| *known == name.as_ref())?;
                    Some((name, value.into()))
                })
                .collect(),
        )
        .config()
    }

    /// The file of the database: `CMMS_DATABASE_URL`, else `cmms.db` in the present folder.
    ///
    /// # Errors
    /// `CMMS-STORE-009` for a URL that is none of SQLite; `CMMS-CONFIG-001` where other variables select
    /// PostgreSQL.
    pub fn database_path(&self) -> Result<PathBuf> {
        match (&self.database_url, self.postgres) {
            (Some(url), _) => sqlite_path(url.expose_secret(), DATABASE_URL),
            (None, Some(variable)) => Err(Error::new(
                code::CONFIG_VALUE,
                format!("{variable} selects PostgreSQL, which is not in this build yet"),
            )
            .field(
                variable,
                "unsupported",
                "PostgreSQL is not in this build yet",
            )
            .remedy_is(format!(
                "Unset {variable}, or set {DATABASE_URL} to {DEFAULT_DATABASE}, which takes precedence."
            ))),
            (None, None) => sqlite_path(DEFAULT_DATABASE, DATABASE_URL),
        }
    }

    /// `CMMS_MASTER_KEY_FILE`; empty where it is set to nothing, which no file is.
    pub fn master_key_file(&self) -> Option<&Path> {
        self.master_key_file.as_deref()
    }

    /// `CMMS_MASTER_KEY`; empty where it is set to nothing, which no key is.
    pub fn master_key(&self) -> Option<&SecretString> {
        self.master_key.as_ref()
    }

    /// The API key in the variable of this name, such as `UPKEEP_API_KEY`.
    pub fn api_key(&self, variable: &str) -> Option<&SecretString> {
        self.api_keys.get(variable)
    }

    /// The folder of this product among the user's settings; `None` where the user has no home.
    pub fn user_folder(&self) -> Option<&Path> {
        self.user_folder.as_deref()
    }

    /// The user of the operating system, for `local-process:<os user>`: its name, else its number, else
    /// `unknown`.
    pub fn os_user(&self) -> String {
        self.os_user.clone().unwrap_or_else(os_user_number)
    }
}

impl Default for Config {
    /// The settings of an empty environment.
    fn default() -> Self {
        Self {
            api_host: "127.0.0.1".to_owned(),
            api_port: 8003,
            api_debug: false,
            egress_allow: Vec::new(),
            database_url: None,
            postgres: None,
            master_key_file: None,
            master_key: None,
            api_keys: BTreeMap::new(),
            os_user: None,
            user_folder: None,
        }
    }
}

/// Every variable that is read.
fn known() -> impl Iterator<Item = &'static str> {
    [
        API_HOST,
        API_PORT,
        API_DEBUG,
        DATABASE_URL,
        MASTER_KEY_FILE,
        MASTER_KEY,
        EGRESS_ALLOW,
    ]
    .into_iter()
    .chain(POSTGRES)
    .chain(API_KEYS)
    .chain(OS_USER)
    .chain(FOLDERS)
}

/// The values that are set.
struct Values(BTreeMap<&'static str, OsString>);

impl Values {
    fn config(&mut self) -> Result<Config> {
        let defaults = Config::default();
        Ok(Config {
            api_host: self.host()?.unwrap_or(defaults.api_host),
            api_port: self.port()?.unwrap_or(defaults.api_port),
            api_debug: self.switch(API_DEBUG)?.unwrap_or(defaults.api_debug),
            egress_allow: self.list(EGRESS_ALLOW)?,
            database_url: self.text(DATABASE_URL)?.map(SecretString::from),
            postgres: POSTGRES
                .into_iter()
                .find(|name| self.0.get(name).is_some_and(|value| !value.is_empty())),
            // Set to nothing they stay set: to make a key instead would hide that the right one is missing.
            master_key_file: self.0.remove(MASTER_KEY_FILE).map(PathBuf::from),
            master_key: self.raw(MASTER_KEY)?.map(SecretString::from),
            api_keys: self.api_keys()?,
            os_user: OS_USER.into_iter().find_map(|name| self.name(name)),
            user_folder: self.user_folder(),
        })
    }

    /// The value as it stands.
    fn raw(&mut self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.0.remove(name) else {
            return Ok(None);
        };
        // Without the value: it may be a secret.
        let text = value
            .into_string()
            .map_err(|_| bad(name, "not_text", "must be UTF-8", "is not UTF-8"))?;
        Ok(Some(text))
    }

    /// The value without the space around it; nothing is the same as not set.
    fn text(&mut self, name: &str) -> Result<Option<String>> {
        let text = self.raw(name)?.map(|text| text.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    }

    fn host(&mut self) -> Result<Option<String>> {
        let Some(host) = self.text(API_HOST)? else {
            return Ok(None);
        };
        let name = host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if name || host.parse::<IpAddr>().is_ok() {
            Ok(Some(host))
        } else {
            Err(bad(
                API_HOST,
                "invalid_value",
                "must be an address or a host name without scheme and port, such as 127.0.0.1",
                "is no host",
            ))
        }
    }

    fn port(&mut self) -> Result<Option<u16>> {
        let Some(port) = self.text(API_PORT)? else {
            return Ok(None);
        };
        port.parse().map(Some).map_err(|_| {
            bad(
                API_PORT,
                "out_of_range",
                "must be a number from 0 to 65535",
                "is no port",
            )
        })
    }

    fn switch(&mut self, name: &str) -> Result<Option<bool>> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(bad(
                name,
                "invalid_value",
                "must be true or false",
                "is neither true nor false",
            )),
        }
    }

    fn list(&mut self, name: &str) -> Result<Vec<String>> {
        let text = self.text(name)?.unwrap_or_default();
        let parts = text.split(|c: char| c == ',' || c.is_whitespace());
        Ok(parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn api_keys(&mut self) -> Result<BTreeMap<&'static str, SecretString>> {
        let mut out = BTreeMap::new();
        for name in API_KEYS {
            if let Some(key) = self.text(name)? {
                out.insert(name, SecretString::from(key));
            }
        }
        Ok(out)
    }

    /// A name that goes into the audit: without control characters, not too long.
    fn name(&mut self, variable: &str) -> Option<String> {
        let value = self.0.remove(variable)?;
        let clean: String = value
            .to_str()?
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect();
        (!clean.is_empty()).then_some(clean)
    }

    /// Where the system's users keep settings. A path that is not absolute would mean another folder from each
    /// present one, so it counts as none.
    fn user_folder(&mut self) -> Option<PathBuf> {
        let mut absolute = |name: &str| {
            let path = self.0.remove(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let base = if cfg!(windows) {
            absolute("APPDATA")
        } else if cfg!(target_os = "macos") {
            absolute("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            absolute("XDG_CONFIG_HOME")
                .or_else(|| absolute("HOME").map(|home| home.join(".config")))
        };
        base.map(|base| base.join("cmms"))
    }
}

fn bad(variable: &str, reason: &str, must: &str, is: &str) -> Error {
    Error::new(code::CONFIG_VALUE, format!("the value of {variable} {is}"))
        .field(variable, reason, must)
        .remedy_is(format!("Correct {variable}: it {must}."))
}

/// The file that a database URL names: `sqlite://cmms.db`, `sqlite:///abs/path.db`, `sqlite:cmms.db`.
///
/// ```
/// use cmms::config::parse_database_url;
/// assert_eq!(parse_database_url("sqlite:///srv/cmms.db")?.to_str(), Some("/srv/cmms.db"));
/// # Ok::<(), cmms_core::Error>(())
/// ```
///
/// # Errors
/// `CMMS-STORE-009` for everything else; the message never repeats the URL, which may hold a password.
pub fn parse_database_url(url: &str) -> Result<PathBuf> {
    sqlite_path(url, "database_url")
}

fn sqlite_path(url: &str, field: &str) -> Result<PathBuf> {
    let refuse = |reason: &str, message: &str, detail: &str| {
        Err(Error::new(code::STORE_URL, message)
            .field(field, reason, detail)
            .remedy_is(format!(
                "Write it as {DEFAULT_DATABASE}, or as sqlite:///srv/cmms.db for a path from the root."
            )))
    };
    let url = url.trim();
    let scheme = url.split_once(':').map(|(s, _)| s.to_ascii_lowercase());
    let rest = match scheme.as_deref() {
        Some("sqlite") => url.get("sqlite:".len()..).unwrap_or_default(),
        Some("postgres" | "postgresql") => {
            return refuse(
                "unsupported",
                "the database URL names PostgreSQL, which is not in this build yet",
                "must name an SQLite file for now",
            );
        }
        _ => {
            return refuse(
                "invalid_value",
                "the database URL does not begin with sqlite:",
                "must begin with sqlite:",
            );
        }
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.contains(['?', '#']) {
        return refuse(
            "invalid_value",
            "the database URL has options behind its path",
            "must end with the path; write ? as %3F and # as %23",
        );
    }
    let Some(path) = percent_decoded(path) else {
        return refuse(
            "invalid_value",
            "the database URL has a % that does not begin a character",
            "must write % as %25",
        );
    };
    if path == ":memory:" {
        return refuse(
            "unsupported",
            "the database URL names a database in memory, which is none that can be opened",
            "must name a file",
        );
    }
    if path.is_empty() || path.ends_with('/') || path.contains(|c: char| c.is_control()) {
        return refuse(
            "invalid_value",
            "the database URL names no file",
            "must name a file",
        );
    }
    Ok(PathBuf::from(without_drive_slash(&path)))
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

#[cfg(unix)]
fn os_user_number() -> String {
    rustix::process::getuid().as_raw().to_string()
}

#[cfg(not(unix))]
fn os_user_number() -> String {
    "unknown".to_owned()
}
