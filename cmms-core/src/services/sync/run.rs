//! One run from its first row to its last.

use super::heartbeat::beat;
use super::lease::{self, Held};
use super::quarantine;
use super::remarks;
use super::stream::Stream;
use super::synced::with_entity;
use crate::context::CallContext;
use crate::domain::connection::Connection;
use crate::domain::entity::{Entity, SyncType};
use crate::domain::sync_run::{RunError, StreamCount, SyncRun, SyncStatus};
use crate::failpoint::{Failpoint, is_on};
use crate::ids::{ConnectionId, RunId};
use crate::ports::adapter::{Adapter, AdapterCx, concerns_all_kinds};
use crate::ports::repository::TxExt;
use crate::ports::store::{SaveRule, Tx};
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
pub(in crate::services) struct Begun {
    pub(super) run: SyncRun,
    plan: Plan,
    held: Held,
    cx: CallContext,
    /// Whether it is put back when the application stops, for others to go on with.
    is_put_back: bool,
    _active: ActiveRun,
}

/// Stores the first row. The run then ends when `cancel` fires, whoever asked for it.
pub(super) async fn open(
    cx: &CallContext,
    app: &App,
    plan: Plan,
    cancel: CancellationToken,
) -> Result<Begun> {
    plan.require()?;
    let id = RunId(app.ids.next());
    // Entered before the lease is stored, so that nobody in this process takes the run for dead.
    let active = app.active.enter(id, cancel.clone());
    let (run, held) = begin(cx, app, &plan, id, &active).await?;
    Ok(Begun::new(cx, plan, cancel, run, held, active))
}

impl Plan {
    /// Refuses kinds of records that the vendor does not have.
    pub(super) fn require(&self) -> Result<()> {
        for entity in self.sync_type.entities() {
            self.adapter.capabilities().require(*entity)?;
        }
        Ok(())
    }

    /// Refuses to begin with a connection that was removed or changed since the plan was made. It is asked in the
    /// transaction that takes the lease, so that whoever changes the connection afterwards finds the lease.
    ///
    /// # Errors
    /// `CMMS-CONN-001`; `CMMS-CONN-008` for a plan that is to be made anew.
    pub(super) async fn check_still_holds(&self, tx: &mut Box<dyn Tx>) -> Result<()> {
        if is_on(Failpoint::BelievePlan) {
            return Ok(());
        }
        connections::refuse_changed(tx, &self.connection, self.acx.credentials_version).await
    }
}

impl Begun {
    pub(super) fn new(
        cx: &CallContext,
        mut plan: Plan,
        cancel: CancellationToken,
        run: SyncRun,
        held: Held,
        active: ActiveRun,
    ) -> Self {
        plan.acx.cancel = cancel.clone();
        let mut cx = cx.clone();
        cx.cancel = cancel;
        Self {
            run,
            plan,
            held,
            cx,
            is_put_back: false,
            _active: active,
        }
    }

    /// Lets the run be put back when the application stops.
    #[must_use]
    pub(super) fn put_back_on_stop(mut self) -> Self {
        self.is_put_back = true;
        self
    }
}

/// Runs it. What goes wrong at the vendor ends in the run; what goes wrong here is the error.
pub(super) async fn carry_out(app: &App, begun: Begun) -> Result<SyncRun> {
    let Begun {
        mut run,
        plan,
        held,
        cx,
        is_put_back,
        _active,
    } = begun;
    let cx = &cx;
    let mut kinds = Kinds::default();
    let outcome = tokio::select! {
        biased;
        outcome = streams(cx, app, &plan, &held, &mut run, &mut kinds) => outcome,
        // What was being written is undone.
        lost = beat(cx, app, &held) => Err(lost),
    };
    let end = match outcome {
        // Somebody else goes on with the run, so its end is theirs to write.
        Err(lost) if lost.is(code::RUN_TAKEN_OVER) => return Err(lost),
        Err(e) if e.kind() == ErrorKind::Cancelled && is_put_back && app.is_stopping() => {
            End::PutBack
        }
        Err(e) => End::Failed(e),
        Ok(()) => End::Reached(kinds),
    };
    finish(cx, app, &plan, &held, run, end).await
}

/// How the kinds of record of a run ended.
#[derive(Default)]
struct Kinds {
    /// How many came through.
    through: usize,
    /// Why others did not; no kind where the error is about the connection as a whole.
    failed: Vec<(Option<Entity>, Error)>,
}

/// Brings in one kind of record after the other. One that the vendor refuses does not keep the others from coming in.
async fn streams(
    cx: &CallContext,
    app: &App,
    plan: &Plan,
    held: &Held,
    run: &mut SyncRun,
    kinds: &mut Kinds,
) -> Result<()> {
    let confirmed = connections::confirm_account(cx, app, &*plan.adapter, &plan.acx, held).await;
    if let Err(e) = confirmed {
        if is_ours(&e) || is_of_another_account(&e) {
            return Err(e);
        }
        // What waits here needs no vendor.
        for entity in plan.sync_type.entities() {
            with_entity!(*entity, R => async {
                Stream::<R>::open(cx, app, plan, held).await?.waiting(run).await
            }
            .await)?;
        }
        kinds.failed.push((None, e));
        return Ok(());
    }
    for entity in plan.sync_type.entities() {
        let ended = with_entity!(*entity, R => async {
            Stream::<R>::open(cx, app, plan, held).await?.drain(run).await
        }
        .await);
        match ended {
            Ok(()) => kinds.through += 1,
            Err(e) if is_ours(&e) || is_of_another_account(&e) => return Err(e),
            Err(e) if concerns_all_kinds(&e) => {
                kinds.failed.push((None, e));
                return Ok(());
            }
            Err(e) => {
                tracing::debug!(%entity, error = %e, "goes on with the next kind of record");
                kinds.failed.push((Some(*entity), e));
            }
        }
    }
    Ok(())
}

async fn begin(
    cx: &CallContext,
    app: &App,
    plan: &Plan,
    id: RunId,
    active: &ActiveRun,
) -> Result<(SyncRun, Held)> {
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let by = cx.scope.principal().to_string();
    let run = begun(plan, id, by, now);
    plan.check_still_holds(uow.tx()).await?;
    let (connection, entities) = (plan.connection.id, plan.sync_type.entities());
    let held = Held::take(app, uow.tx(), connection, entities, id, active).await?;
    uow.save(&run, SaveRule::Insert, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    idempotency::keep_run(cx, &mut uow, id).await?;
    uow.commit(AuditEvent::new("sync.start", "run", id).version(run.version))
        .await?;
    Ok((run, held))
}

/// A run that has just begun.
pub(super) fn begun(plan: &Plan, id: RunId, by: String, now: DateTime<Utc>) -> SyncRun {
    new_run(plan.connection.id, plan.sync_type, plan.force, id, by, now)
}

/// A run of which nothing is done yet.
pub(super) fn new_run(
    connection: ConnectionId,
    sync_type: SyncType,
    force: bool,
    id: RunId,
    by: String,
    now: DateTime<Utc>,
) -> SyncRun {
    SyncRun {
        id,
        version: 1,
        created_at: now,
        created_by: by.clone(),
        updated_at: now,
        cmms_connection_id: connection,
        sync_type,
        force_sync: force,
        status: SyncStatus::Running,
        synced_count: 0,
        created: 0,
        updated: 0,
        unchanged: 0,
        deleted: 0,
        quarantined: 0,
        errors: Json(Vec::new()),
        streams: Json(
            sync_type
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
    if !matches!(run.status, SyncStatus::Queued | SyncStatus::Running) {
        return Ok(run);
    }
    lease::free_abandoned(app, uow.tx(), &run).await?;
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

/// How a run comes to its end in this process.
enum End {
    /// Each kind of record came to its end.
    Reached(Kinds),
    /// Something went wrong, or the caller gave up.
    Failed(Error),
    /// The application stops; another process goes on.
    PutBack,
}

async fn finish(
    cx: &CallContext,
    app: &App,
    plan: &Plan,
    held: &Held,
    mut run: SyncRun,
    end: End,
) -> Result<SyncRun> {
    // The end is written even when the caller gave up.
    let mut closing = cx.clone();
    closing.cancel = tokio_util::sync::CancellationToken::new();
    let mut uow = Uow::begin(app, &closing).await?;
    held.check_all(uow.tx()).await?;
    let now = uow.now();
    let put_back = matches!(end, End::PutBack);
    let (through, failed) = match end {
        End::Failed(e) => (0, vec![(None, e)]),
        End::Reached(kinds) => (kinds.through, kinds.failed),
        End::PutBack => (0, Vec::new()),
    };
    let failure = failed.first().map(|(_, e)| e);
    let waiting =
        quarantine::waiting(uow.tx(), plan.connection.id, plan.sync_type.entities()).await?;
    run.status = match failure {
        _ if put_back => SyncStatus::Queued,
        Some(e) if e.kind() == ErrorKind::Cancelled => SyncStatus::Cancelled,
        Some(_) if through == 0 => SyncStatus::Failed,
        Some(_) => SyncStatus::Partial,
        None if waiting > 0 || quarantine::is_noted(&run) || remarks::is_incomplete(&run) => {
            SyncStatus::Partial
        }
        None => SyncStatus::Ok,
    };
    for (entity, e) in failed.iter().rev() {
        // What ended a kind is worth more than one more record of many.
        run.errors.0.insert(0, error_of(e, *entity, None));
        run.errors.0.truncate(crate::domain::sync_run::MAX_ERRORS);
    }
    if failed.is_empty() && waiting > 0 && run.errors.0.iter().all(remarks::is_notice) && !put_back
    {
        let detail = format!("{waiting} records of earlier runs wait in quarantine");
        run.add_error(error_of(
            &Error::new(code::RECORDS_WAITING, detail),
            None,
            None,
        ));
    }
    run.finished_at = (!put_back).then_some(now);
    run.updated_at = now;
    run.version += 1;
    uow.save(&run, SaveRule::Update, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    held.release(uow.tx()).await?;
    let action = if put_back {
        "sync.requeue"
    } else {
        "sync.finish"
    };
    let mut event = AuditEvent::new(action, "run", run.id).version(run.version);
    if let Some(e) = failure {
        event = event.cause(e.code().id());
    }
    uow.commit(event).await?;
    run.derive();
    match failed.into_iter().next().map(|(_, e)| e) {
        None if put_back => Ok(run),
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
pub(super) fn is_ours(e: &Error) -> bool {
    !is_of_another_account(e) && !matches!(e.code().area(), "VENDOR" | "EGRESS")
}

/// Whether the login leads to another account than that of the records.
fn is_of_another_account(e: &Error) -> bool {
    e.is(code::ACCOUNT_CHANGED) || e.is(code::ACCOUNT_CONNECTED)
}

/// An error as a run lists it.
pub(in crate::services) fn error_of(
    e: &Error,
    entity: Option<Entity>,
    external_id: Option<&str>,
) -> RunError {
    RunError {
        code: e.code().id().to_owned(),
        detail: e.problem(None).detail,
        field: e.first_field().map(str::to_owned),
        remedy: e.remedy().to_owned(),
        entity,
        external_id: external_id.map(str::to_owned),
    }
}
