//! Runs: one per sync that somebody asked for.

use super::entity::{Entity, SyncType};
use crate::error::{ALL_CODES, code};
use crate::ids::{ConnectionId, RunId};
use crate::record::Json;
use crate::{Error, record, wire_enum};
use chrono::{DateTime, Utc};
use std::fmt;

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
    /// The run where it did what was asked for; else the error that a program's `?` hands on.
    ///
    /// A run that failed or was cancelled ended before everything came in, which is an error. One that is `partial` came
    /// to its end: it is the run, and its `errors` and the quarantine say which records are missing. So is one that
    /// still waits or goes on.
    ///
    /// # Errors
    /// [`SyncFailed`], with the run.
    pub fn into_result(self) -> Result<Self, SyncFailed> {
        match self.status {
            SyncStatus::Failed | SyncStatus::Cancelled => Err(SyncFailed(Box::new(self))),
            _ => Ok(self),
        }
    }

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

/// A sync that ended before everything came in: its run `failed`, or was `cancelled`. What it has stored stays, and the
/// next sync goes on behind it.
///
/// As an [`Error`] it has the code, the field and the remedy of what ended the run.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncFailed(Box<SyncRun>);

impl SyncFailed {
    /// The run.
    pub fn run(&self) -> &SyncRun {
        &self.0
    }

    /// The run, taken out.
    pub fn into_run(self) -> SyncRun {
        *self.0
    }
}

impl fmt::Display for SyncFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.status, self.0.errors.0.first()) {
            (SyncStatus::Cancelled, _) => f.write_str("the sync was cancelled"),
            (_, Some(first)) => write!(f, "the sync failed: {}", first.detail),
            (_, None) => f.write_str("the sync failed"),
        }
    }
}

impl std::error::Error for SyncFailed {}

impl From<SyncFailed> for Error {
    fn from(failed: SyncFailed) -> Self {
        let run = &failed.0;
        let first = run.errors.0.first();
        let known = first.and_then(|first| ALL_CODES.iter().find(|c| c.id() == first.code));
        let code = match known {
            Some(known) => known,
            None if run.status == SyncStatus::Cancelled => code::OP_CANCELLED,
            // A run of a newer version ended for a reason that this one has no name for.
            None => code::SYNC_INTERRUPTED,
        };
        let mut error = Self::new(code, failed.to_string()).subject("run_id", run.id);
        if let Some(first) = first {
            error = error.remedy_is(&first.remedy);
            if let Some(field) = &first.field {
                error = error.field(field, code.reason(), &first.detail);
            }
        }
        error.source(failed)
    }
}
