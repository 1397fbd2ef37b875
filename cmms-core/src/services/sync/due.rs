//! Runs of connections whose interval has passed.

use super::run::new_run;
use crate::context::CallContext;
use crate::domain::connection::Connection;
use crate::domain::entity::SyncType;
use crate::domain::sync_run::{SyncRun, SyncStatus};
use crate::ids::{ConnectionId, RunId};
use crate::ports::repository::TxExt;
use crate::ports::store::{Dir, Filter, Lock, Query, SaveRule, Tx, TxMode};
use crate::record::Field;
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::uow::Uow;
use crate::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};

/// Connections that are looked at together.
const AT_ONCE: u32 = 500;

/// Queues a run for each connection whose interval has passed since its last run was asked for.
pub(in crate::services) async fn queue_due(cx: &CallContext, app: &App) -> Result<Vec<RunId>> {
    let mut queued = Vec::new();
    let mut after = None;
    loop {
        let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
        let query = Query {
            after: after.map(|id: ConnectionId| vec![id.cell().into_owned()]),
            limit: Some(AT_ONCE),
            ..Query::default()
        };
        let connections = tx.of::<Connection>().list(&query).await?;
        for connection in &connections {
            if is_due(app, &mut tx, connection, app.clock.now()).await? {
                queued.extend(queue(cx, app, connection).await?);
            }
        }
        if connections.len() < AT_ONCE as usize {
            return Ok(queued);
        }
        after = connections.last().map(|connection| connection.id);
    }
}

/// Whether the connection's interval has passed and none of its runs is on its way.
async fn is_due(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: &Connection,
    now: DateTime<Utc>,
) -> Result<bool> {
    let Some(seconds) = connection.sync_interval.filter(|_| connection.enabled) else {
        return Ok(false);
    };
    // A vendor that this program does not know is somebody else's to sync.
    if app.adapters.require(&connection.cmms_type).is_err() {
        return Ok(false);
    }
    let query = Query {
        filter: Filter::eq(SyncRun::CMMS_CONNECTION_ID, connection.id.cell()),
        order: vec![(SyncRun::ID, Dir::Desc)],
        limit: Some(1),
        ..Query::default()
    };
    let last = tx.of::<SyncRun>().list(&query).await?.pop();
    let interval = TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX);
    Ok(last.is_none_or(|run| {
        let ended = !matches!(run.status, SyncStatus::Queued | SyncStatus::Running);
        ended && now.signed_duration_since(run.created_at) >= interval
    }))
}

/// Queues a run, unless another worker was faster: whoever has the connection's row looks once more.
async fn queue(cx: &CallContext, app: &App, connection: &Connection) -> Result<Option<RunId>> {
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let key = [connection.id.cell()];
    let stored = uow.tx().of::<Connection>().locked(&key, Lock::Wait).await?;
    let Some(connection) = stored else {
        return Ok(None);
    };
    if !is_due(app, uow.tx(), &connection, now).await? {
        return Ok(None);
    }
    let id = RunId(app.ids.next());
    let by = cx.scope.principal().to_string();
    let mut run = new_run(connection.id, SyncType::All, false, id, by, now);
    run.status = SyncStatus::Queued;
    uow.save(&run, SaveRule::Insert, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    uow.commit(AuditEvent::new("sync.queue", "run", id).version(run.version))
        .await?;
    Ok(Some(id))
}
