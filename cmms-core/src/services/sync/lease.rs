//! One owner at a time for each connection and kind of record, across processes and hosts.
//!
//! Whoever owns a lease renews it. An owner that is known to be dead loses it at once: a run of this process that nobody
//! works on, or a process of this boot and of this namespace of process numbers that is gone. Any other loses it when it
//! was not heard of for the length of a lease, by the clock of the database where there is one, else by the observer's
//! own: a time that another host wrote is never compared with the time here. Its process may live then; it may be
//! stopped, or cut off. So each taking gives out a number, the fence, and whatever a run writes it writes in a
//! transaction that finds its own number there.

use crate::domain::entity::Entity;
use crate::domain::sync_run::{MAX_ERRORS, RunError, SyncRun, SyncStatus};
use crate::domain::sync_state::SyncLease;
use crate::failpoint::{Failpoint, is_on};
use crate::ids::{ConnectionId, RunId};
use crate::ports::process::ProcessId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Lock, SaveRule, Saved, Tx};
use crate::record::{Field, RawJson};
use crate::services::active::{self, ActiveRun};
use crate::services::app::App;
use crate::{Error, Result, code};
use chrono::{DateTime, TimeDelta, Utc};

/// What a run holds.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The run.
    pub(crate) run: RunId,
    connection: ConnectionId,
    fences: Vec<(Entity, i64)>,
}

impl Held {
    /// Nothing yet.
    pub(super) fn nothing(connection: ConnectionId, run: RunId) -> Self {
        Self {
            run,
            connection,
            fences: Vec::new(),
        }
    }

    /// Takes the leases for a run, also from owners who are dead or were not heard of.
    ///
    /// # Errors
    /// `CMMS-SYNC-001` with the id of the run that holds one.
    pub(super) async fn take(
        app: &App,
        tx: &mut Box<dyn Tx>,
        connection: ConnectionId,
        entities: &[Entity],
        run: RunId,
        active: &ActiveRun,
    ) -> Result<Self> {
        let mut fences = Vec::with_capacity(entities.len());
        for entity in entities {
            match take(app, tx, connection, *entity, run, active).await {
                Ok(fence) => fences.push((*entity, fence)),
                Err(e) if e.is(code::SYNC_RUNNING) => {
                    // So that all of them are seen from now on.
                    holder(app, tx, connection, entities).await?;
                    return Err(e);
                }
                Err(e) => return Err(e),
            }
        }
        Ok(Self {
            run,
            connection,
            fences,
        })
    }

    /// Refuses to write for a run that lost its lease. The lease stays as it is until the transaction ends.
    ///
    /// # Errors
    /// `CMMS-SYNC-014`.
    pub(super) async fn check(&self, tx: &mut Box<dyn Tx>, entity: Entity) -> Result<()> {
        let lease = stored(tx, self.connection, entity, Lock::Wait).await?;
        let mine = lease.is_some_and(|lease| self.is(&lease));
        if mine || is_on(Failpoint::SkipFence) {
            return Ok(());
        }
        Err(self.lost())
    }

    /// The same for all that it holds.
    pub(in crate::services) async fn check_all(&self, tx: &mut Box<dyn Tx>) -> Result<()> {
        for (entity, _) in &self.fences {
            self.check(tx, *entity).await?;
        }
        Ok(())
    }

    /// Lets the leases count from now on.
    pub(super) async fn renew(&self, app: &App, tx: &mut Box<dyn Tx>) -> Result<()> {
        let expires_at = expiry(app, tx).await?;
        for (entity, _) in &self.fences {
            let lease = stored(tx, self.connection, *entity, Lock::Wait).await?;
            let Some(mut lease) = lease.filter(|lease| self.is(lease)) else {
                return Err(self.lost());
            };
            lease.version += 1;
            lease.expires_at = expires_at;
            tx.of::<SyncLease>().save(&lease, SaveRule::Update).await?;
        }
        Ok(())
    }

    /// Gives the leases back.
    pub(super) async fn release(&self, tx: &mut Box<dyn Tx>) -> Result<()> {
        for (entity, _) in &self.fences {
            let lease = stored(tx, self.connection, *entity, Lock::Wait).await?;
            if let Some(lease) = lease.filter(|lease| self.is(lease)) {
                free(tx, lease).await?;
            }
        }
        Ok(())
    }

    fn is(&self, lease: &SyncLease) -> bool {
        lease.run_id == Some(self.run) && self.fences.contains(&(lease.entity, lease.fence))
    }

    fn lost(&self) -> Error {
        Error::new(
            code::RUN_TAKEN_OVER,
            format!(
                "this process was not heard of for too long, so another one took the connection over from run {}",
                self.run
            ),
        )
        .subject("run_id", self.run)
    }
}

async fn stored(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    lock: Lock,
) -> Result<Option<SyncLease>> {
    let key = [connection.cell(), entity.cell()];
    tx.of::<SyncLease>().locked(&key, lock).await
}

async fn free(tx: &mut Box<dyn Tx>, mut lease: SyncLease) -> Result<()> {
    lease.run_id = None;
    lease.version += 1;
    tx.of::<SyncLease>().save(&lease, SaveRule::Update).await?;
    Ok(())
}

async fn expiry(app: &App, tx: &mut Box<dyn Tx>) -> Result<DateTime<Utc>> {
    let length = TimeDelta::from_std(app.lease).unwrap_or(TimeDelta::MAX);
    Ok(time(app, tx).await?.unwrap_or_else(|| app.clock.now()) + length)
}

/// The time by the clock that leases are measured by, where all programs share one.
async fn time(app: &App, tx: &mut Box<dyn Tx>) -> Result<Option<DateTime<Utc>>> {
    if is_on(Failpoint::TrustHostClocks) {
        return Ok(Some(app.clock.now()));
    }
    tx.time().await
}

/// The process of a run, and which of its runs it is.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Owner {
    process: ProcessId,
    number: u64,
}

/// Takes a lease and answers its fence.
async fn take(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    run: RunId,
    active: &ActiveRun,
) -> Result<i64> {
    let owner = Owner {
        process: app.processes.me(),
        number: active.number,
    };
    let owner = serde_json::to_string(&owner)
        .map_err(|e| Error::internal("a process id cannot be written").source(e))?;
    let before = stored(tx, connection, entity, Lock::Wait).await?;
    if let Some(lease) = &before
        && let Some(held) = lease.run_id
    {
        if lives(app, tx, lease).await? && !is_on(Failpoint::StealLease) {
            return Err(running(held, entity));
        }
        if held != run {
            interrupt(tx, held, app.clock.now()).await?;
        }
    }
    let lease = SyncLease {
        connection_id: connection,
        entity,
        version: before.as_ref().map_or(1, |lease| lease.version + 1),
        run_id: Some(run),
        owner: RawJson(owner.into()),
        fence: before.as_ref().map_or(1, |lease| lease.fence + 1),
        expires_at: expiry(app, tx).await?,
    };
    let rule = if before.is_some() {
        SaveRule::Update
    } else {
        SaveRule::Insert
    };
    match tx.of::<SyncLease>().save(&lease, rule).await? {
        Saved::Inserted | Saved::Updated | Saved::Unchanged => Ok(lease.fence),
        // Somebody took it between our look and our write, which a store with one writer never shows.
        Saved::Stale | Saved::Duplicate => Err(running(run, entity)),
    }
}

/// Frees the leases of a run that nobody works on.
///
/// # Errors
/// `CMMS-SYNC-011` while somebody does.
pub(super) async fn free_abandoned(app: &App, tx: &mut Box<dyn Tx>, run: &SyncRun) -> Result<()> {
    let entities = run.sync_type.entities();
    holder(app, tx, run.cmms_connection_id, entities).await?;
    for entity in entities {
        let lease = stored(tx, run.cmms_connection_id, *entity, Lock::Wait).await?;
        let Some(lease) = lease.filter(|lease| lease.run_id == Some(run.id)) else {
            continue;
        };
        if lives(app, tx, &lease).await? {
            return Err(Error::new(
                code::RUN_ELSEWHERE,
                format!("another process or client works on run {}", run.id),
            )
            .subject("run_id", run.id));
        }
        free(tx, lease).await?;
    }
    Ok(())
}

/// The run that somebody works on for one of these kinds of record, if there is one.
pub(super) async fn holder(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entities: &[Entity],
) -> Result<Option<RunId>> {
    let mut holder = None;
    // All of them are looked at: each counts as unchanged from the first look on.
    for entity in entities {
        let lease = stored(tx, connection, *entity, Lock::None).await?;
        if let Some(lease) = &lease
            && let Some(run) = lease.run_id
            && lives(app, tx, lease).await?
        {
            holder = holder.or(Some(run));
        }
    }
    Ok(holder)
}

/// Refuses while a run of the connection goes on.
pub(crate) async fn refuse_while_held(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
) -> Result<()> {
    match holder(app, tx, connection, Entity::ALL).await? {
        None => Ok(()),
        Some(run) => Err(Error::new(
            code::CONNECTION_BUSY,
            format!("run {run} syncs this connection"),
        )
        .subject("run_id", run)),
    }
}

/// Ends the runs of the connection that are not heard of, so that one whose process only stood still writes nothing more.
///
/// # Errors
/// `CMMS-CONN-006` while a run of the connection goes on.
pub(crate) async fn end_others(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
) -> Result<()> {
    refuse_while_held(app, tx, connection).await?;
    for entity in Entity::ALL {
        let lease = stored(tx, connection, *entity, Lock::Wait).await?;
        if let Some(lease) = lease
            && let Some(run) = lease.run_id
        {
            interrupt(tx, run, app.clock.now()).await?;
            free(tx, lease).await?;
        }
    }
    Ok(())
}

/// Whether the owner of a lease is to be believed alive.
async fn lives(app: &App, tx: &mut Box<dyn Tx>, lease: &SyncLease) -> Result<bool> {
    if let Ok(owner) = serde_json::from_str::<Owner>(&lease.owner.0) {
        let me = app.processes.me();
        if owner.process == me {
            return Ok(active::is_worked_on(owner.number));
        }
        // Of another boot, or of a container with numbers of its own, nothing is known.
        if owner.process.boot == me.boot && !app.processes.is_alive(&owner.process) {
            return Ok(false);
        }
    }
    Ok(match time(app, tx).await? {
        Some(now) => lease.expires_at > now,
        None => app.sightings.unchanged_for(lease, app.clock.elapsed()) < app.lease,
    })
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
        let ended = RunError {
            code: code::SYNC_INTERRUPTED.id().to_owned(),
            detail: "the process of this run ended before the run did".to_owned(),
            field: None,
            remedy: code::SYNC_INTERRUPTED.remedy().to_owned(),
            entity: None,
            external_id: None,
        };
        // What ended the run is worth more than one more record of many.
        run.errors.0.insert(0, ended);
        run.errors.0.truncate(MAX_ERRORS);
        tx.of::<SyncRun>().save(&run, SaveRule::Update).await?;
    }
    Ok(())
}
