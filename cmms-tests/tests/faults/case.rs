//! One fault in one situation, and what came of it.

use super::vendor::Vendor;
use chrono::{DateTime, Utc};
use cmms::core::domain::entity::Entity;
use cmms::core::domain::sync_state::{Checkpoint, ExternalLink};
use cmms::core::memory::MemoryStore;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, Store, TxMode};
use cmms::core::testing::SteppedClock;
use cmms::secrets::KeyVault;
use cmms::store::{SqliteOptions, SqliteStore};
use cmms::{
    Client, Config, Connection, ConnectionOptions, ListQuarantine, StartSync, SyncRun, SyncStatus,
};
use cmms_sim::Fault;
use cmms_tests::KEY;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How long a request may take where the simulator holds answers back.
const IMPATIENT: Duration = Duration::from_millis(400);
/// How long it may take otherwise: a busy machine is no fault.
const PATIENT: Duration = Duration::from_secs(60);

/// When the fault comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In the first sync of all.
    First,
    /// In a sync of what changed.
    Later,
    /// In a sync of everything that is there already.
    Force,
}

/// Which requests are hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hits {
    /// As many as the fault takes by itself, from the third page on.
    Usual,
    /// All from the third page on, as long as the run goes on.
    Always,
}

/// What the runs said.
#[derive(Debug)]
pub struct Outcome {
    /// The run with the fault.
    pub status: SyncStatus,
    /// The codes that it gave as reasons.
    pub codes: BTreeSet<String>,
    /// What is wrong; nothing if all is well.
    pub wrong: Vec<String>,
    /// Rows of the vendor that the run with the fault left out or as they were.
    pub behind: usize,
    /// Clean runs until the store was what the vendor has.
    pub clean: &'static str,
}

/// A vendor and an application that is connected to it, on a clock that steps by itself.
struct Site<V> {
    vendor: V,
    store: Arc<dyn Store>,
    client: Client,
    connection: Connection,
    _folder: TempDir,
}

impl<V: Vendor> Site<V> {
    /// One whose requests may take so long, in memory or in a file.
    async fn start(in_memory: bool, patience: Duration) -> Self {
        let vendor = V::start().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cmms.db");
        let store: Arc<dyn Store> = if in_memory {
            Arc::new(MemoryStore::new())
        } else {
            Arc::new(SqliteStore::open(&file, SqliteOptions::default()).unwrap())
        };
        let pairs = [
            ("CMMS_EGRESS_ALLOW", vendor.base_url()),
            ("USER", "tester".to_owned()),
        ];
        let client = Client::builder(Arc::clone(&store))
            .config(Config::from_pairs(pairs).unwrap())
            .vault(KeyVault::with_key(KEY))
            .clock(Arc::new(SteppedClock::new(vendor.now())))
            .adapter(vendor.adapter(patience))
            .build()
            .await
            .unwrap();
        let options = ConnectionOptions {
            page_size: Some(20),
            batch_records: Some(40),
            ..ConnectionOptions::default()
        };
        let input = vendor.connection().options(options);
        let connection = client.connections().create(input).await.unwrap();
        Self {
            vendor,
            store,
            client,
            connection,
            _folder: folder,
        }
    }

    async fn differences(&self) -> Vec<String> {
        let (client, store) = (&self.client, self.store.as_ref());
        let found = self.vendor.differences(client, store, &self.connection);
        found.await
    }
}

/// Runs one case.
pub async fn run<V: Vendor>(fault: Fault, on: &str, when: When, hits: Hits) -> Outcome {
    let held = matches!(fault, Fault::NoAnswer | Fault::SlowBody);
    let patience = if held { IMPATIENT } else { PATIENT };
    // Either store is used.
    let site = Site::<V>::start(on == "assets", patience).await;
    let (client, vendor, id) = (&site.client, &site.vendor, site.connection.id);
    if when != When::First {
        let run = client.sync().all(id).await.unwrap();
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        vendor.edit(if when == When::Later { 280 } else { 30 });
    }
    let before = linked(&site).await;
    let pass = if on == "auth" { 0 } else { 2 };
    let mut plan = fault.on(on).after(pass);
    if hits == Hits::Always {
        plan = plan.always();
    }
    vendor.inject(plan);
    let input = StartSync::new(id).force_sync(when == When::Force);
    let run = client.sync().all(input).await.unwrap();
    let mut wrong = Vec::new();
    if vendor.fault_hits() == 0 {
        wrong.push("the fault hit nothing".to_owned());
    }
    vendor.end_faults();
    judge(&site, &run, fault, &before, &mut wrong).await;
    if vendor
        .paths()
        .iter()
        .any(|path| path.starts_with("/elsewhere"))
    {
        wrong.push("a redirect to another host is followed".to_owned());
    }
    let behind = site.differences().await.len();
    let clean = heal(&site, &before, &mut wrong).await;
    Outcome {
        status: run.status,
        codes: run.errors.0.iter().map(|e| e.code.clone()).collect(),
        wrong,
        behind,
        clean,
    }
}

/// What the run says fits what is stored.
async fn judge<V: Vendor>(
    site: &Site<V>,
    run: &SyncRun,
    fault: Fault,
    before: &BTreeSet<(Entity, String)>,
    wrong: &mut Vec<String>,
) {
    let ends = [SyncStatus::Ok, SyncStatus::Partial, SyncStatus::Failed];
    if !ends.contains(&run.status) {
        wrong.push(format!("the run ends as {:?}", run.status));
    }
    if run.status != SyncStatus::Ok && run.errors.0.is_empty() {
        wrong.push(format!("{:?} without a reason", run.status));
    }
    if run.deleted != 0 {
        wrong.push(format!("{} are deleted", run.deleted));
    }
    let after = linked(site).await;
    let gone = before.difference(&after).count();
    if gone > 0 {
        wrong.push(format!("{gone} links are gone"));
    }
    let missing = everything(site).difference(&after).count();
    if run.status == SyncStatus::Ok && missing > 0 {
        wrong.push(format!("ok, and {missing} rows are missing"));
    }
    // What changes behind the run's back, and what was given with wrong content, is for the next run.
    let later = fault.changes_content()
        || matches!(
            fault,
            Fault::MovingRecords | Fault::ClockAhead | Fault::ClockBehind | Fault::TiesAtBorder
        );
    if run.status == SyncStatus::Ok && !later {
        let stale = site.differences().await;
        if let Some(first) = stale.first() {
            wrong.push(format!("ok, and {} differ, such as {first}", stale.len()));
        }
    }
    ahead(site, &after, wrong).await;
}

/// Clean runs: of what changed, then of everything.
async fn heal<V: Vendor>(
    site: &Site<V>,
    before: &BTreeSet<(Entity, String)>,
    wrong: &mut Vec<String>,
) -> &'static str {
    let (client, id) = (&site.client, site.connection.id);
    let mut last = Vec::new();
    for (force, name) in [(false, "1"), (true, "1 + force")] {
        let input = StartSync::new(id).force_sync(force);
        let run = client.sync().all(input).await.unwrap();
        if run.deleted != 0 {
            wrong.push(format!("a clean run deletes {}", run.deleted));
        }
        last = site.differences().await;
        let waiting = quarantined(client).await;
        last.extend(
            waiting
                .iter()
                .map(|id| format!("{id} is still in quarantine")),
        );
        if last.is_empty() && run.status != SyncStatus::Ok {
            wrong.push(format!(
                "a clean run that brings all in is {:?}",
                run.status
            ));
        }
        if before.difference(&linked(site).await).count() > 0 {
            wrong.push("links are gone after a clean run".to_owned());
        }
        if last.is_empty() {
            return name;
        }
    }
    wrong.push(format!(
        "{} differences stay, such as {:?}",
        last.len(),
        last.first()
    ));
    "never"
}

/// No checkpoint is ahead of its rows: what changed before it is here or in quarantine.
async fn ahead<V: Vendor>(
    site: &Site<V>,
    here: &BTreeSet<(Entity, String)>,
    wrong: &mut Vec<String>,
) {
    let mut tx = site
        .store
        .begin(site.client.scope(), TxMode::Snapshot)
        .await
        .unwrap();
    let checkpoints = tx.of::<Checkpoint>().list(&Query::default()).await.unwrap();
    drop(tx);
    let waiting = quarantined(&site.client).await;
    for checkpoint in checkpoints {
        let position: Option<Value> = checkpoint
            .position
            .as_deref()
            .map(|text| serde_json::from_str(text).unwrap());
        let bound = position.as_ref().and_then(V::bound);
        let Some(mark) = checkpoint.high_water.max(bound) else {
            continue;
        };
        let records = site.vendor.records(checkpoint.entity);
        let behind = records.iter().filter(|(id, record)| {
            let at = record["updatedAt"].as_str().unwrap();
            at.parse::<DateTime<Utc>>().unwrap() < mark
                && !here.contains(&(checkpoint.entity, (*id).clone()))
                && !waiting.contains(*id)
        });
        let count = behind.count();
        if count > 0 {
            let entity = checkpoint.entity;
            wrong.push(format!(
                "the checkpoint of {entity} is ahead of {count} rows"
            ));
        }
    }
}

fn everything<V: Vendor>(site: &Site<V>) -> BTreeSet<(Entity, String)> {
    let ids = |entity| {
        site.vendor
            .records(entity)
            .into_keys()
            .map(move |id| (entity, id))
    };
    ids(Entity::Asset).chain(ids(Entity::WorkOrder)).collect()
}

async fn linked<V: Vendor>(site: &Site<V>) -> BTreeSet<(Entity, String)> {
    let mut tx = site
        .store
        .begin(site.client.scope(), TxMode::Snapshot)
        .await
        .unwrap();
    let links = tx.of::<ExternalLink>().list(&Query::default()).await;
    let links = links.unwrap().into_iter();
    links.map(|link| (link.entity, link.external_id)).collect()
}

/// What waits in quarantine.
async fn quarantined(client: &Client) -> BTreeSet<String> {
    use cmms::core::domain::sync_state::QuarantineState;
    let mut all = BTreeSet::new();
    let mut input = ListQuarantine::new().limit(500u32);
    loop {
        let page = client.quarantine().list(input.clone()).await.unwrap();
        let open = page.items.into_iter();
        let open = open.filter(|item| item.state == QuarantineState::Open);
        all.extend(open.map(|item| item.external_id));
        let Some(next) = page.next else { return all };
        input = input.cursor(next);
    }
}
