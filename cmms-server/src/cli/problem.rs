//! Errors on a terminal: what happened, where, and what to do.

use super::terminal::shown;
use cmms::Error;

/// Prints an error.
pub(super) fn print(e: &Error) {
    eprintln!("error: {} [{}]", shown(e.message()), e.code().id());
    for v in e.violations() {
        eprintln!("  {}: {}", shown(&v.field), shown(&v.detail));
    }
    eprintln!("  {}", shown(e.remedy()));
    tracing::debug!(error = ?e, "the command failed");
}
