//! Texts of records, changed field by field.

use serde_json::{Map, Value};

/// Stands for a value that is put in as a text.
const HERE: &str = "@@ a value @@";

/// What stands at a path, if the record names it.
pub(super) fn at<'v>(record: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(record, |value, name| value.get(name))
}

fn below<'v>(record: &'v mut Value, path: &str) -> (&'v mut Map<String, Value>, String) {
    let mut names: Vec<&str> = path.split('.').collect();
    let last = names.pop().unwrap();
    let mut value = record;
    for name in names {
        if !value.get(name).is_some_and(Value::is_object) {
            value[name] = Value::Object(Map::new());
        }
        value = &mut value[name];
    }
    (value.as_object_mut().unwrap(), last.to_owned())
}

/// Takes away what stands at a path, and its name.
pub(super) fn remove(record: &mut Value, path: &str) {
    if at(record, path).is_some() {
        let (fields, name) = below(record, path);
        fields.remove(&name);
    }
}

/// Puts a value at a path.
pub(super) fn put(record: &mut Value, path: &str, value: Value) {
    let (fields, name) = below(record, path);
    fields.insert(name, value);
}

/// The record with this text of JSON, or of what should be JSON, at a path.
pub(super) fn with(raw: &str, path: &str, value: &str) -> String {
    let mut record: Value = serde_json::from_str(raw).unwrap();
    put(&mut record, path, HERE.into());
    record.to_string().replace(&format!("{HERE:?}"), value)
}
