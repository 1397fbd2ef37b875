//! One run at a time for each connection and kind of record.

use crate::domain::entity::Entity;
use crate::domain::sync_run::{RunError, SyncRun, SyncStatus};
use crate::domain::sync_state::SyncLease;
use crate::failpoint::{Failpoint, is_on};
use crate::ids::{ConnectionId, RunId};
use crate::ports::process::ProcessId;
use crate::ports::repository::TxExt;
use crate::ports::store::{SaveRule, Saved, Tx};
use crate::record::{Field, RawJson};
use crate::services::app::App;
use crate::{Error, Result, code};
use chrono::{DateTime, Utc};

/// Takes the lease for a run, also from an owner who is dead.
///
/// # Errors
/// `CMMS-SYNC-001` with the id of the run that holds it.
pub(super) async fn take(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    run: RunId,
    now: DateTime<Utc>,
) -> Result<()> {
    let owner = serde_json::to_string(&app.processes.me())
        .map_err(|e| Error::internal("a process id cannot be written").source(e))?;
    let before = tx
        .of::<SyncLease>()
        .get(&[connection.cell(), entity.cell()])
        .await?;
    if let Some(held) = before.as_ref().and_then(|lease| lease.run_id)
        && held != run
    {
        let holder = before
            .as_ref()
            .map(|lease| lease.owner.0.as_ref())
            .unwrap_or_default();
        if lives(app, held, holder) && !is_on(Failpoint::StealLease) {
            return Err(running(held, entity));
        }
        interrupt(tx, held, now).await?;
    }
    let lease = SyncLease {
        connection_id: connection,
        entity,
        version: before.as_ref().map_or(1, |lease| lease.version + 1),
        run_id: Some(run),
        owner: RawJson(owner.into()),
    };
    let rule = if before.is_some() {
        SaveRule::Update
    } else {
        SaveRule::Insert
    };
    match tx.of::<SyncLease>().save(&lease, rule).await? {
        Saved::Inserted | Saved::Updated | Saved::Unchanged => Ok(()),
        // Somebody took it between our look and our write, which a store with one writer never shows.
        Saved::Stale | Saved::Duplicate => Err(running(run, entity)),
    }
}

/// Gives the lease back.
pub(super) async fn release(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    run: RunId,
) -> Result<()> {
    let held = tx
        .of::<SyncLease>()
        .get(&[connection.cell(), entity.cell()])
        .await?;
    if let Some(mut lease) = held.filter(|lease| lease.run_id == Some(run)) {
        lease.run_id = None;
        lease.version += 1;
        tx.of::<SyncLease>().save(&lease, SaveRule::Update).await?;
    }
    Ok(())
}

/// Refuses to write for a run that lost its lease.
pub(super) async fn hold(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    run: RunId,
) -> Result<()> {
    let held = tx
        .of::<SyncLease>()
        .get(&[connection.cell(), entity.cell()])
        .await?;
    match held.and_then(|lease| lease.run_id) {
        Some(holder) if holder == run => Ok(()),
        Some(holder) => Err(running(holder, entity)),
        None => Err(Error::new(
            code::SYNC_INTERRUPTED,
            format!("the {entity} lease of this run is gone"),
        )),
    }
}

/// Refuses while a run of the connection goes on.
pub(crate) async fn refuse_while_held(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
) -> Result<()> {
    for entity in Entity::ALL {
        let held = tx
            .of::<SyncLease>()
            .get(&[connection.cell(), entity.cell()])
            .await?;
        let Some(lease) = held else { continue };
        let Some(run) = lease.run_id else { continue };
        if lives(app, run, &lease.owner.0) {
            return Err(Error::new(
                code::CONNECTION_BUSY,
                format!("run {run} syncs this connection"),
            )
            .subject("run_id", run));
        }
    }
    Ok(())
}

fn lives(app: &App, run: RunId, owner: &str) -> bool {
    let Ok(owner) = serde_json::from_str::<ProcessId>(owner) else {
        return false;
    };
    // Within this process the list of active runs knows better: a dropped run leaves its lease behind.
    if owner == app.processes.me() {
        app.active.contains(run)
    } else {
        app.processes.is_alive(&owner)
    }
}

fn running(run: RunId, entity: Entity) -> Error {
    Error::new(
        code::SYNC_RUNNING,
        format!("run {run} syncs this connection's {entity} records just now"),
    )
    .subject("run_id", run)
    .field(
        "cmms_connection_id",
        "sync_running",
        format!("wait for run {run}"),
    )
}

/// Marks the run of a dead owner as ended.
async fn interrupt(tx: &mut Box<dyn Tx>, run: RunId, now: DateTime<Utc>) -> Result<()> {
    let stored = tx.of::<SyncRun>().get(&[run.cell()]).await?;
    if let Some(mut run) = stored.filter(|r| r.status == SyncStatus::Running) {
        run.status = SyncStatus::Failed;
        run.finished_at = Some(now);
        run.updated_at = now;
        run.version += 1;
        run.add_error(RunError {
            code: code::SYNC_INTERRUPTED.id().to_owned(),
            detail: "the process of this run ended before the run did".to_owned(),
            field: None,
            remedy: code::SYNC_INTERRUPTED.remedy().to_owned(),
            entity: None,
            external_id: None,
        });
        tx.of::<SyncRun>().save(&run, SaveRule::Update).await?;
    }
    Ok(())
}
