//! What went wrong, as a problem document (RFC 9457).

use super::request_id::RequestId;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use cmms::core::{Error, ErrorKind};

/// An error on its way out, with what only HTTP has to say about it.
#[derive(Debug)]
pub(super) struct Refusal {
    error: Error,
    status: Option<StatusCode>,
    headers: HeaderMap,
}

impl Refusal {
    /// An error with the status of its kind.
    pub(super) fn of(error: Error) -> Self {
        Self {
            error,
            status: None,
            headers: HeaderMap::new(),
        }
    }

    /// With a status that only HTTP has.
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// With one more header.
    pub(super) fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The answer. A defect of ours is logged here, because its answer does not tell what it was.
    pub(super) fn respond(self, id: &RequestId) -> Response {
        let kind = self.error.kind();
        if kind == ErrorKind::Internal {
            tracing::error!(request_id = %id, error = ?self.error, "internal error");
        } else {
            tracing::debug!(request_id = %id, code = self.error.code().id(), "refused");
        }
        let mut problem = self.error.problem(Some(id.as_str()));
        if let Some(status) = self.status {
            problem.status = status.as_u16();
        }
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_else(|_| b"{}".to_vec());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.extend(self.headers);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        // The type names the code for ever; where its page is, only this server knows.
        let page = format!("</errors/{}>; rel=\"help\"", problem.code);
        if let Ok(page) = HeaderValue::from_str(&page) {
            headers.insert(header::LINK, page);
        }
        if let Some(seconds) = problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::of(error)
    }
}
