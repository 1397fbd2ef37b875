//! The settings, read from the environment once. Nothing else in the product reads it.

mod database;
mod names;
mod values;

pub use database::Database;

use cmms_core::Result;
use names::{known, known_as, unheeded};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use values::Values;

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
/// The proxy through which vendors are called.
pub const EGRESS_PROXY: &str = "CMMS_EGRESS_PROXY";
/// The authorities that are believed in place of those of the system.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// The variables by which other programs find a proxy.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
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
    egress_proxy: Option<SecretString>,
    ssl_cert_file: Option<PathBuf>,
    other_proxies: Vec<&'static str>,
    // A URL can hold a password.
    database_url: Option<SecretString>,
    postgres: BTreeMap<&'static str, SecretString>,
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
        EGRESS_PROXY,
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

    /// Reads the environment of the process and, before it, values that came another way: a program's own settings, or
    /// the secrets of one that runs itself again without them.
    ///
    /// # Errors
    /// `CMMS-CONFIG-001`, naming the variable; `CMMS-CONFIG-002` for a given name that there is not.
    pub fn from_env_and(mut given: BTreeMap<String, String>) -> Result<Self> {
        let set: Vec<_> = std::env::vars_os().collect();
        for (name, _) in &set {
            if let Some(why) = name.to_str().and_then(unheeded) {
                tracing::warn!("{}", why.message());
            }
        }
        let mut set: BTreeMap<_, _> = set.into_iter().collect();
        let mut values = BTreeMap::new();
        for name in known() {
            let given = given.remove(name).map(OsString::from);
            let value = given.or_else(|| set.remove(OsStr::new(name)));
            values.extend(value.map(|value| (name, value)));
        }
        match given.keys().find_map(|name| unheeded(name)) {
            Some(why) => Err(why),
            None => Values(values).config(),
        }
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

    /// Reads names and values instead of the environment. A name that looks like one of ours and is none is refused,
    /// since its value would not be heeded; in the environment, which other programs share, it is a warning.
    ///
    /// ```
    /// let config = cmms::config::Config::from_pairs([("CMMS_API_PORT", "9000")])?;
    /// assert_eq!(config.api_port, 9000);
    /// # Ok::<(), cmms_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `CMMS-CONFIG-001`, naming the variable; `CMMS-CONFIG-002` for one that there is not, naming the nearest.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self>
    where
        N: AsRef<str>,
        V: Into<OsString>,
    {
        let mut set = BTreeMap::new();
        for (name, value) in pairs {
            if let Some(known) = known_as(name.as_ref()) {
                set.insert(known, value.into());
            } else if let Some(why) = unheeded(name.as_ref()) {
                return Err(why);
            }
        }
        Values(set).config()
    }

    /// The database: `CMMS_DATABASE_URL`; else PostgreSQL where one of `CMMS_DB_…` is set; else `cmms.db` in the present
    /// folder.
    ///
    /// # Errors
    /// `CMMS-STORE-009` for a URL that cannot be used; `CMMS-CONFIG-001` for another setting, naming the variable.
    pub fn database(&self) -> Result<Database> {
        match &self.database_url {
            Some(url) => Database::parse_as(url.expose_secret(), DATABASE_URL),
            None if self.postgres.is_empty() => Database::parse_as(DEFAULT_DATABASE, DATABASE_URL),
            None => database::of_variables(&self.postgres),
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

    /// `CMMS_EGRESS_PROXY`, not parsed yet.
    pub fn egress_proxy(&self) -> Option<&SecretString> {
        self.egress_proxy.as_ref()
    }

    /// `SSL_CERT_FILE`.
    pub fn ssl_cert_file(&self) -> Option<&Path> {
        self.ssl_cert_file.as_deref()
    }

    /// Variables that name a proxy for other programs, which are not heeded here.
    pub fn other_proxies(&self) -> &[&'static str] {
        &self.other_proxies
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
            egress_proxy: None,
            ssl_cert_file: None,
            other_proxies: Vec::new(),
            database_url: None,
            postgres: BTreeMap::new(),
            master_key_file: None,
            master_key: None,
            api_keys: BTreeMap::new(),
            os_user: None,
            user_folder: None,
        }
    }
}

#[cfg(unix)]
fn os_user_number() -> String {
    rustix::process::getuid().as_raw().to_string()
}

#[cfg(not(unix))]
fn os_user_number() -> String {
    "unknown".to_owned()
}
