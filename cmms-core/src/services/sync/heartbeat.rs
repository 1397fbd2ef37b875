//! Renews what a run holds while it goes on.

use super::lease::Held;
use crate::context::CallContext;
use crate::ports::store::TxMode;
use crate::services::app::App;
use crate::{Error, Result, code};
use std::time::Duration;

/// How many times a lease is renewed before it would expire.
const BEATS: u32 = 3;
/// The pause after a renewal that failed, such as while the database comes up again.
const AGAIN: Duration = Duration::from_millis(500);

/// Goes on until the leases are lost, and answers so. Time passes by the runtime's timer: the lease is about other
/// processes, which have no part in a clock that is stepped.
pub(super) async fn beat(cx: &CallContext, app: &App, held: &Held) -> Error {
    let pause = app.lease / BEATS;
    let mut wait = pause;
    loop {
        tokio::time::sleep(wait).await;
        wait = match renew(cx, app, held).await {
            Ok(()) => pause,
            Err(e) if e.is(code::RUN_TAKEN_OVER) => return e,
            Err(error) => {
                // While it cannot be renewed it runs out; then whoever takes it over wins, and writing finds that out.
                tracing::warn!(run = %held.run, %error, "cmms.sync.heartbeat: a lease is not renewed");
                AGAIN.min(pause)
            }
        };
    }
}

async fn renew(cx: &CallContext, app: &App, held: &Held) -> Result<()> {
    let mut tx = app.store.begin(&cx.scope, TxMode::Write).await?;
    held.renew(app, &mut tx).await?;
    tx.commit().await
}
