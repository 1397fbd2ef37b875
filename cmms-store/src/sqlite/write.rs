//! Saves and deletes, inside of a transaction that the caller has begun.

use super::bind::{Ran, RowStatement, bind_key};
use super::errors::Fault;
use crate::sql::Statements;
use cmms_core::Error;
use cmms_core::ports::store::{SaveRule, Saved};
use cmms_core::record::{Cell, RowSource, Sink, Table};
use rusqlite::Connection;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::RandomState;
use uuid::Uuid;

/// Saves rows; all of them or, on an error, none.
pub(super) fn save(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
    rule: SaveRule,
) -> Result<Vec<Saved>, Fault> {
    whole(connection, rows.len(), || match rule {
        SaveRule::Insert => insert(connection, statements, org, rows),
        SaveRule::Update => update(connection, statements, org, rows),
        SaveRule::Upsert => upsert(connection, statements, org, rows),
    })
}

/// Deletes the rows of keys; all of them or, on an error, none.
pub(super) fn delete(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    keys: &[&[Cell<'_>]],
) -> Result<u64, Fault> {
    whole(connection, keys.len(), || {
        let mut statement = connection.prepare_cached(&statements.delete)?;
        statement.raw_bind_parameter(1, org.as_bytes().as_slice())?;
        let mut deleted = 0;
        for key in keys {
            bind_key(&mut statement, statements, key)?;
            deleted += u64::try_from(statement.raw_execute()?).unwrap_or(u64::MAX);
        }
        Ok(deleted)
    })
}

/// Undoes what a call of several statements did when one of them fails; a single statement does so itself.
fn whole<T>(
    connection: &Connection,
    size: usize,
    work: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, Fault> {
    if size <= 1 {
        return work();
    }
    connection
        .prepare_cached("SAVEPOINT cmms_call")?
        .execute([])?;
    let done = work();
    // After some failures SQLite has undone the whole transaction already.
    if done.is_err() && !connection.is_autocommit() {
        connection
            .prepare_cached("ROLLBACK TO cmms_call")?
            .execute([])?;
    }
    if !connection.is_autocommit() {
        connection
            .prepare_cached("RELEASE cmms_call")?
            .execute([])?;
    }
    done
}

fn insert(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
) -> Result<Vec<Saved>, Fault> {
    let mut insert = RowStatement::new(connection, statements.table, &statements.insert, org)?;
    each(statements.table, rows, |i, hashes| {
        let key = insert.bind(rows, i, hashes)?;
        Ok((
            key,
            match insert.run()? {
                Ran::Changed => Saved::Inserted,
                Ran::Nothing | Ran::Clash => Saved::Duplicate,
            },
        ))
    })
}

fn update(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
) -> Result<Vec<Saved>, Fault> {
    let mut update = RowStatement::new(connection, statements.table, &statements.update, org)?;
    each(statements.table, rows, |i, hashes| {
        let key = update.bind(rows, i, hashes)?;
        Ok((
            key,
            match update.run()? {
                Ran::Changed => Saved::Updated,
                Ran::Nothing => Saved::Stale,
                Ran::Clash => Saved::Duplicate,
            },
        ))
    })
}

/// Inserts first, since most rows of an upsert are new; what is stored already is updated unless its digest
/// is the same.
fn upsert(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
) -> Result<Vec<Saved>, Fault> {
    let table = statements.table;
    let mut insert = RowStatement::new(connection, table, &statements.insert, org)?;
    let mut merge = RowStatement::new(connection, table, &statements.merge, org)?;
    let mut exists = RowStatement::new(connection, table, &statements.exists, org)?;
    each(table, rows, |i, hashes| {
        let key = insert.bind(rows, i, hashes)?;
        if insert.run()? == Ran::Changed {
            return Ok((key, Saved::Inserted));
        }
        merge.bind(rows, i, hashes)?;
        let saved = match merge.run()? {
            Ran::Changed => Saved::Updated,
            Ran::Clash => Saved::Duplicate,
            Ran::Nothing if !statements.has_unique() => Saved::Unchanged,
            Ran::Nothing => {
                exists.bind(rows, i, hashes)?;
                if exists.finds()? {
                    Saved::Unchanged
                } else {
                    Saved::Duplicate
                }
            }
        };
        Ok((key, saved))
    })
}

/// Saves each row and refuses a key that comes twice.
fn each(
    table: &'static Table,
    rows: &dyn RowSource,
    mut save: impl FnMut(usize, &RandomState) -> Result<(u64, Saved), Fault>,
) -> Result<Vec<Saved>, Fault> {
    let count = rows.len();
    let hashes = RandomState::new();
    let mut seen: HashMap<u64, usize> = HashMap::with_capacity(if count > 1 { count } else { 0 });
    let mut answers = Vec::with_capacity(count);
    for i in 0..count {
        let (mut hash, saved) = save(i, &hashes)?;
        answers.push(saved);
        if count == 1 {
            break;
        }
        // Equal hashes of unequal keys step on to the next free place.
        loop {
            match seen.entry(hash) {
                Entry::Vacant(place) => {
                    place.insert(i);
                    break;
                }
                Entry::Occupied(other) => {
                    if key_of(table, rows, *other.get()) == key_of(table, rows, i) {
                        return Err(Error::internal(format!(
                            "a key of {} comes twice in one call",
                            table.name
                        ))
                        .into());
                    }
                    hash = hash.wrapping_add(1);
                }
            }
        }
    }
    Ok(answers)
}

fn key_of(table: &'static Table, rows: &dyn RowSource, i: usize) -> Vec<Cell<'static>> {
    struct Cells(Vec<Cell<'static>>);
    impl<'a> Sink<'a> for Cells {
        fn put(&mut self, cell: Cell<'a>) {
            self.0.push(cell.into_owned());
        }
    }
    let mut cells = Cells(Vec::with_capacity(table.columns.len()));
    rows.row(i, &mut cells);
    table
        .key()
        .filter_map(|(i, _)| cells.0.get(i).cloned())
        .collect()
}
