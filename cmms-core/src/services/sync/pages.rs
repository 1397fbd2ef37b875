//! Fetches pages ahead: while one batch is written, the next page comes in.

use crate::Result;
use crate::domain::entity::Entity;
use crate::ports::adapter::{Adapter, AdapterCx, Position, PullPage, PullReq};
use crate::{Error, code};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// The pages of one listing, in order.
pub(super) struct Pages {
    pages: mpsc::Receiver<Result<PullPage>>,
    // Dropping the pages ends the fetching.
    _task: AbortOnDropHandle<()>,
}

impl Pages {
    /// Begins to fetch.
    #[expect(
        clippy::disallowed_methods,
        reason = "the task is owned by `Pages` and ends with it"
    )]
    pub(super) fn fetch(
        adapter: Arc<dyn Adapter>,
        acx: AdapterCx,
        entity: Entity,
        position: Option<Position>,
        since: Option<DateTime<Utc>>,
    ) -> Self {
        let (to, pages) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut request = PullReq {
                entity,
                position,
                since,
            };
            loop {
                let page = tokio::select! {
                    page = adapter.pull(&acx, &request) => page,
                    () = acx.cancel.cancelled() => Err(Error::new(code::OP_CANCELLED, "the caller gave up")),
                };
                let next = page.as_ref().ok().and_then(|p| p.next.clone());
                if to.send(page).await.is_err() {
                    return;
                }
                match next {
                    Some(position) => request.position = Some(position),
                    None => return,
                }
            }
        });
        Self {
            pages,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The next page; None: there are no more.
    pub(super) async fn next(&mut self) -> Option<Result<PullPage>> {
        self.pages.recv().await
    }
}
