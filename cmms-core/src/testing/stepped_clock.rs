//! A clock that moves only when told or slept on.

use crate::clock::{Clock, micros};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A clock whose sleeps return at once and move it on by what was slept.
///
/// ```
/// use cmms_core::clock::Clock;
/// use cmms_core::testing::SteppedClock;
/// use std::time::Duration;
///
/// let clock = SteppedClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!((clock.now() - before).num_seconds(), 60);
/// assert_eq!(clock.elapsed(), Duration::from_secs(60));
/// ```
#[derive(Debug)]
pub struct SteppedClock {
    start: DateTime<Utc>,
    tick: Duration,
    moved: Mutex<Moved>,
}

#[derive(Debug, Default)]
struct Moved {
    by: Duration,
    sleeps: Vec<Duration>,
}

impl SteppedClock {
    /// A clock that stands at this time.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self {
            start: micros(start),
            tick: Duration::ZERO,
            moved: Mutex::default(),
        }
    }

    /// Moves on by this many microseconds after each look at it, so that no two times are equal.
    #[must_use]
    pub fn ticking(mut self, micros: u64) -> Self {
        self.tick = Duration::from_micros(micros);
        self
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.moved().by += by;
    }

    /// Every sleep so far, in order.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.moved().sleeps.clone()
    }

    fn moved(&self) -> MutexGuard<'_, Moved> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SteppedClock {
    /// A clock that stands at 2024-01-15T09:00:00Z.
    fn default() -> Self {
        Self::new(super::samples::start())
    }
}

#[async_trait]
impl Clock for SteppedClock {
    fn now(&self) -> DateTime<Utc> {
        let mut moved = self.moved();
        let by = TimeDelta::from_std(moved.by).unwrap_or(TimeDelta::MAX);
        moved.by += self.tick;
        self.start
            .checked_add_signed(by)
            .map_or(DateTime::<Utc>::MAX_UTC, micros)
    }

    fn elapsed(&self) -> Duration {
        self.moved().by
    }

    async fn sleep(&self, duration: Duration) {
        {
            let mut moved = self.moved();
            moved.by += duration;
            moved.sleeps.push(duration);
        }
        tokio::task::yield_now().await;
    }
}
