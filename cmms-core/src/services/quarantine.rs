//! Records that cannot be stored, as people see to them.

use super::app::App;
use super::audit::AuditEvent;
use super::paging;
use super::sync::remap;
use super::uow::Uow;
use crate::context::{CallContext, Permission};
use crate::domain::entity::Entity;
use crate::domain::sync_state::{QuarantineItem, QuarantineState};
use crate::ids::{ConnectionId, QuarantineId};
use crate::page::Page;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, SaveRule, Tx, TxMode};
use crate::record::Field;
use crate::{Error, Result, code, request};

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

request! {
    /// Names a quarantined record.
    pub struct GetQuarantined {
        required {
            /// The quarantined record.
            quarantine_id: QuarantineId,
        }
    }
}

impl From<QuarantineId> for GetQuarantined {
    fn from(id: QuarantineId) -> Self {
        Self::new(id)
    }
}

/// A page of the quarantine.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(
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

/// Maps a quarantined record again from what is stored of it, with the present mapping. It comes in and is
/// `resolved` (also where a newer form of it is stored already: that stays), or it is `open` with one attempt
/// more and its present reason. A resolved one stays as it is.
///
/// # Errors
/// `CMMS-SYNC-007` where there is none; `CMMS-SYNC-001` while a sync of the connection goes on.
pub async fn retry(cx: &CallContext, app: &App, input: GetQuarantined) -> Result<QuarantineItem> {
    cx.scope.require(Permission::SyncRun)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    let item = require(&mut tx, input.quarantine_id).await?;
    drop(tx);
    if item.state == QuarantineState::Resolved {
        return Ok(item);
    }
    remap::retry(cx, app, &item).await?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    require(&mut tx, input.quarantine_id).await
}

/// Leaves a quarantined record out for good: only another form of it, when the vendor sends one, is looked at
/// again.
///
/// # Errors
/// `CMMS-SYNC-007` where there is none; `CMMS-SYNC-008` where it has come in.
pub async fn discard(cx: &CallContext, app: &App, input: GetQuarantined) -> Result<QuarantineItem> {
    cx.scope.require(Permission::SyncRun)?;
    let mut uow = Uow::begin(app, cx).await?;
    let mut item = require(uow.tx(), input.quarantine_id).await?;
    match item.state {
        QuarantineState::Discarded => return Ok(item),
        QuarantineState::Resolved => {
            let message = format!("{} {} has come in", item.entity, item.external_id);
            return Err(Error::new(code::QUARANTINE_RESOLVED, message).field(
                "quarantine_id",
                "quarantine_resolved",
                "names a record that is resolved",
            ));
        }
        QuarantineState::Open => {}
    }
    item.state = QuarantineState::Discarded;
    item.version += 1;
    item.updated_at = uow.now();
    let clash = || Error::internal("a quarantine id was used twice");
    uow.save(&item, SaveRule::Update, clash).await?;
    let event = AuditEvent::new("quarantine.discard", "quarantine", item.id).version(item.version);
    uow.commit(event).await?;
    Ok(item)
}

async fn require(tx: &mut Box<dyn Tx>, id: QuarantineId) -> Result<QuarantineItem> {
    let filter = Filter::eq(QuarantineItem::ID, id.cell());
    let found = tx.of::<QuarantineItem>().first(filter).await?;
    found.ok_or_else(|| {
        Error::new(
            code::QUARANTINE_NOT_FOUND,
            format!("there is no quarantined record {id}"),
        )
        .field(
            "quarantine_id",
            "quarantine_not_found",
            "names no quarantined record",
        )
    })
}
