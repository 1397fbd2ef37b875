//! Where everything starts: puts store, secrets, vendors and clock together.

use crate::client::Client;
use crate::config::{Config, Database};
use crate::process::HostProcesses;
use crate::secrets::KeyVault;
use cmms_core::Result;
use cmms_core::clock::{Clock, SystemClock};
use cmms_core::context::{Principal, Scope};
use cmms_core::ids::{IdGen, OrgId, SystemIds};
use cmms_core::ports::adapter::Adapter;
use cmms_core::ports::store::Store;
use cmms_core::services::connections::master_key;
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
    Client::builder(store).build().await
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
    let store = config.database()?.open().await?;
    Client::builder(store).config(config).build().await
}

/// Puts a [`Client`] together: see [`Client::builder`].
#[derive(Debug)]
#[must_use = "nothing is opened before it is built"]
pub struct Builder {
    store: Arc<dyn Store>,
    config: Option<Config>,
    organization: String,
    principal: Option<Principal>,
    adapters: Vec<Arc<dyn Adapter>>,
    vault: Option<Arc<KeyVault>>,
    checks_key: bool,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    lease: Option<Duration>,
}

impl Builder {
    /// An application over a store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            config: None,
            organization: "default".to_owned(),
            principal: None,
            adapters: Vec::new(),
            vault: None,
            checks_key: true,
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds),
            lease: None,
        }
    }

    /// Takes these settings instead of those of the environment.
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Works in this organization instead of `default`; it is made at its first use.
    pub fn organization(mut self, name: impl Into<String>) -> Self {
        self.organization = name.into();
        self
    }

    /// Acts as this principal instead of the user of the operating system.
    pub fn acting_as(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Knows this vendor, too.
    pub fn adapter(mut self, adapter: Arc<dyn Adapter>) -> Self {
        self.adapters.push(adapter);
        self
    }

    /// Seals secrets with this vault instead of the one that the settings name.
    pub fn vault(mut self, vault: impl Into<Arc<KeyVault>>) -> Self {
        self.vault = Some(vault.into());
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes new ids from here.
    pub fn ids(mut self, ids: Arc<dyn IdGen>) -> Self {
        self.ids = ids;
        self
    }

    /// Lets other processes go on with a run of this one when it was not heard of for so long, instead of 12 seconds.
    /// All processes of a database should say the same.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Opens a database whose secrets need another master key than this program's, too: to have them forgotten.
    pub fn with_any_key(mut self) -> Self {
        self.checks_key = false;
        self
    }

    /// Opens it.
    ///
    /// # Errors
    /// `CMMS-STORE-…`; `CMMS-CONFIG-001` for a setting that cannot be used; `CMMS-SECRET-001` where the database has
    /// secrets that need another master key than the one that is given.
    pub async fn build(self) -> Result<Client> {
        let config = match self.config {
            Some(config) => config,
            None => Config::from_env()?,
        };
        let vault = self
            .vault
            .unwrap_or_else(|| Arc::new(KeyVault::of(&config, &*self.store)));
        let mut registry = AdapterRegistry::default();
        let mut known = Vec::new();
        #[cfg(feature = "adapters")]
        {
            known.extend(cmms_adapters::adapters(&Arc::new(egress(&config)?)));
        }
        known.extend(self.adapters);
        let mut parts = Parts::new(
            Arc::clone(&self.store),
            Arc::clone(&vault) as _,
            Arc::new(HostProcesses),
        );
        for adapter in known {
            let variable = adapter.info().api_key_variable;
            if let Some((name, key)) = variable.and_then(|v| Some((v, config.api_key(v)?))) {
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
            .unwrap_or_else(|| Principal::local_process(&config.os_user()));
        let scope = Scope::new(org, principal);
        if self.checks_key && vault.has_source() {
            master_key::check(&*self.store, &*vault, &scope).await?;
        }
        let app = Arc::new(App::new(parts));
        Ok(cmms_core::Client::new(app, scope).into())
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
