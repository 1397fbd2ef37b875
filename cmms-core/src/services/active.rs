//! The runs that this process works on just now.
//!
//! A run whose future was dropped leaves its lease behind; the process lives on, so only this list tells
//! that nobody works on the run any more.

use crate::ids::RunId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// How a run is told to end, and how it tells that it has.
#[derive(Debug, Clone)]
struct Signals {
    cancel: CancellationToken,
    ended: CancellationToken,
}

/// The list.
#[derive(Debug, Clone, Default)]
pub(super) struct ActiveRuns(Arc<Mutex<BTreeMap<RunId, Signals>>>);

impl ActiveRuns {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Signals>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a run until the guard is dropped; `cancel` ends it.
    pub(super) fn enter(&self, run: RunId, cancel: CancellationToken) -> ActiveRun {
        let ended = CancellationToken::new();
        self.lock().insert(run, Signals { cancel, ended });
        ActiveRun {
            list: self.clone(),
            run,
        }
    }

    /// Whether this process works on the run.
    pub(super) fn contains(&self, run: RunId) -> bool {
        self.lock().contains_key(&run)
    }

    /// Tells a run to end, and answers what fires when it has; none where nobody here works on it.
    pub(super) fn cancel(&self, run: RunId) -> Option<CancellationToken> {
        let signals = self.lock().get(&run).cloned()?;
        signals.cancel.cancel();
        Some(signals.ended)
    }
}

/// Keeps a run on the list.
#[derive(Debug)]
pub(super) struct ActiveRun {
    list: ActiveRuns,
    run: RunId,
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        if let Some(signals) = self.list.lock().remove(&self.run) {
            signals.ended.cancel();
        }
    }
}
