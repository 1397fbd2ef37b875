//! Statements of PostgreSQL that insert rows of several tables at once.
//!
//! Parameter 1 is the organization; the columns of the rows follow one after the other.

use super::{Dialect, comma, quoted};
use cmms_core::failpoint::{Failpoint, is_on};
use cmms_core::record::{Role, Table};
use std::fmt::Write as _;

/// Inserts a row into each of these tables, in order.
pub(crate) fn insert_each(tables: &[&Table], dialect: &Dialect) -> String {
    match inserts(tables, dialect, "").as_slice() {
        [only] => only.clone(),
        all => format!("WITH {} SELECT 1", named(all)),
    }
}

/// A whole transaction in one statement: takes the writer's lock if nobody has it, counts on if nobody else did, inserts
/// a row into each of these tables, and answers whether it did; else nothing is stored.
///
/// Behind the rows come the key of the lock and, with a table that counts, the key of its row, what is added, and what
/// it was before.
pub(crate) fn whole(tables: &[&Table], counter: Option<&Table>, dialect: &Dialect) -> String {
    let rows: usize = tables.iter().map(|table| table.columns.len()).sum();
    let mut next = rows + 1;
    let mut param = || {
        next += 1;
        dialect.param(next)
    };
    // The statement sees what was there before it had the lock. That is enough for rows that are new and for the row that
    // counts, which the server looks at once more, as it is then, before it changes it; it would not be for a read.
    let mut sql = format!(
        "WITH turn AS MATERIALIZED (SELECT 1 WHERE pg_try_advisory_xact_lock({}))",
        param()
    );
    let mut source = "turn";
    if let Some(table) = counter {
        let mut keys = String::new();
        for (_, column) in table.key() {
            // Writing into a String cannot fail.
            let _ = write!(keys, " AND t.{} = {}", quoted(column.name), param());
        }
        let sums = table.columns.iter().filter(|c| c.role == Role::Sum);
        let sum = comma(sums, |c| quoted(c.name));
        let (added, before) = (param(), param());
        let is_same = if is_on(Failpoint::BelieveCounts) {
            format!("{before}::bigint IS NOT NULL")
        } else {
            format!("t.{sum} = {before}")
        };
        let _ = write!(
            sql,
            ", count AS (UPDATE {} AS t SET {sum} = t.{sum} + {added} FROM turn WHERE {}{keys} AND {is_same} RETURNING 1)",
            dialect.table(table.name),
            dialect.of_org("t."),
        );
        source = "count";
    }
    let inserts = inserts(tables, dialect, source);
    if !inserts.is_empty() {
        let _ = write!(sql, ", {}", named(&inserts));
    }
    let _ = write!(sql, " SELECT EXISTS (SELECT FROM {source})");
    sql
}

/// One for each table; with a source, once for each of its rows.
fn inserts(tables: &[&Table], dialect: &Dialect, source: &str) -> Vec<String> {
    let mut next = 2;
    let insert = |table: &&Table| {
        let columns = comma(table.columns.iter(), |c| quoted(c.name));
        let values = comma(table.columns.iter(), |_| {
            next += 1;
            dialect.param(next - 1)
        });
        let name = dialect.table(table.name);
        let rows = match source {
            "" => format!("VALUES ($1, {values})"),
            source => format!("SELECT $1, {values} FROM {source}"),
        };
        format!("INSERT INTO {name} (org_id, {columns}) {rows}")
    };
    tables.iter().map(insert).collect()
}

fn named(inserts: &[String]) -> String {
    comma(inserts.iter().enumerate(), |(n, sql)| {
        format!("w{n} AS ({sql})")
    })
}
