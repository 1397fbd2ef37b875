//! How large a request may be.

use super::problem::Refusal;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
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
            StatusCode::URI_TOO_LONG,
            format!("the path and query have {url} bytes; at most {URL} are read"),
            "Shorten the query; what does not fit belongs into a JSON body.",
        ));
    }
    let headers = size(&parts.headers);
    if headers > HEADERS {
        return Err(refusal(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            format!("the headers have {headers} bytes; at most {HEADERS} are read"),
            "Leave headers away that the server does not need, such as cookies.",
        ));
    }
    Ok(())
}

/// A body that is too large.
pub(super) fn body_too_large() -> Refusal {
    refusal(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {BODY} bytes"),
        "Send less at once.",
    )
}

/// A body that does not arrive.
pub(super) fn body_too_slow() -> Refusal {
    let seconds = BODY_TIME.as_secs();
    refusal(
        StatusCode::REQUEST_TIMEOUT,
        format!("the body did not arrive within {seconds} s"),
        "Send the request again.",
    )
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn refusal(status: StatusCode, message: String, remedy: &str) -> Refusal {
    Refusal::of(Error::new(code::INPUT_UNREADABLE, message).remedy_is(remedy)).status(status)
}
