//! Stands in for the PostgreSQL server where xtask cannot run one: that takes Unix users and signals.

use crate::fail::{Failure, Result};
use std::path::Path;

/// No server.
pub(crate) enum Server {}

impl Server {
    /// # Errors
    /// Always.
    pub(crate) fn start(_root: &Path) -> Result<Self> {
        Err(lacking())
    }

    /// There is none.
    pub(crate) fn alive(&mut self) -> Result<()> {
        match *self {}
    }

    /// There is none.
    pub(crate) fn environment(&self) -> &[(&'static str, String)] {
        match *self {}
    }
}

/// # Errors
/// Always.
pub(crate) fn ensure() -> Result<()> {
    Err(lacking())
}

/// # Errors
/// Always.
pub(crate) fn by_hand(_root: &Path) -> Result<()> {
    Err(lacking())
}

fn lacking() -> Failure {
    Failure::new("PostgreSQL: the tests start a server of their own on Unix only, such as in WSL")
}
