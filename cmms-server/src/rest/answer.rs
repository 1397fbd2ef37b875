//! The answer to a call that succeeded.

use super::paths::segment;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use cmms::core::ops::{OPERATIONS, OpMeta, Verb};
use serde_json::Value;

/// Answers JSON with the status of the operation, the place of a new entity and the version of a present one.
pub(super) fn of(meta: &OpMeta, json: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(meta.success).unwrap_or(StatusCode::OK);
    // Lists have no version, and may be long.
    let entity: Value = if meta.name.ends_with(".list") {
        Value::Null
    } else {
        serde_json::from_slice(&json).unwrap_or_default()
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
    if status == StatusCode::CREATED
        && let Some(Ok(place)) = location(meta, &entity).map(|place| HeaderValue::from_str(&place))
    {
        headers.insert(header::LOCATION, place);
    }
    response
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
