//! Requests of a connection, spaced in time.

use super::layer::pause;
use cmms_core::Result;
use cmms_core::ids::ConnectionId;
use cmms_core::ports::adapter::AdapterCx;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest space between two requests; what is asked for beyond it, such as a stored rate near zero, is as good as
/// that.
const LONGEST: Duration = Duration::from_secs(1000);

/// When each connection may send its next request, on its clock.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    next: Mutex<HashMap<ConnectionId, Duration>>,
}

impl Limiter {
    /// Waits for the connection's turn.
    pub(super) async fn wait(&self, cx: &AdapterCx) -> Result<()> {
        let space = cx.options.max_requests_per_second.map(space);
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

/// The space between two requests at this rate.
fn space(per_second: f64) -> Duration {
    let space = Duration::try_from_secs_f64(per_second.recip());
    space.unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_near_zero_is_a_long_wait_and_not_no_limit() {
        for (rate, seconds) in [
            (4.0, 0.25),
            (0.001, 1000.0),
            (1e-30, 1000.0),
            (f64::MIN_POSITIVE, 1000.0),
            (5e-324, 1000.0),
            (0.0, 1000.0),
            (-1.0, 1000.0),
            (f64::NAN, 1000.0),
            (f64::INFINITY, 0.0),
        ] {
            assert_eq!(space(rate), Duration::from_secs_f64(seconds), "{rate}");
        }
    }
}
