//! The parts of a listing on their way from the sieve to the writing.

use super::sieve::SievedPage;
use crate::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

/// How often who waits with an open transaction looks whether another writer does, too. Machine time, not the
/// clock's: it bounds how long a lock is held.
const LOOK: Duration = Duration::from_millis(5);
/// How often it looks before it gives up.
const LOOKS: usize = 8;

/// Pages that go to be written. A batch has one part or, where the next is ready when one is written, several.
#[derive(Debug)]
pub(super) struct Part<R> {
    /// The pages, in order.
    pub(super) pages: Vec<SievedPage<R>>,
    /// How many records they have.
    pub(super) records: usize,
    /// About how much memory they take.
    pub(super) bytes: usize,
}

impl<R> Default for Part<R> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            records: 0,
            bytes: 0,
        }
    }
}

/// The parts of a listing, in order.
pub(super) struct Parts<R> {
    parts: mpsc::Receiver<Result<Part<R>>>,
    /// Whether the next part is being made of pages that have come in, without waiting for the vendor.
    working: watch::Receiver<bool>,
    written: Arc<AtomicU64>,
    // Dropping the parts ends the sieving, and the fetching with it.
    _task: AbortOnDropHandle<()>,
}

impl<R> Parts<R> {
    /// Those that a task sends; `written` counts the ones that are committed.
    pub(super) fn new(
        parts: mpsc::Receiver<Result<Part<R>>>,
        working: watch::Receiver<bool>,
        written: Arc<AtomicU64>,
        task: AbortOnDropHandle<()>,
    ) -> Self {
        Self {
            parts,
            working,
            written,
            _task: task,
        }
    }

    /// The next part. None: there are no more.
    pub(super) async fn next(&mut self) -> Option<Result<Part<R>>> {
        self.parts.recv().await
    }

    /// The next part, if it is there or is being made of pages that have come in, and no other writer waits. No
    /// vendor is waited for, and no store for long that lets nobody read while another writes.
    pub(super) async fn at_hand(
        &mut self,
        mut others_wait: impl FnMut() -> bool,
    ) -> Option<Result<Part<R>>> {
        let mut looks = 0..LOOKS;
        while !others_wait() {
            if !*self.working.borrow_and_update() {
                return self.parts.try_recv().ok();
            }
            tokio::select! {
                biased;
                part = self.parts.recv() => return part,
                changed = self.working.changed() => if changed.is_err() {
                    return self.parts.try_recv().ok();
                },
                () = tokio::time::sleep(LOOK) => {
                    looks.next()?;
                }
            }
        }
        None
    }

    /// Says that the oldest parts are committed.
    pub(super) fn committed(&self, parts: u64) {
        self.written.fetch_add(parts, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::work_order::WorkOrder;
    use crate::services::sync::sieve::SievedPage;
    use std::sync::atomic::AtomicBool;

    type Sender = mpsc::Sender<Result<Part<WorkOrder>>>;

    /// Parts that the test sends, with what says whether more are being made.
    fn parts(working: bool) -> (Sender, watch::Sender<bool>, Parts<WorkOrder>) {
        let (to, parts) = mpsc::channel(1);
        let (at_work, working) = watch::channel(working);
        #[expect(clippy::disallowed_methods, reason = "it ends at once")]
        let task = AbortOnDropHandle::new(tokio::spawn(async {}));
        (
            to,
            at_work,
            Parts::new(parts, working, Arc::default(), task),
        )
    }

    fn part() -> Result<Part<WorkOrder>> {
        Ok(Part {
            pages: vec![SievedPage::new(7)],
            records: 7,
            bytes: 0,
        })
    }

    #[tokio::test]
    async fn a_vendor_is_not_waited_for() {
        let (to, _at_work, mut parts) = parts(false);
        assert!(parts.at_hand(|| false).await.is_none());
        to.send(part()).await.unwrap();
        let found = parts.at_hand(|| false).await.unwrap().unwrap();
        assert_eq!(found.records, 7);
    }

    #[tokio::test]
    async fn a_part_that_is_being_made_is_waited_for() {
        let (to, at_work, mut parts) = parts(true);
        let (found, ()) = tokio::join!(parts.at_hand(|| false), async {
            tokio::task::yield_now().await;
            to.send(part()).await.unwrap();
            at_work.send_replace(false);
        });
        assert_eq!(found.unwrap().unwrap().records, 7);
        // The last one, sent as the sieve ends.
        at_work.send_replace(true);
        to.send(part()).await.unwrap();
        drop((to, at_work));
        assert!(parts.at_hand(|| false).await.is_some());
        assert!(parts.at_hand(|| false).await.is_none());
    }

    #[tokio::test]
    async fn another_writer_ends_the_waiting_even_if_a_part_is_there() {
        let (to, _at_work, mut parts) = parts(true);
        let others = AtomicBool::new(false);
        let (found, ()) = tokio::join!(parts.at_hand(|| others.load(Ordering::Relaxed)), async {
            others.store(true, Ordering::Relaxed)
        });
        assert!(found.is_none());
        to.send(part()).await.unwrap();
        assert!(parts.at_hand(|| true).await.is_none());
        assert!(parts.next().await.is_some(), "it is kept");
    }

    #[tokio::test]
    async fn a_store_that_lets_nobody_read_meanwhile_is_not_waited_for_long() {
        let (_to, _at_work, mut parts) = parts(true);
        assert!(parts.at_hand(|| false).await.is_none());
    }
}
