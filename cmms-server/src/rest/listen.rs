//! Opens the port.

use cmms::core::{Error, Result, code};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// The address of a host that may be listened on: loopback only.
///
/// # Errors
/// `CMMS-SERVE-002` for any other.
pub(super) fn loopback(host: &str) -> Result<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    if bare.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    match bare.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => Ok(address),
        _ => Err(refused(format!(
            "without authentication and TLS the server does not listen on {host:?}, which other machines may reach"
        ))),
    }
}

/// Listens on a port; 0 lets the system choose.
///
/// # Errors
/// `CMMS-SERVE-001` where another program has the port; `CMMS-SERVE-002` where the system refuses.
pub(super) async fn listen(address: IpAddr, port: u16) -> Result<(TcpListener, u16)> {
    let place = SocketAddr::from((address, port));
    let opened = TcpListener::bind(place).await;
    let listener = opened.map_err(|e| match e.kind() {
        ErrorKind::AddrInUse => Error::new(
            code::SERVE_PORT,
            format!("another program listens on {place}"),
        )
        .field("port", "port_in_use", "is in use by another program")
        .source(e),
        ErrorKind::PermissionDenied => refused(format!("this user may not listen on port {port}"))
            .remedy_is("Choose a port from 1024 with --port.")
            .source(e),
        _ => refused(format!(
            "the system does not let the server listen on {place}"
        ))
        .source(e),
    })?;
    let bound = listener.local_addr();
    let bound = bound.map_err(|e| Error::internal("a listener without an address").source(e))?;
    Ok((listener, bound.port()))
}

fn refused(message: String) -> Error {
    let detail = "must be a loopback address, such as 127.0.0.1";
    Error::new(code::SERVE_HOST, message).field("host", "host_refused", detail)
}
