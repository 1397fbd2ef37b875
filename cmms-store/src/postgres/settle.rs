//! Finds out what became of a commit whose answer was lost.

use super::errors::Fault;
use super::pool::Pool;
use super::read::{self, Counted};
use crate::sql::{Catalogue, Statements};
use cmms_core::Result;
use cmms_core::ports::store::{Lock, Saved};
use cmms_core::record::{Cell, Row, RowSource, Rows, Table};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long it is tried to reach the database again.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause before each try.
const PAUSE: Duration = Duration::from_millis(100);

/// A row that a transaction inserted: when it is there afterwards, the transaction was committed.
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
        self.0 = Some((table, Row::of_key(table, rows, 0).0));
    }

    /// Reaches the database again and looks whether the row is there.
    ///
    /// # Errors
    /// `CMMS-STORE-012` where nothing was stored; `CMMS-STORE-016` where it cannot be found out.
    pub(super) async fn settle(
        self,
        pool: &Arc<Pool>,
        catalogue: &Arc<Catalogue>,
        org: Uuid,
        fault: Fault,
    ) -> Result<()> {
        pool.forget();
        let Some((table, key)) = self.0 else {
            return Err(pool.place.unknown().source(fault));
        };
        let statements = catalogue.of(table);
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                tokio::time::sleep(PAUSE).await;
                if let Ok(found) = look(pool, &statements, org, &key).await {
                    return found;
                }
            }
        });
        match found.await {
            Ok(true) => {
                tracing::info!("cmms.store.settle: a commit without an answer was carried out");
                Ok(())
            }
            Ok(false) => Err(pool.place.error(fault)),
            Err(_) => Err(pool.place.unknown().source(fault)),
        }
    }
}

/// The lock of the writer is had only when the transaction has ended, one way or the other.
async fn look(
    pool: &Arc<Pool>,
    statements: &Statements,
    org: Uuid,
    key: &[Cell<'static>],
) -> Result<bool, Fault> {
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
    Ok(!rows.rows.is_empty())
}
