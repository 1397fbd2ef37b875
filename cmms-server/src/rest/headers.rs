//! Headers that every answer has.

use super::request_id::{self, RequestId};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Those with a fixed value. No page is ever served from here, so a browser may do nothing with an answer.
const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Adds them to an answer.
pub(super) fn add(headers: &mut HeaderMap, id: &RequestId) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(id) = id.header() {
        headers.insert(request_id::HEADER, id);
    }
}
