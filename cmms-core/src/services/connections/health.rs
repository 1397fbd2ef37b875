//! How a connection does, after each call of its vendor.

use super::refuse_changed;
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
    note(cx, app, id, HealthState::Healthy, None, None).await
}

/// What a test of a connection came to, unless the connection was changed since it was read: then the vendor's word is
/// about what it was.
///
/// # Errors
/// `CMMS-CONN-008`; those of a write.
pub(super) async fn note_test(
    cx: &CallContext,
    app: &App,
    read: &Connection,
    credentials_version: i64,
    refused: Option<&Error>,
) -> Result<ConnectionHealth> {
    let (state, reason) = match refused {
        None => (HealthState::Healthy, None),
        Some(e) => failed(e),
    };
    let as_read = Some((read, credentials_version));
    note(cx, app, read.id, state, reason, as_read).await
}

/// A call of the vendor failed.
pub(crate) async fn note_failure(
    cx: &CallContext,
    app: &App,
    id: ConnectionId,
    e: &Error,
) -> Result<ConnectionHealth> {
    let (state, reason) = failed(e);
    note(cx, app, id, state, reason, None).await
}

fn failed(e: &Error) -> (HealthState, Option<String>) {
    let state = if e.is(code::VENDOR_LOGIN) || e.is(code::SECRET_UNREADABLE) {
        HealthState::AuthRequired
    } else if e.is(code::VENDOR_LIMIT) {
        HealthState::RateLimited
    } else {
        HealthState::Degraded
    };
    (state, Some(format!("{} {}", e.code().id(), e.message())))
}

async fn note(
    cx: &CallContext,
    app: &App,
    id: ConnectionId,
    state: HealthState,
    reason: Option<String>,
    as_read: Option<(&Connection, i64)>,
) -> Result<ConnectionHealth> {
    let mut uow = Uow::begin(app, cx).await?;
    if let Some((read, credentials_version)) = as_read {
        refuse_changed(uow.tx(), read, credentials_version).await?;
    }
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
