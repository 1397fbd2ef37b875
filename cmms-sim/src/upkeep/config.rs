//! How a simulated account looks and behaves.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// What a list answers once the offset is past its last record.
///
/// The vendor is known to do either, so a client has to cope with both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EndOfList {
    /// An empty list with status 200.
    #[default]
    Empty,
    /// Status 404.
    NotFound,
    /// An empty list and 404 in turn, starting with the empty list.
    Alternate,
}

/// What `/assets` does with the `updatedAt…` filters.
///
/// They are confirmed for work orders only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FilterSupport {
    /// The filters narrow the list.
    #[default]
    Honoured,
    /// The filters are accepted and change nothing.
    Ignored,
    /// The filters are refused with status 400.
    Refused,
}

/// Describes the simulated account: its data, its login and its habits.
#[derive(Clone)]
pub struct UpkeepConfig {
    /// Decides all data, ids, tokens and random edits.
    pub seed: u64,
    /// How many assets the account has at the start.
    pub assets: usize,
    /// How many work orders the account has at the start.
    pub work_orders: usize,
    /// The e-mail address that may log in.
    pub email: String,
    /// The password that belongs to [`email`](Self::email).
    pub password: String,
    /// How many minutes a session lives, on the vendor's clock.
    pub session_minutes: i64,
    /// How many records a page has if the request names no `limit`.
    pub default_limit: usize,
    /// The most records a page has; a higher `limit` is clipped to it.
    pub page_cap: usize,
    /// What a list answers past its end.
    pub end_of_list: EndOfList,
    /// What `/assets` does with the `updatedAt…` filters.
    pub asset_filter: FilterSupport,
    /// Whether `/work-orders` lists archived work orders when the request
    /// does not filter on `archived` (not known of the vendor).
    pub archived_listed: bool,
    /// Whether `/work-orders` heeds the filter `archived`; if not, it is
    /// accepted and changes nothing.
    pub archived_filter: bool,
    /// Whether records that a list is sorted by and that are equal come in
    /// another order at each request, as from replicas without a tie-breaker.
    pub ties_shuffled: bool,
    /// How long each answer takes.
    pub latency: Duration,
    /// The start time of the vendor's clock; all seeded data lies before it.
    pub now: DateTime<Utc>,
    /// Whether the account's plan includes the API; without it calls are
    /// answered with 403.
    pub api_plan: bool,
    /// A session token that is valid from the start and does not run out by
    /// itself, for clients that are configured with a token.
    pub ready_token: Option<String>,
}

impl Default for UpkeepConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            assets: 200,
            work_orders: 2000,
            email: "integration@example.com".to_owned(),
            password: "upkeep-sim".to_owned(),
            session_minutes: 60,
            default_limit: 25,
            page_cap: 200,
            end_of_list: EndOfList::Empty,
            asset_filter: FilterSupport::Honoured,
            archived_listed: true,
            archived_filter: true,
            ties_shuffled: false,
            latency: Duration::ZERO,
            // 2026-06-01T08:00:00Z
            now: DateTime::from_timestamp(1_780_300_800, 0).unwrap_or_default(),
            api_plan: true,
            ready_token: None,
        }
    }
}

impl UpkeepConfig {
    /// Sets the seed of all data, ids, tokens and random edits.
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

    /// Sets the e-mail address that may log in.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = email.into();
        self
    }

    /// Sets the password of the login.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// Sets how many minutes a session lives.
    #[must_use]
    pub fn session_minutes(mut self, minutes: i64) -> Self {
        self.session_minutes = minutes;
        self
    }

    /// Sets the page size for requests that name none.
    #[must_use]
    pub fn default_limit(mut self, records: usize) -> Self {
        self.default_limit = records;
        self
    }

    /// Sets the page size at which a higher `limit` is clipped.
    #[must_use]
    pub fn page_cap(mut self, records: usize) -> Self {
        self.page_cap = records;
        self
    }

    /// Sets what a list answers past its end.
    #[must_use]
    pub fn end_of_list(mut self, end: EndOfList) -> Self {
        self.end_of_list = end;
        self
    }

    /// Sets what `/assets` does with the `updatedAt…` filters.
    #[must_use]
    pub fn asset_filter(mut self, support: FilterSupport) -> Self {
        self.asset_filter = support;
        self
    }

    /// Sets whether an unfiltered list contains archived work orders.
    #[must_use]
    pub fn archived_listed(mut self, listed: bool) -> Self {
        self.archived_listed = listed;
        self
    }

    /// Sets whether `/work-orders` heeds the filter `archived`.
    #[must_use]
    pub fn archived_filter(mut self, heeded: bool) -> Self {
        self.archived_filter = heeded;
        self
    }

    /// Sets whether equal records come in another order at each request.
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

    /// Sets whether the account's plan includes the API.
    #[must_use]
    pub fn api_plan(mut self, included: bool) -> Self {
        self.api_plan = included;
        self
    }

    /// Sets a session token that is valid from the start.
    #[must_use]
    pub fn ready_token(mut self, token: impl Into<String>) -> Self {
        self.ready_token = Some(token.into());
        self
    }
}

impl fmt::Debug for UpkeepConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpkeepConfig")
            .field("seed", &self.seed)
            .field("assets", &self.assets)
            .field("work_orders", &self.work_orders)
            .field("email", &self.email)
            .field("session_minutes", &self.session_minutes)
            .field("default_limit", &self.default_limit)
            .field("page_cap", &self.page_cap)
            .field("end_of_list", &self.end_of_list)
            .field("asset_filter", &self.asset_filter)
            .field("archived_listed", &self.archived_listed)
            .field("archived_filter", &self.archived_filter)
            .field("ties_shuffled", &self.ties_shuffled)
            .field("latency", &self.latency)
            .field("now", &self.now)
            .field("api_plan", &self.api_plan)
            .finish_non_exhaustive()
    }
}
