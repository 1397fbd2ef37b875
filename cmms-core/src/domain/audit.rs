//! The audit log: one entry per committed change, written in the same transaction.

use super::entity::Entity;
use crate::ids::{AuditId, RunId};
use crate::record::Json;
use crate::{record, wire_enum};
use chrono::{DateTime, Utc};
use serde_json::Value;

wire_enum! {
    /// How it ended.
    pub enum AuditResult {
        /// It was done.
        Ok = "ok",
        /// It was not allowed.
        Denied = "denied",
        /// It failed.
        Failed = "failed",
    }
}

/// A field that changed. Values of personal and secret fields are left out until they can be sealed.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// Before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// After.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What a pull did with one record.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct BatchRecord {
    /// Our record.
    pub id: uuid::Uuid,
    /// `create`, `update`, `link`.
    pub action: String,
    /// The fields that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Values of people here that the vendor's took the place of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overwritten: Vec<FieldChange>,
}

/// What a pull committed at once.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Batch {
    /// The run.
    pub run: RunId,
    /// The kind of record.
    pub entity: Entity,
    /// The records.
    pub records: Vec<BatchRecord>,
}

record! {
    /// An audit entry: one for each committed change.
    #[derive(serde::Serialize, schemars::JsonSchema)]
    pub struct AuditEntry: "audit_entries" {
        /// Its id.
        id: AuditId [Key Internal],
        /// When.
        at: DateTime<Utc> [Once Internal],
        /// What kind of actor.
        #[serde(skip)]
        actor_kind: String [Once Internal],
        /// The actor.
        #[serde(skip)]
        actor_id: String [Once Personal],
        /// What was done, such as `work_order.create`.
        action: String [Once Internal],
        /// What kind of object.
        object_type: String [Once Internal],
        /// The object.
        object_id: String [Once Internal],
        /// Its version after the change.
        object_version: Option<i64> [Once Internal],
        /// The request, by its id in the log.
        request_id: String [Once Internal],
        /// Why, where a reason was given.
        reason: Option<String> [Once Internal],
        /// The fields that changed.
        change: Option<Json<Vec<FieldChange>>> [Once Internal],
        /// What a pull committed at once.
        batch: Option<Json<Batch>> [Once Internal],
        /// How it ended.
        result: AuditResult [Once Internal],
        /// The code of the error, where it failed.
        cause: Option<String> [Once Internal],
    }
    view {
        /// Who did it, such as `user:maria`.
        actor: String,
    }
    index [
        [at, id], [object_type, object_id, at, id], [actor_kind, actor_id, at, id], [action, at, id]
    ]
}

impl AuditEntry {
    /// Fills in what is derived and not stored.
    pub fn derive(&mut self) {
        self.actor = format!("{}:{}", self.actor_kind, self.actor_id);
    }
}
