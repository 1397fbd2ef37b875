//! The error of a task: a text for the person at the terminal.

use std::fmt;

/// Why a task failed.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// The result of a task.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with this text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A failure of one line per entry, unless there is none.
    pub(crate) fn unless_empty(head: &str, lines: &[String]) -> Result<()> {
        if lines.is_empty() {
            Ok(())
        } else {
            Err(Self(format!("{head}:\n  {}", lines.join("\n  "))))
        }
    }

    /// Says what was being done when `cause` came up.
    pub(crate) fn at(what: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self(format!("{what}: {cause}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
