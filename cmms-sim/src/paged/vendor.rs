//! The account behind the API: the oracle, edits on request, and faults.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::config::PagedConfig;
use super::routes;
use super::state::State;
use crate::fault::{FaultPlan, Faults};
use crate::merge::merge;
use crate::wire::{Reply, Request, Service, Shape, Twist};

/// A kind of record of the simulated account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PagedEntity {
    /// A record of `/assets`.
    Asset,
    /// A record of `/work-orders`.
    WorkOrder,
}

impl PagedEntity {
    /// The last part of the path of the list.
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Asset => "assets",
            Self::WorkOrder => "work-orders",
        }
    }

    pub(super) fn of_resource(name: &str) -> Option<Self> {
        [Self::Asset, Self::WorkOrder]
            .into_iter()
            .find(|entity| entity.resource() == name)
    }
}

/// The true state of the account, in the vendor's terms: each record exactly
/// as it is served, by its id.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct PagedOracle {
    /// All assets.
    pub assets: BTreeMap<String, Value>,
    /// All work orders.
    pub work_orders: BTreeMap<String, Value>,
}

/// Names the records that [`PagedVendor::edit`] changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PagedEdited {
    /// Ids of changed assets, in the order of the edits.
    pub assets: Vec<String>,
    /// Ids of changed work orders, in the order of the edits.
    pub work_orders: Vec<String>,
}

/// A request that the simulator has answered; headers are never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PagedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path as it was asked for.
    pub path: String,
    /// The decoded query parameters, in order.
    pub query: Vec<(String, String)>,
    /// The status of the answer; 0 if a fault gave none.
    pub status: u16,
}

type Hook = Arc<Mutex<dyn FnMut(&PagedVendor, &PagedRequest) + Send>>;

struct Shared {
    faults: Faults,
    latency: Mutex<Duration>,
    state: Mutex<State>,
    hook: Mutex<Option<Hook>>,
}

/// The account behind the API: tells its true state, changes it, and orders
/// faults. Clones are handles of the same account.
#[derive(Clone)]
pub struct PagedVendor {
    shared: Arc<Shared>,
}

impl fmt::Debug for PagedVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagedVendor").finish_non_exhaustive()
    }
}

impl PagedVendor {
    pub(super) fn new(config: PagedConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                faults: Faults::default(),
                latency: Mutex::new(config.latency),
                state: Mutex::new(State::new(config)),
                hook: Mutex::new(None),
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// Calls the hook, outside all locks but its own.
    pub(super) fn after(&self, request: &PagedRequest) {
        let hook = lock(&self.shared.hook).clone();
        if let Some(hook) = hook {
            (*lock(&hook))(self, request);
        }
    }

    /// Takes a picture of the true state.
    #[must_use]
    pub fn oracle(&self) -> PagedOracle {
        let state = self.lock();
        let all = |entity| {
            let records = state.collection(entity).records().iter();
            records
                .map(|record| (record.id.clone(), record.value()))
                .collect()
        };
        PagedOracle {
            assets: all(PagedEntity::Asset),
            work_orders: all(PagedEntity::WorkOrder),
        }
    }

    /// The records of a kind byte for byte as they are served, by id.
    #[must_use]
    pub fn served(&self, entity: PagedEntity) -> BTreeMap<String, String> {
        let state = self.lock();
        let records = state.collection(entity).records().iter();
        records
            .map(|record| (record.id.clone(), record.json.to_string()))
            .collect()
    }

    /// Makes seeded random edits of up to `how_many` different records, one
    /// in five an asset: name or title, and status. Each raises `updatedAt`.
    pub fn edit(&self, how_many: usize) -> PagedEdited {
        self.lock().edit(how_many)
    }

    /// Gives every (100 / percent)-th record this `updatedAt`, as
    /// `/admin/touch` does; answers how many.
    pub fn touch(&self, percent: usize, stamp: &str) -> usize {
        self.lock().touch(100 / percent.clamp(1, 100), stamp)
    }

    /// Changes a record by a JSON merge patch (RFC 7396: `null` removes the
    /// field) and raises its `updatedAt`. Answers `false` if there is no such
    /// record.
    pub fn update(&self, entity: PagedEntity, id: &str, patch: Value) -> bool {
        self.lock().change(entity, id, |fields| {
            if let Value::Object(patch) = patch {
                merge(fields, patch);
            }
        })
    }

    /// Replaces a record as a whole, by whatever value, checked by nothing.
    /// What it does not have of `id`, `createdAt` and `updatedAt` is taken
    /// over from the record before.
    pub fn set_raw(&self, entity: PagedEntity, id: &str, value: Value) {
        self.lock().replace(entity, id, value);
    }

    /// Serves this text as a record, byte for byte, whether it is JSON or not.
    pub fn set_text(&self, entity: PagedEntity, id: &str, text: &str) {
        self.lock().replace_text(entity, id, text);
    }

    /// Adds a record behind the others and answers its id. An `id`,
    /// `createdAt` or `updatedAt` that the value does not have is filled in.
    pub fn insert(&self, entity: PagedEntity, value: Value) -> String {
        let fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        self.lock().insert(entity, fields)
    }

    /// Deletes a record, without leaving a trace in lists. Answers `false` if
    /// there is no such record.
    pub fn remove(&self, entity: PagedEntity, id: &str) -> bool {
        self.lock().collection_mut(entity).remove(id)
    }

    /// The requests answered so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<PagedRequest> {
        self.lock().log.iter().cloned().collect()
    }

    /// Forgets the requests answered so far.
    pub fn clear_requests(&self) {
        self.lock().log.clear();
    }

    /// The vendor's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.lock().clock, 0).unwrap_or_default()
    }

    /// Sets the vendor's clock to a later time; an earlier one changes
    /// nothing. Otherwise it only steps a second at each write.
    pub fn set_clock(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.clock = state.clock.max(now.timestamp());
    }

    /// Sets the vendor's clock to any time. Where it is an earlier one, what changes afterwards can have an
    /// earlier time than before.
    pub fn turn_clock(&self, to: DateTime<Utc>) {
        let mut state = self.lock();
        state.clock_is_behind |= to.timestamp() < state.clock;
        state.clock = to.timestamp();
    }

    /// Asks for another token from now on.
    pub fn set_token(&self, token: impl Into<String>) {
        self.lock().config.token = token.into();
    }

    /// Sets whether equal records come in another order at each request.
    pub fn set_ties_shuffled(&self, shuffled: bool) {
        self.lock().config.ties_shuffled = shuffled;
    }

    /// Sets how long each answer takes.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.shared.latency) = latency;
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
        hook: impl FnMut(&PagedVendor, &PagedRequest) + Send + 'static,
    ) {
        *lock(&self.shared.hook) = Some(Arc::new(Mutex::new(hook)));
    }
}

impl Service for PagedVendor {
    const SHAPE: Shape = Shape {
        list: r#"{"data":["#,
        list_end: r#"],"meta":{"page":1,"pageSize":100,"totalPages":0,"total":0},"links":{"next":null}}"#,
        records: "data",
        texts: &["title", "name"],
        spared: &["/health"],
    };

    fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    fn latency(&self) -> Duration {
        *lock(&self.shared.latency)
    }

    fn clock(&self) -> i64 {
        self.lock().clock.saturating_mul(1000)
    }

    fn answer(&self, request: &Request, twist: Option<Twist>) -> Reply {
        routes::handle(self, request, twist)
    }

    fn refused(&self, request: &Request, status: u16) {
        let logged = routes::logged(request, status);
        self.lock().note(logged.clone());
        self.after(&logged);
    }
}

/// Locks; a panic elsewhere does not spoil the state, as each change of it is
/// whole.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
