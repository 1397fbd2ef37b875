//! An answer, and what it means where it is no success.

use super::depth::{MAX_DEPTH, is_too_deep};
use super::unreadable::carried;
use crate::egress::EgressReply;
use cmms_core::error::Retry;
use cmms_core::{Error, Result, code};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use std::fmt;
use std::sync::OnceLock;

/// The levels around the records of an answer.
const WRAPPERS: usize = 4;

/// A vendor's answer that is neither a failure of its system nor a request to wait. Its `Debug` shows
/// status and size only.
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The body with records that cannot be read as texts, where it has such.
    mended: OnceLock<Option<String>>,
}

/// The byte order mark of UTF-8.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

impl Answer {
    pub(super) fn new(mut reply: EgressReply) -> Self {
        // Some systems begin a text with a mark that says how it is encoded; it is none of the text.
        if reply.body.starts_with(UTF8_MARK) {
            reply.body.drain(..UTF8_MARK.len());
        }
        Self {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
            mended: OnceLock::new(),
        }
    }

    /// An answer of JSON.
    #[cfg(test)]
    pub(crate) fn of(status: u16, body: &[u8]) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        Self::new(EgressReply {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.to_vec(),
        })
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The bytes of the body, decompressed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The answer, if it is a success.
    ///
    /// # Errors
    /// `CMMS-VENDOR-002` for 401, `CMMS-VENDOR-003` for 403, `CMMS-VENDOR-004` for every other status that
    /// is no success.
    pub fn success(self) -> Result<Self> {
        let status = self.status.as_u16();
        match status {
            200..=299 => Ok(self),
            401 => Err(Error::new(
                code::VENDOR_LOGIN,
                "the vendor refused the credentials (status 401)",
            )),
            403 => Err(Error::new(
                code::VENDOR_FORBIDDEN,
                "the vendor does not allow this account to do that (status 403)",
            )),
            300..=399 => Err(misunderstood(format!(
                "the vendor's address answers with a redirect (status {status})"
            ))),
            _ => Err(misunderstood(format!(
                "the vendor's answer has the status {status}"
            ))),
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `CMMS-VENDOR-004` for a web page, text that is not UTF-8, JSON that is cut, broken, too deep or of
    /// another shape. No part of the body enters the error. What may be better when it is asked for again is
    /// marked so; records of a list that alone cannot be read are texts that [`record`](super::record) knows. And [`HttpLayer::send_json`](super::HttpLayer::send_json) does that.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        let text = self.text()?;
        if self.is_page(text) {
            return Err(garbled("the vendor's answer is a web page, not JSON"));
        }
        let is_deep = is_too_deep(text.as_bytes(), MAX_DEPTH);
        let read = (!is_deep).then(|| serde_json::from_str(text));
        if let None | Some(Err(_)) = &read
            && let Some(mended) = self.mended.get_or_init(|| carried(text))
            && !is_too_deep(mended.as_bytes(), MAX_DEPTH + WRAPPERS)
            && let Ok(read) = serde_json::from_str(mended)
        {
            return Ok(read);
        }
        let Some(read) = read else {
            return Err(misunderstood(
                "the vendor's answer is nested deeper than 64 levels",
            ));
        };
        read.map_err(|e| match e.classify() {
            serde_json::error::Category::Eof => garbled("the vendor's answer is cut off"),
            serde_json::error::Category::Data => misunderstood(format!(
                "the vendor's answer has another shape than is documented, at line {}, column {}",
                e.line(),
                e.column()
            )),
            _ => garbled(format!(
                "the vendor's answer is no JSON, at line {}, column {}",
                e.line(),
                e.column()
            )),
        })
    }

    /// What can be seen to be wrong without reading it, where it says that it is JSON or a page.
    pub(super) fn spoilt(&self) -> Option<Error> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|t| t.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        if !(kind.contains("json") || kind.contains("html")) || self.body.is_empty() {
            return None;
        }
        let text = match self.text() {
            Ok(text) => text,
            Err(e) => return Some(e),
        };
        if self.is_page(text) {
            return Some(garbled("the vendor's answer is a web page, not JSON"));
        }
        let text = text.trim_ascii();
        let ends = [("{", "}"), ("[", "]"), ("\"", "\"")];
        let is_cut = ends
            .iter()
            .any(|(open, close)| text.starts_with(open) && !text.ends_with(close));
        is_cut.then(|| garbled("the vendor's answer is cut off"))
    }

    fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).map_err(|_| {
            if self.body.starts_with(b"\xff\xfe") || self.body.starts_with(b"\xfe\xff") {
                misunderstood("the vendor's answer is UTF-16, and JSON is UTF-8")
            } else {
                garbled("the vendor's answer is not UTF-8")
            }
        })
    }

    fn is_page(&self, text: &str) -> bool {
        self.is_html() || text.trim_start().starts_with('<')
    }

    /// Whether it says that it is a web page.
    pub fn is_html(&self) -> bool {
        self.headers
            .get(CONTENT_TYPE)
            .and_then(|t| t.to_str().ok())
            .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/html"))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

pub(crate) fn misunderstood(what: impl Into<String>) -> Error {
    Error::new(code::VENDOR_ANSWER, what)
}

/// An answer that was spoilt on its way: the next may be whole.
fn garbled(what: impl Into<String>) -> Error {
    misunderstood(what).retry(Retry::Later)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn answer(body: &[u8]) -> Answer {
        Answer::of(200, body)
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_answer() {
        let marked = answer(b"\xef\xbb\xbf{\"a\":1}");
        assert!(marked.spoilt().is_none());
        assert_eq!(marked.json::<Value>().unwrap(), json!({ "a": 1 }));
        for utf16 in [b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}"] {
            let e = answer(utf16).json::<Value>().unwrap_err();
            assert!(e.message().contains("UTF-16"), "{e}");
        }
    }
}
