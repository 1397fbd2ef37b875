//! Reads, from the state that the connection sees.

use super::bind::{RowCells, Values, cell};
use super::errors::Fault;
use crate::keys::distinct;
use crate::sql::{self, Param, Statements, select, select_with};
use chrono::{DateTime, Utc};
use cmms_core::ports::count::{Count, Group, together};
use cmms_core::ports::store::{Lock, Query, Related};
use cmms_core::record::{Cell, RowTarget, Table};
use cmms_core::{Error, Result};
use futures_util::TryStreamExt as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _, ValueRef as _};
use uuid::Uuid;

/// Where the rows of a read go, and whether one went: then it cannot be done once more.
pub(super) struct Counted<'t> {
    pub(super) to: &'t mut dyn RowTarget,
    pub(super) any: bool,
}

/// Reads the rows of keys, each row once.
pub(super) async fn get(
    connection: &mut PgConnection,
    statements: &Statements,
    org: Uuid,
    keys: &[&[Cell<'_>]],
    lock: Lock,
    to: &mut Counted<'_>,
) -> Result<(), Fault> {
    let mut values = Values::of(org)?;
    let sql = match keys {
        [] => return Ok(()),
        [key] => {
            values.key(statements, key)?;
            format!("{}{}", statements.get, locking(lock, ""))
        }
        _ => {
            let bulk = statements.bulk()?;
            values.keys(statements, &distinct(keys))?;
            match lock {
                Lock::None => bulk.get.clone(),
                _ => format!("{}{}", bulk.get_locked, locking(lock, " OF t")),
            }
        }
    };
    let is_one = keys.len() == 1;
    fetch(
        connection,
        statements,
        sql,
        values.into_arguments(),
        is_one,
        to,
    )
    .await
}

/// Reads the rows of a query, in its order.
pub(super) async fn list(
    connection: &mut PgConnection,
    statements: &Statements,
    org: Uuid,
    query: &Query<'_>,
    lock: Lock,
    to: &mut Counted<'_>,
) -> Result<(), Fault> {
    let (mut sql, params) = select(statements, query)?;
    sql.push_str(locking(lock, ""));
    let mut values = Values::of(org)?;
    for param in &params {
        values.param(param)?;
    }
    let again = !params.iter().any(|p| matches!(p, Param::Many(..)));
    fetch(
        connection,
        statements,
        sql,
        values.into_arguments(),
        again,
        to,
    )
    .await
}

/// A query and what is read beside it.
pub(super) struct Both<'r, 'c> {
    pub(super) statements: &'r Statements,
    pub(super) others: &'r Statements,
    pub(super) query: &'r Query<'c>,
    pub(super) related: &'r Related,
}

/// Reads the rows of a query, in its order, and those of another table that name one of them, in one statement.
pub(super) async fn list_with(
    connection: &mut PgConnection,
    org: Uuid,
    both: Both<'_, '_>,
    to: &mut Counted<'_>,
    of_them: &mut dyn RowTarget,
) -> Result<(), Fault> {
    let Both {
        statements,
        others,
        query,
        related,
    } = both;
    let (sql, params) = select_with(statements, query, others, related.column, related.names)?;
    let mut values = Values::of(org)?;
    for param in &params {
        values.param(param)?;
    }
    let query = sqlx::query_with(AssertSqlSafe(sql), values.into_arguments());
    let mut rows = connection.fetch(query);
    let width = statements.table.columns.len();
    // Empty where a row stands beside no other.
    let naming = others.table.position(related.column.0);
    let naming =
        width + naming.ok_or_else(|| Error::internal("what names the rows is not read"))?;
    let mut last: Option<PgRow> = None;
    while let Some(row) = rows.try_next().await? {
        to.any = true;
        if !is_same(statements.table, last.as_ref(), &row)? {
            to.to.row(&mut RowCells::new(&row, statements.table))?;
        }
        // The server sends the rest of the answer, too; it is read and not kept.
        if to.to.takes_more() && !row.try_get_raw(naming)?.is_null() {
            of_them.row(&mut RowCells::behind(&row, others.table, width))?;
        }
        last = Some(row);
    }
    Ok(())
}

/// Counts the rows that a filter takes.
pub(super) async fn count(
    connection: &mut PgConnection,
    statements: &Statements,
    org: Uuid,
    count: &Count<'_>,
) -> Result<Vec<Group>, Fault> {
    let (sql, params) = sql::count(statements, count)?;
    let mut values = Values::of(org)?;
    for param in &params {
        values.param(param)?;
    }
    // Its plan depends on how many rows each filter takes, so it is not kept.
    let query = sqlx::query_with(AssertSqlSafe(sql), values.into_arguments()).persistent(false);
    let rows = query.fetch_all(connection).await?;
    let table = statements.base;
    let by = count.place(table)?.and_then(|i| table.columns.get(i));
    let number = |row: &PgRow, place: usize| -> Result<u64, Fault> {
        let number: i64 = row.try_get(place)?;
        Ok(number.unsigned_abs())
    };
    let mut groups = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(column) = by else {
            return Ok(together(number(row, 0)?));
        };
        groups.push(Group {
            value: cell(row, 0, table, column)?.into_owned(),
            rows: number(row, 1)?,
        });
    }
    Ok(groups)
}

/// Whether the row before has the same key: then it comes once more, beside another that names it.
fn is_same(table: &Table, before: Option<&PgRow>, row: &PgRow) -> Result<bool, Fault> {
    let Some(before) = before else {
        return Ok(false);
    };
    for (place, _) in table.key() {
        let (a, b) = (before.try_get_raw(place)?, row.try_get_raw(place)?);
        if a.as_bytes().map_err(unreadable)? != b.as_bytes().map_err(unreadable)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unreadable(e: BoxDynError) -> Error {
    Error::internal("a key came without a value").source(e)
}

/// The time by the server's clock.
pub(super) async fn time(connection: &mut PgConnection) -> Result<DateTime<Utc>, Fault> {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    let now = DateTime::from_timestamp_micros(row.try_get(0)?);
    Ok(now.ok_or_else(|| Error::internal("the server tells no time"))?)
}

/// What locks the rows that are read.
fn locking(lock: Lock, of: &str) -> &'static str {
    match (lock, of.is_empty()) {
        (Lock::None, _) => "",
        (Lock::Wait, true) => " FOR UPDATE",
        (Lock::Wait, false) => " FOR UPDATE OF t",
        (Lock::Skip, true) => " FOR UPDATE SKIP LOCKED",
        (Lock::Skip, false) => " FOR UPDATE OF t SKIP LOCKED",
    }
}

async fn fetch(
    connection: &mut PgConnection,
    statements: &Statements,
    sql: String,
    arguments: PgArguments,
    keeps: bool,
    to: &mut Counted<'_>,
) -> Result<(), Fault> {
    // With arrays the plan depends on how many values there are, so it is not kept.
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(keeps);
    let mut rows = connection.fetch(query);
    while let Some(row) = rows.try_next().await? {
        to.any = true;
        to.to.row(&mut RowCells::new(&row, statements.table))?;
    }
    Ok(())
}
