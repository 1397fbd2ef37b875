//! The vendor's envelopes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::table::Record;
use crate::times;
use crate::wire::Reply;

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether a fault that changes the vendor could be applied.
    pub(super) twisted: bool,
    body: String,
    retry_after: Option<String>,
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            body: body.to_string(),
            retry_after: None,
            twisted: true,
        }
    }

    /// `{"success":true,"result":{…}}`
    pub(super) fn result(value: &Value) -> Self {
        Self::json(200, &json!({"success": true, "result": value}))
    }

    /// `{"success":true,"message":"…"}`
    pub(super) fn done(message: &str) -> Self {
        Self::json(200, &json!({"success": true, "message": message}))
    }

    /// `{"success":false,"message":"…"}`
    pub(super) fn failure(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"success": false, "message": message}))
    }

    /// `{"success":false,"code":…,"error":"…"}`
    pub(super) fn error(status: u16, code: u32, error: &str) -> Self {
        Self::json(
            status,
            &json!({"success": false, "code": code, "error": error}),
        )
    }

    /// A failure with a `Retry-After` header.
    pub(super) fn retry_after(mut self, value: Option<String>) -> Self {
        self.retry_after = value;
        self
    }

    /// `{"success":true,"results":[…]}` of expanded records.
    pub(super) fn expanded(values: &[Value]) -> Self {
        Self::json(200, &json!({"success": true, "results": values}))
    }

    /// `{"success":true,"results":[…]}` of records as they are stored.
    pub(super) fn results(records: &[Arc<Record>]) -> Self {
        let size = records
            .iter()
            .map(|record| record.json.len() + 1)
            .sum::<usize>();
        let mut body = String::with_capacity(size + 32);
        body.push_str(r#"{"success":true,"results":["#);
        for (place, record) in records.iter().enumerate() {
            if place > 0 {
                body.push(',');
            }
            body.push_str(&record.json);
        }
        body.push_str("]}");
        Self {
            status: 200,
            body,
            retry_after: None,
            twisted: true,
        }
    }

    /// Turns the answer into HTTP, dated by the vendor's clock.
    pub(super) fn into_reply(self, clock: i64) -> Reply {
        let mut reply = Reply::json(self.status, self.body).header("date", times::http_date(clock));
        reply.twisted = self.twisted;
        match self.retry_after {
            Some(wait) => reply.header("retry-after", wait),
            None => reply,
        }
    }
}
