//! An answer, and its form on the wire.

use std::fmt::Write as _;

use bytes::Bytes;

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// Whether a twist could be applied to it.
    pub(crate) twisted: bool,
    headers: Vec<(&'static str, String)>,
    content_type: &'static str,
}

impl Reply {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            body: body.into(),
            twisted: true,
            headers: Vec::new(),
            content_type: "application/json; charset=utf-8",
        }
    }

    /// The same with another type of content.
    pub(crate) fn content_type(mut self, kind: &'static str) -> Self {
        self.content_type = kind;
        self
    }

    /// The same with one more header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The head for a body that is as long as the answer's.
    pub(crate) fn head(&self, keep_alive: bool) -> String {
        self.head_of(&format!("content-length: {}", self.body.len()), keep_alive)
    }

    /// The head with another line about the length of the body.
    pub(crate) fn head_of(&self, length: &str, keep_alive: bool) -> String {
        let mut head = String::with_capacity(192);
        // Writing to a text cannot fail.
        let _ = write!(
            head,
            "HTTP/1.1 {} {}\r\ncontent-type: {}\r\n{length}\r\n",
            self.status,
            reason(self.status),
            self.content_type
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !keep_alive {
            head.push_str("connection: close\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
