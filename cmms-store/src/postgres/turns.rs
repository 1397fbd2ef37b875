//! Whose turn it is to write: one writer of an organization at a time, in this process and in others.
//!
//! SQLite has one writer for a file; here it is one for an organization, by an advisory lock that a transaction
//! holds from its beginning. So a rule over several rows holds on both without a word about locks: what a writer has
//! read is still so when it writes. Within a process writers stand in a queue, so that only the first of them has a
//! connection.

use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// The keys of an organization's locks.
#[derive(Debug, Clone, Copy)]
pub(super) struct LockKey(i64);

/// The keys of the organization in this schema. Locks are the database's, and it may have several schemas.
pub(super) fn key_of(org: Uuid, schema: &str) -> LockKey {
    let mut hash = Sha256::new();
    hash.update(b"cmms writer ");
    hash.update(org.as_bytes());
    hash.update(schema);
    let mut first = [0; 8];
    first
        .iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    // The last bit tells the two locks apart.
    LockKey(i64::from_be_bytes(first) & !1)
}

impl LockKey {
    /// Held by who writes.
    pub(super) fn writing(self) -> i64 {
        self.0
    }

    /// Shared by who writes or waits for it.
    pub(super) fn waiting(self) -> i64 {
        self.0 | 1
    }
}

/// The queues of this process.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Uuid, Arc<Queue>>>);

#[derive(Debug, Default)]
struct Queue {
    turn: Arc<tokio::sync::Mutex<()>>,
    waiting: AtomicUsize,
}

/// Somebody's turn; dropping it lets the next one go on.
#[derive(Debug)]
pub(super) struct Turn {
    queue: Arc<Queue>,
    _guard: OwnedMutexGuard<()>,
}

impl Turn {
    /// Whether another writer of this process waits.
    pub(super) fn others_wait(&self) -> bool {
        self.queue.waiting.load(Ordering::Relaxed) > 0
    }
}

impl Turns {
    /// Waits for one's turn.
    pub(super) async fn take(&self, org: Uuid) -> Turn {
        let queue = {
            let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(queues.entry(org).or_default())
        };
        let turn = Arc::clone(&queue.turn);
        let guard = match Arc::clone(&turn).try_lock_owned() {
            Ok(guard) => guard,
            Err(_) => {
                let _place = Place::behind(&queue.waiting);
                turn.lock_owned().await
            }
        };
        Turn {
            queue,
            _guard: guard,
        }
    }
}

/// A place in a queue, also for those who give up waiting.
struct Place<'q>(&'q AtomicUsize);

impl<'q> Place<'q> {
    fn behind(waiting: &'q AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_of_organizations_and_schemas_differ() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let key = key_of(a, "cmms");
        assert_eq!(key.waiting(), key.writing() + 1);
        assert_ne!(key.writing(), key_of(b, "cmms").writing());
        assert_ne!(key.writing(), key_of(a, "other").writing());
    }
}
