//! The host's clock of a random program.

use chrono::{DateTime, TimeDelta, Utc};
use cmms::core::clock::{Clock, micros};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A clock that steps forwards and back. What is slept on it is over at once; only the wall moves back, never the
/// time that passed.
#[derive(Debug)]
pub struct HostClock {
    start: DateTime<Utc>,
    /// How far the wall was set, in seconds.
    set: AtomicI64,
    /// What passed, in microseconds.
    passed: AtomicU64,
}

impl HostClock {
    pub fn new(start: DateTime<Utc>) -> Self {
        Self {
            start,
            set: AtomicI64::new(0),
            passed: AtomicU64::new(0),
        }
    }

    /// Sets the wall so many seconds beside what passed; 0 is right.
    pub fn set(&self, seconds: i64) {
        self.set.store(seconds, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_micros()).unwrap();
        self.passed.fetch_add(by, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl Clock for HostClock {
    fn now(&self) -> DateTime<Utc> {
        let passed = self.passed.fetch_add(1, Ordering::SeqCst);
        let wall = self.start
            + TimeDelta::microseconds(i64::try_from(passed).unwrap())
            + TimeDelta::seconds(self.set.load(Ordering::SeqCst));
        micros(wall)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.passed.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        tokio::task::yield_now().await;
    }
}
