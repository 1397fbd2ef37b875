//! How a connection does, after each call of its vendor.

use crate::context::CallContext;
use crate::domain::connection::{ConnectionHealth, HealthState};
use crate::ids::ConnectionId;
use crate::ports::store::SaveRule;
use crate::record::Json;
use crate::services::app::App;
use crate::services::audit::{AuditEvent, changes};
use crate::services::uow::Uow;
use crate::{Error, Result, code};

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
    let before = super::require(uow.tx(), id).await?;
    let healthy = state == HealthState::Healthy;
    let health = ConnectionHealth {
        state,
        reason,
        checked_at: Some(now),
        last_success_at: if healthy {
            Some(now)
        } else {
            before.health.0.last_success_at
        },
    };
    let mut after = before.clone();
    after.health = Json(health.clone());
    after.version += 1;
    after.updated_at = now;
    uow.save(&after, SaveRule::Update, || {
        Error::internal("a connection's name was taken meanwhile")
    })
    .await?;
    let event = AuditEvent::new("connection.health", "connection", id)
        .version(after.version)
        .change(changes(Some(&before), &after));
    uow.commit(event).await?;
    Ok(health)
}
