//! The worker: carries out runs that wait, whoever asked for them.
//!
//! Queued runs come from the intervals of connections and from programs that were stopped; orphaned ones from programs
//! that died. Any number of workers may work on one store: the leases let one have each run.

use super::app::App;
use super::sync::{claim, due};
use crate::Result;
use crate::context::{CallContext, Principal, Scope};
use crate::ids::RunId;
use std::sync::Arc;
use std::time::Duration;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What a worker did at one look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worked {
    /// Runs that were due and are queued now.
    pub queued: Vec<RunId>,
    /// Runs that go on in this process now.
    pub claimed: Vec<RunId>,
}

/// Carries out the runs of one organization that wait.
#[derive(Debug, Clone)]
pub struct Worker {
    app: Arc<App>,
    scope: Scope,
}

impl Worker {
    /// A worker of an application; its runs go on in the background of it.
    pub fn new(app: Arc<App>, scope: &Scope) -> Self {
        app.works();
        Self {
            scope: scope.acting_as(Principal::service("worker")),
            app,
        }
    }

    /// Looks about once a second, until `shutdown` is ready. Runs that go on then are put back when the application is
    /// stopped.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let looked = tokio::select! {
                biased;
                () = &mut shutdown => return,
                looked = self.tick() => looked,
            };
            if let Err(error) = looked {
                tracing::warn!(%error, "cmms.worker.tick: a look failed");
            }
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Looks once: queues what is due, claims what waits.
    ///
    /// # Errors
    /// Those of the store; what was done until then stays.
    pub async fn tick(&self) -> Result<Worked> {
        let request = format!("worker-{}", self.app.ids.next());
        let cx = CallContext::new(self.scope.clone(), request);
        let mut worked = Worked {
            queued: due::queue_due(&cx, &self.app).await?,
            claimed: Vec::new(),
        };
        for run in claim::waiting(&cx, &self.app).await? {
            // Without a seat it waits for the next look, or for another worker.
            let Ok(seat) = self.app.background.seat() else {
                break;
            };
            let begun = match claim::claim(&cx, &self.app, &run).await {
                Ok(Some(begun)) => begun,
                Ok(None) => continue,
                // One run that cannot be had must not keep the others waiting.
                Err(error) => {
                    tracing::warn!(id = %run.id, %error, "cmms.worker.claim: a run is not claimed");
                    continue;
                }
            };
            let (app, id) = (Arc::clone(&self.app), run.id);
            seat.start(async move {
                if let Err(error) = claim::carry_out(&app, begun).await {
                    tracing::warn!(%id, %error, "cmms.worker.run: a run ended");
                }
            });
            worked.claimed.push(run.id);
        }
        Ok(worked)
    }
}
