//! A simulated vendor and an application that is connected to it.

use cmms::config::Database;
use cmms::core::memory::MemoryStore;
use cmms::core::ports::store::Store;
use cmms::secrets::KeyVault;
use cmms::{Client, Config, Connection, ConnectionOptions, CreateConnection, StartSync, SyncRun};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim, UpkeepVendor};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// The key of all test vaults.
pub const KEY: [u8; 32] = [7; 32];

/// Where an application of a test keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In memory.
    Memory,
    /// In an SQLite file of its own.
    Sqlite,
    /// In a PostgreSQL schema of its own.
    Postgres,
}

/// A simulated vendor and an application that is connected to it.
pub struct Plant {
    pub sim: UpkeepSim,
    pub client: Client,
    pub store: Arc<dyn Store>,
    pub connection: Connection,
    pub folder: TempDir,
    /// The URL of the database; empty where it is in memory.
    pub url: String,
}

impl Plant {
    /// One with the default records of the simulator.
    pub async fn start() -> Self {
        Self::with(
            UpkeepConfig::default(),
            Where::Sqlite,
            ConnectionOptions::default(),
        )
        .await
    }

    /// One with few records.
    pub async fn small(place: Where) -> Self {
        let config = UpkeepConfig::default().assets(20).work_orders(120);
        Self::with(config, place, ConnectionOptions::default()).await
    }

    /// One with everything chosen.
    pub async fn with(sim: UpkeepConfig, place: Where, options: ConnectionOptions) -> Self {
        let (email, password) = (sim.email.clone(), sim.password.clone());
        let sim = UpkeepSim::start(sim, 0).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = match place {
            Where::Memory => String::new(),
            Where::Sqlite => format!("sqlite://{}", folder.path().join("cmms.db").display()),
            Where::Postgres => crate::postgres::fresh().await,
        };
        let store: Arc<dyn Store> = match place {
            Where::Memory => Arc::new(MemoryStore::new()),
            Where::Sqlite | Where::Postgres => open(&url).await,
        };
        let client = client(Arc::clone(&store), &sim).await;
        let input = CreateConnection::new("upkeep", sim.base_url(), "Plant")
            .username(email)
            .password(password)
            .options(options);
        let connection = client.connections().create(input).await.unwrap();
        Self {
            sim,
            client,
            store,
            connection,
            folder,
            url,
        }
    }

    /// The simulated vendor.
    pub fn vendor(&self) -> &UpkeepVendor {
        self.sim.vendor()
    }

    /// Syncs everything.
    pub async fn sync(&self) -> SyncRun {
        self.client.sync().all(self.connection.id).await.unwrap()
    }

    /// Syncs everything again.
    pub async fn force(&self) -> SyncRun {
        self.client
            .sync()
            .all(StartSync::new(self.connection.id).force_sync(true))
            .await
            .unwrap()
    }

    /// The file of the database.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("cmms.db")
    }
}

/// Settings that let the application call this vendor and nobody else.
pub fn config(sim: &UpkeepSim) -> Config {
    Config::from_pairs([
        ("CMMS_EGRESS_ALLOW", sim.base_url()),
        ("USER", "tester".to_owned()),
    ])
    .unwrap()
}

/// An application over a store that may call this vendor.
pub async fn client(store: Arc<dyn Store>, sim: &UpkeepSim) -> Client {
    Client::builder(store)
        .config(config(sim))
        .vault(KeyVault::with_key(KEY))
        .build()
        .await
        .unwrap()
}

/// The store that a URL names.
pub async fn open(url: &str) -> Arc<dyn Store> {
    Database::parse(url).unwrap().open().await.unwrap()
}

/// Whether the long counts are asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "the test command says so in the environment"
)]
pub fn release_tier() -> bool {
    std::env::var("CMMS_TEST_TIER").is_ok_and(|tier| tier == "release")
}
