//! Records without an id that can be kept: what they are known by in quarantine.

use super::quarantine::{Bad, nameless_id, whole_id};
use crate::domain::check::EXTERNAL_ID;
use crate::mapping::{MapError, normal};
use crate::ports::adapter::ExternalRecord;
use serde_json::Value;
/// Names under which vendors say when a record was created, and those of numbers that stay.
const CREATED: &[&str] = &[
    "created",
    "createdat",
    "createdon",
    "createdate",
    "createddate",
    "datecreated",
    "creationdate",
];
const NUMBERS: &[&str] = &[
    "number",
    "no",
    "code",
    "serial",
    "serialnumber",
    "workorderno",
];

/// The members of a record that stay when it is edited, if one of them tells when it was created.
fn lasting(raw: &str) -> Vec<String> {
    let Ok(Value::Object(members)) = serde_json::from_str(raw) else {
        return Vec::new();
    };
    let of = |names: &[&str]| -> Vec<String> {
        let found = members.iter().filter(|(name, value)| {
            let is_set = value.is_number() || value.as_str().is_some_and(|s| !s.trim().is_empty());
            is_set && names.contains(&normal(name).as_str())
        });
        found
            .map(|(name, value)| format!("{name}:{value}"))
            .collect()
    };
    let mut lasting = of(CREATED);
    if !lasting.is_empty() {
        lasting.extend(of(NUMBERS));
    }
    lasting
}

/// Whether an id can be kept, and shown wherever ids are.
pub(super) fn is_kept(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= EXTERNAL_ID && !id.chars().any(char::is_control)
}

/// A record without an id is known by what does not change with it: when it was created and its numbers, as far as it
/// says so; else by all of it.
pub(super) fn nameless(record: ExternalRecord) -> Bad {
    let lasting = lasting(&record.raw);
    let parts: Vec<&[u8]> = lasting.iter().map(String::as_bytes).collect();
    Bad {
        external_id: if parts.is_empty() {
            whole_id(&record.raw)
        } else {
            nameless_id(&parts)
        },
        updated_at: record.updated_at,
        raw: record.raw,
        why: MapError {
            field: "id".to_owned(),
            reason: "missing_field",
            detail: "the record has no id that can be read".to_owned(),
        },
    }
}
