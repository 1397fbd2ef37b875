//! Where everything starts: puts store, secrets, vendors and clock together.

use crate::client::Client;
use crate::config::{Config, Database};
use crate::process::HostProcesses;
use crate::secrets::{KeySource, KeyVault};
use cmms_core::Result;
use cmms_core::clock::{Clock, SystemClock};
use cmms_core::context::{Principal, Scope};
use cmms_core::ids::{IdGen, OrgId, SystemIds};
use cmms_core::ports::adapter::Adapter;
use cmms_core::ports::store::Store;
use cmms_core::services::registry::AdapterRegistry;
use cmms_core::services::{App, Parts};
use std::sync::Arc;
use std::time::Duration;

/// Opens a database: `sqlite://cmms.db` is a file in the present folder, made at the first use;
/// `postgres://user:password@host/database` a server (feature `postgres`) whose schema `cmms migrate up` has made.
///
/// A plain name is that of a file, `:memory:` a database that lives as long as its client. Settings come from the
/// environment (`CMMS_…`); [`open_with`] takes them from the program.
///
/// # Errors
/// `CMMS-STORE-…` where the database cannot be used, `CMMS-CONFIG-001` for a setting that cannot be used;
/// each says what to do.
pub async fn open(url: &str) -> Result<Client> {
    let store = Database::parse(url)?.open().await?;
    let builder = Builder::new(store, Config::from_env()?);
    Ok(builder.build().await?.client)
}

/// Opens the database that the settings name: [`open`] with settings that count before those of the environment and have
/// the same names.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let settings = [
///     ("CMMS_DATABASE_URL", ":memory:"),
///     ("CMMS_EGRESS_ALLOW", "http://127.0.0.1:9100"),
/// ];
/// let client = cmms::open_with(settings).await?;
/// # Ok::<(), cmms::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`open`].
pub async fn open_with<N, V>(settings: impl IntoIterator<Item = (N, V)>) -> Result<Client>
where
    N: Into<String>,
    V: Into<String>,
{
    let settings = settings.into_iter();
    let config = Config::from_env_and(settings.map(|(n, v)| (n.into(), v.into())).collect())?;
    let builder = Builder::new(config.database()?.open().await?, config);
    Ok(builder.build().await?.client)
}

/// An open application with what its program may want to know.
#[derive(Debug)]
pub struct Opened {
    /// What the program calls.
    pub client: Client,
    /// What seals its secrets.
    pub vault: Arc<KeyVault>,
}

/// Puts an application together and keeps what seals its secrets at hand, as servers need it; programs use
/// [`Client::builder`].
#[derive(Debug)]
pub struct Builder {
    store: Arc<dyn Store>,
    config: Config,
    organization: String,
    principal: Option<Principal>,
    adapters: Vec<Arc<dyn Adapter>>,
    vault: Option<KeyVault>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    lease: Option<Duration>,
}

impl Builder {
    /// An application over a store.
    pub fn new(store: Arc<dyn Store>, config: Config) -> Self {
        Self {
            store,
            config,
            organization: "default".to_owned(),
            principal: None,
            adapters: Vec::new(),
            vault: None,
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds),
            lease: None,
        }
    }

    /// Takes these settings instead.
    #[must_use]
    pub(crate) fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// An application over an SQLite file, made at the first use.
    ///
    /// # Errors
    /// `CMMS-STORE-…` where the file cannot be used.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(path: &std::path::Path, config: Config) -> Result<Self> {
        let store = cmms_store::SqliteStore::open(path, cmms_store::SqliteOptions::default())?;
        Ok(Self::new(Arc::new(store), config))
    }

    /// Works in this organization instead of `default`; it is made at its first use.
    #[must_use]
    pub fn organization(mut self, name: impl Into<String>) -> Self {
        self.organization = name.into();
        self
    }

    /// Acts as this principal instead of the user of the operating system.
    #[must_use]
    pub fn acting_as(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Knows this vendor, too.
    #[must_use]
    pub fn adapter(mut self, adapter: Arc<dyn Adapter>) -> Self {
        self.adapters.push(adapter);
        self
    }

    /// Seals secrets with this vault instead of the one that the settings name.
    #[must_use]
    pub fn vault(mut self, vault: KeyVault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes new ids from here.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdGen>) -> Self {
        self.ids = ids;
        self
    }

    /// Lets other processes go on with a run of this one when it was not heard of for so long, instead of 12 seconds.
    /// All processes of a database should say the same.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Opens it.
    ///
    /// # Errors
    /// `CMMS-STORE-…`; `CMMS-CONFIG-001` for `CMMS_EGRESS_ALLOW` or `CMMS_EGRESS_PROXY` that cannot be used.
    pub async fn build(self) -> Result<Opened> {
        let vault = self.vault.unwrap_or_else(|| {
            KeyVault::new(KeySource::of(&self.config, self.store.info().shared))
        });
        let vault = Arc::new(vault);
        let mut registry = AdapterRegistry::default();
        let mut known = Vec::new();
        #[cfg(feature = "adapters")]
        {
            known.extend(cmms_adapters::adapters(&Arc::new(egress(&self.config)?)));
        }
        known.extend(self.adapters);
        let mut parts = Parts::new(
            Arc::clone(&self.store),
            Arc::clone(&vault) as _,
            Arc::new(HostProcesses),
        );
        for adapter in known {
            let variable = adapter.info().api_key_variable;
            if let Some((name, key)) = variable.and_then(|v| Some((v, self.config.api_key(v)?))) {
                parts.api_keys.insert(name.to_owned(), key.clone());
            }
            registry.register(adapter);
        }
        parts.adapters = registry;
        parts.clock = Arc::clone(&self.clock);
        parts.ids = Arc::clone(&self.ids);
        parts.lease = self.lease.unwrap_or(parts.lease);
        let new = OrgId(self.ids.next());
        let org = self
            .store
            .organization(&self.organization, new, self.clock.now())
            .await?;
        let principal = self
            .principal
            .unwrap_or_else(|| Principal::local_process(&self.config.os_user()));
        let app = Arc::new(App::new(parts));
        let client = cmms_core::Client::new(app, Scope::new(org, principal)).into();
        Ok(Opened { client, vault })
    }
}

/// The one way out to vendors, as the settings say.
#[cfg(feature = "adapters")]
fn egress(config: &Config) -> Result<cmms_adapters::EgressClient> {
    use cmms_adapters::{EgressClient, EgressPolicy, EgressProxy};
    use secrecy::ExposeSecret as _;
    let policy = EgressPolicy::new(&config.egress_allow)?;
    let proxy = config
        .egress_proxy()
        .map(|proxy| EgressProxy::parse(proxy.expose_secret()))
        .transpose()?;
    match &proxy {
        Some(proxy) => tracing::info!("vendors are called through the proxy {}", proxy.place()),
        None if !config.other_proxies().is_empty() => tracing::info!(
            "the proxy of {} is ignored: CMMS_EGRESS_PROXY names one for calls of vendors",
            config.other_proxies().join(" and ")
        ),
        None => {}
    }
    EgressClient::builder(policy)
        .proxy(proxy)
        .ca_file(config.ssl_cert_file().map(Into::into))
        .build()
}
