//! The runs that this process works on just now.
//!
//! A run whose future was dropped leaves its lease behind; the process lives on, so only this list tells
//! that nobody works on the run any more.

use crate::ids::RunId;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The list.
#[derive(Debug, Clone, Default)]
pub(super) struct ActiveRuns(Arc<Mutex<BTreeSet<RunId>>>);

impl ActiveRuns {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<RunId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a run until the guard is dropped.
    pub(super) fn enter(&self, run: RunId) -> ActiveRun {
        self.lock().insert(run);
        ActiveRun {
            list: self.clone(),
            run,
        }
    }

    /// Whether this process works on the run.
    pub(super) fn contains(&self, run: RunId) -> bool {
        self.lock().contains(&run)
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
        self.list.lock().remove(&self.run);
    }
}
