//! What PostgreSQL says, as errors of ours: the code, the database and what to do.

use crate::migrate::Refused;
use cmms_core::{Error, code};
use sqlx::postgres::PgDatabaseError;
use std::sync::Arc;

/// A failure inside of the store, before it is told which database it is about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    #[error(transparent)]
    Core(#[from] Error),
    #[error(transparent)]
    Schema(#[from] Refused),
    /// The server refused a statement, and it is known better than the server says what that means.
    #[error(transparent)]
    Failed(Box<Error>),
}

impl Fault {
    /// The SQLSTATE, where the server answered one.
    pub(super) fn state(&self) -> Option<&str> {
        match self {
            Self::Sqlx(e) => state(e),
            Self::Core(_) | Self::Schema(_) | Self::Failed(_) => None,
        }
    }

    /// Whether the server refused a statement: a transaction that was open takes no other.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(_)) || self.state().is_some()
    }

    /// Whether the connection is of no more use.
    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::Sqlx(e) => is_cut(e),
            Self::Core(_) | Self::Schema(_) | Self::Failed(_) => false,
        }
    }

    /// Whether a unique key is taken.
    pub(super) fn is_clash(&self) -> bool {
        self.state() == Some("23505")
    }
}

fn state(e: &sqlx::Error) -> Option<&str> {
    let database = e.as_database_error()?;
    Some(database.try_downcast_ref::<PgDatabaseError>()?.code())
}

fn is_cut(e: &sqlx::Error) -> bool {
    match e {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        // The server goes down, went down or comes up, or somebody ended the session.
        _ => state(e).is_some_and(|s| {
            matches!(s, "57P01" | "57P02" | "57P03" | "57P05" | "25P03") || s.starts_with("08")
        }),
    }
}

/// Whether a pooler refuses what a login or a transaction needs.
fn is_of_pooler(said: &str) -> bool {
    said.contains("startup parameter") || said.contains("pooling mode")
}

/// The server's own words.
fn said(e: &sqlx::Error) -> &str {
    e.as_database_error().map_or("", |e| e.message())
}

/// Whether the server refused what was to be stored: its form, its length, how deep it is nested, a rule of the table.
fn is_of_data(state: &str) -> bool {
    state.starts_with("22") || matches!(state, "54000" | "54001" | "23502" | "23514")
}

/// The database, as it is named in messages: without secrets.
#[derive(Debug, Clone)]
pub(super) struct Place(Arc<str>);

impl Place {
    pub(super) fn new(location: String) -> Self {
        Self(location.into())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// The error of a failure.
    pub(super) fn error(&self, fault: impl Into<Fault>) -> Error {
        match fault.into() {
            Fault::Core(e) => e,
            Fault::Failed(e) => *e,
            Fault::Sqlx(e) => self.sqlx(e),
            Fault::Schema(e) => self.schema(&e),
        }
    }

    fn sqlx(&self, e: sqlx::Error) -> Error {
        let name = self.name();
        let (code, message) = match state(&e) {
            Some("08P01") if is_of_pooler(said(&e)) => {
                return self.pooled().source(e);
            }
            _ if is_cut(&e) => return self.unreachable().source(e),
            Some(state) if is_of_data(state) => return self.refused(&e),
            Some("53100" | "53200") => (
                code::STORE_FULL,
                format!(
                    "the server of the database {name} has no room left; nothing of this change was stored. \
                     Make room on its disk, then try again"
                ),
            ),
            Some("53300") => (
                code::STORE_BUSY,
                format!(
                    "the server of the database {name} has no connection left; lower `connections` of its programs \
                     or raise max_connections, then try again"
                ),
            ),
            Some("55P03" | "57014") => return self.busy().source(e),
            Some("40001" | "40P01") => return self.conflict().source(e),
            Some("25006") => (
                code::STORE_READ_ONLY,
                format!(
                    "the server of the database {name} only reads, as a standby does; use the primary"
                ),
            ),
            Some("28000" | "28P01") => (
                code::STORE_LOGIN,
                format!(
                    "the server of the database {name} refused the login; correct user and password"
                ),
            ),
            Some("3D000") => (
                code::STORE_MISSING,
                format!(
                    "the server has no database as in {name}; create it, then run `cmms migrate up`"
                ),
            ),
            Some("3F000" | "42P01" | "42703") => return self.older().source(e),
            Some("42501") => (
                code::STORE_OPEN,
                format!(
                    "the role has not the rights that it needs in the database {name}; let the owner of the tables \
                     run `cmms migrate up`, and grant the role the membership that it names"
                ),
            ),
            Some(state) if state.starts_with("XX00") => (
                code::STORE_DAMAGED,
                format!(
                    "the database {name} is damaged; restore the last backup and keep the damaged one for a look"
                ),
            ),
            Some(state) if state.starts_with("28") => (
                code::STORE_LOGIN,
                format!(
                    "the server of the database {name} refused the login; correct user and password"
                ),
            ),
            _ if matches!(e, sqlx::Error::Configuration(_)) => (
                code::STORE_OPEN,
                format!("the connection to the database {name} cannot be made with these settings"),
            ),
            _ => return Error::internal("a statement of the store failed").source(e),
        };
        Error::new(code, message).source(e)
    }

    fn schema(&self, refused: &Refused) -> Error {
        let name = self.name();
        let this = env!("CARGO_PKG_VERSION");
        match refused {
            Refused::Newer { found, known } => Error::new(
                code::STORE_NEWER,
                format!(
                    "the database {name} has schema version {found}; this program (cmms {this}) knows versions up to \
                     {known}. Install the newer program or use another database; nothing was changed"
                ),
            ),
            Refused::Changed { number, name: step } => Error::new(
                code::STORE_OPEN,
                format!(
                    "the database {name} was made by another build: its migration {number} ({step}) differs from the \
                     one of this program (cmms {this}); nothing was changed"
                ),
            )
            .remedy_is("Use the build that made the database, or another schema."),
        }
    }

    /// The error of values that the server does not keep, although they are of the right kind.
    fn refused(&self, e: &sqlx::Error) -> Error {
        let what = format!("the database {} refuses a value: {}", self.name(), said(e));
        Error::new(code::STORE_VALUE, what)
    }

    pub(super) fn unreachable(&self) -> Error {
        Error::new(
            code::STORE_UNREACHABLE,
            format!(
                "the server of the database {} cannot be reached",
                self.name()
            ),
        )
    }

    pub(super) fn busy(&self) -> Error {
        Error::new(
            code::STORE_BUSY,
            format!(
                "the database {} is in use by another writer that did not end in time; try again in a moment",
                self.name()
            ),
        )
    }

    pub(super) fn conflict(&self) -> Error {
        Error::new(
            code::STORE_CONFLICT,
            format!(
                "another writer of the database {} was in the way; nothing was stored",
                self.name()
            ),
        )
    }

    pub(super) fn crowded(&self, connections: usize) -> Error {
        Error::new(
            code::STORE_BUSY,
            format!(
                "all {connections} connections to the database {} were in use for too long; try again in a moment",
                self.name()
            ),
        )
    }

    /// The schema of the program has steps that the database has not had.
    pub(super) fn older(&self) -> Error {
        Error::new(
            code::STORE_OLDER,
            format!(
                "the database {} lacks steps of this program's schema (cmms {}); run `cmms migrate up`",
                self.name(),
                env!("CARGO_PKG_VERSION")
            ),
        )
    }

    pub(super) fn encoding(&self, encoding: &str) -> Error {
        Error::new(
            code::STORE_ENCODING,
            format!(
                "the database {} keeps its texts in {encoding}; it must be UTF8",
                self.name()
            ),
        )
    }

    pub(super) fn unguarded(&self, role: &str) -> Error {
        Error::new(
            code::STORE_UNGUARDED,
            format!(
                "the role {role:?} passes by row-level security in the database {}: it is a superuser or has BYPASSRLS, \
                 and no role to work under was made",
                self.name()
            ),
        )
    }

    /// A pooler stands between that does not keep a connection on its session.
    pub(super) fn pooled(&self) -> Error {
        Error::new(
            code::STORE_POOLED,
            format!(
                "the database {} is reached through a pooler that does not keep a connection in one session",
                self.name()
            ),
        )
    }

    /// Whether a commit was carried out could not be found out.
    pub(super) fn unknown(&self) -> Error {
        Error::new(
            code::STORE_UNKNOWN,
            format!(
                "the connection to the database {} broke while a change was made durable, and whether it was cannot be \
                 found out",
                self.name()
            ),
        )
    }
}
