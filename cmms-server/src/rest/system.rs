//! What is asked about the server itself.

use super::problem::Refusal;
use super::router::State;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::SecondsFormat;
use cmms::core::ops::pages;
use cmms::core::{Error, code};
use serde_json::{Value, json};

/// The documented check, with the time.
pub(super) const HEALTH: &str = "/health";
/// Whether the process answers.
pub(super) const LIVEZ: &str = "/livez";
/// Whether it can do its work.
pub(super) const READYZ: &str = "/readyz";
/// The description of the interface.
pub(super) const OPENAPI: &str = "/openapi.json";
/// The page of an error code.
pub(super) const ERROR: &str = "/errors/{code}";
/// All of them.
pub(super) const PATHS: [&str; 5] = [HEALTH, LIVEZ, READYZ, OPENAPI, ERROR];

/// The name that the documentation gives the server.
const SERVICE: &str = "CMMS Integration API";

/// Whether the server and its database work, as documented.
pub(super) async fn health(state: &State) -> Response {
    let healthy = works(state).await;
    let (status, word) = if healthy {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    };
    let now = state.client.app().clock.now();
    answer(
        status,
        &json!({
            "status": word,
            "service": SERVICE,
            "version": env!("CARGO_PKG_VERSION"),
            "timestamp": now.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        }),
    )
}

/// The process answers, so it lives.
pub(super) fn livez() -> Response {
    answer(StatusCode::OK, &json!({ "status": "ok" }))
}

/// Whether the database answers.
pub(super) async fn readyz(state: &State) -> Response {
    if works(state).await {
        answer(StatusCode::OK, &json!({ "status": "ok" }))
    } else {
        answer(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "status": "unavailable" }),
        )
    }
}

/// The description of the interface.
pub(super) fn openapi() -> Response {
    answer(StatusCode::OK, &cmms::core::ops::schema::openapi())
}

/// What an error code means, in Markdown.
pub(super) fn error(id: &str) -> Result<Response, Refusal> {
    let Some(code) = pages::code(id) else {
        let error = Error::new(code::SERVE_PATH, format!("there is no error code {id:?}"));
        return Err(error.remedy_is("docs/errors lists all codes.").into());
    };
    let mut response = Response::new(Body::from(pages::page(code)));
    let markdown = HeaderValue::from_static("text/markdown; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, markdown);
    Ok(response)
}

async fn works(state: &State) -> bool {
    match state.client.app().store.health().await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            false
        }
    }
}

fn answer(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
