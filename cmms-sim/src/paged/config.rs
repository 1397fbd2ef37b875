//! How a simulated account looks and behaves.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Describes the simulated account: its data, its token and its habits.
#[derive(Clone)]
pub struct PagedConfig {
    /// Decides all data and random edits.
    pub seed: u64,
    /// How many assets the account has at the start.
    pub assets: usize,
    /// How many work orders the account has at the start.
    pub work_orders: usize,
    /// The token that a client sends as `Authorization: Bearer …`.
    pub token: String,
    /// The sizes whose pages are encoded before they are asked for; pages of
    /// other sizes are put together at each request.
    pub page_sizes: Vec<usize>,
    /// The most records a page has; a higher `pageSize` is clipped to it.
    pub page_cap: usize,
    /// Whether lists of changes order records of one time anew at each
    /// request, as from replicas without a tie-breaker.
    pub ties_shuffled: bool,
    /// How long each answer takes.
    pub latency: Duration,
    /// The start time of the vendor's clock; all seeded data lies before it.
    pub now: DateTime<Utc>,
}

impl Default for PagedConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            assets: 200,
            work_orders: 2000,
            token: "test-token".to_owned(),
            page_sizes: vec![100, 1000],
            page_cap: 5000,
            ties_shuffled: false,
            latency: Duration::ZERO,
            // 2026-06-01T08:00:00Z
            now: DateTime::from_timestamp(1_780_300_800, 0).unwrap_or_default(),
        }
    }
}

impl PagedConfig {
    /// Sets the seed of all data and random edits.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of assets.
    #[must_use]
    pub fn assets(mut self, count: usize) -> Self {
        self.assets = count;
        self
    }

    /// Sets the number of work orders.
    #[must_use]
    pub fn work_orders(mut self, count: usize) -> Self {
        self.work_orders = count;
        self
    }

    /// Sets the token that a client needs.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// Sets the sizes whose pages are encoded beforehand.
    #[must_use]
    pub fn page_sizes(mut self, sizes: impl Into<Vec<usize>>) -> Self {
        self.page_sizes = sizes.into();
        self
    }

    /// Sets the size at which a higher `pageSize` is clipped.
    #[must_use]
    pub fn page_cap(mut self, records: usize) -> Self {
        self.page_cap = records;
        self
    }

    /// Sets whether records of one time come in another order at each request.
    #[must_use]
    pub fn ties_shuffled(mut self, shuffled: bool) -> Self {
        self.ties_shuffled = shuffled;
        self
    }

    /// Sets how long each answer takes.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the start time of the vendor's clock.
    #[must_use]
    pub fn now(mut self, now: DateTime<Utc>) -> Self {
        self.now = now;
        self
    }
}

impl fmt::Debug for PagedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagedConfig")
            .field("seed", &self.seed)
            .field("assets", &self.assets)
            .field("work_orders", &self.work_orders)
            .field("page_sizes", &self.page_sizes)
            .field("page_cap", &self.page_cap)
            .field("ties_shuffled", &self.ties_shuffled)
            .field("latency", &self.latency)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
