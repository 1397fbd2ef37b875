//! The body of a request.

use super::limits;
use super::problem::Refusal;
use axum::body::{Body, HttpBody};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use cmms::core::{Error, code};
use http_body_util::BodyExt;

/// Reads a body that is JSON, or none.
///
/// Only `application/json` is read: a form of a web page cannot send it without asking the server first.
pub(super) async fn read(parts: &Parts, body: Body) -> Result<Vec<u8>, Refusal> {
    if body.is_end_stream() {
        return Ok(Vec::new());
    }
    if parts.method == Method::GET || parts.method == Method::HEAD {
        let error = Error::new(code::INPUT_UNREADABLE, "a GET request has no body");
        return Err(error.remedy_is("Put the fields into the query.").into());
    }
    media_type(parts)?;
    match tokio::time::timeout(limits::BODY_TIME, collect(body)).await {
        Ok(read) => read,
        Err(_) => Err(limits::body_too_slow()),
    }
}

async fn collect(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|e| Error::new(code::INPUT_UNREADABLE, "the body broke off").source(e))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        total = total.saturating_add(data.len());
        if total > limits::DRAIN {
            break;
        }
        if total <= limits::BODY {
            bytes.extend_from_slice(data);
        }
    }
    if total > limits::BODY {
        return Err(limits::body_too_large());
    }
    Ok(bytes)
}

fn media_type(parts: &Parts) -> Result<(), Refusal> {
    let encodings = parts.headers.get_all(header::CONTENT_ENCODING).iter();
    // Identity is the name of no compression.
    if encodings
        .into_iter()
        .any(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(unsupported("the body is compressed"));
    }
    let Some(text) = content_type(&parts.headers)? else {
        return Err(unsupported("the body has no Content-Type"));
    };
    let mut words = text.split(';').map(str::trim);
    let media = words.next().unwrap_or_default().to_ascii_lowercase();
    let known = media == "application/json"
        || (parts.method == Method::PATCH && media == "application/merge-patch+json");
    let utf8 = words.filter(|word| !word.is_empty()).all(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        !name.eq_ignore_ascii_case("charset")
            || matches!(
                value.trim_matches('"').to_ascii_lowercase().as_str(),
                "utf-8" | "utf8"
            )
    });
    if known && utf8 {
        return Ok(());
    }
    Err(unsupported(format!("the body is {text:?}")))
}

fn content_type(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        _ => Err(unsupported("the Content-Type cannot be read")),
    }
}

/// A body of another kind.
fn unsupported(message: impl Into<String>) -> Refusal {
    Error::new(code::SERVE_MEDIA, message).into()
}
