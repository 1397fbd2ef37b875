//! Calls under way.
//!
//! Each runs in a task of its own, so that a caller who leaves does not cut it off in the middle: the call is
//! told by its token, ends at its next safe point and says so in the database.

use super::problem::Refusal;
use super::request_id::RequestId;
use cmms::Client;
use cmms::core::context::IdempotencyKey;
use cmms::core::ops::{self, Effect, Input, OpMeta};
use cmms::core::{Error, ErrorKind, code};
use std::pin::pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a caller waits for a run; then the answer is 202 with the run, which goes on.
const PATIENCE: Duration = Duration::from_secs(10);

/// The calls of one server.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Calls {
    /// Calls an operation and answers its JSON. Dropping the future tells the call that its caller left.
    pub(super) async fn call(
        &self,
        client: &Client,
        id: &RequestId,
        meta: &'static OpMeta,
        input: Input,
        key: Option<IdempotencyKey>,
    ) -> Result<Vec<u8>, Refusal> {
        let mut cx = client.context(Some(id.shared()));
        cx.patience = Some(PATIENCE);
        cx.idempotency_key = key;
        let app = client.app().clone();
        let (stop, cancel) = (self.stop.clone(), cx.cancel.clone());
        let _caller_left = cx.cancel.clone().drop_guard();
        let task = self.tasks.spawn(async move {
            let mut call = pin!(async {
                ops::call(&cx, &app, meta.name, input).await?.json()
            });
            tokio::select! {
                done = &mut call => done,
                // Short calls end by themselves soon.
                () = stop.cancelled(), if matches!(meta.effect, Effect::Long | Effect::Ask | Effect::Run) => {
                    cancel.cancel();
                    call.await.map_err(|e| stopped(e, meta))
                }
            }
        });
        match task.await {
            Ok(done) => done.map_err(Refusal::of),
            Err(broken) => Err(Refusal::of(
                Error::internal(format!("{} broke off", meta.name)).source(broken),
            )),
        }
    }

    /// Ends calls that take long, at their next safe point.
    pub(super) fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
    }

    /// Waits for the end of all calls, at most so long.
    pub(super) async fn ended(&self, at_most: Duration) {
        if tokio::time::timeout(at_most, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                calls = self.tasks.len(),
                "calls do not end; the server leaves them"
            );
        }
    }
}

/// The error of a call that the server ended, not its caller.
fn stopped(error: Error, meta: &OpMeta) -> Error {
    if error.kind() != ErrorKind::Cancelled {
        return error;
    }
    Error::new(
        code::SYNC_INTERRUPTED,
        format!("the server stops, so {} ended early", meta.name),
    )
    .remedy_is(
        "Call again when the server runs again; a sync goes on behind its last committed page.",
    )
}
