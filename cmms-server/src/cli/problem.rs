//! Errors on a terminal: what happened, where, and what to do.

use super::terminal::shown;
use cmms::Error;

/// Prints an error.
pub(super) fn print(e: &Error) {
    tell!("error: {} [{}]", shown(e.message()), e.code().id());
    for v in e.violations() {
        tell!("  {}: {}", shown(&v.field), shown(&v.detail));
    }
    tell!("  {}", shown(e.remedy()));
    tracing::debug!(error = ?e, "the command failed");
}
