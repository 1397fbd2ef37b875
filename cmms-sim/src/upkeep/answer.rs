//! The vendor's envelopes.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::table::Record;
use super::times;

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: String,
    retry_after: Option<String>,
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            body: body.to_string(),
            retry_after: None,
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
        }
    }

    /// Turns the answer into HTTP, dated by the vendor's clock.
    pub(super) fn into_http(self, clock: i64) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        if let Ok(date) = HeaderValue::from_str(&times::http_date(clock)) {
            headers.insert(header::DATE, date);
        }
        if let Some(Ok(wait)) = self.retry_after.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::RETRY_AFTER, wait);
        }
        response
    }
}
