//! Faults that are in the body of an answer.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Fault;
use crate::wire::Shape;

/// How deep the arrays go.
const DEPTH: usize = 10_000;
/// How long the text of a huge record is.
const HUGE: usize = 10_000_000;

/// Makes a wrong body of a right one; `None` if it has nothing to be broken.
pub(crate) type Change = fn(&Shape, &Bytes) -> Option<Bytes>;

/// What this fault does to a body.
pub(crate) fn change_of(fault: Fault) -> Option<Change> {
    Some(match fault {
        Fault::TruncatedJson => |_, body| {
            let half = body.slice(..body.len() / 2);
            (!half.is_empty()).then_some(half)
        },
        Fault::DeepJson => |shape, body| {
            let mut field = b"\"deep\":".to_vec();
            field.extend(std::iter::repeat_n(b'[', DEPTH));
            field.extend(std::iter::repeat_n(b']', DEPTH));
            field.push(b',');
            in_first(shape, body, &field)
        },
        Fault::InvalidUtf8 => {
            |shape, body| in_first(shape, body, b"\"note\":\"caf\xe9 \xff\xfe\",")
        }
        Fault::HugeRecord => |shape, body| {
            middle(shape, body, |record, name| {
                record.insert(name, "x".repeat(HUGE).into());
            })
        },
        Fault::RecordTwice => |shape, body| {
            let mut page: Value = serde_json::from_slice(body).ok()?;
            let records = page.get_mut(shape.records)?.as_array_mut()?;
            let middle = records.len() / 2;
            let again = records.get(middle)?.clone();
            records.insert(middle, again);
            Some(page.to_string().into())
        },
        Fault::RenamedField => |shape, body| {
            each(shape, body, |record, name| {
                let value = record.remove(&name).unwrap_or_default();
                record.insert(format!("{name}V2"), value);
            })
        },
        Fault::RetypedField => |shape, body| {
            each(shape, body, |record, name| {
                let value = record.remove(&name).unwrap_or_default();
                record.insert(name, json!({"text": value, "lang": "en"}));
            })
        },
        Fault::MissingField => |shape, body| {
            each(shape, body, |record, name| {
                record.remove(&name);
            })
        },
        Fault::UnknownEnum => |shape, body| {
            each(shape, body, |record, _| {
                record.insert("status".to_owned(), "quantum-flux".into());
            })
        },
        _ => return None,
    })
}

/// Puts bytes at the beginning of the first record.
fn in_first(shape: &Shape, body: &Bytes, field: &[u8]) -> Option<Bytes> {
    let rest = body.strip_prefix(shape.list.as_bytes())?;
    let rest = rest.strip_prefix(b"{")?;
    let whole = [shape.list.as_bytes(), b"{", field, rest].concat();
    Some(whole.into())
}

fn middle(
    shape: &Shape,
    body: &Bytes,
    change: impl Fn(&mut Map<String, Value>, String),
) -> Option<Bytes> {
    changed(shape, body, |at, of| at == of / 2, change)
}

fn each(
    shape: &Shape,
    body: &Bytes,
    change: impl Fn(&mut Map<String, Value>, String),
) -> Option<Bytes> {
    changed(shape, body, |_, _| true, change)
}

/// Changes the records of which `which` says so by place and number of all,
/// told the name of their text.
fn changed(
    shape: &Shape,
    body: &Bytes,
    which: impl Fn(usize, usize) -> bool,
    change: impl Fn(&mut Map<String, Value>, String),
) -> Option<Bytes> {
    let mut page: Value = serde_json::from_slice(body).ok()?;
    let records = page.get_mut(shape.records)?.as_array_mut()?;
    let mut any = false;
    let count = records.len();
    for (at, record) in records.iter_mut().enumerate() {
        let Value::Object(fields) = record else {
            continue;
        };
        if !which(at, count) {
            continue;
        }
        let text = shape.texts.iter().find(|text| fields.contains_key(**text));
        if let Some(text) = text {
            change(fields, (*text).to_owned());
            any = true;
        }
    }
    any.then(|| page.to_string().into())
}
