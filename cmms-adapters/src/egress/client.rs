//! The one way to open a connection.

use super::body::{BodyReader, Caps};
use super::cause::{bad_certificate, caused_by, no_connection};
use super::failure::Failure;
use super::policy::{EgressPolicy, refused};
use super::pool::{Pool, Way};
use super::proxy::EgressProxy;
use super::resolver::{Blocked, Dns, SystemDns};
use super::trust::Trust;
use cmms_core::Result;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Redirects that are followed at most.
const MAX_HOPS: usize = 3;

/// Whether redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// A redirect is an answer like any other: for logins.
    Off,
    /// At most three, to the same scheme, host and port, for requests that only read.
    SameOrigin,
}

/// A request that goes out. Its `Debug` shows method, host and path only.
#[derive(Clone)]
pub struct EgressRequest {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers; secret ones are marked as sensitive.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<Vec<u8>>,
    /// Whether redirects are followed.
    pub redirects: Redirects,
    /// The authorities that are believed in place of all others: a file of certificates in PEM.
    pub ca_file: Option<PathBuf>,
}

/// An answer with its whole body, decompressed. Its `Debug` shows status and size only.
#[derive(Clone)]
pub struct EgressReply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for EgressRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EgressReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressReply")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How an [`EgressClient`] is made.
#[derive(Debug)]
pub struct EgressBuilder {
    policy: EgressPolicy,
    dns: Arc<dyn Dns>,
    timeout: Duration,
    connect_timeout: Duration,
    caps: Caps,
    proxy: Option<EgressProxy>,
    ca_file: Option<PathBuf>,
}

impl EgressBuilder {
    /// Looks names up in another way.
    #[must_use]
    pub fn dns(mut self, dns: Arc<dyn Dns>) -> Self {
        self.dns = dns;
        self
    }

    /// The time that a request with all its redirects may take; 30 s unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The time that connecting may take; 10 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Calls everything but this machine itself through a proxy.
    #[must_use]
    pub fn proxy(mut self, proxy: Option<EgressProxy>) -> Self {
        self.proxy = proxy;
        self
    }

    /// Believes the authorities in the file that `SSL_CERT_FILE` names, in place of those of the system, where a request
    /// names no others.
    #[must_use]
    pub fn ca_file(mut self, file: Option<PathBuf>) -> Self {
        self.ca_file = file;
        self
    }

    /// The client. Certificates are read at the first call that needs them.
    ///
    /// # Errors
    /// None at present.
    pub fn build(self) -> Result<EgressClient> {
        let trust = match self.ca_file {
            Some(path) => Trust::File {
                path,
                setting: "SSL_CERT_FILE",
            },
            None => Trust::System,
        };
        Ok(EgressClient {
            pool: Arc::new(Pool::new(
                self.dns,
                self.policy.clone(),
                self.proxy,
                self.connect_timeout,
            )),
            policy: self.policy,
            trust,
            timeout: self.timeout,
            caps: self.caps,
        })
    }
}

/// The one way to open a connection: every URL, every redirect and every address is checked first.
#[derive(Debug, Clone)]
pub struct EgressClient {
    pool: Arc<Pool>,
    policy: EgressPolicy,
    trust: Trust,
    timeout: Duration,
    caps: Caps,
}

impl EgressClient {
    /// A client with the defaults.
    ///
    /// # Errors
    /// Those of [`EgressBuilder::build`].
    pub fn new(policy: EgressPolicy) -> Result<Self> {
        Self::builder(policy).build()
    }

    /// A client to be set up.
    pub fn builder(policy: EgressPolicy) -> EgressBuilder {
        EgressBuilder {
            policy,
            dns: Arc::new(SystemDns),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            caps: Caps {
                bytes: 32 * 1024 * 1024,
                ratio: 200,
            },
            proxy: None,
            ca_file: None,
        }
    }

    /// The policy.
    pub fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    /// Checks a file of certificates without calling anybody.
    ///
    /// # Errors
    /// `CMMS-EGRESS-003` where it has none that can be read.
    pub fn check_ca_file(&self, path: PathBuf) -> Result<()> {
        Trust::option(path).check()
    }

    /// Sends a request and reads the whole answer. `patterns` are the vendor's hosts.
    ///
    /// # Errors
    /// What came between; statuses are answers, not failures.
    pub async fn send(
        &self,
        request: EgressRequest,
        patterns: &[&str],
    ) -> Result<EgressReply, Failure> {
        tokio::time::timeout(self.timeout, self.follow(request, patterns))
            .await
            .map_err(|_| Failure::Timeout)?
    }

    async fn follow(
        &self,
        request: EgressRequest,
        patterns: &[&str],
    ) -> Result<EgressReply, Failure> {
        let mut url = request.url.clone();
        let mut hops = 0;
        loop {
            let response = self.once(&request, url.clone(), patterns).await?;
            let follows = request.redirects == Redirects::SameOrigin
                && matches!(request.method, Method::GET | Method::HEAD)
                && matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !follows {
                return self.read(response).await;
            }
            hops += 1;
            if hops > MAX_HOPS {
                return Err(Failure::Redirect("it redirects more than three times"));
            }
            url = next_hop(&url, response.headers())?;
        }
    }

    async fn once(
        &self,
        request: &EgressRequest,
        url: Url,
        patterns: &[&str],
    ) -> Result<reqwest::Response, Failure> {
        let grant = self
            .policy
            .admit(&url, patterns)
            .map_err(Failure::Refused)?;
        let trust = match &request.ca_file {
            _ if url.scheme() == "http" => Trust::Nobody,
            Some(path) => Trust::option(path.clone()),
            None => self.trust.clone(),
        };
        let by_proxy = self.pool.is_proxied(&url);
        let way = Way { grant, trust };
        let client = self.pool.client(&way).map_err(Failure::Trust)?;
        let mut out = client
            .request(request.method.clone(), url)
            .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"))
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            out = out.body(body.clone());
        }
        out.send()
            .await
            .map_err(|e| sending_failed(e, way.trust, by_proxy))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<EgressReply, Failure> {
        let too_large = response
            .content_length()
            .is_some_and(|n| usize::try_from(n).map_or(true, |n| n > self.caps.bytes));
        if too_large {
            return Err(Failure::TooLarge("it is larger than 32 MiB"));
        }
        let status = response.status();
        let headers = response.headers().clone();
        let encodings: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().collect();
        let encoding = match encodings.as_slice() {
            [] => None,
            [one] => Some(one.to_str().unwrap_or("?")),
            _ => Some("?"),
        };
        let mut body = BodyReader::new(encoding, self.caps)?;
        while let Some(piece) = response.chunk().await.map_err(reading_failed)? {
            body.push(&piece)?;
        }
        Ok(EgressReply {
            status,
            headers,
            body: body.finish()?,
        })
    }
}

/// Where a redirect leads, if it stays at the same scheme, host and port. Credentials go along since
/// nothing that they are for changes.
fn next_hop(from: &Url, headers: &HeaderMap) -> Result<Url, Failure> {
    let to = headers
        .get(LOCATION)
        .and_then(|l| l.to_str().ok())
        .and_then(|l| from.join(l).ok())
        .ok_or(Failure::Redirect("it redirects without saying where"))?;
    if to.origin() == from.origin() {
        Ok(to)
    } else {
        Err(Failure::Redirect("it redirects to another host"))
    }
}

fn sending_failed(e: reqwest::Error, trust: Trust, by_proxy: bool) -> Failure {
    let e = e.without_url();
    if let Some(why) = caused_by::<Blocked>(&e) {
        return Failure::Refused(refused(why.0));
    }
    if let Some(fault) = bad_certificate(&e) {
        return Failure::Certificate(fault, trust);
    }
    if e.is_builder() {
        Failure::Request("it cannot be written as HTTP")
    } else if e.is_connect() {
        Failure::Unreachable(no_connection(&e, by_proxy), e)
    } else if e.is_timeout() {
        Failure::Timeout
    } else {
        Failure::Interrupted(e)
    }
}

fn reading_failed(e: reqwest::Error) -> Failure {
    let e = e.without_url();
    if e.is_timeout() {
        return Failure::Timeout;
    }
    match caused_by::<io::Error>(&e).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted) => {
            Failure::Interrupted(e)
        }
        _ => Failure::Truncated,
    }
}
