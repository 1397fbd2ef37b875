//! A request of an adapter.

use crate::egress::{EgressRequest, Redirects};
use cmms_core::domain::connection::ConnectionOptions;
use cmms_core::{Error, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// Retries of a request unless it says otherwise.
const RETRIES: u32 = 5;

/// A request of an adapter. Its `Debug` shows method, host and path only.
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    redirects: Redirects,
    repeatable: bool,
    retries: u32,
}

impl Request {
    /// A request for a path below a base URL. Requests that only read are repeated after a failure that may
    /// pass, and follow redirects within their origin; others do neither unless they say so.
    pub fn new(method: Method, base: &Url, path: &str) -> Self {
        let mut url = base.clone();
        url.set_path(&format!(
            "{}/{}",
            base.path().trim_end_matches('/'),
            path.trim_start_matches('/')
        ));
        let reads = matches!(method, Method::GET | Method::HEAD);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            method,
            url,
            headers,
            body: None,
            redirects: if reads {
                Redirects::SameOrigin
            } else {
                Redirects::Off
            },
            repeatable: reads,
            retries: RETRIES,
        }
    }

    /// A request that reads.
    pub fn get(base: &Url, path: &str) -> Self {
        Self::new(Method::GET, base, path)
    }

    /// A request that sends something.
    pub fn post(base: &Url, path: &str) -> Self {
        Self::new(Method::POST, base, path)
    }

    /// Adds a parameter to the query. Secrets do not belong there.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        // Every server reads %20 as a space, not every one reads "+" so.
        let spaced = self.url.query().map(|q| q.replace('+', "%20"));
        self.url.set_query(spaced.as_deref());
        self
    }

    /// Adds a parameter to the query if there is a value.
    #[must_use]
    pub fn query_some(self, name: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.query(name, &value),
            None => self,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self
    }

    /// Adds a header whose value is a secret: it is not printed and not compressed into shared tables.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a value that no header can hold.
    pub fn secret_header(mut self, name: &'static str, value: &str) -> Result<Self> {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| Error::internal(format!("the header {name} cannot hold its value")))?;
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// Adds `Authorization: Bearer …`.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a token that no header can hold.
    pub fn bearer(self, token: &str) -> Result<Self> {
        self.secret_header("authorization", &format!("Bearer {token}"))
    }

    /// Sends a JSON body.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a value that is no JSON.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body)
            .map_err(|e| Error::internal("the body of a request is no JSON").source(e))?;
        self.body = Some(body);
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// Sends a body as forms do.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.body = Some(body.into_bytes());
        self.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        self
    }

    /// Says that repeating it does no harm.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// How often it is repeated at most.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn path(&self) -> &str {
        self.url.path()
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    pub(super) fn max_retries(&self) -> u32 {
        self.retries
    }

    /// Whom it is for: the host, and the port where it is not the usual one.
    pub(super) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    pub(super) fn egress(&self, options: &ConnectionOptions) -> EgressRequest {
        EgressRequest {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            redirects: self.redirects,
            ca_file: options.ca_file.as_ref().map(PathBuf::from),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}
