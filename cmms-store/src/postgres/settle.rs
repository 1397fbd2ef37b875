//! Finds out what became of a commit whose answer was lost.

use super::errors::Fault;
use super::pool::Pool;
use super::read::{self, Counted};
use super::whole::Whole;
use crate::sql::{Catalogue, Statements};
use cmms_core::Result;
use cmms_core::domain::audit::AuditEntry;
use cmms_core::failpoint::{Failpoint, is_on};
use cmms_core::ports::store::{Lock, Saved};
use cmms_core::record::{Cell, Record as _, Row, RowSource, Rows, Table};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long it is tried to reach the database again.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause before each try.
const PAUSE: Duration = Duration::from_millis(100);

/// A row that a transaction inserted: when it is there afterwards, the transaction was committed.
///
/// Only a row that no other transaction can have inserted proves that. The entry of the audit is one, since its id is made
/// for this attempt alone; the answer that is kept under a caller's key is none, since another process may have kept its
/// own there.
#[derive(Debug, Default)]
pub(super) struct Trace(Option<(&'static Table, Vec<Cell<'static>>)>);

impl Trace {
    /// Remembers a row that was inserted alone, as the entry of the audit is in each unit of work.
    pub(super) fn note(&mut self, statements: &Statements, rows: &dyn RowSource, saved: &[Saved]) {
        if saved == [Saved::Inserted] {
            self.put_off(statements.table, rows);
        }
    }

    /// Remembers a row that will be inserted with the commit.
    pub(super) fn put_off(&mut self, table: &'static Table, rows: &dyn RowSource) {
        let is_proof = |table: &Table| {
            table.name == AuditEntry::TABLE.name && !is_on(Failpoint::BelieveAnyRow)
        };
        if self.0.as_ref().is_some_and(|(kept, _)| is_proof(kept)) {
            return;
        }
        self.0 = Some((table, Row::of_key(table, rows, 0).0));
    }

    /// Reaches the database again and looks whether the row is there.
    ///
    /// A transaction that was `whole` in one statement may still be on its way when it is looked for: it is carried out
    /// if it is not there, and what comes later finds its keys taken.
    ///
    /// # Errors
    /// `CMMS-STORE-012` where nothing was stored; `CMMS-STORE-016` where it cannot be found out.
    pub(super) async fn settle(
        self,
        pool: &Arc<Pool>,
        catalogue: &Arc<Catalogue>,
        org: Uuid,
        fault: Fault,
        whole: Option<Whole>,
    ) -> Result<()> {
        pool.forget();
        let Some((table, key)) = self.0 else {
            return Err(pool.place.unknown().source(fault));
        };
        let statements = catalogue.of(table);
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                tokio::time::sleep(PAUSE).await;
                let found = look(pool, &statements, org, &key, whole.as_ref()).await;
                if matches!(found, Ok(_) | Err(Fault::Failed(_))) {
                    return found;
                }
            }
        });
        match found.await {
            Ok(Ok(Found::Stored)) => {
                tracing::info!("cmms.store.settle: a commit without an answer was carried out");
                Ok(())
            }
            Ok(Ok(Found::Nothing)) => Err(pool.place.error(fault)),
            Ok(Ok(Found::Others)) => Err(pool.place.conflict().source(fault)),
            Ok(Err(failed)) => Err(pool.place.error(failed)),
            Err(_) => Err(pool.place.unknown().source(fault)),
        }
    }
}

/// What became of a transaction.
enum Found {
    /// It was carried out, or is now.
    Stored,
    /// Nothing is stored of it.
    Nothing,
    /// So, since another process has counted meanwhile.
    Others,
}

/// The lock of the writer is had only when a transaction that had begun has ended, one way or the other.
async fn look(
    pool: &Arc<Pool>,
    statements: &Statements,
    org: Uuid,
    key: &[Cell<'static>],
    whole: Option<&Whole>,
) -> Result<Found, Fault> {
    let (mut session, _turn) = pool.writer(org).await?;
    let mut rows = Rows::of_width(statements.table.columns.len());
    let mut to = Counted {
        to: &mut rows,
        any: false,
    };
    let connection = session.enter()?.connection();
    let done = read::get(connection, statements, org, &[key], Lock::None, &mut to).await;
    session.left(&done);
    done?;
    match whole {
        _ if !rows.rows.is_empty() => Ok(Found::Stored),
        None => Ok(Found::Nothing),
        Some(whole) => {
            let kept = session.enter()?;
            let mut done = whole.run(kept, &statements.dialect, &pool.schema).await;
            if let Ok(true) = done {
                done = kept.run("COMMIT".to_owned()).await.map(|()| true);
            }
            session.left(&done);
            if !done? {
                return Ok(Found::Others);
            }
            session.committed();
            Ok(Found::Stored)
        }
    }
}
