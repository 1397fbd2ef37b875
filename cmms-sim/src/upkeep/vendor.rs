//! The account behind the API: the oracle, edits on request, and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::config::UpkeepConfig;
use super::edit::{self, Edited};
use super::routes;
use super::state::{Failing, State};
use crate::fault::{FaultPlan, Faults, SessionEnd};
use crate::merge::merge;
use crate::wire::{Reply, Request, Service, Shape, Twist};

/// A kind of record of the simulated account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SimEntity {
    /// A record of `/assets`.
    Asset,
    /// A record of `/work-orders`.
    WorkOrder,
    /// A record of `/locations`.
    Location,
    /// A record of `/users`.
    User,
}

impl SimEntity {
    /// The last part of the path of the list.
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Asset => "assets",
            Self::WorkOrder => "work-orders",
            Self::Location => "locations",
            Self::User => "users",
        }
    }

    pub(super) fn of_resource(name: &str) -> Option<Self> {
        [Self::Asset, Self::WorkOrder, Self::Location, Self::User]
            .into_iter()
            .find(|entity| entity.resource() == name)
    }
}

/// The true state of the account, in the vendor's terms: each record exactly
/// as it is served without `includes`, by its id.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Oracle {
    /// All assets.
    pub assets: BTreeMap<String, Value>,
    /// All work orders.
    pub work_orders: BTreeMap<String, Value>,
    /// All locations.
    pub locations: BTreeMap<String, Value>,
    /// All users.
    pub users: BTreeMap<String, Value>,
}

/// A request that the simulator has answered. Of logins, neither query nor
/// body is kept; headers never are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path as it was asked for.
    pub path: String,
    /// The decoded query parameters, in order.
    pub query: Vec<(String, String)>,
    /// The status of the answer.
    pub status: u16,
}

type Hook = Arc<Mutex<dyn FnMut(&UpkeepVendor, &LoggedRequest) + Send>>;

struct Shared {
    faults: Faults,
    state: Mutex<State>,
    hook: Mutex<Option<Hook>>,
}

/// The account behind the API: tells its true state, changes it, and orders
/// faults. Clones are handles of the same account.
#[derive(Clone)]
pub struct UpkeepVendor {
    shared: Arc<Shared>,
}

impl fmt::Debug for UpkeepVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpkeepVendor").finish_non_exhaustive()
    }
}

impl UpkeepVendor {
    pub(super) fn new(config: UpkeepConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                faults: Faults::default(),
                state: Mutex::new(State::new(config)),
                hook: Mutex::new(None),
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// Calls the hook, outside all locks but its own.
    pub(super) fn after(&self, request: &LoggedRequest) {
        let hook = lock(&self.shared.hook).clone();
        if let Some(hook) = hook {
            (*lock(&hook))(self, request);
        }
    }

    /// Takes a picture of the true state, hidden records included.
    #[must_use]
    pub fn oracle(&self) -> Oracle {
        let state = self.lock();
        let all = |entity| {
            let records = state.table(entity).records();
            records
                .map(|record| (record.key.clone(), record.value()))
                .collect()
        };
        Oracle {
            assets: all(SimEntity::Asset),
            work_orders: all(SimEntity::WorkOrder),
            locations: all(SimEntity::Location),
            users: all(SimEntity::User),
        }
    }

    /// The records of a kind byte for byte as they are served without
    /// `includes`, by id.
    #[must_use]
    pub fn served(&self, entity: SimEntity) -> BTreeMap<String, String> {
        let state = self.lock();
        let records = state.table(entity).records();
        records
            .map(|record| (record.key.clone(), record.json.to_string()))
            .collect()
    }

    /// Makes seeded random edits of up to `how_many` different assets and
    /// work orders: status, title or name, due date, priority, description.
    /// Each raises `updatedAt`. Hidden records are not edited.
    pub fn edit(&self, how_many: usize) -> Edited {
        edit::edit(&mut self.lock(), how_many)
    }

    /// Changes a record by a JSON merge patch (RFC 7396: `null` removes the
    /// field) and raises its `updatedAt`. Answers `false` if there is no such
    /// record.
    pub fn update(&self, entity: SimEntity, id: &str, patch: Value) -> bool {
        let changed = self.lock().change(entity, id, |fields, _| {
            if let Value::Object(patch) = patch {
                merge(fields, patch);
            }
        });
        changed.is_some()
    }

    /// Replaces a record as a whole, by whatever value, checked by nothing.
    ///
    /// `id`, `createdAt` and `updatedAt` are served as given; those that the
    /// value does not have at all are taken over from the record before.
    /// Lists sort by the times before if the given ones cannot be read.
    pub fn set_raw(&self, entity: SimEntity, id: &str, value: Value) {
        self.lock().replace(entity, id, value);
    }

    /// Serves this text as a record, byte for byte, whether it is JSON or not. Lists sort by the times before.
    pub fn set_text(&self, entity: SimEntity, id: &str, text: &str) {
        self.lock().replace_text(entity, id, text);
    }

    /// Adds a record and answers its id. An `id`, `createdAt` or `updatedAt`
    /// that the value does not have is filled in.
    pub fn insert(&self, entity: SimEntity, value: Value) -> String {
        let fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        self.lock().insert(entity, fields)
    }

    /// Deletes a record, without leaving a trace in lists. Answers `false` if
    /// there is no such record.
    pub fn remove(&self, entity: SimEntity, id: &str) -> bool {
        self.lock().table_mut(entity).remove(id)
    }

    /// The requests answered so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.lock().log.iter().cloned().collect()
    }

    /// Forgets the requests answered so far.
    pub fn clear_requests(&self) {
        self.lock().log.clear();
    }

    /// The number of successful logins.
    #[must_use]
    pub fn logins(&self) -> u64 {
        self.lock().logins
    }

    /// Ends all sessions, that of the ready token included.
    pub fn expire_sessions(&self) {
        self.lock().sessions.clear();
    }

    /// Answers sessions that have ended in this way from now on.
    pub fn set_session_end(&self, end: SessionEnd) {
        self.lock().session_end = end;
    }

    /// Refuses one kind of record to the account with status 403, or no kind.
    pub fn forbid(&self, entity: Option<SimEntity>) {
        self.lock().forbidden = entity;
    }

    /// The vendor's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.lock().clock).unwrap_or_default()
    }

    /// Moves the vendor's clock forward; otherwise it only steps a few
    /// milliseconds at each write.
    pub fn advance_clock(&self, by: Duration) {
        self.lock().advance(by);
    }

    /// Sets the vendor's clock to a later time; an earlier one changes
    /// nothing. A host that runs for long keeps the clock current with it.
    pub fn set_clock(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.clock = state.clock.max(now.timestamp_millis());
    }

    /// Sets the vendor's clock to any time. Where it is an earlier one, what changes afterwards can have an
    /// earlier time than before; sessions live as long as they would have.
    pub fn turn_clock(&self, to: DateTime<Utc>) {
        self.lock().turn(to.timestamp_millis());
    }

    /// Changes the password of the login; open sessions stay.
    pub fn set_password(&self, password: impl Into<String>) {
        self.lock().config.password = password.into();
    }

    /// Switches the API on or off for the account's plan.
    pub fn set_api_plan(&self, included: bool) {
        self.lock().config.api_plan = included;
    }

    /// Sets whether equal records come in another order at each request.
    pub fn set_ties_shuffled(&self, shuffled: bool) {
        self.lock().config.ties_shuffled = shuffled;
    }

    /// Sets whether lists have archived work orders without being asked for them, and whether they heed it to be asked.
    pub fn set_archived(&self, listed: bool, filtered: bool) {
        let config = &mut self.lock().config;
        config.archived_listed = listed;
        config.archived_filter = filtered;
    }

    /// Sets how long each answer takes.
    pub fn set_latency(&self, latency: Duration) {
        self.lock().config.latency = latency;
    }

    /// Leaves these records out of lists, and only these of this kind, as if
    /// the list were suddenly short. They still exist: asked for by id they
    /// are answered. No ids at all brings all back.
    pub fn hide_records<I>(&self, entity: SimEntity, ids: I)
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let ids: BTreeSet<String> = ids.into_iter().map(Into::into).collect();
        self.lock().table_mut(entity).hide(ids);
    }

    /// Leaves the records that satisfy `hidden` out of lists, as
    /// [`hide_records`](Self::hide_records) does; answers how many.
    pub fn hide_where(&self, entity: SimEntity, hidden: impl Fn(&Value) -> bool) -> usize {
        let mut state = self.lock();
        let table = state.table_mut(entity);
        let ids: BTreeSet<String> = table
            .records()
            .filter(|record| hidden(&record.value()))
            .map(|record| record.key.clone())
            .collect();
        let count = ids.len();
        table.hide(ids);
        count
    }

    /// Answers all lists as if the account had no records.
    pub fn empty_lists(&self, empty: bool) {
        self.lock().empty_lists = empty;
    }

    /// Makes another session token valid, which does not run out by itself.
    pub fn add_token(&self, token: impl Into<String>) {
        self.lock().sessions.insert(token.into(), i64::MAX);
    }

    /// Becomes another account at the same address: other records, other users, and the login of `config`. All sessions
    /// end; what was asked for before stays in the log.
    pub fn become_account(&self, config: UpkeepConfig) {
        let mut state = self.lock();
        let log = std::mem::take(&mut state.log);
        let logins = state.logins;
        *state = State::new(config);
        state.log = log;
        state.logins = logins;
    }

    /// Answers the next `requests` requests other than to `/auth` and `/users` with this
    /// status and `{"success":false,…}`. Orders queue up.
    pub fn fail_next(&self, requests: usize, status: u16, retry_after: Option<String>) {
        self.lock().failing.push_back(Failing {
            left: requests,
            status,
            retry_after,
        });
    }

    /// Orders a fault on the wire. The plan that was ordered first hits first.
    pub fn inject(&self, plan: impl Into<FaultPlan>) {
        self.shared.faults.inject(plan.into());
    }

    /// Whether every fault that was ordered has hit as many requests as it
    /// should.
    #[must_use]
    pub fn faults_done(&self) -> bool {
        self.shared.faults.done()
    }

    /// How many requests faults have hit so far.
    #[must_use]
    pub fn fault_hits(&self) -> u64 {
        self.shared.faults.hits()
    }

    /// Ends all faults that were injected; answers that are held go on.
    pub fn end_faults(&self) {
        self.shared.faults.end();
    }

    /// Lets the answers go on that a fault holds at present.
    pub fn release(&self) {
        self.shared.faults.release();
    }

    /// Waits until a fault holds an answer.
    pub async fn held(&self) {
        self.shared.faults.until_held().await;
    }

    /// Calls `hook` after each answer is made and before it is sent, for
    /// changes in the middle of a client's work. It replaces the hook before.
    /// It runs on the server's task: it must not wait for another request.
    pub fn after_each_request(
        &self,
        hook: impl FnMut(&UpkeepVendor, &LoggedRequest) + Send + 'static,
    ) {
        *lock(&self.shared.hook) = Some(Arc::new(Mutex::new(hook)));
    }
}

impl Service for UpkeepVendor {
    const SHAPE: Shape = Shape {
        list: r#"{"success":true,"results":["#,
        list_end: "]}",
        records: "results",
        texts: &["title", "name"],
        spared: &["/api/v2/auth", "/api/v2/users"],
    };

    fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    fn latency(&self) -> Duration {
        self.lock().config.latency
    }

    fn clock(&self) -> i64 {
        self.lock().clock
    }

    fn answer(&self, request: &Request, twist: Option<Twist>) -> Reply {
        routes::handle(self, request, twist)
    }

    fn refused(&self, request: &Request, status: u16) {
        routes::refused(self, request, status);
    }
}

/// Locks; a panic elsewhere does not spoil the state, as each change of it is
/// whole.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
