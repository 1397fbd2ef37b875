//! An application in memory that is connected to the vendor of a rig.

use super::rig::{PATIENT, Rig};
use crate::Client;
use crate::Result;
use crate::context::{Principal, Scope};
use crate::domain::asset::Asset;
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::{ExternalLink, QuarantineItem, QuarantineState};
use crate::domain::work_order::WorkOrder;
use crate::ids::{IdGen as _, OrgId, SystemIds};
use crate::memory::MemoryStore;
use crate::ports::adapter::AdapterCx;
use crate::ports::process::{ProcessId, Processes};
use crate::ports::repository::TxExt as _;
use crate::ports::secrets::{Credentials, Sealed, SecretBinding, SecretVault};
use crate::ports::store::{Query, Store, TxMode};
use crate::record::{Cell, Field as _, Record, Row};
use crate::services::connections::CreateConnection;
use crate::services::sync::StartSync;
use crate::services::{App, Parts};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// The columns of a record, by name.
pub(super) type Columns = BTreeMap<&'static str, Cell<'static>>;

/// The application.
pub(super) struct Application {
    store: Arc<dyn Store>,
    pub(super) client: Client,
    pub(super) connection: Connection,
}

impl Application {
    pub(super) async fn connected(rig: &dyn Rig) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let mut parts = Parts::new(Arc::clone(&store), Arc::new(Open), Arc::new(Alone));
        parts.adapters.register(rig.adapter(PATIENT));
        let now = parts.clock.now();
        let org = OrgId(SystemIds.next());
        let org = store.organization("suite", org, now).await.unwrap();
        let scope = Scope::new(org, Principal::local_process("suite"));
        let client = Client::new(Arc::new(App::new(parts)), scope);
        let AdapterCx {
            api_url,
            credentials,
            options,
            ..
        } = rig.connection();
        let name = rig.adapter(PATIENT).info().cmms_type;
        let given = credentials.expose();
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned().into()));
        let input = CreateConnection::new(name, &*api_url, "Suite")
            .credentials(given.collect::<BTreeMap<_, _>>())
            .options((*options).clone());
        let connection = client.connections().create(input).await.unwrap();
        Self {
            store,
            client,
            connection,
        }
    }

    /// Reads everything at the vendor.
    pub(super) async fn force(&self) -> SyncRun {
        let ask = StartSync::new(self.connection.id).force_sync(true);
        self.client.sync().all(ask).await.unwrap()
    }

    async fn all<R: Record>(&self) -> Vec<R> {
        let mode = TxMode::Snapshot;
        let mut tx = self.store.begin(self.client.scope(), mode).await.unwrap();
        tx.of::<R>().list(&Query::default()).await.unwrap()
    }

    /// What waits in quarantine, by the vendor's id.
    pub(super) async fn quarantine(&self) -> BTreeMap<String, QuarantineItem> {
        let items = self.all::<QuarantineItem>().await.into_iter();
        items
            .filter(|item| item.state == QuarantineState::Open)
            .map(|item| (item.external_id.clone(), item))
            .collect()
    }

    /// The links of a kind, by the vendor's id.
    pub(super) async fn links(&self, entity: Entity) -> BTreeMap<String, ExternalLink> {
        let links = self.all::<ExternalLink>().await.into_iter();
        links
            .filter(|link| link.entity == entity)
            .map(|link| (link.external_id.clone(), link))
            .collect()
    }

    /// What is stored of the records of a kind, by the vendor's id, but for what each change counts.
    pub(super) async fn stored(&self, entity: Entity) -> BTreeMap<String, Columns> {
        let links = self.links(entity).await;
        let rows: BTreeMap<_, _> = match entity {
            Entity::Asset => self.all::<Asset>().await.iter().map(columns).collect(),
            Entity::WorkOrder => self.all::<WorkOrder>().await.iter().map(columns).collect(),
        };
        let stored = links.into_iter().map(|(id, link)| {
            let row = rows[&link.record_id].clone();
            (id, row)
        });
        stored.collect()
    }
}

/// Fails unless both are the same, and names the first field that differs.
pub(super) fn assert_stored(
    found: &BTreeMap<String, Columns>,
    wanted: &BTreeMap<String, Columns>,
    about: &str,
) {
    assert!(found.keys().eq(wanted.keys()), "{about}: other records");
    for (id, row) in wanted {
        for (column, cell) in row {
            assert_eq!(found[id][column], *cell, "{about}: {column} of {id}");
        }
    }
}

/// The columns of a record, under its id.
fn columns<R: Record>(record: &R) -> (Uuid, Columns) {
    let names = R::TABLE.columns.iter().map(|column| column.name);
    let mut columns: Columns = names.zip(Row::of(record).0).collect();
    columns.remove("version");
    columns.remove("updated_at");
    (Uuid::from_cell(columns["id"].borrowed()).unwrap(), columns)
}

/// Keeps secrets as they are: the store is in memory, and so is the vendor's account.
#[derive(Debug)]
struct Open;

impl SecretVault for Open {
    fn seal(&self, _: &SecretBinding, plain: &Credentials) -> Result<Sealed> {
        let plain: BTreeMap<_, _> = plain.expose().collect();
        Ok(Sealed {
            kek_id: "none".to_owned(),
            envelope: serde_json::to_vec(&plain).unwrap(),
            fingerprints: BTreeMap::new(),
        })
    }

    fn open(&self, _: &SecretBinding, sealed: &Sealed) -> Result<Credentials> {
        let plain: BTreeMap<String, String> = serde_json::from_slice(&sealed.envelope).unwrap();
        let mut credentials = Credentials::new();
        for (name, value) in plain {
            credentials.set(&name, value.into());
        }
        Ok(credentials)
    }
}

/// The only process.
#[derive(Debug)]
struct Alone;

impl Processes for Alone {
    fn me(&self) -> ProcessId {
        ProcessId {
            boot: "suite".to_owned(),
            pid: 1,
            started: 0,
        }
    }

    fn is_alive(&self, _: &ProcessId) -> bool {
        true
    }
}
