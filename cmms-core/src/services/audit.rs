//! What goes into the audit log.

use crate::domain::audit::{Batch, FieldChange};
use crate::mapping::cell_json;
use crate::record::{Privacy, Record, Role, Row};
use serde::Serialize;
use serde_json::Value;

/// The kinds of objects that entries are about.
pub const OBJECTS: &[&str] = &[
    "asset",
    "connection",
    "mapping",
    "quarantine",
    "run",
    "work_order",
];

/// What a unit of work did.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// What was done, such as `work_order.create`.
    pub action: &'static str,
    /// What kind of object.
    pub object_type: &'static str,
    /// The object.
    pub object_id: String,
    /// Its version after the change.
    pub object_version: Option<i64>,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// The fields that changed.
    pub change: Vec<FieldChange>,
    /// What a pull committed at once.
    pub batch: Option<Batch>,
    /// The code of the error, where it failed.
    pub cause: Option<String>,
}

impl AuditEvent {
    /// An event about one object.
    pub fn new(action: &'static str, object_type: &'static str, object_id: impl ToString) -> Self {
        Self {
            action,
            object_type,
            object_id: object_id.to_string(),
            object_version: None,
            reason: None,
            change: Vec::new(),
            batch: None,
            cause: None,
        }
    }

    /// With the version after the change.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.object_version = Some(version);
        self
    }

    /// With the reason.
    #[must_use]
    pub fn reason(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// With the fields that changed.
    #[must_use]
    pub fn change(mut self, change: Vec<FieldChange>) -> Self {
        self.change = change;
        self
    }

    /// With what a pull committed.
    #[must_use]
    pub fn batch(mut self, batch: Batch) -> Self {
        self.batch = Some(batch);
        self
    }

    /// With the code of the error that it ended with.
    #[must_use]
    pub fn cause(mut self, code: &'static str) -> Self {
        self.cause = Some(code.to_owned());
        self
    }
}

/// The fields that differ, with their values as answers show them. Values of personal and secret fields stay out until
/// they can be sealed.
pub fn changes<R: Record + Serialize>(before: Option<&R>, after: &R) -> Vec<FieldChange> {
    let (shown_before, shown_after) = (before.map(shown), shown(after));
    let old = before.map(Row::of);
    let new = Row::of(after);
    let mut changes = Vec::new();
    for (i, column) in R::TABLE.columns.iter().enumerate() {
        let counts =
            matches!(column.role, Role::Key | Role::Version) || column.name == "updated_at";
        let was = old.as_ref().and_then(|row| row.0.get(i));
        let Some(is) = new.0.get(i) else { continue };
        if counts || was.map_or(is.is_null(), |was| was == is) {
            continue;
        }
        let open = matches!(column.privacy, Privacy::Public | Privacy::Internal);
        // What is not answered is shown as it is stored.
        let value = |shown: &Value, cell| match shown.get(column.name) {
            Some(value) => value.clone(),
            None => cell_json(cell),
        };
        let was = was.zip(shown_before.as_ref()).filter(|_| open);
        changes.push(FieldChange {
            field: column.name.to_owned(),
            before: was.map(|(was, shown)| value(shown, was)),
            after: open.then(|| value(&shown_after, is)),
        });
    }
    changes
}

fn shown<R: Serialize>(record: &R) -> Value {
    // A record is an object of plain values, which can be written always.
    serde_json::to_value(record).unwrap_or_default()
}
