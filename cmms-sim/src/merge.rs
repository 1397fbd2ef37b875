//! JSON merge patches.

use serde_json::{Map, Value};

/// Applies a JSON merge patch (RFC 7396).
pub(crate) fn merge(fields: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                fields.remove(&name);
            }
            Value::Object(inner) => {
                let slot = fields.entry(name).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(present) = slot {
                    merge(present, inner);
                }
            }
            other => {
                fields.insert(name, other);
            }
        }
    }
}
