//! One connection: requests in, answers out, one after the other.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{Reply, Request, Service, bent};

/// Whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The next request can come.
    GoOn,
    /// The connection ends in order.
    Close,
    /// The connection ends with a reset.
    Reset,
}

/// A connection's socket and what was read of it too early.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    buffer: BytesMut,
    pub(super) cancel: CancellationToken,
}

/// Serves a connection to its end.
pub(super) async fn serve<S: Service>(stream: TcpStream, service: S, cancel: CancellationToken) {
    // Without it small answers wait; that is slow and no error.
    let _ = stream.set_nodelay(true);
    let mut wire = Wire {
        stream,
        buffer: BytesMut::with_capacity(8 * 1024),
        cancel,
    };
    loop {
        let read = tokio::select! {
            read = Request::read(&mut wire.stream, &mut wire.buffer) => read,
            () = wire.cancel.cancelled() => return,
        };
        let request = match read {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "a simulator cannot read a request");
                return;
            }
        };
        match respond(&mut wire, &service, &request).await {
            Ok(Then::GoOn) if request.keep_alive => {}
            Ok(Then::GoOn | Then::Close) => {
                let _ = wire.stream.shutdown().await;
                return;
            }
            Ok(Then::Reset) => {
                // The drop that follows sends the reset.
                let _ = wire.stream.set_zero_linger();
                return;
            }
            // The client went away.
            Err(_) => return,
        }
    }
}

async fn respond<S: Service>(wire: &mut Wire, service: &S, request: &Request) -> io::Result<Then> {
    let latency = service.latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if let Some(hit) = service.faults().take(request, S::SHAPE.spared) {
        return bent::respond(wire, service, request, hit).await;
    }
    let reply = service.answer(request, None);
    service.faults().remember(request, &reply);
    wire.send(&reply, request).await
}

impl Wire {
    /// Sends an answer as it should be.
    pub(super) async fn send(&mut self, reply: &Reply, request: &Request) -> io::Result<Then> {
        let head = reply.head(request.keep_alive);
        if request.method == "HEAD" {
            self.stream.write_all(head.as_bytes()).await?;
        } else {
            let mut all = Buf::chain(head.as_bytes(), reply.body.clone());
            self.stream.write_all_buf(&mut all).await?;
        }
        Ok(Then::GoOn)
    }

    /// Waits until the client has closed its side, or the simulator stops.
    pub(super) async fn gone(&mut self) {
        let cancel = self.cancel.clone();
        let gone = async {
            while self.buffer.len() < 1 << 20 {
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return,
                }
            }
        };
        tokio::select! {
            () = gone => {}
            () = cancel.cancelled() => {}
        }
    }
}
