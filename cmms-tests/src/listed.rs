//! A vendor that gives the records that a test names, page by page, without a network.

use crate::plant::{KEY, Where, open};
use async_trait::async_trait;
use cmms::ListQuarantine;
use cmms::core::clock::{Clock, SystemClock};
use cmms::core::domain::connection::ConnectionOptions;
use cmms::core::mapping::{EntityMapping, Transform, Transform::*, rules};
use cmms::core::memory::MemoryStore;
use cmms::core::ports::adapter::{
    Adapter, AdapterCx, AdapterInfo, Capabilities, EntityCapabilities, ExternalRecord, Pages,
    Position, PullPage, PullReq,
};
use cmms::core::ports::secrets::Credentials;
use cmms::core::ports::store::Store;
use cmms::secrets::KeyVault;
use cmms::{
    AssetStatus, AssetType, Client, Config, Connection, CreateConnection, Entity, MaintenanceType,
    Priority, QuarantineItem, Result, StartSync, SyncRun, WorkOrderStatus,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// The pages of one kind of record.
pub type Listing = Vec<Vec<ExternalRecord>>;

/// The vendor.
#[derive(Debug)]
pub struct Listed {
    pages: Mutex<BTreeMap<Entity, Listing>>,
    capabilities: Capabilities,
    mappings: [EntityMapping; 2],
}

/// A record with an id, as the vendor writes it.
pub fn record(id: &str, raw: impl ToString) -> ExternalRecord {
    ExternalRecord {
        listed_archived: None,
        external_id: Some(id.to_owned()),
        updated_at: None,
        raw: raw.to_string().into(),
    }
}

impl Listed {
    fn new() -> Self {
        let can = EntityCapabilities::pull(Pages::Serial, 100_000);
        Self {
            pages: Mutex::default(),
            capabilities: Capabilities::new([(Entity::Asset, can), (Entity::WorkOrder, can)]),
            mappings: mappings(),
        }
    }

    /// Lists these pages from now on.
    pub fn list(&self, entity: Entity, pages: Listing) {
        let mut all = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(entity, pages);
    }
}

#[async_trait]
impl Adapter for Listed {
    fn info(&self) -> AdapterInfo {
        AdapterInfo::new("listed", "Listed", &[&["api_key"]])
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn default_mapping(&self, entity: Entity) -> Option<&EntityMapping> {
        self.mappings.iter().find(|m| m.entity == entity)
    }

    fn accept(&self, url: &str, _: &Credentials, _: &ConnectionOptions) -> Result<String> {
        Ok(url.to_owned())
    }

    async fn pull(&self, _: &AdapterCx, req: &PullReq) -> Result<PullPage> {
        let at: usize = req.position.as_ref().map_or(Ok(0), Position::read)?;
        let all = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = all.get(&req.entity).map(Vec::as_slice).unwrap_or_default();
        let next = (at + 1 < pages.len()).then(|| Position::of(&(at + 1)));
        let records = pages.get(at).cloned().unwrap_or_default();
        Ok(PullPage::new(records, next.transpose()?))
    }
}

/// A rule for each field of ours.
fn mappings() -> [EntityMapping; 2] {
    let orders = rules! {
        "title" => title: Text, required;
        "description" => description: Text;
        "asset" => asset_id: Reference(Entity::Asset);
        "priority" => priority: Transform::words(Priority::WORDS, &[], "medium");
        "status" => status: Transform::words(WorkOrderStatus::WORDS, &[], "scheduled");
        "reason" => status_reason: Text;
        "type" => work_order_type: Transform::words(MaintenanceType::WORDS, &[], "corrective");
        "location" => location: Text;
        "assignee" => assigned_to: Name;
        "team" => assigned_team: Text;
        "requester" => requested_by: Text;
        "start" => scheduled_start: Time;
        "end" => scheduled_end: Time;
        "due" => due_at: Time;
        "hours" => estimated_hours: Number;
        "budget" => estimated_cost: Money;
        "cost" => actual_cost: Money;
        "done" => completed_at: Time;
        "safety" => safety_notes: Text;
        "tags" => tags: List;
        "fields" => custom_fields: Object;
    };
    let assets = rules! {
        "name" => name: Text, required;
        "description" => description: Text;
        "kind" => asset_type: Transform::words(AssetType::WORDS, &[], "equipment");
        "status" => status: Transform::words(AssetStatus::WORDS, &[], "operational");
        "maker" => manufacturer: Text;
        "model" => model: Text;
        "serial" => serial_number: Text;
        "department" => department: Text;
        "keeper" => responsible_person: Text;
        "parent" => parent_asset_id: Reference(Entity::Asset);
        "installed" => installation_date: Date;
        "life" => expected_lifespan: Number;
        "value" => replacement_value: Money;
        "place" => location: Place;
        "tags" => tags: List;
        "specs" => specifications: Object;
        "fields" => custom_fields: Object;
    };
    [
        EntityMapping::new(Entity::WorkOrder, "listed.1", orders).number("number"),
        EntityMapping::new(Entity::Asset, "listed.1", assets),
    ]
}

/// An application that is connected to such a vendor.
pub struct Bench {
    pub vendor: Arc<Listed>,
    pub client: Client,
    pub store: Arc<dyn Store>,
    pub connection: Connection,
    pub folder: TempDir,
}

impl Bench {
    /// One whose records are kept there.
    pub async fn new(place: Where) -> Self {
        let (store, folder) = Self::store(place).await;
        Self::over(store, folder).await
    }

    /// An empty store there, with a folder that lives as long.
    pub async fn store(place: Where) -> (Arc<dyn Store>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = match place {
            Where::Memory => Arc::new(MemoryStore::new()),
            Where::Sqlite => {
                open(&format!(
                    "sqlite://{}",
                    folder.path().join("cmms.db").display()
                ))
                .await
            }
            Where::Postgres => open(&crate::postgres::fresh().await).await,
        };
        (store, folder)
    }

    /// One over a store.
    pub async fn over(store: Arc<dyn Store>, folder: TempDir) -> Self {
        Self::by_clock(store, folder, Arc::new(SystemClock::default())).await
    }

    /// One over a store, by this clock.
    pub async fn by_clock(store: Arc<dyn Store>, folder: TempDir, clock: Arc<dyn Clock>) -> Self {
        let vendor = Arc::new(Listed::new());
        let config = Config::from_pairs([("USER", "tester".to_owned())]).unwrap();
        let built = Client::builder(Arc::clone(&store))
            .config(config)
            .vault(KeyVault::with_key(KEY))
            .clock(clock)
            .adapter(Arc::clone(&vendor) as Arc<dyn Adapter>)
            .build()
            .await
            .unwrap();
        let client = built;
        let input = CreateConnection::new("listed", "https://listed.example", "Plant").api_key("k");
        let connection = client.connections().create(input).await.unwrap();
        Self {
            vendor,
            client,
            store,
            connection,
            folder,
        }
    }

    /// Syncs everything.
    pub async fn sync(&self) -> SyncRun {
        self.client.sync().all(self.connection.id).await.unwrap()
    }

    /// Reads everything again.
    pub async fn force(&self) -> SyncRun {
        let ask = StartSync::new(self.connection.id).force_sync(true);
        self.client.sync().all(ask).await.unwrap()
    }

    /// Everything that waits in quarantine, by the vendor's id.
    pub async fn quarantine(&self) -> BTreeMap<String, QuarantineItem> {
        let mut items = BTreeMap::new();
        let mut ask = ListQuarantine::new().limit(500_u32);
        loop {
            let page = self.client.quarantine().list(ask.clone()).await.unwrap();
            items.extend(page.items.into_iter().map(|i| (i.external_id.clone(), i)));
            match page.next {
                Some(cursor) => ask = ask.cursor(cursor),
                None => return items,
            }
        }
    }
}
