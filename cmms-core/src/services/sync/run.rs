//! One run from its first row to its last.

use super::lease;
use super::quarantine;
use super::stream::Stream;
use super::synced::with_entity;
use super::unlisted;
use crate::context::CallContext;
use crate::domain::connection::Connection;
use crate::domain::entity::{Entity, SyncType};
use crate::domain::sync_run::{RunError, StreamCount, SyncRun, SyncStatus};
use crate::domain::sync_state::SyncLease;
use crate::ids::RunId;
use crate::ports::adapter::{Adapter, AdapterCx};
use crate::ports::process::ProcessId;
use crate::ports::repository::TxExt;
use crate::ports::store::SaveRule;
use crate::record::{Field, Json};
use crate::services::active::ActiveRun;
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::uow::Uow;
use crate::services::{connections, idempotency};
use crate::{Error, ErrorKind, Result, code};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What is to be done.
pub(super) struct Plan {
    pub(super) connection: Connection,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) acx: AdapterCx,
    pub(super) sync_type: SyncType,
    pub(super) force: bool,
}

/// A run whose first row is stored.
pub(super) struct Begun {
    pub(super) run: SyncRun,
    plan: Plan,
    cx: CallContext,
    _active: ActiveRun,
}

/// Stores the first row. The run then ends when `cancel` fires, whoever asked for it.
pub(super) async fn open(
    cx: &CallContext,
    app: &App,
    mut plan: Plan,
    cancel: CancellationToken,
) -> Result<Begun> {
    for entity in plan.sync_type.entities() {
        plan.adapter.capabilities().require(*entity)?;
    }
    let id = RunId(app.ids.next());
    // Entered before the lease is stored, so that nobody in this process takes the run for dead.
    let active = app.active.enter(id, cancel.clone());
    let run = begin(cx, app, &plan, id).await?;
    plan.acx.cancel = cancel.clone();
    let mut cx = cx.clone();
    cx.cancel = cancel;
    Ok(Begun {
        run,
        plan,
        cx,
        _active: active,
    })
}

/// Runs it. What goes wrong at the vendor ends in the run; what goes wrong here is the error.
pub(super) async fn carry_out(app: &App, begun: Begun) -> Result<SyncRun> {
    let Begun {
        mut run,
        plan,
        cx,
        _active,
    } = begun;
    let cx = &cx;
    let mut outcome = Ok(());
    for entity in plan.sync_type.entities() {
        outcome = with_entity!(*entity, R => async {
            Stream::<R>::open(cx, app, &plan).await?.drain(&mut run).await
        }
        .await);
        if outcome.is_err() {
            break;
        }
    }
    finish(cx, app, &plan, run, outcome).await
}

async fn begin(cx: &CallContext, app: &App, plan: &Plan, id: RunId) -> Result<SyncRun> {
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let by = cx.scope.principal().to_string();
    let run = begun(plan, id, by, now);
    for entity in plan.sync_type.entities() {
        lease::take(app, uow.tx(), plan.connection.id, *entity, id, now).await?;
    }
    uow.save(&run, SaveRule::Insert, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    idempotency::keep_run(cx, &mut uow, id).await?;
    uow.commit(AuditEvent::new("sync.start", "run", id).version(run.version))
        .await?;
    Ok(run)
}

/// A run that has just begun.
pub(super) fn begun(plan: &Plan, id: RunId, by: String, now: DateTime<Utc>) -> SyncRun {
    SyncRun {
        id,
        version: 1,
        created_at: now,
        created_by: by.clone(),
        updated_at: now,
        cmms_connection_id: plan.connection.id,
        sync_type: plan.sync_type,
        force_sync: plan.force,
        status: SyncStatus::Running,
        synced_count: 0,
        created: 0,
        updated: 0,
        unchanged: 0,
        deleted: 0,
        quarantined: 0,
        errors: Json(Vec::new()),
        streams: Json(
            plan.sync_type
                .entities()
                .iter()
                .map(|e| StreamCount::new(*e))
                .collect(),
        ),
        started_at: now,
        finished_at: None,
        requested_by: by,
        work_orders_synced: None,
        schedules_synced: None,
        assets_synced: None,
    }
}

/// Writes the end of a run that nobody works on any more.
///
/// # Errors
/// `CMMS-SYNC-011` while another process works on it.
pub(crate) async fn close(cx: &CallContext, app: &App, id: RunId) -> Result<SyncRun> {
    let mut uow = Uow::begin(app, cx).await?;
    let stored = uow.tx().of::<SyncRun>().get(&[id.cell()]).await?;
    let mut run = stored.ok_or_else(|| Error::internal("a run is gone"))?;
    run.derive();
    if run.status != SyncStatus::Running {
        return Ok(run);
    }
    let connection = run.cmms_connection_id;
    for entity in run.sync_type.entities() {
        let key = [connection.cell(), entity.cell()];
        let lease = uow.tx().of::<SyncLease>().get(&key).await?;
        let held = lease.filter(|lease| lease.run_id == Some(id));
        let owner = held.and_then(|lease| serde_json::from_str::<ProcessId>(&lease.owner.0).ok());
        // A run of this process would be on the list of active ones.
        if owner.is_some_and(|owner| owner != app.processes.me() && app.processes.is_alive(&owner))
        {
            return Err(Error::new(
                code::RUN_ELSEWHERE,
                format!("another process works on run {id}"),
            )
            .subject("run_id", id));
        }
        lease::release(uow.tx(), connection, *entity, id).await?;
    }
    run.status = SyncStatus::Cancelled;
    run.finished_at = Some(uow.now());
    run.updated_at = uow.now();
    run.version += 1;
    uow.save(&run, SaveRule::Update, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    uow.commit(AuditEvent::new("sync.cancel", "run", id).version(run.version))
        .await?;
    Ok(run)
}

async fn finish(
    cx: &CallContext,
    app: &App,
    plan: &Plan,
    mut run: SyncRun,
    outcome: Result<()>,
) -> Result<SyncRun> {
    // The end is written even when the caller gave up.
    let mut closing = cx.clone();
    closing.cancel = tokio_util::sync::CancellationToken::new();
    let mut uow = Uow::begin(app, &closing).await?;
    let now = uow.now();
    let failure = outcome.err();
    let waiting =
        quarantine::waiting(uow.tx(), plan.connection.id, plan.sync_type.entities()).await?;
    run.status = match &failure {
        Some(e) if e.kind() == ErrorKind::Cancelled => SyncStatus::Cancelled,
        Some(_) => SyncStatus::Failed,
        None if waiting > 0 || unlisted::is_noted(&run) => SyncStatus::Partial,
        None => SyncStatus::Ok,
    };
    if let Some(e) = &failure {
        // What ended the run is worth more than one more record of many.
        run.errors.0.insert(0, error_of(e, None, None));
        run.errors.0.truncate(crate::domain::sync_run::MAX_ERRORS);
    } else if waiting > 0 && run.errors.0.is_empty() {
        let detail = format!("{waiting} records of earlier runs wait in quarantine");
        run.add_error(error_of(
            &Error::new(code::RECORDS_WAITING, detail),
            None,
            None,
        ));
    }
    run.finished_at = Some(now);
    run.updated_at = now;
    run.version += 1;
    uow.save(&run, SaveRule::Update, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    for entity in plan.sync_type.entities() {
        lease::release(uow.tx(), plan.connection.id, *entity, run.id).await?;
    }
    let mut event = AuditEvent::new("sync.finish", "run", run.id).version(run.version);
    if let Some(e) = &failure {
        event = event.cause(e.code().id());
    }
    uow.commit(event).await?;
    run.derive();
    match failure {
        None => {
            connections::note_success(&closing, app, plan.connection.id).await?;
            Ok(run)
        }
        Some(e) if is_ours(&e) => Err(e),
        Some(e) => {
            connections::note_failure(&closing, app, plan.connection.id, &e).await?;
            Ok(run)
        }
    }
}

/// Whether the error is about this program rather than about the vendor.
fn is_ours(e: &Error) -> bool {
    !e.code().id().starts_with("CMMS-VENDOR") && !e.code().id().starts_with("CMMS-EGRESS")
}

/// An error as a run lists it.
pub(super) fn error_of(e: &Error, entity: Option<Entity>, external_id: Option<&str>) -> RunError {
    RunError {
        code: e.code().id().to_owned(),
        detail: e.problem(None).detail,
        field: e.first_field().map(str::to_owned),
        remedy: e.remedy().to_owned(),
        entity,
        external_id: external_id.map(str::to_owned),
    }
}
