//! Work that goes on after its call was answered.
//!
//! Every task is owned and joined here; nothing else in the core outlives its caller.

use crate::{Error, Result, code};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The most runs that go on at a time.
const SEATS: usize = 64;

/// The tasks of one application.
#[derive(Debug, Clone)]
pub(super) struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
    seats: Arc<Semaphore>,
}

impl Default for Background {
    fn default() -> Self {
        Self {
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            seats: Arc::new(Semaphore::new(SEATS)),
        }
    }
}

/// A place for one task.
#[derive(Debug)]
pub(super) struct Seat {
    permit: OwnedSemaphorePermit,
    tasks: TaskTracker,
}

impl Background {
    /// Takes a place, before there is anything that would have to be undone.
    ///
    /// # Errors
    /// `CMMS-SYNC-012` where none is free.
    pub(super) fn seat(&self) -> Result<Seat> {
        let taken = Arc::clone(&self.seats).try_acquire_owned();
        let permit = taken.map_err(|_| {
            Error::new(
                code::TOO_MANY_RUNS,
                format!("{SEATS} runs go on in the background already"),
            )
        })?;
        Ok(Seat {
            permit,
            tasks: self.tasks.clone(),
        })
    }

    /// Fires when the application stops; each task has a child of it.
    pub(super) fn token(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Tells all tasks to end at their next safe point.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether they were told so.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Waits until no task goes on.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }
}

impl Seat {
    /// Starts the task.
    pub(super) fn start<T: Send + 'static>(
        self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let permit = self.permit;
        self.tasks.spawn(async move {
            let done = work.await;
            drop(permit);
            done
        })
    }
}
