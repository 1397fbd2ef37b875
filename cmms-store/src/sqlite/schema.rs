//! Brings the schema of a SQLite file up to this program's, in one transaction.

use super::errors::{Fault, Place};
use super::options::SqliteOptions;
use crate::migrate::{self, Applied, Migration};
use cmms_core::ports::store::Migrated;
use rusqlite::{Connection, OptionalExtension, params};

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS _cmms_migrations (
    number     INTEGER NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    checksum   BLOB    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

/// The schema of the file, 0 for none.
pub(super) fn version(connection: &Connection) -> Result<u32, Fault> {
    Ok(applied(connection)?.last().map_or(0, |a| a.number))
}

fn has_ledger(connection: &Connection) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_cmms_migrations'";
    let found: Option<i64> = connection.query_row(sql, [], |r| r.get(0)).optional()?;
    Ok(found.is_some())
}

pub(super) fn applied(connection: &Connection) -> Result<Vec<Applied>, Fault> {
    if !has_ledger(connection)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT number, name, checksum, applied_at FROM _cmms_migrations ORDER BY number";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |r| {
        Ok(Applied {
            number: r.get(0)?,
            name: r.get(1)?,
            checksum: r.get(2)?,
            applied_at: r.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Refuses a file that this program must not write: a newer schema, a changed one, another program's tables.
pub(super) fn check(
    connection: &Connection,
    place: &Place,
    options: &SqliteOptions,
) -> Result<(), Fault> {
    let applied = applied(connection)?;
    migrate::pending(migrate::SQLITE, &applied)?;
    if applied.is_empty() && !options.share_file {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> '_cmms_migrations' \
                   ORDER BY name LIMIT 1";
        let table: Option<String> = connection.query_row(sql, [], |r| r.get(0)).optional()?;
        if let Some(table) = table {
            return Err(place.foreign(&table).into());
        }
    }
    Ok(())
}

/// Applies what is missing: all of it or, on an error, nothing. Two processes wait for each other.
pub(super) fn migrate(connection: &Connection) -> Result<Migrated, Fault> {
    let before = applied(connection)?;
    let from = before.last().map_or(0, |a| a.number);
    if migrate::pending(migrate::SQLITE, &before)?.is_empty() {
        return Ok(Migrated { from, to: from });
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = apply(connection);
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    done
}

fn apply(connection: &Connection) -> Result<Migrated, Fault> {
    connection.execute_batch(LEDGER)?;
    // Read again under the lock: another process may have been faster.
    let before = applied(connection)?;
    let from = before.last().map_or(0, |a| a.number);
    for migration in migrate::pending(migrate::SQLITE, &before)? {
        run(connection, migration)?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(Migrated {
        from,
        to: migrate::latest(migrate::SQLITE),
    })
}

fn run(connection: &Connection, migration: &Migration) -> Result<(), Fault> {
    connection.execute_batch(migration.sql)?;
    connection.execute(
        "INSERT INTO _cmms_migrations (number, name, checksum, applied_at) \
         VALUES (?1, ?2, ?3, unixepoch() * 1000000)",
        params![migration.number, migration.name, migration.checksum()],
    )?;
    tracing::info!(
        number = migration.number,
        name = migration.name,
        "cmms.store.migrate: applied"
    );
    Ok(())
}
