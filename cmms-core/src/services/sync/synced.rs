//! Kinds of records that are kept in step with a vendor.

use crate::domain::asset::{Asset, AssetType};
use crate::domain::entity::Entity;
use crate::domain::sync_state::PendingRef;
use crate::domain::work_order::{WorkOrder, WorkOrderSource};
use crate::ids::{AssetId, WorkOrderId};
use crate::record::Record;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What a new record starts from; the mapping fills in the rest.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    /// Its id.
    pub(super) id: Uuid,
    /// Who runs the sync.
    pub(super) by: String,
    /// The time of the batch.
    pub(super) now: DateTime<Utc>,
}

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Nothing.
    None,
    /// This asset.
    Known(AssetId, String),
    /// An asset that has not come in yet, by the vendor's id.
    Waiting(PendingRef, String),
}

/// A kind of record that is kept in step with a vendor.
pub(super) trait Synced: Record + Clone + PartialEq {
    /// The kind.
    const ENTITY: Entity;
    /// The prefix of its numbers; None: it is named by a tag.
    const NUMBERED: Option<&'static str>;
    /// A record before anything is known of it.
    fn blank() -> Self;
    /// Gives a new record what the mapping cannot know.
    fn begin(&mut self, from: Fresh);
    /// Gives a new record its number or tag.
    fn name(&mut self, label: String);
    /// Its id.
    fn uid(&self) -> Uuid;
    /// Its number or tag.
    fn label(&self) -> &str;
    /// Counts a change.
    fn touch(&mut self, now: DateTime<Utc>);
    /// The asset that it is a part of, where it is an asset.
    fn parent(&self) -> Option<AssetId> {
        None
    }
    /// Whether this column is a reference.
    fn refers(column: &str) -> bool;
    /// Sets the reference of this column, and says whether it was another one.
    fn refer(&mut self, column: &str, to: Target) -> bool;
}

impl Synced for WorkOrder {
    const ENTITY: Entity = Entity::WorkOrder;
    const NUMBERED: Option<&'static str> = Some("WO");

    fn blank() -> Self {
        let (id, none) = (WorkOrderId(Uuid::nil()), String::new);
        let mut order = Self::new(id, none(), none(), none(), DateTime::UNIX_EPOCH);
        order.source = WorkOrderSource::Sync;
        order
    }
    fn begin(&mut self, from: Fresh) {
        self.id = WorkOrderId(from.id);
        self.created_by = from.by;
        self.created_at = from.now;
        self.updated_at = from.now;
    }
    fn name(&mut self, label: String) {
        self.number = label;
    }
    fn uid(&self) -> Uuid {
        self.id.0
    }
    fn label(&self) -> &str {
        &self.number
    }
    fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.updated_at = now;
    }
    fn refers(column: &str) -> bool {
        column == Self::ASSET_ID.0
    }
    fn refer(&mut self, column: &str, to: Target) -> bool {
        if !Self::refers(column) {
            return false;
        }
        let (tag, uid, pending) = parts(to);
        let uid_changed = std::mem::replace(&mut self.asset_uid, uid) != uid;
        put(&mut self.asset_id, tag) | put(&mut self.asset_pending, pending) | uid_changed
    }
}

impl Synced for Asset {
    const ENTITY: Entity = Entity::Asset;
    const NUMBERED: Option<&'static str> = None;

    fn blank() -> Self {
        let (id, none) = (AssetId(Uuid::nil()), String::new);
        let (kind, epoch) = (AssetType::Equipment, DateTime::UNIX_EPOCH);
        Self::new(id, none(), none(), kind, none(), epoch)
    }
    fn begin(&mut self, from: Fresh) {
        self.id = AssetId(from.id);
        self.created_by = from.by;
        self.created_at = from.now;
        self.updated_at = from.now;
    }
    fn name(&mut self, label: String) {
        self.asset_id = label;
    }
    fn uid(&self) -> Uuid {
        self.id.0
    }
    fn label(&self) -> &str {
        &self.asset_id
    }
    fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.updated_at = now;
    }
    fn parent(&self) -> Option<AssetId> {
        self.parent_uid
    }
    fn refers(column: &str) -> bool {
        column == Self::PARENT_ASSET_ID.0
    }
    fn refer(&mut self, column: &str, to: Target) -> bool {
        if !Self::refers(column) {
            return false;
        }
        let (tag, uid, pending) = parts(to);
        // A vendor's asset that is its own parent has none.
        let own = uid == Some(self.id);
        let uid = uid.filter(|_| !own);
        let uid_changed = std::mem::replace(&mut self.parent_uid, uid) != uid;
        put(&mut self.parent_asset_id, tag.filter(|_| !own))
            | put(&mut self.parent_pending, pending)
            | uid_changed
    }
}

/// Sets a text and says whether it was another one.
fn put(field: &mut Option<String>, value: Option<String>) -> bool {
    let changed = *field != value;
    *field = value;
    changed
}

fn parts(to: Target) -> (Option<String>, Option<AssetId>, Option<String>) {
    match to {
        Target::None => (None, None, None),
        Target::Known(id, tag) => (Some(tag), Some(id), None),
        Target::Waiting(pending, shown) => (Some(shown), None, Some(pending.key())),
    }
}

/// Runs an expression with `$r` as the record type of an entity.
macro_rules! with_entity {
    ($entity:expr, $r:ident => $run:expr) => {
        match $entity {
            crate::domain::entity::Entity::Asset => {
                type $r = crate::domain::asset::Asset;
                $run
            }
            crate::domain::entity::Entity::WorkOrder => {
                type $r = crate::domain::work_order::WorkOrder;
                $run
            }
        }
    };
}
pub(super) use with_entity;
