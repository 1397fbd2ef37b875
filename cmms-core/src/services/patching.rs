//! Partial updates: what services share when they change some fields of a record.

use crate::domain::check::Checks;
use crate::record::{Record, Row};
use crate::request::Patch;
use crate::{Error, Result, code};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Changes a field that may not be empty.
pub(super) fn set<T>(name: &str, patch: Patch<T>, field: &mut T, checks: &mut Checks) {
    match patch {
        Patch::Keep => {}
        Patch::Set(value) => *field = value,
        Patch::Clear => checks.refuse(name, "invalid_value", "may not be null"),
    }
}

/// Changes the fields of an object as RFC 7396 says: what is left away stays, null takes a field out, and objects in it
/// are changed in the same way.
pub(super) fn merge(patch: Patch<Map<String, Value>>, fields: &mut Map<String, Value>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => fields.clear(),
        Patch::Set(changes) => merge_into(fields, changes),
    }
}

// As deep as an input may nest, which is not deep.
fn merge_into(fields: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (name, change) in changes {
        match change {
            Value::Null => {
                fields.remove(&name);
            }
            Value::Object(changes) => {
                let mut below = match fields.remove(&name) {
                    Some(Value::Object(below)) => below,
                    _ => Map::new(),
                };
                merge_into(&mut below, changes);
                fields.insert(name, Value::Object(below));
            }
            value => {
                fields.insert(name, value);
            }
        }
    }
}

/// The fields in which two forms of a record differ.
pub(super) fn differences<R: Record>(before: &R, after: &R) -> BTreeSet<&'static str> {
    let (before, after) = (Row::of(before), Row::of(after));
    let cells = before.0.iter().zip(&after.0).zip(R::TABLE.columns);
    let changed = cells.filter(|((before, after), _)| before != after);
    changed.map(|(_, column)| column.name).collect()
}

/// Refuses a change that was made on another version.
pub(super) fn check_version(asked: Option<i64>, present: i64, object: &str) -> Result<()> {
    match asked {
        Some(version) if version != present => Err(Error::new(
            code::STORE_STALE,
            format!("the {object} has version {present}, not {version}"),
        )
        .field(
            "version",
            "stale_version",
            format!("the present version is {present}"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(before: &Value, patch: &Value) -> Value {
        let mut fields = before.as_object().unwrap().clone();
        merge(Patch::Set(patch.as_object().unwrap().clone()), &mut fields);
        Value::Object(fields)
    }

    /// The examples of RFC 7396 that are about objects, and deeper ones.
    #[test]
    fn a_patch_of_free_fields_is_a_merge_patch_at_every_depth() {
        for (before, patch, after) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
            (
                json!({"a":{"b":{"c":1,"d":2},"e":3}}),
                json!({"a":{"b":{"c":null}}}),
                json!({"a":{"b":{"d":2},"e":3}}),
            ),
        ] {
            assert_eq!(merged(&before, &patch), after, "{before} {patch}");
        }
        let mut fields = json!({"a": 1}).as_object().unwrap().clone();
        merge(Patch::Keep, &mut fields);
        assert_eq!(fields.len(), 1);
        merge(Patch::Clear, &mut fields);
        assert!(fields.is_empty());
    }
}
