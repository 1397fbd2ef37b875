//! Opens connections to a SQLite file, and refuses what is none before anything is written.

use super::errors::{Fault, Place, is_busy};
use super::options::SqliteOptions;
use super::schema;
use super::waiting::Waiting;
use cmms_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, OpenFlags};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Octets of the shortest file that is a database: one page of the smallest size.
const SHORTEST: u64 = 512;
/// Octets of a page of a new file.
const PAGE: u32 = 16_384;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 256;
/// Pages of the write-ahead log after which a commit moves them into the database.
pub(super) const CHECKPOINT: u32 = 2_000;
/// The same while many rows are written: pages that change often are then moved once.
pub(super) const CHECKPOINT_BULK: u32 = 12_000;
/// The same while others wait between the bulk writes: short enough that they hardly notice.
pub(super) const CHECKPOINT_SHARED: u32 = 750;
/// Octets that the file of the write-ahead log keeps when it starts anew.
const LOG_LIMIT: i64 = 64 * 1024 * 1024;

/// Where a file is and how it is opened.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) place: Place,
    /// Absolute, so that the process may change its folder.
    path: PathBuf,
    pub(super) options: SqliteOptions,
}

impl Target {
    pub(super) fn new(path: &Path, options: SqliteOptions) -> Result<Self> {
        let place = Place::of(path);
        let path = std::path::absolute(path)
            .map_err(|e| place.cannot_open("it has no usable path").source(e))?;
        Ok(Self {
            place,
            path,
            options,
        })
    }

    /// The writers of other processes that wait for the file.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting::beside(&self.path)
    }

    /// Looks at the path before SQLite does. The file is not opened: to close any descriptor of it would give up the locks
    /// that other stores of this process have on it, and another process could delete the log that they write.
    pub(super) fn look(&self) -> Result<()> {
        let place = &self.place;
        match std::fs::metadata(&self.path) {
            // SQLite takes some short files for empty ones, and would write over them.
            Ok(seen) if seen.is_file() && (1..SHORTEST).contains(&seen.len()) => {
                Err(place.not_a_database())
            }
            Ok(seen) if seen.is_file() => Ok(()),
            Ok(seen) if seen.is_dir() => {
                Err(place.cannot_open("it is a folder; name a file in it"))
            }
            Ok(_) => Err(place.cannot_open("it is no regular file")),
            Err(e) if e.kind() == ErrorKind::NotFound => self.look_at_folder(),
            Err(e) => Err(place.cannot_open("its file cannot be read").source(e)),
        }
    }

    fn look_at_folder(&self) -> Result<()> {
        let Some(folder) = self.path.parent().filter(|f| !f.is_dir()) else {
            return Ok(());
        };
        // As the user gave it, where that names a folder at all.
        let given = Path::new(self.place.name()).parent();
        let shown = given
            .filter(|g| !g.as_os_str().is_empty())
            .unwrap_or(folder);
        Err(self.place.cannot_open(&format!(
            "the folder {:?} does not exist; make it or correct the path",
            shown.display().to_string()
        )))
    }

    /// SQLite says of a file that may not be read only that it cannot be opened.
    fn without_rights(&self, e: rusqlite::Error) -> Fault {
        let closed = e.sqlite_error_code() == Some(ErrorCode::CannotOpen);
        if closed && self.path.is_file() {
            return self.place.read_only().source(e).into();
        }
        e.into()
    }

    fn connect(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.options.busy_timeout)?;
        // A wrong column is an error, not a text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        // Plans do not depend on the values that happen to be bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        rusqlite::vtab::array::load_module(&connection)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    }

    /// Opens the first connection: checks, then the journal mode, then the schema.
    pub(super) fn first(&self) -> Result<Connection, Fault> {
        let connection = self
            .writer_raw(OpenFlags::SQLITE_OPEN_CREATE)
            .map_err(|e| self.without_rights(e))?;
        if connection.is_readonly("main")? {
            return Err(self.place.read_only().into());
        }
        // The first read tells what the file is; nothing has been written so far.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        schema::check(&connection, &self.place, &self.options)?;
        // Of a new file only: each page of the log is a call of the system, and records are of some KiB.
        connection.pragma_update(None, "page_size", PAGE)?;
        self.log_ahead(&connection)?;
        self.tune(&connection)?;
        schema::migrate(&connection)?;
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    }

    /// Opens another writer in place of one that failed.
    pub(super) fn writer(&self) -> Result<Connection, Fault> {
        let connection = self.writer_raw(OpenFlags::empty())?;
        self.tune(&connection)?;
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    }

    fn writer_raw(&self, more: OpenFlags) -> rusqlite::Result<Connection> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more)
    }

    fn tune(&self, connection: &Connection) -> Result<(), Fault> {
        let options = &self.options;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
        connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
        if let Some(pages) = options.max_pages {
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        Ok(())
    }

    /// Switches to the write-ahead log. SQLite does not wait for others there, so this does.
    fn log_ahead(&self, connection: &Connection) -> Result<(), Fault> {
        const PAUSE: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            let mode = connection
                .pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get::<_, String>(0));
            match mode {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(_) => {
                    let why = "its folder does not let it keep a write-ahead log beside it";
                    return Err(self.place.cannot_open(why).into());
                }
                Err(e) if is_busy(&e) && waited < self.options.busy_timeout => {
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Opens a connection that can only read.
    pub(super) fn reader(&self) -> Result<Connection, Fault> {
        let connection = self.writer_raw(OpenFlags::empty())?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -i64::from(self.options.cache_kib / 8))?;
        Ok(connection)
    }

    /// The error of a failure of this file.
    pub(super) fn error(&self, fault: impl Into<Fault>) -> Error {
        self.place.error(fault)
    }
}
