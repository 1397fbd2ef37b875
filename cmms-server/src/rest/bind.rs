//! What a request says, as the input of its operation.

use super::limits;
use super::paths::percent_decoded;
use super::problem::Refusal;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, header};
use cmms::core::context::IdempotencyKey;
use cmms::core::ops::{Input, OpMeta};
use cmms::core::{Error, Result, code};
use serde_json::Value;
use std::borrow::Cow;

/// Puts path, query, body and `If-Match` together.
pub(super) fn input(meta: &OpMeta, parts: &Parts, body: &[u8]) -> Result<Input, Refusal> {
    let mut input = Input::parse(body)?;
    path(meta, parts.uri.path(), &mut input)?;
    query(parts.uri.query().unwrap_or_default(), &mut input)?;
    if matches!(parts.method, Method::PATCH | Method::PUT | Method::DELETE) {
        if_match(parts, &mut input)?;
    }
    Ok(input)
}

/// Where a caller names its wish.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The caller's key, where the operation takes one.
pub(super) fn idempotency_key(meta: &OpMeta, parts: &Parts) -> Result<Option<IdempotencyKey>> {
    if !meta.takes_key() {
        return Ok(None);
    }
    let mut given = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let text = match (given.next(), given.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().unwrap_or_default(),
        _ => "",
    };
    IdempotencyKey::parse(text).map(Some)
}

fn path(meta: &OpMeta, path: &str, input: &mut Input) -> Result<()> {
    for (template, value) in meta.path.split('/').zip(path.split('/')) {
        let name = template.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
        if let Some(name) = name {
            let value = percent_decoded(value).ok_or_else(|| not_text("path", name))?;
            input.text(name, value);
        }
    }
    Ok(())
}

fn query(query: &str, input: &mut Input) -> Result<()> {
    let pairs = || query.split('&').filter(|pair| !pair.is_empty());
    let count = pairs().count();
    if count > limits::PARAMETERS {
        let most = limits::PARAMETERS;
        let message = format!("the query has {count} parameters; at most {most} are read");
        return Err(Error::new(code::INPUT_UNREADABLE, message));
    }
    for pair in pairs() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = form_decoded(name).ok_or_else(|| not_text("query", "a parameter name"))?;
        let value = form_decoded(value).ok_or_else(|| not_text("query", &name))?;
        input.text(name, value);
    }
    Ok(())
}

/// Decodes a word of a query, in which `+` is a space.
fn form_decoded(word: &str) -> Option<Cow<'_, str>> {
    if word.contains('+') {
        let spaced = word.replace('+', " ");
        return percent_decoded(&spaced).map(|word| Cow::Owned(word.into_owned()));
    }
    percent_decoded(word)
}

fn not_text(place: &str, field: &str) -> Error {
    Error::new(
        code::INPUT_UNREADABLE,
        format!("{field} in the {place} is no UTF-8"),
    )
    .field(field, "unreadable", "must be UTF-8, percent-encoded")
    .remedy_is("Percent-encode the named value as UTF-8.")
}

/// `If-Match: "3"` is the same as the field `version`; `*` asks for nothing more than that it exists.
fn if_match(parts: &Parts, input: &mut Input) -> Result<()> {
    let Some(value) = parts.headers.get(header::IF_MATCH) else {
        return Ok(());
    };
    let tag = value.to_str().unwrap_or_default().trim();
    if tag == "*" {
        return Ok(());
    }
    let version = tag.trim_matches('"').parse::<i64>().map_err(|_| {
        let detail = "must be the ETag of an answer, such as \"3\"";
        Error::new(code::STORE_STALE, format!("If-Match {detail}")).field(
            "If-Match",
            "stale_version",
            detail,
        )
    })?;
    let text = input.texts.iter().find(|(name, _)| name == "version");
    let text = text.and_then(|(_, values)| values.first()?.parse().ok());
    match input
        .body
        .get("version")
        .map(Value::as_i64)
        .or(text.map(Some))
    {
        // Both say the same.
        Some(field) if field == Some(version) => {}
        Some(_) => {
            let detail = "names another version than the field `version`";
            return Err(
                Error::new(code::STORE_STALE, format!("If-Match {detail}")).field(
                    "If-Match",
                    "stale_version",
                    detail,
                ),
            );
        }
        None => input.text("version", version.to_string()),
    }
    Ok(())
}
