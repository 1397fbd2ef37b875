//! Requests of a connection, spaced in time.

use super::layer::pause;
use cmms_core::Result;
use cmms_core::ids::ConnectionId;
use cmms_core::ports::adapter::AdapterCx;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// When each connection may send its next request, on its clock.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    next: Mutex<HashMap<ConnectionId, Duration>>,
}

impl Limiter {
    /// Waits for the connection's turn.
    pub(super) async fn wait(&self, cx: &AdapterCx) -> Result<()> {
        let space = cx
            .options
            .max_requests_per_second
            .filter(|n| n.is_finite() && *n > 0.0)
            .and_then(|n| Duration::try_from_secs_f64(n.recip()).ok());
        let Some(space) = space else {
            return Ok(());
        };
        let wait = self.turn(cx.connection, space, cx.clock.elapsed());
        if wait.is_zero() {
            return Ok(());
        }
        pause(cx, wait).await
    }

    /// Takes the next turn: how long until then.
    fn turn(&self, connection: ConnectionId, space: Duration, now: Duration) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.get(&connection).copied().unwrap_or(now).max(now);
        next.insert(connection, turn.saturating_add(space));
        // A turn that has passed waits for nothing and is not kept.
        next.retain(|_, turn| *turn > now);
        turn.saturating_sub(now)
    }
}
