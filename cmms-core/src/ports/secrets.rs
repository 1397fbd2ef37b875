//! Secrets as a port: the core decides what is sealed and to what it is bound, never how.

use crate::Result;
use crate::ids::{ConnectionId, OrgId, SecretId};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::fmt;

/// The credentials of a connection in the open, by field name. Cannot be printed, cloned or serialised.
#[derive(Default)]
pub struct Credentials(BTreeMap<String, SecretString>);

impl Credentials {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds or replaces a field.
    pub fn set(&mut self, name: impl Into<String>, value: SecretString) {
        self.0.insert(name.into(), value);
    }
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|s| s.expose_secret())
    }
    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
    /// Names and values, for sealing.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.expose_secret()))
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a sealed secret is bound to: it opens nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretBinding {
    /// The organization.
    pub org: OrgId,
    /// The connection; nil for what belongs to none.
    pub connection: ConnectionId,
    /// The name of the secret, such as `credentials`.
    pub name: String,
    /// The row of this version.
    pub row: SecretId,
    /// Counts how often the secret was set, from 1.
    pub version: i64,
}

impl SecretBinding {
    /// What is sealed, as a message names it.
    pub fn described(&self) -> String {
        if self.connection.0.is_nil() {
            return "what this database keeps secret".to_owned();
        }
        format!(
            "the secret {:?} of the connection {}",
            self.name, self.connection
        )
    }
}

/// A sealed secret: useless without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key that it needs.
    pub kek_id: String,
    /// The envelope in its own versioned format.
    pub envelope: Vec<u8>,
    /// Tells equal values apart from others without revealing them: 8 hex digits for each field.
    pub fingerprints: BTreeMap<String, String>,
}

/// Seals and opens secrets.
pub trait SecretVault: fmt::Debug + Send + Sync + 'static {
    /// Seals credentials.
    ///
    /// # Errors
    /// `CMMS-SECRET-002` where there is no key; `CMMS-SECRET-003` for a key that cannot be used.
    fn seal(&self, binding: &SecretBinding, plain: &Credentials) -> Result<Sealed>;

    /// Opens credentials. Any mismatch is an error, never an empty value.
    ///
    /// # Errors
    /// `CMMS-SECRET-001`, naming the key that is needed.
    fn open(&self, binding: &SecretBinding, sealed: &Sealed) -> Result<Credentials>;
}
