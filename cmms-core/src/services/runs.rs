//! Runs and the quarantine, as they are read.

use super::app::App;
use super::paging;
use crate::context::{CallContext, Permission};
use crate::domain::entity::Entity;
use crate::domain::sync_run::{SyncRun, SyncStatus};
use crate::domain::sync_state::{QuarantineItem, QuarantineState};
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

request! {
    /// Lists records that cannot be stored, oldest first.
    pub struct ListQuarantine {
        optional {
            /// Only those of this connection.
            cmms_connection_id: ConnectionId,
            /// Only those of this kind.
            entity: Entity,
            /// Only those that stand so; `open` unless said.
            state: QuarantineState,
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

/// A page of the quarantine.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn quarantine(
    cx: &CallContext,
    app: &App,
    input: ListQuarantine,
) -> Result<Page<QuarantineItem>> {
    cx.scope.require(Permission::SyncView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let connection = input.cmms_connection_id.map(|id| id.to_string());
    let state = input.state.unwrap_or(QuarantineState::Open);
    let wanted = [
        (QuarantineItem::CONNECTION_ID, connection.as_deref()),
        (QuarantineItem::ENTITY, input.entity.map(Entity::as_str)),
        (QuarantineItem::STATE, Some(state.as_str())),
    ];
    let ask = paging::Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    paging::page(
        &mut tx,
        cx,
        &wanted,
        QuarantineItem::ID,
        ask,
        |q: &QuarantineItem| q.id.0,
    )
    .await
}
