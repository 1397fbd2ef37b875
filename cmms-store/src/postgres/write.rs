//! Saves and deletes, inside of a transaction that the caller has begun.

use super::bind::{self, Values};
use super::errors::Fault;
use super::read;
use super::session::Kept;
use crate::keys::distinct;
use crate::sql::{self, Action, Bulk, Dialect, Source, Statements};
use cmms_core::ports::store::{Lock, SaveRule, Saved, not_new};
use cmms_core::record::{Cell, Row, RowSource, RowTarget, Table};
use cmms_core::{Error, Result};
use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

/// From so many rows on they come by COPY: a table for them costs more than arrays for fewer.
const COPY: usize = 1_500;
/// The most rows of one statement with arrays, where COPY cannot be had.
const ARRAYS: usize = 1_500;

/// Saves rows; each has its own answer, in order.
pub(super) async fn save(
    kept: &mut Kept,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
    rule: SaveRule,
) -> Result<Vec<Saved>, Fault> {
    let bulk = statements.bulk()?;
    match rows.len() {
        0 => Ok(Vec::new()),
        1 => Ok(vec![one(kept, statements, org, rows, 0, rule).await?]),
        // A value that one row gives up another may take only afterwards, so their order counts.
        _ if bulk.moves_unique && rule != SaveRule::Insert => {
            each(kept, statements, org, rows, rule).await
        }
        _ if statements.has_unique() && rule == SaveRule::Upsert => {
            kept.run("SAVEPOINT rows".to_owned()).await?;
            match many(kept, statements, bulk, org, rows, rule).await {
                Err(fault) if fault.is_clash() => {
                    kept.run("ROLLBACK TO SAVEPOINT rows".to_owned()).await?;
                    kept.doubts_stage(statements.number);
                    each(kept, statements, org, rows, rule).await
                }
                saved => {
                    let saved = saved?;
                    kept.run("RELEASE SAVEPOINT rows".to_owned()).await?;
                    Ok(saved)
                }
            }
        }
        _ => many(kept, statements, bulk, org, rows, rule).await,
    }
}

/// Deletes the rows of keys and says how many there were.
pub(super) async fn delete(
    kept: &mut Kept,
    statements: &Statements,
    org: Uuid,
    keys: &[&[Cell<'_>]],
) -> Result<u64, Fault> {
    let mut values = Values::of(org)?;
    let sql = match keys {
        [] => return Ok(0),
        [key] => {
            values.key(statements, key)?;
            statements.delete.clone()
        }
        _ => {
            values.keys(statements, &distinct(keys))?;
            statements.bulk()?.delete.clone()
        }
    };
    execute(kept, sql, values.into_arguments()).await
}

async fn execute(kept: &mut Kept, sql: String, arguments: PgArguments) -> Result<u64, Fault> {
    let done = sqlx::query_with(AssertSqlSafe(sql), arguments)
        .execute(kept.connection())
        .await?;
    Ok(done.rows_affected())
}

async fn each(
    kept: &mut Kept,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
    rule: SaveRule,
) -> Result<Vec<Saved>, Fault> {
    let mut saved = Vec::with_capacity(rows.len());
    for i in 0..rows.len() {
        saved.push(one(kept, statements, org, rows, i, rule).await?);
    }
    Ok(saved)
}

/// Saves row `i`.
async fn one(
    kept: &mut Kept,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
    i: usize,
    rule: SaveRule,
) -> Result<Saved, Fault> {
    let bulk = statements.bulk()?;
    // A clash that the statement does not take as an answer fails the transaction.
    let may_fail = match rule {
        SaveRule::Insert => false,
        SaveRule::Update => bulk.moves_unique,
        SaveRule::Upsert => statements.has_unique(),
    };
    if may_fail {
        kept.run("SAVEPOINT one".to_owned()).await?;
    }
    let saved = match rule {
        SaveRule::Insert => act(kept, statements, &statements.insert, org, (rows, i))
            .await
            .map(|done| {
                if done {
                    Saved::Inserted
                } else {
                    Saved::Duplicate
                }
            }),
        SaveRule::Update => act(kept, statements, &statements.update, org, (rows, i))
            .await
            .map(|done| if done { Saved::Updated } else { Saved::Stale }),
        SaveRule::Upsert => upsert(kept, statements, bulk, org, rows, i).await,
    };
    match saved {
        Err(fault) if may_fail && fault.is_clash() => {
            kept.run("ROLLBACK TO SAVEPOINT one".to_owned()).await?;
            Ok(Saved::Duplicate)
        }
        saved => {
            if may_fail && saved.is_ok() {
                kept.run("RELEASE SAVEPOINT one".to_owned()).await?;
            }
            saved
        }
    }
}

/// Runs a statement on row `i`, which does something or nothing.
async fn act(
    kept: &mut Kept,
    statements: &Statements,
    action: &Action,
    org: Uuid,
    (rows, i): (&dyn RowSource, usize),
) -> Result<bool, Fault> {
    let values = bind::row(org, statements.table, &action.uses, rows, i)?;
    Ok(execute(kept, action.sql.clone(), values).await? > 0)
}

async fn upsert(
    kept: &mut Kept,
    statements: &Statements,
    bulk: &Bulk,
    org: Uuid,
    rows: &dyn RowSource,
    i: usize,
) -> Result<Saved, Fault> {
    let all = &statements.insert.uses;
    let values = bind::row(org, statements.table, all, rows, i)?;
    let row = sqlx::query_with(AssertSqlSafe(bulk.upsert_one.clone()), values)
        .fetch_optional(kept.connection())
        .await?;
    Ok(match row {
        None => Saved::Unchanged,
        Some(row) if row.try_get(0)? => Saved::Inserted,
        Some(_) => Saved::Updated,
    })
}

/// Saves row 0 by an upsert and reads it as it is then.
pub(super) async fn upsert_and_get(
    kept: &mut Kept,
    statements: &Statements,
    org: Uuid,
    rows: &dyn RowSource,
    to: &mut dyn RowTarget,
) -> Result<Saved, Fault> {
    let all = &statements.insert.uses;
    let values = bind::row(org, statements.table, all, rows, 0)?;
    let sql = statements.bulk()?.upsert_and_get.clone();
    let row = sqlx::query_with(AssertSqlSafe(sql), values)
        .fetch_optional(kept.connection())
        .await?;
    let Some(row) = row else {
        // Nothing was written, so nothing was answered.
        let key = Row::of_key(statements.table, rows, 0);
        let mut to = read::Counted { to, any: false };
        read::get(
            kept.connection(),
            statements,
            org,
            &[&key.0],
            Lock::None,
            &mut to,
        )
        .await?;
        return Ok(Saved::Unchanged);
    };
    to.row(&mut bind::RowCells::behind(&row, statements.table, 1))?;
    Ok(if row.try_get(0)? {
        Saved::Inserted
    } else {
        Saved::Updated
    })
}

/// A row that is to be inserted with others.
#[derive(Debug)]
pub(super) struct Later {
    pub(super) table: &'static Table,
    pub(super) row: Row,
}

/// Inserts rows of several tables in one statement.
pub(super) async fn insert_each(
    kept: &mut Kept,
    dialect: &Dialect,
    org: Uuid,
    rows: &[Later],
) -> Result<(), Fault> {
    let tables: Vec<_> = rows.iter().map(|later| later.table).collect();
    let mut values = Values::of(org)?;
    for later in rows {
        values.row(later.table, &later.row)?;
    }
    let sql = sql::insert_each(&tables, dialect);
    match execute(kept, sql, values.into_arguments()).await {
        Err(fault) => Err(told(fault, &tables)),
        Ok(_) => Ok(()),
    }
}

/// What went wrong with rows of these tables that were taken for new.
pub(super) fn told(fault: Fault, tables: &[&'static Table]) -> Fault {
    match tables.first() {
        Some(table) if fault.is_clash() => Fault::Failed(Box::new(not_new(table))),
        _ => fault,
    }
}

/// Inserts rows from arrays, all of which have to be new.
pub(super) async fn insert_new(
    kept: &mut Kept,
    statements: &Statements,
    values: PgArguments,
) -> Result<(), Fault> {
    let [arrays, _] = &statements.bulk()?.insert_new;
    match execute(kept, arrays.clone(), values).await {
        Err(fault) => Err(told(fault, &[statements.table])),
        Ok(_) => Ok(()),
    }
}

/// Rows in as many parts as statements with arrays take.
pub(super) fn pieces(rows: &dyn RowSource) -> impl Iterator<Item = Piece<'_>> {
    let starts = (0..rows.len()).step_by(ARRAYS);
    starts.map(move |start| Piece {
        rows,
        start,
        len: (rows.len() - start).min(ARRAYS),
    })
}

/// Saves rows with a statement for all of them.
async fn many(
    kept: &mut Kept,
    statements: &Statements,
    bulk: &Bulk,
    org: Uuid,
    rows: &dyn RowSource,
    rule: SaveRule,
) -> Result<Vec<Saved>, Fault> {
    if rows.len() >= COPY && stage(kept, statements, bulk, rows).await? {
        let values = || Ok(Values::of(org)?.into_arguments());
        return carry_out(kept, bulk, rule, Source::Stage, values, rows.len()).await;
    }
    let mut saved = Vec::with_capacity(rows.len());
    for piece in pieces(rows) {
        let values = || Ok(bind::arrays(org, statements.table, &piece)?);
        saved.extend(carry_out(kept, bulk, rule, Source::Arrays, values, piece.len).await?);
    }
    Ok(saved)
}

/// Runs the statement of a rule. Rows that are inserted mostly are new, those of an upsert often are: they are tried so
/// first.
async fn carry_out(
    kept: &mut Kept,
    bulk: &Bulk,
    rule: SaveRule,
    source: Source,
    values: impl Fn() -> Result<PgArguments, Fault>,
    count: usize,
) -> Result<Vec<Saved>, Fault> {
    if rule == SaveRule::Update {
        return run(kept, bulk, rule, source, values()?, count).await;
    }
    let [arrays, stage] = &bulk.insert_new;
    let sql = match source {
        Source::Arrays => arrays,
        Source::Stage => stage,
    };
    let new = values()?;
    kept.run("SAVEPOINT new_rows".to_owned()).await?;
    match execute(kept, sql.clone(), new).await {
        Ok(_) => {
            kept.run("RELEASE SAVEPOINT new_rows".to_owned()).await?;
            Ok(vec![Saved::Inserted; count])
        }
        Err(fault) if fault.is_clash() => {
            kept.run("ROLLBACK TO SAVEPOINT new_rows; RELEASE SAVEPOINT new_rows".to_owned())
                .await?;
            run(kept, bulk, rule, source, values()?, count).await
        }
        Err(fault) => Err(fault),
    }
}

/// Brings rows into the temporary table; says whether there is one.
async fn stage(
    kept: &mut Kept,
    statements: &Statements,
    bulk: &Bulk,
    rows: &dyn RowSource,
) -> Result<bool, Fault> {
    if !kept.may_stage {
        return Ok(false);
    }
    // All of it before the first octet goes: a program that is stopped meanwhile would keep the server waiting.
    let bytes = bind::copy(statements.table, rows)?;
    if !kept.has_stage(statements.number) {
        let sql = format!(
            "SAVEPOINT stage; {}; RELEASE SAVEPOINT stage",
            bulk.make_stage
        );
        match kept.run(sql).await {
            Ok(()) => {}
            // The role may not make one: arrays do it, too.
            Err(fault) if fault.state() == Some("42501") => {
                kept.run("ROLLBACK TO SAVEPOINT stage".to_owned()).await?;
                kept.may_stage = false;
                return Ok(false);
            }
            Err(fault) => return Err(fault),
        }
        kept.made_stage(statements.number);
    }
    // A commit empties it, too.
    if kept.fills_stage(statements.number) {
        kept.run(bulk.empty_stage.clone()).await?;
    }
    let mut copy = kept.connection().copy_in_raw(&bulk.fill_stage).await?;
    copy.send(bytes).await?;
    copy.finish().await?;
    Ok(true)
}

/// Runs a statement on rows from a source and turns its answers into those of the rows.
async fn run(
    kept: &mut Kept,
    bulk: &Bulk,
    rule: SaveRule,
    source: Source,
    values: PgArguments,
    count: usize,
) -> Result<Vec<Saved>, Fault> {
    let (texts, rest) = match rule {
        SaveRule::Insert => (&bulk.insert, Saved::Inserted),
        SaveRule::Update => (&bulk.update, Saved::Stale),
        SaveRule::Upsert => (&bulk.upsert, Saved::Unchanged),
    };
    let [arrays, stage] = texts;
    let (sql, first) = match source {
        Source::Arrays => (arrays, 1),
        Source::Stage => (stage, 0),
    };
    // Planned anew each time: how the rows are met depends on how many there are on both sides.
    let answers = sqlx::query_with(AssertSqlSafe(sql.clone()), values)
        .persistent(false)
        .fetch_all(kept.connection())
        .await?;
    let mut saved = vec![rest; count];
    for answer in &answers {
        let number: i64 = answer.try_get(0)?;
        let told = match rule {
            SaveRule::Insert => Saved::Duplicate,
            SaveRule::Update => Saved::Updated,
            SaveRule::Upsert if answer.try_get(1)? => Saved::Inserted,
            SaveRule::Upsert => Saved::Updated,
        };
        let place = usize::try_from(number - first).ok();
        let place = place.and_then(|place| saved.get_mut(place));
        *place
            .ok_or_else(|| Error::internal("a statement answered for a row that was not sent"))? =
            told;
    }
    Ok(saved)
}

/// Some of the rows of a call.
pub(super) struct Piece<'r> {
    rows: &'r dyn RowSource,
    start: usize,
    len: usize,
}

impl RowSource for Piece<'_> {
    fn len(&self) -> usize {
        self.len
    }
    fn row<'a>(&'a self, i: usize, to: &mut dyn cmms_core::record::Sink<'a>) {
        self.rows.row(self.start + i, to);
    }
}
