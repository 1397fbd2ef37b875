//! How the description of the REST interface tells which refusals an operation answers.
//!
//! Those that every operation can answer are described once, by their status; an operation that answers a code of its
//! own with the same status describes both.

use super::openapi::header_refs;
use super::operation::{OpDef, Verb};
use crate::error::{Code, code};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What any operation can answer.
const EVERYWHERE: &[&Code] = &[
    code::INPUT_UNREADABLE,
    code::OP_DENIED,
    code::SERVE_ORIGIN,
    code::SERVE_METHOD,
    code::SERVE_URL_LONG,
    code::INPUT_UNKNOWN_FIELD,
    code::INPUT_VALUE,
    code::INPUT_MISSING,
    code::INPUT_TYPE,
    code::INPUT_ENUM,
    code::INPUT_DATE,
    code::INPUT_CONTROL,
    code::INPUT_RANGE,
    code::SERVE_HEADERS_LARGE,
    code::INTERNAL,
    code::STORE_BUSY,
];

/// What an operation with a body can answer, too.
const WITH_BODY: &[&Code] = &[
    code::SERVE_BODY_SLOW,
    code::SERVE_BODY_LARGE,
    code::SERVE_MEDIA,
];

/// The refusals that are described once, by their name.
pub(super) fn shared(problem: &Value) -> Value {
    let all = by_status(EVERYWHERE.iter().chain(WITH_BODY).copied());
    let described = all
        .into_iter()
        .map(|(status, codes)| (name(status), described(problem, &codes)));
    Value::Object(described.collect())
}

/// The refusals of an operation, by status.
pub(super) fn of(
    op: &OpDef,
    own: impl Iterator<Item = &'static Code>,
    problem: &Value,
) -> Map<String, Value> {
    let body = matches!(op.meta.verb, Verb::Post | Verb::Put | Verb::Patch);
    let with_body = WITH_BODY.iter().filter(|_| body);
    let everywhere = by_status(EVERYWHERE.iter().chain(with_body).copied());
    let own = by_status(own);
    let mut refusals = Map::new();
    for (status, codes) in &everywhere {
        let refusal = match own.get(status) {
            Some(own) => described(problem, &[own.as_slice(), codes.as_slice()].concat()),
            None => json!({ "$ref": format!("#/components/responses/{}", name(*status)) }),
        };
        refusals.insert(status.to_string(), refusal);
    }
    for (status, codes) in own {
        if !everywhere.contains_key(&status) {
            refusals.insert(status.to_string(), described(problem, &codes));
        }
    }
    refusals.insert("default".to_owned(), any(problem));
    refusals
}

/// A refusal with any code.
pub(super) fn any(problem: &Value) -> Value {
    described(problem, &[])
}

fn name(status: u16) -> String {
    format!("Refused{status}")
}

fn by_status(codes: impl Iterator<Item = &'static Code>) -> BTreeMap<u16, Vec<&'static Code>> {
    let mut by_status: BTreeMap<u16, Vec<&Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.http_status()).or_default().push(code);
    }
    by_status
}

/// A problem with one of these codes, or with any.
fn described(problem: &Value, codes: &[&Code]) -> Value {
    let list: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}` {}", code.id(), code.title()))
        .collect();
    let description = if list.is_empty() {
        "A problem; `docs/errors` has a page of each code.".to_owned()
    } else {
        format!("{}.", list.join("; "))
    };
    json!({
        "description": description,
        "headers": header_refs(&["Link"]),
        "content": { "application/problem+json": { "schema": problem } },
    })
}
