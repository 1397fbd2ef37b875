//! The running simulator.

use super::config::PagedConfig;
use super::vendor::PagedVendor;
use crate::SimError;
use crate::wire::Server;

/// A running simulator of the paged API on loopback.
///
/// It stops when it is dropped; [`stop`](Self::stop) also waits for requests
/// under way.
#[derive(Debug)]
pub struct PagedSim {
    vendor: PagedVendor,
    server: Server,
}

impl PagedSim {
    /// Fills the account and serves it on `127.0.0.1:port`; port 0 takes any
    /// free one.
    ///
    /// # Errors
    ///
    /// [`SimError::PortInUse`] if another program has the port,
    /// [`SimError::Bind`] if it cannot be opened for another reason.
    pub async fn start(config: PagedConfig, port: u16) -> Result<Self, SimError> {
        let (server, vendor) = Server::start(port, || PagedVendor::new(config)).await?;
        Ok(Self { vendor, server })
    }

    /// The address without a path, `http://127.0.0.1:PORT`; the API lies
    /// below `/api/v1` of it.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    /// The port that is served.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The account behind the API, to look into it and to change it.
    #[must_use]
    pub fn vendor(&self) -> &PagedVendor {
        &self.vendor
    }

    /// Stops serving once the requests under way are answered; answers that a
    /// fault holds back are broken off.
    pub async fn stop(self) {
        self.server.stop().await;
    }

    /// Serves until `shutdown` is ready, then stops.
    pub async fn run_until(self, shutdown: impl Future) {
        self.server.run_until(shutdown).await;
    }
}
