//! Sync: brings a vendor's records in, a batch at a time, each with the checkpoint that covers it.

mod absent;
mod batch;
pub(super) mod claim;
mod cycles;
pub(super) mod due;
mod halving;
mod heartbeat;
pub(super) mod lease;
mod mark;
mod merge;
mod nameless;
mod pages;
mod parts;
mod quarantine;
mod recent;
mod references;
pub(super) mod remap;
mod remarks;
mod run;
mod sieve;
mod stream;
mod synced;
mod tags;
mod tally;
mod unlisted;
mod withdraw;
mod write;

pub(super) use run::{close, error_of};

use super::app::App;
use super::{connections, runs};
use crate::context::{CallContext, Permission};
use crate::domain::entity::SyncType;
use crate::domain::sync_run::SyncRun;
use crate::ids::{ConnectionId, RunId};
use crate::{Error, ErrorKind, Result, code, request};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

request! {
    /// Starts a sync.
    pub struct StartSync {
        required {
            /// The connection.
            cmms_connection_id: ConnectionId,
        }
        optional {
            /// What comes in; the route says it already, so it can be left away.
            sync_type: SyncType,
            /// Reads everything at the vendor again instead of what changed; equal records still write nothing.
            force_sync: bool,
            /// Whether to wait for the end (true); else the answer is the run that goes on.
            wait: bool,
        }
    }
}

impl From<ConnectionId> for StartSync {
    fn from(id: ConnectionId) -> Self {
        Self::new(id)
    }
}

/// Brings work orders in.
///
/// # Errors
/// Those of [`all`].
pub async fn work_orders(cx: &CallContext, app: &App, input: StartSync) -> Result<SyncRun> {
    start(cx, app, SyncType::WorkOrders, input).await
}

/// Brings assets in.
///
/// # Errors
/// Those of [`all`].
pub async fn assets(cx: &CallContext, app: &App, input: StartSync) -> Result<SyncRun> {
    start(cx, app, SyncType::Assets, input).await
}

/// Brings everything in, things before those that refer to them.
///
/// What goes wrong at the vendor is in the run, which then is `partial` or `failed`.
///
/// # Errors
/// `CMMS-CONN-001`, `CMMS-CONN-007`; `CMMS-CONN-008` where the connection changes all the time; `CMMS-SYNC-001` while another run of the connection and entity goes on;
/// `CMMS-SYNC-003` for a `sync_type` of another route; `CMMS-STORE-…`.
pub async fn all(cx: &CallContext, app: &App, input: StartSync) -> Result<SyncRun> {
    start(cx, app, SyncType::All, input).await
}

async fn start(
    cx: &CallContext,
    app: &App,
    sync_type: SyncType,
    input: StartSync,
) -> Result<SyncRun> {
    let force = input.force_sync.unwrap_or(false);
    cx.scope.require(if force {
        Permission::SyncForce
    } else {
        Permission::SyncRun
    })?;
    if let Some(asked) = input.sync_type.filter(|asked| *asked != sync_type) {
        return Err(Error::new(
            code::SYNC_TYPE,
            format!("this syncs {sync_type}, not {asked}"),
        )
        .field(
            "sync_type",
            "sync_type_mismatch",
            format!("must be {sync_type} or left away"),
        ));
    }
    let asked = Asked {
        connection: input.cmms_connection_id,
        sync_type,
        force,
    };
    match (input.wait.unwrap_or(true), cx.patience) {
        (true, None) => {
            let begun = asked.open(cx, app, cx.cancel.child_token()).await?;
            let id = begun.run.id;
            let done = run::carry_out(app, begun).await;
            unless_cancelled(cx, app, id, done).await
        }
        (wait, patience) => behind(cx, app, asked, patience.filter(|_| wait)).await,
    }
}

/// How often a run is planned whose connection changes meanwhile.
const PLANS: usize = 5;

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    connection: ConnectionId,
    sync_type: SyncType,
    force: bool,
}

impl Asked {
    /// Begins the run with the connection as it is: where it was changed since the plan was made, with another plan.
    async fn open(
        self,
        cx: &CallContext,
        app: &App,
        cancel: CancellationToken,
    ) -> Result<run::Begun> {
        let mut plan = self.plan(cx, app).await?;
        for _ in 1..PLANS {
            match run::open(cx, app, plan, cancel.clone()).await {
                Err(e) if e.is(code::CONNECTION_CHANGED) => plan = self.plan(cx, app).await?,
                begun => return begun,
            }
        }
        run::open(cx, app, plan, cancel).await
    }

    async fn plan(self, cx: &CallContext, app: &App) -> Result<run::Plan> {
        let (connection, adapter, acx) =
            match connections::open_by_id(cx, app, self.connection).await {
                // A secret that cannot be opened is the connection's state, so its health says so, too.
                Err(e) if e.is(code::SECRET_UNREADABLE) => {
                    connections::note_failure(cx, app, self.connection, &e).await?;
                    return Err(e);
                }
                opened => opened?,
            };
        if !connection.enabled {
            return Err(Error::new(
                code::CONNECTION_DISABLED,
                format!(
                    "connection {:?} is switched off",
                    connection.connection_name
                ),
            )
            .field(
                "cmms_connection_id",
                "connection_disabled",
                "enable the connection first",
            ));
        }
        Ok(run::Plan {
            connection,
            adapter,
            acx,
            sync_type: self.sync_type,
            force: self.force,
        })
    }
}

/// The outcome for a caller who still waits: a run that somebody else cancelled is that run, not an error of this caller.
async fn unless_cancelled(
    cx: &CallContext,
    app: &App,
    id: RunId,
    done: Result<SyncRun>,
) -> Result<SyncRun> {
    match done {
        Err(e) if e.kind() == ErrorKind::Cancelled && !cx.cancel.is_cancelled() => {
            runs::get(cx, app, id.into()).await
        }
        done => done,
    }
}

/// Runs it in the background; a caller with patience waits that long for the end and then takes the run as it is.
async fn behind(
    cx: &CallContext,
    app: &App,
    asked: Asked,
    patience: Option<Duration>,
) -> Result<SyncRun> {
    let seat = app.background.seat()?;
    let cancel = app.background.token();
    let begun = asked.open(cx, app, cancel.clone()).await?;
    let begun = begun.put_back_on_stop();
    let mut run = begun.run.clone();
    let id = run.id;
    let owned = app.clone();
    let mut task = seat.start(async move {
        let done = run::carry_out(&owned, begun).await;
        if let Err(error) = &done {
            tracing::warn!(%id, %error, "a run in the background failed");
        }
        done
    });
    if let Some(patience) = patience {
        // Whoever leaves before the answer ends the run.
        let leaving = cancel.clone().drop_guard();
        let ended = tokio::select! {
            biased;
            done = &mut task => Some(done),
            () = cx.cancel.cancelled() => {
                cancel.cancel();
                Some(task.await)
            }
            () = app.clock.sleep(patience) => None,
        };
        leaving.disarm();
        match ended {
            Some(done) => {
                let done = done.map_err(|e| Error::internal("a run broke off").source(e))?;
                return unless_cancelled(cx, app, id, done).await;
            }
            None => run = runs::get(cx, app, id.into()).await?,
        }
    }
    run.derive();
    Ok(run)
}
