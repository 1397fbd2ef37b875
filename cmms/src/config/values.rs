//! The values of variables, each checked and turned into what it means.

use super::database::{self, POSTGRES};
use super::{
    API_DEBUG, API_HOST, API_KEYS, API_PORT, Config, DATABASE_URL, EGRESS_ALLOW, EGRESS_PROXY,
    MASTER_KEY, MASTER_KEY_FILE, OS_USER, PROXIES, SSL_CERT_FILE,
};
use cmms_core::{Error, Result, code};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

/// So much of a value is shown.
const LONGEST_SHOWN: usize = 80;

/// The values that are set.
pub(super) struct Values(pub(super) BTreeMap<&'static str, OsString>);

impl Values {
    pub(super) fn config(&mut self) -> Result<Config> {
        let defaults = Config::default();
        Ok(Config {
            api_host: self.host()?.unwrap_or(defaults.api_host),
            api_port: self.port()?.unwrap_or(defaults.api_port),
            api_debug: self.switch(API_DEBUG)?.unwrap_or(defaults.api_debug),
            egress_allow: self.list(EGRESS_ALLOW)?,
            egress_proxy: self.text(EGRESS_PROXY)?.map(SecretString::from),
            ssl_cert_file: self.path(SSL_CERT_FILE)?,
            other_proxies: self.other_proxies(),
            database_url: self.text(DATABASE_URL)?.map(SecretString::from),
            postgres: self.postgres()?,
            // Set to nothing they stay set: to make a key instead would hide that the right one is missing.
            master_key_file: self.key_file()?,
            master_key: self.key()?,
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
        let Some(text) = self.raw(name)? else {
            return Ok(None);
        };
        // What a file of variables was saved with is no part of the first value.
        let text = text.trim_start_matches('\u{feff}').trim();
        refuse_quotes(name, text)?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A path as it stands; nothing is the same as not set.
    fn path(&mut self, name: &str) -> Result<Option<PathBuf>> {
        let Some(value) = self.0.remove(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        if let Some(text) = value.to_str() {
            refuse_quotes(name, text.trim())?;
            if text.trim() != text {
                return Err(bad(
                    name,
                    "invalid_value",
                    "must be a path without space around it",
                    &seen(name, "has space around it", text),
                ));
            }
        }
        Ok(Some(PathBuf::from(value)))
    }

    /// Set to nothing it stays set: to make a key instead would hide that the right one is missing.
    fn key_file(&mut self) -> Result<Option<PathBuf>> {
        let is_empty = self.0.get(MASTER_KEY_FILE).is_some_and(|v| v.is_empty());
        if is_empty {
            return Ok(self.0.remove(MASTER_KEY_FILE).map(PathBuf::from));
        }
        self.path(MASTER_KEY_FILE)
    }

    fn key(&mut self) -> Result<Option<SecretString>> {
        let key = self.raw(MASTER_KEY)?;
        if let Some(key) = &key {
            refuse_quotes(MASTER_KEY, key.trim())?;
        }
        Ok(key.map(SecretString::from))
    }

    fn other_proxies(&mut self) -> Vec<&'static str> {
        let mut is_set = |name: &&str| self.0.remove(*name).is_some_and(|v| !v.is_empty());
        PROXIES.into_iter().filter(|name| is_set(name)).collect()
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
                &seen(API_HOST, "is no host", &host),
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
                &seen(API_PORT, "is no port", &port),
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
                &seen(name, "is neither true nor false", &text),
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

    /// What selects PostgreSQL. A password stays as it stands.
    fn postgres(&mut self) -> Result<BTreeMap<&'static str, SecretString>> {
        let mut out = BTreeMap::new();
        for name in POSTGRES {
            let value = if name == database::PASSWORD {
                self.raw(name)?.filter(|value| !value.is_empty())
            } else {
                self.text(name)?
            };
            out.extend(value.map(|value| (name, SecretString::from(value))));
        }
        Ok(out)
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

/// Quotes that a shell would take away, and that files of variables for other programs keep.
fn refuse_quotes(name: &str, text: &str) -> Result<()> {
    let quoted = ['"', '\'']
        .into_iter()
        .any(|quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote));
    if !quoted {
        return Ok(());
    }
    let is = "stands in quotes, which are taken for a part of it";
    let must = "must be without quotes around it";
    Err(bad(name, "quoted", must, &seen(name, is, text)))
}

/// What a value is, with the value as it was read unless it is a secret.
pub(super) fn seen(name: &str, is: &str, text: &str) -> String {
    if Config::SECRET_VARIABLES.contains(&name) {
        return is.to_owned();
    }
    let head: String = text.chars().take(LONGEST_SHOWN).collect();
    let more = if head.len() < text.len() { "…" } else { "" };
    format!("{is}: {head:?}{more}")
}

pub(super) fn bad(variable: &str, reason: &str, must: &str, is: &str) -> Error {
    Error::new(code::CONFIG_VALUE, format!("the value of {variable} {is}"))
        .field(variable, reason, must)
        .remedy_is(format!("Correct {variable}: it {must}."))
}
