//! What is the same in each run of a script, and what only has the same type.

use chrono::DateTime;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Names and what they are bound to.
pub(crate) type Bound = BTreeMap<String, String>;

/// An input with its names filled in.
pub(crate) fn filled(value: &Value, bound: &Bound) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) => json!(bound[name]),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(|v| filled(v, bound)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(k, v)| (k.clone(), filled(v, bound)))
            .collect::<Map<_, _>>()
            .into(),
        plain => plain.clone(),
    }
}

/// The form in which an answer is kept: what differs from run to run is told by its type.
pub(crate) fn kept(name: &str, value: &Value, bound: &Bound) -> Value {
    match value {
        Value::String(text) => json!(kept_text(name, text, bound)),
        Value::Array(items) => items.iter().map(|v| kept(name, v, bound)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(k, v)| (k.clone(), kept(k, v, bound)))
            .collect::<Map<_, _>>()
            .into(),
        plain => plain.clone(),
    }
}

fn kept_text(name: &str, text: &str, bound: &Bound) -> String {
    if let Some((name, _)) = bound.iter().find(|(_, value)| *value == text) {
        return format!("${name}");
    }
    if matches!(name, "fingerprint" | "next") {
        return "<text>".to_owned();
    }
    if Uuid::parse_str(text).is_ok() {
        return "<id>".to_owned();
    }
    if text.starts_with("local-process:") {
        return "<actor>".to_owned();
    }
    if is_number(text) {
        return "<number>".to_owned();
    }
    // Times of the script are whole seconds; those of the run and of a simulated vendor depend on the day.
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) if at.timestamp_subsec_nanos() != 0 => "<time>".to_owned(),
        _ => text.to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    let mut parts = text.split('-');
    parts.next() == Some("WO")
        && parts.clone().count() == 2
        && parts.all(|part| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_digit()))
}

/// What does not match, with its place.
pub(crate) fn differences(at: &str, expected: &Value, found: &Value, bound: &Bound) -> Vec<String> {
    let same = match (expected, found) {
        (Value::String(expected), Value::String(found)) => match expected.as_str() {
            "<text>" => true,
            "<id>" => Uuid::parse_str(found).is_ok(),
            "<actor>" => found.starts_with("local-process:"),
            "<number>" => is_number(found),
            "<time>" => DateTime::parse_from_rfc3339(found).is_ok(),
            name if name.starts_with('$') => bound.get(&name[1..]) == Some(found),
            plain => plain == found,
        },
        (Value::Number(expected), Value::Number(found)) => expected.as_f64() == found.as_f64(),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let pairs = expected.iter().zip(found).enumerate();
            return pairs
                .flat_map(|(n, (e, f))| differences(&format!("{at}/{n}"), e, f, bound))
                .collect();
        }
        (Value::Object(expected), Value::Object(found)) => {
            let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            return names
                .into_iter()
                .flat_map(|name| {
                    let at = format!("{at}/{name}");
                    match (expected.get(name), found.get(name)) {
                        (Some(e), Some(f)) => differences(&at, e, f, bound),
                        (e, f) => vec![format!("{at}: expected {e:?}, found {f:?}")],
                    }
                })
                .collect();
        }
        (expected, found) => expected == found,
    };
    if same {
        Vec::new()
    } else {
        vec![format!("{at}: expected {expected}, found {found}")]
    }
}
