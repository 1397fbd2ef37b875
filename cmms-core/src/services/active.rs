//! The runs that this process works on just now.
//!
//! A run whose future was dropped leaves its lease behind; the process lives on, so only a list tells that nobody works
//! on the run any more. Each application has its own, to end its runs by. Who else works in this process is told by
//! numbers that all of them share: two clients of one program may use one database.

use crate::ids::RunId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// The numbers of all runs that this process works on.
static NUMBERS: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
/// The number of the next one; none comes twice in a process.
static NEXT: AtomicU64 = AtomicU64::new(1);

fn numbers() -> MutexGuard<'static, BTreeSet<u64>> {
    NUMBERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process works on the run with this number.
pub(super) fn is_worked_on(number: u64) -> bool {
    numbers().contains(&number)
}

/// How a run is told to end, and how it tells that it has.
#[derive(Debug, Clone)]
struct Signals {
    cancel: CancellationToken,
    ended: CancellationToken,
}

/// The list of an application.
#[derive(Debug, Clone, Default)]
pub(super) struct ActiveRuns(Arc<Mutex<BTreeMap<RunId, Signals>>>);

impl ActiveRuns {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Signals>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a run until the guard is dropped; `cancel` ends it.
    pub(super) fn enter(&self, run: RunId, cancel: CancellationToken) -> ActiveRun {
        let ended = CancellationToken::new();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        numbers().insert(number);
        self.lock().insert(run, Signals { cancel, ended });
        ActiveRun {
            list: self.clone(),
            run,
            number,
        }
    }

    /// Whether this application works on the run.
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
    /// Tells it apart from all others of this process.
    pub(super) number: u64,
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        numbers().remove(&self.number);
        if let Some(signals) = self.list.lock().remove(&self.run) {
            signals.ended.cancel();
        }
    }
}
