//! How a connection does, after each call of its vendor.

use crate::Result;
use crate::context::CallContext;
use crate::domain::connection::{Connection, ConnectionHealth, HealthNote, HealthState};
use crate::ids::ConnectionId;
use crate::ports::repository::TxExt;
use crate::ports::store::SaveRule;
use crate::record::Field;
use crate::services::app::App;
use crate::services::audit::{AuditEvent, changes};
use crate::services::uow::Uow;
use crate::{Error, code};

/// The vendor answered.
pub(crate) async fn note_success(
    cx: &CallContext,
    app: &App,
    id: ConnectionId,
) -> Result<ConnectionHealth> {
    note(cx, app, id, HealthState::Healthy, None).await
}

/// A call of the vendor failed.
pub(crate) async fn note_failure(
    cx: &CallContext,
    app: &App,
    id: ConnectionId,
    e: &Error,
) -> Result<ConnectionHealth> {
    let state = if e.is(code::VENDOR_LOGIN) || e.is(code::SECRET_UNREADABLE) {
        HealthState::AuthRequired
    } else if e.is(code::VENDOR_LIMIT) {
        HealthState::RateLimited
    } else {
        HealthState::Degraded
    };
    note(
        cx,
        app,
        id,
        state,
        Some(format!("{} {}", e.code().id(), e.message())),
    )
    .await
}

async fn note(
    cx: &CallContext,
    app: &App,
    id: ConnectionId,
    state: HealthState,
    reason: Option<String>,
) -> Result<ConnectionHealth> {
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let key = [id.cell()];
    let before = uow.tx().of::<HealthNote>().get(&key).await?;
    let last = before.as_ref().and_then(|note| note.last_success_at);
    let after = HealthNote {
        connection_id: id,
        state,
        reason,
        checked_at: Some(now),
        last_success_at: if state == HealthState::Healthy {
            Some(now)
        } else {
            last
        },
    };
    // Somebody may have removed it since it was called.
    if uow.tx().of::<Connection>().get(&key).await?.is_some() {
        let clash = || Error::internal("a connection's health clashes");
        uow.save(&after, SaveRule::Upsert, clash).await?;
        let event = AuditEvent::new("connection.health", "connection", id)
            .change(changes(before.as_ref(), &after));
        uow.commit(event).await?;
    }
    Ok(after.into())
}
