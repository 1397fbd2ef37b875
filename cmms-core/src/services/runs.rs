//! Runs, as they are read.

use super::app::App;
use super::paging;
use crate::context::{CallContext, Permission};
use crate::domain::sync_run::{SyncRun, SyncStatus};
use crate::ids::{ConnectionId, RunId};
use crate::page::Page;
use crate::ports::repository::TxExt;
use crate::ports::store::TxMode;
use crate::record::Field;
use crate::{Error, Result, code, request};

request! {
    /// Names a run.
    pub struct GetRun {
        required {
            /// The run.
            run_id: RunId,
        }
    }
}

impl From<RunId> for GetRun {
    fn from(id: RunId) -> Self {
        Self::new(id)
    }
}

request! {
    /// Lists runs, oldest first.
    pub struct ListRuns {
        optional {
            /// Only those of this connection.
            cmms_connection_id: ConnectionId,
            /// Only those that stand so.
            status: SyncStatus,
            /// At most so many, from 1 to 500 (50).
            limit: u32,
            /// The `next` of the page before.
            cursor: String,
        }
    }
}

/// One run.
///
/// # Errors
/// `CMMS-SYNC-002` where there is none.
pub async fn get(cx: &CallContext, app: &App, input: GetRun) -> Result<SyncRun> {
    cx.scope.require(Permission::SyncView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    let mut run = tx
        .of::<SyncRun>()
        .get(&[input.run_id.cell()])
        .await?
        .ok_or_else(|| {
            Error::new(
                code::RUN_NOT_FOUND,
                format!("there is no run {}", input.run_id),
            )
            .field("run_id", "run_not_found", "names no run")
        })?;
    run.derive();
    Ok(run)
}

/// A page of runs.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListRuns) -> Result<Page<SyncRun>> {
    cx.scope.require(Permission::SyncView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let connection = input.cmms_connection_id.map(|id| id.to_string());
    let wanted = [
        (SyncRun::CMMS_CONNECTION_ID, connection.as_deref()),
        (SyncRun::STATUS, input.status.map(SyncStatus::as_str)),
    ];
    let ask = paging::Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let mut page =
        paging::page(&mut tx, cx, &wanted, SyncRun::ID, ask, |r: &SyncRun| r.id.0).await?;
    page.items.iter_mut().for_each(SyncRun::derive);
    Ok(page)
}
