//! Names become addresses here and nowhere else, and every address is checked before it is used.

use super::policy::{EgressPolicy, Grant};
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Looks names up.
#[async_trait]
pub trait Dns: fmt::Debug + Send + Sync + 'static {
    /// Every address of a host.
    ///
    /// # Errors
    /// When the name is not known or nobody can be asked.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own way to look names up.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDns;

#[async_trait]
impl Dns for SystemDns {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|a| a.ip()).collect())
    }
}

/// Why a name may not be connected to. It travels inside the HTTP library's error and is found there again.
#[derive(Debug)]
pub(super) struct Blocked(pub(super) &'static str);

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Blocked {}

/// A name that has no address, or for which nobody could be asked.
#[derive(Debug)]
pub(super) struct UnknownName(io::Error);

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name is not known")
    }
}

impl std::error::Error for UnknownName {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Resolves once for each connection and gives the connector checked addresses only, so that no second
/// look-up can answer something else.
pub(super) struct Checked {
    pub(super) dns: Arc<dyn Dns>,
    pub(super) policy: EgressPolicy,
    pub(super) grant: Grant,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let dns = Arc::clone(&self.dns);
        let policy = self.policy.clone();
        let grant = self.grant;
        Box::pin(async move {
            let found = dns.lookup(name.as_str()).await.map_err(UnknownName)?;
            if found.is_empty() {
                return Err(UnknownName(io::ErrorKind::NotFound.into()).into());
            }
            for ip in &found {
                policy.check_address(*ip, grant).map_err(Blocked)?;
            }
            let addresses: Vec<_> = found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
