//! The HTTP library's clients: one for each way in which hosts are resolved and believed.

use super::policy::{EgressPolicy, Grant};
use super::proxy::EgressProxy;
use super::resolver::{Checked, Dns};
use super::trust::{Stamp, Trust};
use cmms_core::{Error, Result};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// What a connection may lead to and whom it believes; connections are not shared between ways.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Way {
    pub(super) grant: Grant,
    pub(super) trust: Trust,
}

/// A client, and the certificates that it was made with.
struct Made {
    stamp: Option<Stamp>,
    client: reqwest::Client,
}

/// Clients by way, each made when it is first needed: a program that calls nobody reads no certificates, and a call
/// without TLS needs none.
pub(super) struct Pool {
    dns: Arc<dyn Dns>,
    policy: EgressPolicy,
    proxy: Option<EgressProxy>,
    connect_timeout: Duration,
    made: Mutex<HashMap<Way, Made>>,
}

impl Pool {
    pub(super) fn new(
        dns: Arc<dyn Dns>,
        policy: EgressPolicy,
        proxy: Option<EgressProxy>,
        connect_timeout: Duration,
    ) -> Self {
        Self {
            dns,
            policy,
            proxy,
            connect_timeout,
            made: Mutex::default(),
        }
    }

    /// Whether a URL is called through a proxy.
    pub(super) fn is_proxied(&self, url: &Url) -> bool {
        self.proxy.is_some() && EgressProxy::serves(url)
    }

    /// The client of a way. A file of certificates that has changed makes a new one.
    pub(super) fn client(&self, way: &Way) -> Result<reqwest::Client> {
        let stamp = way.trust.stamp()?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(way)
            && known.stamp == stamp
        {
            return Ok(known.client.clone());
        }
        let client = self.make(way)?;
        let known = client.clone();
        made.insert(way.clone(), Made { stamp, client });
        Ok(known)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the egress client")]
    fn make(&self, way: &Way) -> Result<reqwest::Client> {
        // What is resolved here then is the proxy, which an operator named.
        let grant = match self.proxy {
            Some(_) => Grant::Origin,
            None => way.grant,
        };
        let resolver = Checked {
            dns: Arc::clone(&self.dns),
            policy: self.policy.clone(),
            grant,
        };
        let mut client = reqwest::Client::builder()
            .dns_resolver(Arc::new(resolver))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(false)
            .deflate(false)
            .connect_timeout(self.connect_timeout)
            .user_agent(concat!("cmms/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &self.proxy {
            client = client.proxy(proxy.rule());
        }
        let client = way.trust.apply(client)?.build();
        client.map_err(|e| match way.trust {
            Trust::System => Trust::system_has_none().source(e),
            _ => Error::internal("the HTTP client cannot be set up").source(e),
        })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("policy", &self.policy)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}
