//! What can go wrong when a simulator starts.

/// Tells why a simulator could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// Another program listens on the wanted port.
    #[error(
        "port {port} on 127.0.0.1 is in use by another program; choose another one, or 0 for any free port"
    )]
    PortInUse {
        /// The wanted port.
        port: u16,
    },
    /// The port could not be opened for another reason.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Bind {
        /// The wanted port.
        port: u16,
        /// What the operating system says.
        source: std::io::Error,
    },
}
