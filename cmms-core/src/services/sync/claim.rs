//! Runs that wait for a worker: queued ones, and those whose owner is gone.

use super::lease::{self, Held};
use super::run::{self, Begun, Plan, error_of};
use crate::context::CallContext;
use crate::domain::sync_run::{SyncRun, SyncStatus};
use crate::ids::RunId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Dir, Filter, Lock, Query, SaveRule, TxMode};
use crate::record::Field;
use crate::services::active::ActiveRun;
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::connections;
use crate::services::uow::Uow;
use crate::{Error, Result, code};

/// Runs that are looked at together.
const AT_ONCE: u32 = 500;

/// The runs that may wait for a worker, oldest first.
pub(in crate::services) async fn waiting(cx: &CallContext, app: &App) -> Result<Vec<SyncRun>> {
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let mut runs = Vec::new();
    for status in [SyncStatus::Queued, SyncStatus::Running] {
        let query = Query {
            filter: Filter::eq(SyncRun::STATUS, status.cell()),
            order: vec![(SyncRun::ID, Dir::Asc)],
            limit: Some(AT_ONCE),
            ..Query::default()
        };
        runs.extend(tx.of::<SyncRun>().list(&query).await?);
    }
    runs.retain(|run| !app.active.contains(run.id));
    runs.sort_by_key(|run| run.id);
    Ok(runs)
}

/// Takes a run over, with its counts and behind its checkpoint. None where somebody works on it or on its connection.
///
/// # Errors
/// Those of a write. A run that cannot be carried out has ended then, and is none.
pub(in crate::services) async fn claim(
    cx: &CallContext,
    app: &App,
    run: &SyncRun,
) -> Result<Option<Begun>> {
    let entities = run.sync_type.entities();
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    if lease::holder(app, &mut tx, run.cmms_connection_id, entities)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    let plan = match plan(cx, app, run).await {
        Ok(plan) => plan,
        // The store may answer at the next look; what else is wrong stays so until somebody mends it.
        Err(e) if e.code().area() == "STORE" => return Err(e),
        Err(e) => {
            fail(cx, app, run, &e).await?;
            if e.is(code::SECRET_UNREADABLE) {
                connections::note_failure(cx, app, run.cmms_connection_id, &e).await?;
            }
            return Ok(None);
        }
    };
    let cancel = app.background.token();
    let active = app.active.enter(run.id, cancel.clone());
    let (run, held) = match take(cx, app, &plan, run, &active).await {
        Ok(Some(taken)) => taken,
        // With a connection that has changed since: at the next look.
        Err(e) if e.is(code::CONNECTION_CHANGED) || e.is(code::CONNECTION_NOT_FOUND) => {
            return Ok(None);
        }
        Ok(None) => return Ok(None),
        Err(e) => return Err(e),
    };
    let begun = Begun::new(cx, plan, cancel, run, held, active);
    Ok(Some(begun.put_back_on_stop()))
}

async fn plan(cx: &CallContext, app: &App, run: &SyncRun) -> Result<Plan> {
    let (connection, adapter, acx) =
        connections::open_by_id(cx, app, run.cmms_connection_id).await?;
    if !connection.enabled {
        return Err(Error::new(
            code::CONNECTION_DISABLED,
            format!(
                "connection {:?} is switched off",
                connection.connection_name
            ),
        ));
    }
    let plan = Plan {
        connection,
        adapter,
        acx,
        sync_type: run.sync_type,
        force: run.force_sync,
    };
    plan.require()?;
    Ok(plan)
}

/// Makes the run this process's own, if it is still to be had.
async fn take(
    cx: &CallContext,
    app: &App,
    plan: &Plan,
    run: &SyncRun,
    active: &ActiveRun,
) -> Result<Option<(SyncRun, Held)>> {
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let Some(mut run) = present(&mut uow, run.id).await? else {
        return Ok(None);
    };
    plan.check_still_holds(uow.tx()).await?;
    let (connection, entities) = (run.cmms_connection_id, run.sync_type.entities());
    let taken = Held::take(app, uow.tx(), connection, entities, run.id, active).await;
    let held = match taken {
        Err(e) if e.is(code::SYNC_RUNNING) => return Ok(None),
        taken => taken?,
    };
    run.status = SyncStatus::Running;
    run.updated_at = now;
    run.version += 1;
    uow.save(&run, SaveRule::Update, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    uow.commit(AuditEvent::new("sync.claim", "run", run.id).version(run.version))
        .await?;
    Ok(Some((run, held)))
}

/// The run as it stands, if it still waits for somebody.
async fn present(uow: &mut Uow<'_>, id: RunId) -> Result<Option<SyncRun>> {
    let stored = uow
        .tx()
        .of::<SyncRun>()
        .locked(&[id.cell()], Lock::Wait)
        .await?;
    Ok(stored.filter(|run| matches!(run.status, SyncStatus::Queued | SyncStatus::Running)))
}

/// Ends a run that cannot be carried out.
async fn fail(cx: &CallContext, app: &App, run: &SyncRun, why: &Error) -> Result<()> {
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let Some(mut run) = present(&mut uow, run.id).await? else {
        return Ok(());
    };
    match lease::free_abandoned(app, uow.tx(), &run).await {
        Err(e) if e.is(code::RUN_ELSEWHERE) => return Ok(()),
        freed => freed?,
    }
    run.errors.0.insert(0, error_of(why, None, None));
    run.status = SyncStatus::Failed;
    run.finished_at = Some(now);
    run.updated_at = now;
    run.version += 1;
    uow.save(&run, SaveRule::Update, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    let event = AuditEvent::new("sync.finish", "run", run.id).version(run.version);
    uow.commit(event.cause(why.code().id())).await
}

/// Carries a claimed run out.
pub(in crate::services) async fn carry_out(app: &App, begun: Begun) -> Result<SyncRun> {
    run::carry_out(app, begun).await
}
