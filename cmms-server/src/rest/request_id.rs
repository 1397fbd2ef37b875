//! The id of a request, which log, audit and answer share.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use cmms::core::ids::IdGen;
use std::fmt;
use std::sync::Arc;

/// Where it travels.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest one that is taken over.
const LONGEST: usize = 128;

/// The id of a request.
#[derive(Debug, Clone)]
pub(super) struct RequestId(Arc<str>);

impl RequestId {
    /// The caller's own id where it is 1 to 128 visible ASCII characters, else a new one.
    pub(super) fn of(headers: &HeaderMap, ids: &dyn IdGen) -> Self {
        let mut given = headers.get_all(HEADER).iter();
        let text = match (given.next(), given.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        };
        let own = text.filter(|text| {
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        });
        Self(own.map_or_else(|| ids.next().to_string().into(), Into::into))
    }

    /// Its text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its text, shared.
    pub(super) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Its header; visible ASCII always is one.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
