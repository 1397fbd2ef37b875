//! The server: a listener on loopback and the task that serves it.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::config::UpkeepConfig;
use super::routes;
use super::vendor::UpkeepVendor;
use crate::SimError;

/// A running simulator of the UpKeep API v2 on loopback.
///
/// It stops when it is dropped; [`stop`](Self::stop) also waits for requests
/// under way.
#[derive(Debug)]
pub struct UpkeepSim {
    vendor: UpkeepVendor,
    port: u16,
    cancel: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl UpkeepSim {
    /// Fills the account and serves it on `127.0.0.1:port`; port 0 takes any
    /// free one.
    ///
    /// # Errors
    ///
    /// [`SimError::PortInUse`] if another program has the port,
    /// [`SimError::Bind`] if it cannot be opened for another reason.
    pub async fn start(config: UpkeepConfig, port: u16) -> Result<Self, SimError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|source| match source.kind() {
                ErrorKind::AddrInUse => SimError::PortInUse { port },
                _ => SimError::Bind { port, source },
            })?;
        let port = listener
            .local_addr()
            .map_err(|source| SimError::Bind { port, source })?
            .port();
        let vendor = UpkeepVendor::new(config);
        let router = Router::new()
            .fallback(routes::handle)
            .with_state(vendor.clone());
        let cancel = CancellationToken::new();
        let stopped = cancel.clone().cancelled_owned();
        #[expect(
            clippy::disallowed_methods,
            reason = "the one task of the simulator: its handle is owned, joined by stop and ended on drop"
        )]
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "upkeep sim ended");
            }
        });
        Ok(Self {
            vendor,
            port,
            cancel,
            task: Some(task),
        })
    }

    /// The address without a path, `http://127.0.0.1:PORT`; the API lies
    /// below `/api/v2` of it.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port that is served.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The account behind the API, to look into it and to change it.
    #[must_use]
    pub fn vendor(&self) -> &UpkeepVendor {
        &self.vendor
    }

    /// Stops serving once the requests under way are answered.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        self.join().await;
    }

    /// Serves until `shutdown` is ready, then stops.
    pub async fn run_until(mut self, shutdown: impl Future) {
        tokio::select! {
            _ = shutdown => {}
            () = self.join() => return,
        }
        self.stop().await;
    }

    /// Waits for the end of the task. Dropped before that, it can be called
    /// again.
    async fn join(&mut self) {
        if let Some(task) = &mut self.task {
            if let Err(error) = task.await {
                tracing::error!(%error, "upkeep sim broke off");
            }
            self.task = None;
        }
    }
}

impl Drop for UpkeepSim {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
