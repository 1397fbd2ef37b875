//! Runs, as they are read.

use super::app::App;
use super::audit::AuditEvent;
use super::paging::{self, Order, Wanted};
use super::uow::Uow;
use crate::context::{CallContext, Permission};
use crate::domain::sync_run::{SyncRun, SyncStatus};
use crate::ids::{ConnectionId, RunId};
use crate::page::Page;
use crate::ports::repository::TxExt;
use crate::ports::store::{Dir, TxMode};
use crate::record::Field;
use crate::{Error, Result, code, request, wire_enum};
use std::time::Duration;

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

wire_enum! {
    /// The orders in which runs are listed; a leading `-` turns one around.
    pub enum RunSort {
        /// As they were asked for.
        CreatedAt = "created_at",
        /// The latest first.
        CreatedAtDesc = "-created_at",
    }
}

request! {
    /// Lists runs, oldest first unless another order is asked for.
    pub struct ListRuns {
        optional {
            /// Only those of this connection.
            cmms_connection_id: ConnectionId,
            /// Only those that stand so.
            status: SyncStatus,
            /// The order (`created_at`).
            sort: RunSort,
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

/// How long a cancelled run is waited for; then it is answered as it is.
const ENDING: Duration = Duration::from_secs(2);

/// Ends a run at its next safe point. What it has stored stays, and the next sync goes on behind it.
///
/// # Errors
/// `CMMS-SYNC-002` where there is none; `CMMS-SYNC-010` where it has ended; `CMMS-SYNC-011` while another process
/// works on it.
pub async fn cancel(cx: &CallContext, app: &App, input: GetRun) -> Result<SyncRun> {
    cx.scope.require(Permission::SyncRun)?;
    let run = get(cx, app, input.clone()).await?;
    if !matches!(run.status, SyncStatus::Queued | SyncStatus::Running) {
        return Err(Error::new(
            code::RUN_ENDED,
            format!("run {} has ended: it is {}", run.id, run.status),
        )
        .field("run_id", "run_ended", "names a run that has ended"));
    }
    match app.active.cancel(run.id) {
        Some(ended) => tokio::select! {
            biased;
            () = ended.cancelled() => {}
            () = app.clock.sleep(ENDING) => {}
        },
        None => return super::sync::close(cx, app, run.id).await,
    }
    let ended = get(cx, app, input).await?;
    // The end itself is told by the run's own entry, whose actor asked for the sync. Not before the end: the run writes
    // it, and this transaction may stay open until the call is answered.
    let uow = Uow::begin(app, cx).await?;
    let event = AuditEvent::new("sync.cancel", "run", run.id).version(ended.version);
    uow.commit(event).await?;
    Ok(ended)
}

/// A page of runs.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListRuns) -> Result<Page<SyncRun>> {
    cx.scope.require(Permission::SyncView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let wanted = Wanted::all()
        .eq(
            SyncRun::CMMS_CONNECTION_ID,
            input.cmms_connection_id.as_ref().map(Field::cell),
        )
        .eq(SyncRun::STATUS, input.status.as_ref().map(Field::cell));
    let sort = input.sort.unwrap_or(RunSort::CreatedAt);
    let order = Order {
        word: sort.as_str(),
        by: None,
        dir: match sort {
            RunSort::CreatedAt => Dir::Asc,
            RunSort::CreatedAtDesc => Dir::Desc,
        },
        id: SyncRun::ID,
        id_of: |run: &SyncRun| run.id.0,
    };
    let ask = paging::Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let mut page = paging::sorted(&mut tx, cx, wanted, &order, ask).await?;
    page.items.iter_mut().for_each(SyncRun::derive);
    Ok(page)
}
