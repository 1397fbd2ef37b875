//! Partial updates: what services share when they change some fields of a record.

use crate::domain::check::Checks;
use crate::request::Patch;
use crate::{Error, Result, code};

/// Changes a field that may not be empty.
pub(super) fn set<T>(name: &str, patch: Patch<T>, field: &mut T, checks: &mut Checks) {
    match patch {
        Patch::Keep => {}
        Patch::Set(value) => *field = value,
        Patch::Clear => checks.refuse(name, "invalid_value", "may not be null"),
    }
}

/// Refuses a change that was made on another version.
pub(super) fn check_version(asked: Option<i64>, present: i64, object: &str) -> Result<()> {
    match asked {
        Some(version) if version != present => Err(Error::new(
            code::STORE_STALE,
            format!("the {object} has version {present}, not {version}"),
        )
        .field(
            "version",
            "stale_version",
            format!("the present version is {present}"),
        )),
        _ => Ok(()),
    }
}
