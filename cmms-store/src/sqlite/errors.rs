//! What SQLite says, as errors of ours: the code, the file and what to do.

use crate::migrate::Refused;
use cmms_core::{Error, code};
use rusqlite::ffi::{self, ErrorCode};
use std::path::Path;
use std::sync::Arc;

/// A failure inside of the store, before it is told which file it is about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Core(#[from] Error),
    #[error(transparent)]
    Schema(#[from] Refused),
}

/// The database file, as the user gave it.
#[derive(Debug, Clone)]
pub(super) struct Place(Arc<str>);

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        Self(path.display().to_string().into())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// The error of a failure.
    pub(super) fn error(&self, fault: impl Into<Fault>) -> Error {
        match fault.into() {
            Fault::Core(e) => e,
            Fault::Sqlite(e) => self.sqlite(e),
            Fault::Schema(e) => self.schema(e),
        }
    }

    fn sqlite(&self, e: rusqlite::Error) -> Error {
        let file = self.name();
        let Some(failure) = e.sqlite_error() else {
            return Error::internal("the database was used in a wrong way").source(e);
        };
        let (code, message) = match failure.code {
            ErrorCode::DiskFull => (
                code::STORE_FULL,
                format!(
                    "there is no room left for the database {file:?}; nothing of this change was stored. \
                     Make room on its disk, then try again"
                ),
            ),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => return self.read_only().source(e),
            ErrorCode::NotADatabase => return self.not_a_database().source(e),
            ErrorCode::CannotOpen => (
                code::STORE_OPEN,
                format!(
                    "the database {file:?} cannot be opened; check that its folder exists and can be \
                     written by this process"
                ),
            ),
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => return self.busy().source(e),
            ErrorCode::DatabaseCorrupt => (
                code::STORE_DAMAGED,
                format!(
                    "the database {file:?} is damaged; restore the last backup and keep the damaged file for a look"
                ),
            ),
            ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::ConstraintViolation => (
                code::STORE_VALUE,
                format!("the database {file:?} refuses a value: {e}"),
            ),
            ErrorCode::SystemIoFailure => {
                return Error::new(
                    code::STORE_OPEN,
                    format!("the disk of the database {file:?} failed; nothing of this change was stored"),
                )
                .remedy_is("Check the disk of the database and the system's log, then try again.")
                .source(e);
            }
            _ => return Error::internal("a statement of the store failed").source(e),
        };
        Error::new(code, message).source(e)
    }

    fn schema(&self, refused: Refused) -> Error {
        let file = self.name();
        let this = env!("CARGO_PKG_VERSION");
        match &refused {
            Refused::Newer { found, known } => Error::new(
                code::STORE_NEWER,
                format!(
                    "the database {file:?} has schema version {found}; this program (cmms {this}) knows versions \
                     up to {known}. Install the newer program or use another database; nothing was changed"
                ),
            ),
            Refused::Changed { number, name } => Error::new(
                code::STORE_OPEN,
                format!(
                    "the database {file:?} was made by another build: its migration {number} ({name}) differs from \
                     the one of this program (cmms {this}); nothing was changed"
                ),
            )
            .remedy_is("Use the build that made the database, or choose a new file."),
        }
        .source(refused)
    }

    pub(super) fn busy(&self) -> Error {
        Error::new(
            code::STORE_BUSY,
            format!(
                "the database {:?} is in use by another writer that did not end in time; try again in a moment",
                self.name()
            ),
        )
    }

    pub(super) fn crowded(&self, readers: usize) -> Error {
        Error::new(
            code::STORE_BUSY,
            format!(
                "all {readers} readers of the database {:?} were in use for too long; try again in a moment",
                self.name()
            ),
        )
    }

    pub(super) fn read_only(&self) -> Error {
        Error::new(
            code::STORE_READ_ONLY,
            format!(
                "the database {:?} cannot be written; give this process the right to read and write the file and its folder",
                self.name()
            ),
        )
    }

    pub(super) fn not_a_database(&self) -> Error {
        Error::new(
            code::STORE_NOT_DATABASE,
            format!(
                "the file {:?} is no SQLite database; it was left as it is. Check the path or choose a new file",
                self.name()
            ),
        )
    }

    pub(super) fn foreign(&self, table: &str) -> Error {
        Error::new(
            code::STORE_NOT_DATABASE,
            format!(
                "the file {:?} is the database of another program: it has the table {table:?}. It was left as it \
                 is; check the path or choose a new file",
                self.name()
            ),
        )
    }

    pub(super) fn cannot_open(&self, why: &str) -> Error {
        Error::new(
            code::STORE_OPEN,
            format!("the database {:?} cannot be opened: {why}", self.name()),
        )
    }
}

/// Whether a statement failed because a unique key is taken.
pub(super) fn is_clash(e: &rusqlite::Error) -> bool {
    e.sqlite_error().is_some_and(|f| {
        matches!(
            f.extended_code,
            ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID
        )
    })
}

/// Whether somebody else holds a lock that this one needs.
pub(super) fn is_busy(e: &rusqlite::Error) -> bool {
    e.sqlite_error()
        .is_some_and(|f| matches!(f.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(result_code: i32) -> Error {
        let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(result_code), None);
        Place::of(Path::new("plant.db")).error(failure)
    }

    #[test]
    fn each_failure_has_its_code_names_the_file_and_says_what_to_do() {
        for (result_code, want, says) in [
            (ffi::SQLITE_FULL, code::STORE_FULL, "Make room"),
            (
                ffi::SQLITE_READONLY,
                code::STORE_READ_ONLY,
                "right to read and write",
            ),
            (
                ffi::SQLITE_PERM,
                code::STORE_READ_ONLY,
                "right to read and write",
            ),
            (
                ffi::SQLITE_NOTADB,
                code::STORE_NOT_DATABASE,
                "Check the path",
            ),
            (
                ffi::SQLITE_CANTOPEN,
                code::STORE_OPEN,
                "check that its folder exists",
            ),
            (ffi::SQLITE_BUSY, code::STORE_BUSY, "try again"),
            (ffi::SQLITE_LOCKED, code::STORE_BUSY, "try again"),
            (
                ffi::SQLITE_CORRUPT,
                code::STORE_DAMAGED,
                "restore the last backup",
            ),
            (ffi::SQLITE_IOERR, code::STORE_OPEN, "disk"),
        ] {
            let e = sqlite(result_code);
            assert!(e.is(want), "{result_code}: {e:?}");
            assert!(e.message().contains("\"plant.db\""), "{e}");
            assert!(e.message().contains(says), "{e}");
        }
        assert!(sqlite(ffi::SQLITE_MISUSE).is(code::INTERNAL));
    }
}
