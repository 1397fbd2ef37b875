//! The answer to a call that succeeded.

use super::paths::segment;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use cmms::SyncStatus;
use cmms::core::ops::{Effect, OPERATIONS, OpMeta, Verb};
use serde_json::Value;

/// Says that the first call with the same key was answered so.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Answers JSON with the status of the operation, the place of a new entity or of a run that goes on, and the version
/// of a present one.
pub(super) fn of(meta: &OpMeta, json: Vec<u8>, replayed: bool) -> Response {
    // Lists have no version, and may be long.
    let entity: Value = if meta.name.ends_with(".list") {
        Value::Null
    } else {
        serde_json::from_slice(&json).unwrap_or_default()
    };
    let goes_on = meta.effect == Effect::Run
        && entity.get("status").and_then(Value::as_str) == Some(SyncStatus::Running.as_str());
    let status = match StatusCode::from_u16(meta.success) {
        _ if goes_on => StatusCode::ACCEPTED,
        Ok(status) => status,
        Err(_) => StatusCode::OK,
    };
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(version) = entity.get("version").and_then(Value::as_i64)
        && let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\""))
    {
        headers.insert(header::ETAG, tag);
    }
    let place = match status {
        StatusCode::CREATED => location(meta, &entity),
        StatusCode::ACCEPTED => run(&entity),
        _ => None,
    };
    if let Some(Ok(place)) = place.map(|place| HeaderValue::from_str(&place)) {
        headers.insert(header::LOCATION, place);
    }
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The path of a run.
fn run(entity: &Value) -> Option<String> {
    let id = entity.get("id")?.as_str()?;
    Some(format!("/cmms/runs/{}", segment(id)))
}

/// The path of a new entity: below the path that made it, named as the resource's own path names it.
fn location(meta: &OpMeta, entity: &Value) -> Option<String> {
    let own = OPERATIONS.iter().map(|op| &op.meta).find_map(|get| {
        let field = get
            .path
            .strip_prefix(meta.path)?
            .strip_prefix("/{")?
            .strip_suffix('}')?;
        (get.verb == Verb::Get).then_some(field)
    })?;
    let name = entity.get(own).or_else(|| entity.get("id"))?.as_str()?;
    Some(format!("{}/{}", meta.path, segment(name)))
}
