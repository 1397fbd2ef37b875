//! Runs: one per sync that somebody asked for.

use super::entity::{Entity, SyncType};
use crate::ids::{ConnectionId, RunId};
use crate::record::Json;
use crate::{record, wire_enum};
use chrono::{DateTime, Utc};

wire_enum! {
    /// How a run stands.
    pub enum SyncStatus {
        /// It waits.
        Queued = "queued",
        /// It goes on.
        Running = "running",
        /// Everything came in.
        Ok = "ok",
        /// Some records are missing; `errors` says which and why.
        Partial = "partial",
        /// It ended before everything came in.
        Failed = "failed",
        /// It waits for somebody to confirm a mass deletion.
        NeedsConfirmation = "needs_confirmation",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
}

/// Something that went wrong in a run.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct RunError {
    /// `CMMS-AREA-NNN`.
    pub code: String,
    /// What happened.
    pub detail: String,
    /// The field that cannot be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do.
    pub remedy: String,
    /// The kind of record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// The vendor's id of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// What a run did with one kind of record.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct StreamCount {
    /// The kind of record.
    pub entity: Entity,
    /// Records that the vendor sent.
    pub fetched: u64,
    /// Records that are new here.
    pub created: u64,
    /// Records that changed here.
    pub updated: u64,
    /// Records that equal what was here.
    pub unchanged: u64,
    /// Records that were taken away.
    pub deleted: u64,
    /// Records that cannot be stored.
    pub quarantined: u64,
    /// Pages that were read.
    pub pages: u64,
}

impl StreamCount {
    /// Nothing yet.
    pub fn new(entity: Entity) -> Self {
        Self {
            entity,
            fetched: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            deleted: 0,
            quarantined: 0,
            pages: 0,
        }
    }

    /// Records that are in step now.
    pub fn synced(&self) -> u64 {
        self.created + self.updated + self.unchanged
    }
}

/// The most errors that a run lists; the quarantine has the rest.
pub const MAX_ERRORS: usize = 100;

record! {
    /// A run: what one sync did.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct SyncRun: "sync_runs" {
        /// Its id.
        id: RunId [Key Public],
        /// Counts its changes, from 1.
        version: i64 [Version Public],
        /// When it was asked for.
        created_at: DateTime<Utc> [Once Internal],
        /// Who asked for it.
        created_by: String [Once Personal],
        /// When it last changed.
        updated_at: DateTime<Utc> [Plain Internal],
        /// The connection.
        cmms_connection_id: ConnectionId [Once Internal],
        /// What it brings in.
        sync_type: SyncType [Once Internal],
        /// Whether it reads everything again.
        force_sync: bool [Once Internal],
        /// How it stands.
        status: SyncStatus [Plain Internal],
        /// Records that are in step now: created + updated + unchanged.
        synced_count: i64 [Plain Internal],
        /// Records that are new here.
        created: i64 [Plain Internal],
        /// Records that changed here.
        updated: i64 [Plain Internal],
        /// Records that equal what was here.
        unchanged: i64 [Plain Internal],
        /// Records that were taken away.
        deleted: i64 [Plain Internal],
        /// Records that cannot be stored.
        quarantined: i64 [Plain Internal],
        /// What went wrong, at most 100.
        errors: Json<Vec<RunError>> [Plain Internal],
        /// The same counts for each kind of record.
        streams: Json<Vec<StreamCount>> [Plain Internal],
        /// When it began.
        started_at: DateTime<Utc> [Once Internal],
        /// When it ended.
        finished_at: Option<DateTime<Utc>> [Plain Internal],
        /// Who asked for it.
        requested_by: String [Once Personal],
    }
    view {
        /// Work orders that are in step now; only for `all`.
        #[serde(skip_serializing_if = "Option::is_none")]
        work_orders_synced: Option<u64>,
        /// Maintenance schedules that are in step now; only for `all`.
        #[serde(skip_serializing_if = "Option::is_none")]
        schedules_synced: Option<u64>,
        /// Assets that are in step now; only for `all`.
        #[serde(skip_serializing_if = "Option::is_none")]
        assets_synced: Option<u64>,
    }
    index [[cmms_connection_id, id], [status, id]]
}

impl SyncRun {
    /// Sums the counts of the streams up.
    pub fn sum_up(&mut self) {
        let sum = |f: fn(&StreamCount) -> u64, streams: &[StreamCount]| {
            i64::try_from(streams.iter().map(f).sum::<u64>()).unwrap_or(i64::MAX)
        };
        let streams = &self.streams.0;
        self.created = sum(|s| s.created, streams);
        self.updated = sum(|s| s.updated, streams);
        self.unchanged = sum(|s| s.unchanged, streams);
        self.deleted = sum(|s| s.deleted, streams);
        self.quarantined = sum(|s| s.quarantined, streams);
        self.synced_count = self.created + self.updated + self.unchanged;
    }

    /// Fills in what is derived and not stored.
    pub fn derive(&mut self) {
        if self.sync_type == SyncType::All {
            let synced = |entity| {
                self.streams
                    .0
                    .iter()
                    .filter(|s| s.entity == entity)
                    .map(StreamCount::synced)
                    .sum()
            };
            self.work_orders_synced = Some(synced(Entity::WorkOrder));
            self.assets_synced = Some(synced(Entity::Asset));
            self.schedules_synced = Some(0);
        }
    }

    /// Adds an error unless the list is full.
    pub fn add_error(&mut self, error: RunError) {
        if self.errors.0.len() < MAX_ERRORS {
            self.errors.0.push(error);
        }
    }
}
