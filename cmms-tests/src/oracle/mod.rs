//! What the vendor has, compared with what is stored, without our mapper.
//!
//! The reading of a vendor's record is written from the fact sheet (sections 3.2, 3.3 and 7) alone, so that a
//! mistake of the mapping and a mistake here would have to be the same one to go unseen.

mod reading;

use chrono::TimeDelta;
use cmms::core::domain::asset::{Asset, AssetStatus};
use cmms::core::domain::entity::Entity;
use cmms::core::domain::sync_state::{Checkpoint, ExternalLink, PendingRef};
use cmms::core::domain::vocabulary::MaintenanceType;
use cmms::core::domain::work_order::{WorkOrder, WorkOrderSource, WorkOrderStatus};
use cmms::core::ids::ConnectionId;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, Store, TxMode};
use cmms::{Client, ListAssets, ListWorkOrders};
use cmms_sim::upkeep::{Oracle, UpkeepVendor};
use reading::{
    is_number, line, money, place, plain, priority, reference, ten_thousandths, text, time,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use uuid::Uuid;

/// Everything that can be brought in.
pub const ALL: &[Entity] = &[Entity::Asset, Entity::WorkOrder];

/// Ends the test unless the store holds exactly what the vendor has.
pub async fn assert_equal(
    client: &Client,
    store: &dyn Store,
    vendor: &UpkeepVendor,
    connection: ConnectionId,
) {
    assert_equal_of(client, store, vendor, connection, ALL).await;
}

/// The same where only some kinds of records have been brought in.
pub async fn assert_equal_of(
    client: &Client,
    store: &dyn Store,
    vendor: &UpkeepVendor,
    connection: ConnectionId,
    entities: &[Entity],
) {
    let found = differences(client, store, vendor, connection, entities).await;
    let shown: Vec<_> = found.iter().take(20).collect();
    assert!(
        found.is_empty(),
        "{} differences between the vendor and the store, the first: {shown:#?}",
        found.len()
    );
}

/// In what the store differs from the vendor; nothing: in nothing.
pub async fn differences(
    client: &Client,
    store: &dyn Store,
    vendor: &UpkeepVendor,
    connection: ConnectionId,
    entities: &[Entity],
) -> Vec<String> {
    let stored = Stored::read(client, store, connection).await;
    let mut check = Check {
        oracle: vendor.oracle(),
        stored: &stored,
        connection,
        entities,
        differences: Vec::new(),
    };
    check.links();
    check.assets();
    check.work_orders();
    check.checkpoints();
    check.views(client).await;
    check.differences
}

/// What is stored, as rows.
struct Stored {
    assets: BTreeMap<Uuid, Asset>,
    orders: BTreeMap<Uuid, WorkOrder>,
    links: Vec<ExternalLink>,
    /// Places in `links` of this connection's, by the vendor's id.
    places: BTreeMap<(Entity, String), usize>,
    /// The vendors' ids of a record.
    outside: BTreeMap<Uuid, Vec<String>>,
    checkpoints: Vec<Checkpoint>,
}

impl Stored {
    async fn read(client: &Client, store: &dyn Store, connection: ConnectionId) -> Self {
        let mut tx = store.begin(client.scope(), TxMode::Snapshot).await.unwrap();
        let all = Query::default();
        let assets = tx.of::<Asset>().list(&all).await.unwrap();
        let orders = tx.of::<WorkOrder>().list(&all).await.unwrap();
        let links = tx.of::<ExternalLink>().list(&all).await.unwrap();
        let mut checkpoints = tx.of::<Checkpoint>().list(&all).await.unwrap();
        checkpoints.retain(|c| c.connection_id == connection);
        let own = links.iter().enumerate();
        let own = own.filter(|(_, l)| l.connection_id == connection);
        let places = own.map(|(i, l)| ((l.entity, l.external_id.clone()), i));
        let places = places.collect();
        let mut outside: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for link in &links {
            let of = outside.entry(link.record_id).or_default();
            of.push(link.external_id.clone());
        }
        Self {
            assets: assets.into_iter().map(|a| (a.id.0, a)).collect(),
            orders: orders.into_iter().map(|o| (o.id.0, o)).collect(),
            links,
            places,
            outside,
            checkpoints,
        }
    }

    fn linked(&self, connection: ConnectionId, entity: Entity) -> Vec<&ExternalLink> {
        let of = |l: &&ExternalLink| l.connection_id == connection && l.entity == entity;
        self.links.iter().filter(of).collect()
    }

    fn link(&self, entity: Entity, external_id: &str) -> Option<&ExternalLink> {
        let place = self.places.get(&(entity, external_id.to_owned()))?;
        self.links.get(*place)
    }
}

struct Check<'a> {
    oracle: Oracle,
    stored: &'a Stored,
    connection: ConnectionId,
    entities: &'a [Entity],
    differences: Vec<String>,
}

impl Check<'_> {
    fn say(&mut self, what: String) {
        self.differences.push(what);
    }

    fn same<T: PartialEq + Debug>(&mut self, record: &str, field: &str, vendor: T, stored: T) {
        if vendor != stored {
            self.say(format!(
                "{record}: {field} should be {vendor:?}, is {stored:?}"
            ));
        }
    }

    fn vendors(&self, entity: Entity) -> BTreeMap<String, Value> {
        match entity {
            _ if !self.entities.contains(&entity) => BTreeMap::new(),
            Entity::Asset => self.oracle.assets.clone(),
            Entity::WorkOrder => self.oracle.work_orders.clone(),
        }
    }

    /// Exactly the vendor's ids are linked, each once, with its record as it is there, to a record of its own.
    fn links(&mut self) {
        let mut led_to = BTreeSet::new();
        for entity in ALL {
            let vendors = self.vendors(*entity);
            let mut seen = BTreeSet::new();
            for link in self.stored.linked(self.connection, *entity) {
                let name = format!("{entity} {}", link.external_id);
                if !seen.insert(link.external_id.clone()) {
                    self.say(format!("{name}: is linked twice"));
                }
                if !led_to.insert(link.record_id) {
                    self.say(format!("{name}: leads to the record of another link"));
                }
                let raw: Value = serde_json::from_str(&link.raw.0).unwrap_or_default();
                match vendors.get(&link.external_id) {
                    None => self.say(format!("{name}: is linked, the vendor has none")),
                    Some(value) if *value == raw => {}
                    Some(value) => self.say(format!("{name}: {value} is kept as {raw}")),
                }
                let exists = match entity {
                    Entity::Asset => self.stored.assets.contains_key(&link.record_id),
                    Entity::WorkOrder => self.stored.orders.contains_key(&link.record_id),
                };
                if !exists {
                    self.say(format!("{name}: its link leads to no record"));
                }
            }
            for id in vendors.keys().filter(|id| !seen.contains(*id)) {
                self.say(format!("{entity} {id}: is not linked"));
            }
        }
        let mut numbers = BTreeSet::new();
        for order in self.stored.orders.values() {
            if order.source == WorkOrderSource::Sync
                && !self.stored.outside.contains_key(&order.id.0)
            {
                self.say(format!("{}: was brought in, has no link", order.number));
            }
            if !numbers.insert(&order.number) {
                self.say(format!("{}: is the number of two", order.number));
            }
            if !is_number(&order.number) {
                self.say(format!("{}: is no number", order.number));
            }
        }
    }

    fn assets(&mut self) {
        for (id, value) in self.vendors(Entity::Asset) {
            let Some(link) = self.stored.link(Entity::Asset, &id) else {
                continue;
            };
            let Some(asset) = self.stored.assets.get(&link.record_id) else {
                continue;
            };
            let name = format!("asset {id}");
            if asset.asset_id != id && !asset.asset_id.ends_with(&format!(":{id}")) {
                self.say(format!("{name}: its tag is {}", asset.asset_id));
            }
            self.same(
                &name,
                "name",
                line(&value, "name"),
                Some(asset.name.clone()),
            );
            let texts = [
                ("description", &asset.description),
                ("model", &asset.model),
                ("serial", &asset.serial_number),
            ];
            for (field, stored) in texts {
                let sent = match field {
                    "description" => text(&value, field),
                    _ => line(&value, field),
                };
                self.same(&name, field, sent, stored.clone());
            }
            let word = text(&value, "status");
            let status = match word.as_deref().map(plain).as_deref() {
                Some("active") => Some(AssetStatus::Operational),
                Some("inactive") => Some(AssetStatus::Repair),
                _ => None,
            };
            let shown = status.unwrap_or(AssetStatus::Operational);
            self.same(&name, "status", shown, asset.status);
            self.kept(&name, link, "status", word.filter(|_| status.is_none()));
            let place = asset.location.as_ref().map(|l| l.0.location_name.clone());
            self.same(&name, "location", self::place(&value, &["location"]), place);
            let parent = reference(&value, "parentAsset").filter(|parent| *parent != id);
            self.refers(
                &name,
                parent,
                asset.parent_asset_id.as_deref(),
                asset.parent_uid.map(|id| id.0),
                asset.parent_pending.as_deref(),
            );
            let changed = time(&value, "updatedAt");
            self.same(&name, "updatedAt", changed, link.vendor_updated_at);
        }
    }

    fn work_orders(&mut self) {
        for (id, value) in self.vendors(Entity::WorkOrder) {
            let Some(link) = self.stored.link(Entity::WorkOrder, &id) else {
                continue;
            };
            let Some(order) = self.stored.orders.get(&link.record_id) else {
                continue;
            };
            let name = format!("work order {id}");
            let n = name.as_str();
            self.same(n, "source", WorkOrderSource::Sync, order.source);
            let title = Some(order.title.clone());
            self.same(n, "title", line(&value, "title"), title);
            let told = text(&value, "title").filter(|t| t.contains(char::is_control));
            self.kept(n, link, "title", told);
            let description = text(&value, "description");
            self.same(n, "description", description, order.description.clone());
            self.status(n, &value, link, order);
            self.kind(n, &value, link, order);
            let (priority, word) = priority(&value);
            self.same(n, "priority", priority, order.priority);
            self.kept(n, link, "priority", word);
            self.same(n, "dueDate", time(&value, "dueDate"), order.due_at);
            let completed = time(&value, "dateCompleted");
            self.same(n, "dateCompleted", completed, order.completed_at);
            let cost = order.actual_cost.map(|cost| cost.to_string());
            let cost = cost.as_deref().and_then(ten_thousandths);
            self.same(n, "cost", money(&value, "cost"), cost);
            let assignee = reference(&value, "assignedToUser");
            self.same(n, "assignedToUser", assignee, order.assigned_to.clone());
            let place = self::place(&value, &["location", "objectLocationForWorkOrder"]);
            self.same(n, "location", place, order.location.clone());
            let number = text(&value, "workOrderNo");
            self.same(n, "workOrderNo", number, link.number.clone());
            self.refers(
                n,
                reference(&value, "asset"),
                order.asset_id.as_deref(),
                order.asset_uid.map(|id| id.0),
                order.asset_pending.as_deref(),
            );
            let changed = time(&value, "updatedAt");
            self.same(n, "updatedAt", changed, link.vendor_updated_at);
        }
    }

    fn status(&mut self, name: &str, value: &Value, link: &ExternalLink, order: &WorkOrder) {
        let word = text(value, "status");
        let known = match word.as_deref().map(plain).as_deref() {
            None | Some("open") => Some(WorkOrderStatus::Scheduled),
            Some("inprogress") => Some(WorkOrderStatus::InProgress),
            Some("onhold") => Some(WorkOrderStatus::OnHold),
            Some("complete") => Some(WorkOrderStatus::Completed),
            Some(_) => None,
        };
        if value["isComplete"] == Value::Bool(true) {
            self.same(name, "status", WorkOrderStatus::Completed, order.status);
            return;
        }
        let shown = known.unwrap_or(WorkOrderStatus::Scheduled);
        self.same(name, "status", shown, order.status);
        self.kept(name, link, "status", word.filter(|_| known.is_none()));
    }

    /// The category is the account's own word; where it is none of ours, it is corrective work and the word is
    /// kept, under the vendor's name of the field or ours.
    fn kind(&mut self, name: &str, value: &Value, link: &ExternalLink, order: &WorkOrder) {
        let word = text(value, "category");
        let known = match word.as_deref().map(plain).as_deref() {
            None | Some("corrective") => Some(MaintenanceType::Corrective),
            Some("preventive") => Some(MaintenanceType::Preventive),
            Some("predictive") => Some(MaintenanceType::Predictive),
            Some("emergency") => Some(MaintenanceType::Emergency),
            Some("inspection") => Some(MaintenanceType::Inspection),
            Some("calibration") => Some(MaintenanceType::Calibration),
            Some("cleaning") => Some(MaintenanceType::Cleaning),
            Some("lubrication") => Some(MaintenanceType::Lubrication),
            Some(_) => None,
        };
        let shown = known.unwrap_or(MaintenanceType::Corrective);
        self.same(name, "category", shown, order.work_order_type);
        let values = &link.vendor_values;
        let names = ["work_order_type", "category"];
        let kept = names.iter().find_map(|name| values.get(*name)).cloned();
        let lost = word.filter(|_| known.is_none()).map(Value::from);
        self.same(name, "vendor_values of the category", lost, kept);
    }

    /// The vendor's word is kept beside the record where we have none for it, and only there.
    fn kept(&mut self, name: &str, link: &ExternalLink, field: &str, word: Option<String>) {
        let kept = link.vendor_values.get(field).cloned();
        let field = format!("vendor_values.{field}");
        self.same(name, &field, word.map(Value::from), kept);
    }

    /// A reference leads to the asset that is linked with the vendor's id; where the vendor has no such asset,
    /// it waits and shows that id.
    fn refers(
        &mut self,
        name: &str,
        vendor: Option<String>,
        tag: Option<&str>,
        uid: Option<Uuid>,
        pending: Option<&str>,
    ) {
        let Some(vendor) = vendor else {
            return self.same(name, "reference", (None, None, None), (tag, uid, pending));
        };
        let link = self.stored.link(Entity::Asset, &vendor);
        let known =
            self.entities.contains(&Entity::Asset) && self.oracle.assets.contains_key(&vendor);
        match link.filter(|_| known) {
            Some(link) => {
                let asset = self.stored.assets.get(&link.record_id);
                let expected = (
                    asset.map(|a| a.asset_id.as_str()),
                    Some(link.record_id),
                    None,
                );
                self.same(name, "reference", expected, (tag, uid, pending));
            }
            None if known => self.say(format!("{name}: refers to {vendor}, which did not come in")),
            None => {
                let waits = PendingRef::External(self.connection, vendor.clone()).key();
                let expected = (Some(vendor.as_str()), None, Some(waits.as_str()));
                self.same(name, "reference", expected, (tag, uid, pending));
            }
        }
    }

    /// After a complete run there is nothing to go on with, and the mark is the newest change there is, as far as
    /// the vendor's clock had reached it ten minutes before.
    fn checkpoints(&mut self) {
        for entity in self.entities {
            let name = format!("checkpoint of {entity}");
            let mut of = self.stored.checkpoints.iter();
            let Some(stored) = of.find(|c| c.entity == *entity) else {
                self.say(format!("{name}: there is none"));
                continue;
            };
            self.same(&name, "position", None, stored.position.as_deref());
            let vendors = self.vendors(*entity);
            let newest = vendors.values().filter_map(|v| time(v, "updatedAt")).max();
            let began = stored.vendor_clock.map(|at| at - TimeDelta::minutes(10));
            let mark = newest.map(|newest| began.map_or(newest, |began| newest.min(began)));
            self.same(&name, "high_water", mark, stored.high_water);
        }
    }

    /// What callers see says the same.
    async fn views(&mut self, client: &Client) {
        let mut input = ListWorkOrders::new().limit(500u32);
        loop {
            let page = client.work_orders().list(input.clone()).await.unwrap();
            for order in page.items {
                let Some(stored) = self.stored.orders.get(&order.id.0) else {
                    self.say(format!("{}: is listed and not stored", order.number));
                    continue;
                };
                let resolved = stored.asset_id.as_ref().map(|_| stored.asset_uid.is_some());
                let number = order.number.clone();
                self.same(&number, "asset_resolved", resolved, order.asset_resolved);
                let seen = order.external.iter().map(|e| e.external_id.clone());
                self.shown(&number, order.id.0, seen.collect());
            }
            let Some(next) = page.next else { break };
            input = input.cursor(next);
        }
        let mut input = ListAssets::new().limit(500u32);
        loop {
            let page = client.assets().list(input.clone()).await.unwrap();
            for asset in page.items {
                let seen = asset.external.iter().map(|e| e.external_id.clone());
                self.shown(&asset.asset_id, asset.id.0, seen.collect());
            }
            let Some(next) = page.next else { break };
            input = input.cursor(next);
        }
    }

    fn shown(&mut self, name: &str, record: Uuid, shown: Vec<String>) {
        let linked = self.stored.outside.get(&record);
        let linked = linked.cloned().unwrap_or_default();
        self.same(name, "external", linked, shown);
    }
}
