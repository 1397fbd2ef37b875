//! The host's processes as a port: whether the owner of a run still lives.

use std::fmt::Debug;

/// A process of some host, told apart from a later one with the same number.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct ProcessId {
    /// The boot of the host.
    pub boot: String,
    /// The process number.
    pub pid: u32,
    /// When it started, in the host's own unit.
    pub started: u64,
}

/// Knows the host's processes.
pub trait Processes: Debug + Send + Sync + 'static {
    /// This process.
    fn me(&self) -> ProcessId;
    /// Whether that process still runs on this host. A process of another boot does not.
    fn is_alive(&self, process: &ProcessId) -> bool;
}
