//! The client with what this crate adds: a builder with the defaults of a program.

use crate::config::Config;
use crate::open::Builder;
use crate::secrets::KeyVault;
use cmms_core::clock::Clock;
use cmms_core::context::{Principal, ProgressSender};
use cmms_core::ids::IdGen;
use cmms_core::ports::adapter::Adapter;
use cmms_core::ports::store::Store;
use cmms_core::{Result, client};
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// An open application, seen by one principal of one organization: what a program calls. Cheap to clone.
///
/// [`cmms::open`](crate::open) makes one over an SQLite file, [`Client::builder`] one over any store. The
/// methods for each kind of record are those of the core's [`Client`](client::Client), to which it derefs: the
/// core knows no secrets, settings or vendors, so its client cannot have this builder.
#[derive(Debug, Clone)]
pub struct Client(client::Client);

impl Client {
    /// Puts an application together over a store of the caller's own.
    ///
    /// What is not given comes from the machine: settings from the environment (`CMMS_…`), the key that seals
    /// secrets, time and ids, and this crate's own vendors.
    ///
    /// ```
    /// use cmms::Client;
    /// # use std::sync::Arc;
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let store = Arc::new(cmms::core::memory::MemoryStore::new());
    /// let client = Client::builder(store).organization("b").build().await?;
    /// assert!(client.assets().list(cmms::ListAssets::new()).await?.items.is_empty());
    /// # Ok::<(), cmms::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(store: Arc<dyn Store>) -> ClientBuilder {
        ClientBuilder {
            builder: Builder::new(store, Config::default()),
            config: None,
        }
    }

    /// The same application, acted in by somebody else.
    #[must_use]
    pub fn acting_as(&self, principal: Principal) -> Self {
        Self(self.0.acting_as(principal))
    }

    /// The same client, whose calls end when the token fires.
    #[must_use]
    pub fn cancelled_by(&self, cancel: CancellationToken) -> Self {
        Self(self.0.cancelled_by(cancel))
    }

    /// The same client, whose syncs tell how far they are.
    #[must_use]
    pub fn telling(&self, progress: ProgressSender) -> Self {
        Self(self.0.telling(progress))
    }

    /// The same client, whose next write is done once: repeated with this key it only answers again.
    ///
    /// # Errors
    /// `CMMS-OP-007` for a key that is not 1 to 255 visible ASCII characters.
    pub fn with_idempotency_key(&self, key: &str) -> Result<Self> {
        self.0.with_idempotency_key(key).map(Self)
    }
}

impl Deref for Client {
    type Target = client::Client;
    fn deref(&self) -> &client::Client {
        &self.0
    }
}

impl From<client::Client> for Client {
    fn from(client: client::Client) -> Self {
        Self(client)
    }
}

/// Puts a [`Client`] together: see [`Client::builder`].
#[derive(Debug)]
#[must_use = "nothing is opened before it is built"]
pub struct ClientBuilder {
    builder: Builder,
    config: Option<Config>,
}

impl ClientBuilder {
    /// Takes settings from the program instead of the environment.
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Works in this organization instead of `default`; it is made at its first use.
    pub fn organization(mut self, name: impl Into<String>) -> Self {
        self.builder = self.builder.organization(name);
        self
    }

    /// Acts as this principal instead of the user of the operating system.
    pub fn acting_as(mut self, principal: Principal) -> Self {
        self.builder = self.builder.acting_as(principal);
        self
    }

    /// Knows this vendor, too.
    pub fn adapter(mut self, adapter: Arc<dyn Adapter>) -> Self {
        self.builder = self.builder.adapter(adapter);
        self
    }

    /// Seals secrets with this vault instead of the one that the settings name.
    pub fn vault(mut self, vault: KeyVault) -> Self {
        self.builder = self.builder.vault(vault);
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.builder = self.builder.clock(clock);
        self
    }

    /// Takes new ids from here.
    pub fn ids(mut self, ids: Arc<dyn IdGen>) -> Self {
        self.builder = self.builder.ids(ids);
        self
    }

    /// Opens it.
    ///
    /// # Errors
    /// `CMMS-CONFIG-001` for a setting that cannot be used, `CMMS-STORE-…`.
    pub async fn build(self) -> Result<Client> {
        let config = match self.config {
            Some(config) => config,
            None => Config::from_env()?,
        };
        Ok(self.builder.config(config).build().await?.client)
    }
}
