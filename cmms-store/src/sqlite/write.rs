//! Saves and deletes, inside of a transaction that the caller has begun.

use super::bind::{Ran, RowStatement, bind_key};
use super::errors::Fault;
use crate::sql::Statements;
use cmms_core::Error;
use cmms_core::ports::store::{SaveRule, Saved};
use cmms_core::record::{Cell, RowSource};
use rusqlite::Connection;
use std::collections::HashMap;
use uuid::Uuid;

/// Saves rows. On an error some of them may be saved; the caller then undoes the whole transaction, unless the
/// error was found before the first row.
pub(super) fn save(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
    rule: SaveRule,
) -> Result<Vec<Saved>, Fault> {
    match rule {
        SaveRule::Insert => insert(connection, statements, org, rows),
        SaveRule::Update => update(connection, statements, org, rows),
        SaveRule::Upsert => upsert(connection, statements, org, rows),
    }
}

/// Deletes the rows of keys. On an error some of them may be deleted, as with [`save`].
pub(super) fn delete(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    keys: &[&[Cell<'_>]],
) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(&statements.delete)?;
    statement.raw_bind_parameter(1, org.as_bytes().as_slice())?;
    let mut deleted = 0;
    for key in keys {
        bind_key(&mut statement, statements, key)?;
        deleted += u64::try_from(statement.raw_execute()?).unwrap_or(u64::MAX);
    }
    Ok(deleted)
}

fn insert(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
) -> Result<Vec<Saved>, Fault> {
    let mut insert = RowStatement::new(connection, statements.table, &statements.insert, org)?;
    each(rows, |i| {
        insert.bind(rows, i)?;
        Ok(match insert.run()? {
            Ran::Changed => Saved::Inserted,
            Ran::Nothing | Ran::Clash => Saved::Duplicate,
        })
    })
}

fn update(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
) -> Result<Vec<Saved>, Fault> {
    let table = statements.table;
    let Some(same) = &statements.same else {
        let mut update = RowStatement::new(connection, table, &statements.update, org)?;
        return each(rows, |i| {
            update.bind(rows, i)?;
            Ok(updated(update.run()?))
        });
    };
    let mut same = RowStatement::new(connection, table, same, org)?;
    let mut is_same = Vec::new();
    // Rows of one call mostly change the same columns.
    let mut updates: HashMap<Vec<bool>, RowStatement<'_, '_>> = HashMap::new();
    each(rows, |i| {
        same.bind(rows, i)?;
        if !same.tells(&mut is_same)? {
            return Ok(Saved::Stale);
        }
        if !updates.contains_key(&is_same) {
            let action = statements.update_but(&is_same);
            let update = RowStatement::of(connection, table, action, org)?;
            updates.insert(is_same.clone(), update);
        }
        let Some(update) = updates.get_mut(&is_same) else {
            return Err(Error::internal("an update that was made is gone").into());
        };
        update.bind(rows, i)?;
        Ok(updated(update.run()?))
    })
}

fn updated(ran: Ran) -> Saved {
    match ran {
        Ran::Changed => Saved::Updated,
        Ran::Nothing => Saved::Stale,
        Ran::Clash => Saved::Duplicate,
    }
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
    each(rows, |i| {
        insert.bind(rows, i)?;
        if insert.run()? == Ran::Changed {
            return Ok(Saved::Inserted);
        }
        merge.bind(rows, i)?;
        Ok(match merge.run()? {
            Ran::Changed => Saved::Updated,
            Ran::Clash => Saved::Duplicate,
            Ran::Nothing if !statements.has_unique() => Saved::Unchanged,
            Ran::Nothing => {
                exists.bind(rows, i)?;
                if exists.finds()? {
                    Saved::Unchanged
                } else {
                    Saved::Duplicate
                }
            }
        })
    })
}

fn each(
    rows: &dyn RowSource,
    save: impl FnMut(usize) -> Result<Saved, Fault>,
) -> Result<Vec<Saved>, Fault> {
    (0..rows.len()).map(save).collect()
}
