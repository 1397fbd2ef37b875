//! The listener on loopback and the task that serves it.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Service, connection};
use crate::SimError;

/// A running server. It stops when it is dropped; [`stop`](Self::stop) also
/// waits for requests under way.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    cancel: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens `127.0.0.1:port`, then makes the vendor and serves it.
    pub(crate) async fn start<S: Service>(
        port: u16,
        service: impl FnOnce() -> S,
    ) -> Result<(Self, S), SimError> {
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
        let service = service();
        let cancel = CancellationToken::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "the one task of the simulator: its handle is owned, joined by stop and ended on drop"
        )]
        let task = tokio::spawn(accept(listener, service.clone(), cancel.clone()));
        let server = Self {
            port,
            cancel,
            task: Some(task),
        };
        Ok((server, service))
    }

    /// The port that is served.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops serving once the requests under way are answered. Answers that a
    /// fault holds back are broken off.
    pub(crate) async fn stop(mut self) {
        self.cancel.cancel();
        self.join().await;
    }

    /// Serves until `shutdown` is ready, then stops.
    pub(crate) async fn run_until(mut self, shutdown: impl Future) {
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
                tracing::error!(%error, "a simulator broke off");
            }
            self.task = None;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Accepts until told to end, then waits for the connections.
async fn accept<S: Service>(listener: TcpListener, service: S, cancel: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::serve(stream, service.clone(), cancel.clone()));
                }
                // Such as too many open files: a connection that ends makes room.
                Err(error) => {
                    tracing::warn!(%error, "a simulator cannot accept");
                    tokio::task::yield_now().await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
