//! Fetches pages ahead: while a batch is written the next pages come in, several at a time where the vendor's
//! pages can be told beforehand.

use crate::Result;
use crate::domain::entity::Entity;
use crate::ports::adapter::{
    Adapter, AdapterCx, Pages as Numbering, Position, PullPage, PullReq, VendorClock,
};
use crate::ports::overlap::{Joined, Seam};
use crate::{Error, code};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// The pages of one listing, in order.
pub(super) struct Pages {
    pages: mpsc::Receiver<Result<PullPage>>,
    /// The page that was looked at and not taken.
    first: Option<Result<PullPage>>,
    vendor_clock: VendorClock,
    // Dropping the pages ends the fetching.
    _task: AbortOnDropHandle<()>,
}

/// Where a listing begins, and how it is read.
#[derive(Clone)]
pub(super) struct Listing {
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) acx: AdapterCx,
    pub(super) entity: Entity,
    /// Where it goes on. None: at its beginning.
    pub(super) position: Option<Position>,
    /// How its pages are reached.
    pub(super) numbering: Numbering,
    /// The ids that the page before it ended with, where it goes on and they are known.
    pub(super) seam: Vec<String>,
    /// Only what changed since then. None: everything.
    pub(super) since: Option<DateTime<Utc>>,
    /// How many pages are asked for at a time.
    pub(super) in_flight: usize,
}

impl Pages {
    /// Begins to fetch.
    pub(super) fn fetch(mut listing: Listing) -> Self {
        let (to, pages) = mpsc::channel(1);
        let vendor_clock = VendorClock::default();
        listing.acx.vendor_clock = vendor_clock.clone();
        let task = spawn(async move {
            let mut ahead = Ahead {
                asked: VecDeque::new(),
                listing,
            };
            let mut position = ahead.listing.position.clone();
            let mut seam = Seam::new(ahead.listing.numbering, &ahead.listing.seam);
            loop {
                let page = ahead.page(position.clone()).await;
                let page = match page.and_then(|page| seam.join(position, page)) {
                    Ok(Joined::Back(to)) => {
                        position = to;
                        continue;
                    }
                    Ok(Joined::Page(page)) => Ok(page),
                    Err(e) => Err(e),
                };
                let next = page.as_ref().ok().and_then(|p| p.next.clone());
                if to.send(page).await.is_err() || next.is_none() {
                    return;
                }
                position = next;
            }
        });
        Self {
            pages,
            first: None,
            vendor_clock,
            _task: task,
        }
    }

    /// Waits for the first page without taking it, and says whether it came.
    pub(super) async fn look(&mut self) -> bool {
        if self.first.is_none() {
            self.first = self.pages.recv().await;
        }
        matches!(self.first, Some(Ok(_)))
    }

    /// What the vendor's clock shows in this listing.
    pub(super) fn vendor_clock(&self) -> VendorClock {
        self.vendor_clock.clone()
    }

    /// The next page, if it is there already.
    pub(super) fn ready(&mut self) -> Option<Result<PullPage>> {
        self.first.take().or_else(|| self.pages.try_recv().ok())
    }

    /// The next page; None: there are no more.
    pub(super) async fn next(&mut self) -> Option<Result<PullPage>> {
        match self.first.take() {
            Some(page) => Some(page),
            None => self.pages.recv().await,
        }
    }
}

/// Pages that were asked for and have not been taken, in order. Dropping one ends its request.
struct Ahead {
    asked: VecDeque<(PullReq, AbortOnDropHandle<Result<PullPage>>)>,
    listing: Listing,
}

impl Ahead {
    /// The page at a position. The pages that are thought to follow are asked for at the same time.
    async fn page(&mut self, position: Option<Position>) -> Result<PullPage> {
        let guessed = self
            .asked
            .front()
            .is_some_and(|(req, _)| req.position == position);
        if !guessed {
            // The guess was wrong: what was fetched by it is of no use.
            self.asked.clear();
            self.ask(position);
        }
        while self.asked.len() < self.listing.in_flight {
            let last = self.asked.back().map(|(req, _)| req);
            let Some(after) = last.and_then(|req| self.listing.adapter.page_after(req)) else {
                break;
            };
            self.ask(Some(after));
        }
        let Some((_, page)) = self.asked.pop_front() else {
            return Err(Error::internal("a page that was asked for is gone"));
        };
        page.await
            .unwrap_or_else(|e| Err(Error::internal("the fetching of a page broke off").source(e)))
    }

    fn ask(&mut self, position: Option<Position>) {
        let req = PullReq {
            entity: self.listing.entity,
            position,
            since: self.listing.since,
        };
        let (adapter, acx, asked) = (
            Arc::clone(&self.listing.adapter),
            self.listing.acx.clone(),
            req.clone(),
        );
        let page = spawn(async move {
            let pull = adapter.pull(&acx, &asked);
            acx.cancel
                .run_until_cancelled(pull)
                .await
                .unwrap_or_else(|| Err(Error::new(code::OP_CANCELLED, "the caller gave up")))
        });
        self.asked.push_back((req, page));
    }
}

/// Begins a task that ends when its handle is dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "the handle is owned by `Pages` and the task ends with it"
)]
fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> AbortOnDropHandle<T> {
    AbortOnDropHandle::new(tokio::spawn(work))
}
