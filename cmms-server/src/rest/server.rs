//! The server: a listener on loopback and the connections of its callers.

use super::access::{Access, Guard, not_told_apart};
use super::calls::Calls;
use super::limits;
use super::{listen, router};
use axum::Router;
use cmms::Client;
use cmms::core::Result;
use cmms::core::services::App;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The most connections at a time; more wait until one ends.
const CONNECTIONS: usize = 1_024;
/// How long a connection may stay without a complete head of a request, idle or not.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// What hyper reads at most of a head; our own limits are lower and answer better.
const HEAD_BYTES: usize = 4 * limits::HEADERS;
/// How long requests under way may take once the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// The pause after a connection that could not be accepted, such as for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server that listens and waits for [`run`](Self::run).
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    calls: Calls,
    app: Arc<App>,
}

impl Server {
    /// Listens on a loopback address; port 0 lets the system choose one.
    ///
    /// # Errors
    /// `CMMS-SERVE-001` for a port in use, `CMMS-SERVE-002` for a host that other machines may reach,
    /// `CMMS-SERVE-003` where authentication is asked for, which does not exist yet.
    pub async fn bind(client: Client, host: &str, port: u16, access: Access) -> Result<Self> {
        let ip: IpAddr = listen::loopback(host)?;
        if access != Access::NoAuth {
            return Err(not_told_apart());
        }
        let (listener, port) = listen::listen(ip, port).await?;
        let calls = Calls::default();
        let app = Arc::clone(client.app());
        let guard = Guard {
            access,
            port: Some(port),
            address: Some(ip),
        };
        let router = router::assemble(client, guard, calls.clone());
        Ok(Self {
            listener,
            address: SocketAddr::from((ip, port)),
            router,
            calls,
            app,
        })
    }

    /// Where it is called, such as `http://127.0.0.1:8003`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Serves until `shutdown` is ready; then takes no more connections, ends calls that take long at their
    /// next safe point, like runs in the background, and waits for the others.
    ///
    /// # Errors
    /// None until now: a connection that fails is logged and ends alone.
    pub async fn run(self, shutdown: impl Future) -> Result<()> {
        let Self {
            listener,
            router,
            calls,
            app,
            ..
        } = self;
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let room = connections.len() < CONNECTIONS;
            tokio::select! {
                _ = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if room => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve(stream, router.clone(), graceful.watcher()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be accepted");
                        app.clock.sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        calls.stop();
        if tokio::time::timeout(GRACE, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("requests under way did not end in time; their connections are cut");
        }
        connections.shutdown().await;
        // The callers are gone, and every call knows that by its token.
        calls.ended(GRACE).await;
        // Runs whose callers were answered already.
        if tokio::time::timeout(GRACE, app.stop()).await.is_err() {
            tracing::warn!("runs do not end; the server leaves them");
        }
        Ok(())
    }
}

async fn serve(stream: TcpStream, router: Router, watcher: hyper_util::server::graceful::Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays without TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        // A caller that leaves or talks nonsense is no trouble of ours.
        tracing::debug!(%error, "a connection broke off");
    }
}
