//! Time as a port: who needs the time or a pause asks the [`Clock`].

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use std::fmt::Debug;
use std::time::Duration;

/// Cuts a time to microseconds, which is what every store keeps.
pub fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// The time and pauses.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// Now, in UTC, cut to microseconds.
    fn now(&self) -> DateTime<Utc>;
    /// Time since some fixed moment, for measuring durations; never goes back.
    fn elapsed(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port's own implementation"
    )]
    fn default() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port's own implementation"
    )]
    fn now(&self) -> DateTime<Utc> {
        micros(Utc::now())
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
