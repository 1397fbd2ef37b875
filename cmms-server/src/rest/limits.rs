//! How large a request may be.

use super::problem::Refusal;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use cmms::core::error::Code;
use cmms::core::{Error, code};
use std::time::Duration;

/// The longest path with its query, in bytes.
pub(super) const URL: usize = 8 * 1024;
/// The largest headers together, in bytes.
pub(super) const HEADERS: usize = 16 * 1024;
/// The most query parameters.
pub(super) const PARAMETERS: usize = 100;
/// The largest JSON body, in bytes.
pub(super) const BODY: usize = 1024 * 1024;
/// How much of a body that is too large is read away, so that the sender gets to see the answer.
pub(super) const DRAIN: usize = 8 * BODY;
/// How long a body may take to arrive.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);

/// Refuses what is too long to be looked at.
pub(super) fn check(parts: &Parts) -> Result<(), Refusal> {
    let url = parts.uri.path().len() + parts.uri.query().map_or(0, |query| query.len() + 1);
    if url > URL {
        return Err(refusal(
            code::SERVE_URL_LONG,
            format!("the path and query have {url} bytes; at most {URL} are read"),
        ));
    }
    let headers = size(&parts.headers);
    if headers > HEADERS {
        return Err(refusal(
            code::SERVE_HEADERS_LARGE,
            format!("the headers have {headers} bytes; at most {HEADERS} are read"),
        ));
    }
    Ok(())
}

/// A body that is too large.
pub(super) fn body_too_large() -> Refusal {
    refusal(
        code::SERVE_BODY_LARGE,
        format!("the body is larger than {BODY} bytes"),
    )
}

/// A body that does not arrive.
pub(super) fn body_too_slow() -> Refusal {
    let seconds = BODY_TIME.as_secs();
    refusal(
        code::SERVE_BODY_SLOW,
        format!("the body did not arrive within {seconds} s"),
    )
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn refusal(code: &'static Code, message: String) -> Refusal {
    Error::new(code, message).into()
}
