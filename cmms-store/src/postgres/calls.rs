//! Reads and writes, as they are asked of a connection.

use super::errors::Fault;
use super::read::{self, Counted};
use super::session::{Kept, Session};
use super::write;
use crate::sql::Statements;
use cmms_core::ports::count::{Count, Group};
use cmms_core::ports::store::{Lock, Query, Related, SaveRule, Saved};
use cmms_core::record::{Cell, RowSource, RowTarget};
use sqlx::{AssertSqlSafe, Row as _};
use std::sync::Arc;
use uuid::Uuid;

/// What is read.
pub(super) enum Read<'r, 'c> {
    Keys(&'r [&'r [Cell<'c>]], Lock),
    Query(&'r Query<'c>),
    With(
        &'r Query<'c>,
        &'r Related,
        Arc<Statements>,
        &'r mut dyn RowTarget,
    ),
    Count(&'r Count<'c>, &'r mut Vec<Group>),
}

impl Read<'_, '_> {
    pub(super) fn lock(&self) -> Lock {
        match self {
            Self::Keys(_, lock) => *lock,
            Self::Query(query) => query.lock,
            Self::With(..) | Self::Count(..) => Lock::None,
        }
    }

    pub(super) async fn on(
        &mut self,
        session: &mut Session,
        statements: &Statements,
        org: Uuid,
        lock: Lock,
        to: &mut Counted<'_>,
    ) -> Result<(), Fault> {
        let connection = session.enter()?.connection();
        let done = match self {
            Self::Keys(keys, _) => read::get(connection, statements, org, keys, lock, to).await,
            Self::Query(query) => read::list(connection, statements, org, query, lock, to).await,
            Self::With(query, related, others, of_them) => {
                let both = read::Both {
                    statements,
                    others,
                    query,
                    related,
                };
                read::list_with(connection, org, both, to, &mut **of_them).await
            }
            Self::Count(count, groups) => {
                let counted = read::count(connection, statements, org, count).await;
                counted.map(|counted| **groups = counted)
            }
        };
        session.left(&done);
        done
    }
}

/// What is written.
pub(super) enum Write<'w, 'c> {
    Save(&'w dyn RowSource, SaveRule),
    Delete(&'w [&'w [Cell<'c>]]),
}

/// How a write ended.
pub(super) enum Written {
    Saved(Vec<Saved>),
    Deleted(u64),
}

impl Write<'_, '_> {
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Save(rows, _) => rows.len(),
            Self::Delete(keys) => keys.len(),
        }
    }

    pub(super) async fn on(
        &self,
        kept: &mut Kept,
        statements: &Statements,
        org: Uuid,
    ) -> Result<Written, Fault> {
        Ok(match self {
            Self::Save(rows, rule) => {
                Written::Saved(write::save(kept, statements, org, *rows, *rule).await?)
            }
            Self::Delete(keys) => {
                Written::Deleted(write::delete(kept, statements, org, keys).await?)
            }
        })
    }
}

/// Whether a writer of another process waits: it holds the waiting lock, too.
pub(super) async fn others_wait(kept: &mut Kept, key: i64) -> Result<bool, Fault> {
    let sql = format!(
        "SELECT CASE WHEN pg_try_advisory_lock({key}) THEN NOT pg_advisory_unlock({key}) ELSE TRUE END"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .fetch_one(kept.connection())
        .await?;
    Ok(row.try_get(0)?)
}
