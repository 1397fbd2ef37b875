//! The true state of the simulated account.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Map, Value};

use super::answer::Answer;
use super::config::{EndOfList, UpkeepConfig};
use super::seed;
use super::table::{Record, Selection, Table};
use super::vendor::{LoggedRequest, SimEntity};
use crate::fault::SessionEnd;
use crate::times::iso;

/// By how many milliseconds the vendor's clock steps at each write.
const STEP_MS: i64 = 7;

/// How many records on each side of a page's end a fault gives one time.
const TIED: usize = 5;

/// How many requests the log keeps.
const LOG: usize = 100_000;

/// Failures to answer the next requests with.
#[derive(Debug)]
pub(super) struct Failing {
    pub(super) left: usize,
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
}

/// Everything behind the lock of [`UpkeepVendor`](super::UpkeepVendor).
#[derive(Debug)]
pub(super) struct State {
    pub(super) config: UpkeepConfig,
    pub(super) clock: i64,
    pub(super) sessions: BTreeMap<String, i64>,
    pub(super) session_end: SessionEnd,
    pub(super) forbidden: Option<SimEntity>,
    pub(super) logins: u64,
    pub(super) log: VecDeque<LoggedRequest>,
    pub(super) failing: VecDeque<Failing>,
    pub(super) empty_lists: bool,
    pub(super) clock_is_behind: bool,
    pub(super) tokens: fastrand::Rng,
    pub(super) edits: fastrand::Rng,
    ids: fastrand::Rng,
    end_was_empty: bool,
    assets: Table,
    work_orders: Table,
    locations: Table,
    users: Table,
}

impl State {
    pub(super) fn new(config: UpkeepConfig) -> Self {
        let clock = config.now.timestamp_millis();
        let sessions = config
            .ready_token
            .iter()
            .map(|token| (token.clone(), i64::MAX))
            .collect();
        let mut random = fastrand::Rng::with_seed(config.seed);
        let mut state = Self {
            clock,
            sessions,
            session_end: SessionEnd::default(),
            forbidden: None,
            logins: 0,
            log: VecDeque::new(),
            failing: VecDeque::new(),
            empty_lists: false,
            clock_is_behind: false,
            tokens: random.fork(),
            edits: random.fork(),
            ids: random.fork(),
            end_was_empty: false,
            assets: Table::default(),
            work_orders: Table::default(),
            locations: Table::default(),
            users: Table::default(),
            config,
        };
        seed::fill(&mut state, random.fork());
        state
    }

    pub(super) fn table(&self, entity: SimEntity) -> &Table {
        match entity {
            SimEntity::Asset => &self.assets,
            SimEntity::WorkOrder => &self.work_orders,
            SimEntity::Location => &self.locations,
            SimEntity::User => &self.users,
        }
    }

    pub(super) fn table_mut(&mut self, entity: SimEntity) -> &mut Table {
        match entity {
            SimEntity::Asset => &mut self.assets,
            SimEntity::WorkOrder => &mut self.work_orders,
            SimEntity::Location => &mut self.locations,
            SimEntity::User => &mut self.users,
        }
    }

    /// Steps the clock and answers the time of a write: later than any write
    /// before, and later than the record's present `updatedAt` unless a fault
    /// has moved the clock back.
    pub(super) fn stamp(&mut self, present: Option<i64>) -> i64 {
        let next = self.clock.saturating_add(STEP_MS);
        let present = present.filter(|_| !self.clock_is_behind);
        self.clock = present.map_or(next, |present| next.max(present.saturating_add(1)));
        self.clock
    }

    /// Makes an id that no record of this kind has.
    pub(super) fn new_id(&mut self, entity: SimEntity) -> String {
        loop {
            let id = seed::random_id(&mut self.ids);
            if self.table(entity).get(&id).is_none() {
                return id;
            }
        }
    }

    /// Stores a new record; a missing id or time is filled in.
    pub(super) fn insert(&mut self, entity: SimEntity, mut fields: Map<String, Value>) -> String {
        let time = self.stamp(None);
        let id = match fields.get("id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => self.new_id(entity),
        };
        fields.entry("id").or_insert_with(|| id.clone().into());
        fields
            .entry("createdAt")
            .or_insert_with(|| iso(time).into());
        fields
            .entry("updatedAt")
            .or_insert_with(|| iso(time).into());
        let record = Record::new(id.clone(), &Value::Object(fields), (time, time));
        self.table_mut(entity).put(record);
        id
    }

    /// Changes a record with `change` and raises its `updatedAt`; answers the
    /// record as it is then, or `None` if there is none or it is no object.
    pub(super) fn change(
        &mut self,
        entity: SimEntity,
        id: &str,
        change: impl FnOnce(&mut Map<String, Value>, i64),
    ) -> Option<Value> {
        let old = self.table(entity).get(id)?;
        let (created, updated) = (old.created, old.updated);
        let Value::Object(mut fields) = old.value() else {
            return None;
        };
        let time = self.stamp(Some(updated));
        change(&mut fields, time);
        fields.insert("updatedAt".to_owned(), iso(time).into());
        let value = Value::Object(fields);
        self.table_mut(entity)
            .put(Record::new(id.to_owned(), &value, (created, time)));
        Some(value)
    }

    /// Gives the records around the end of a page one `updatedAt`, that of
    /// the last of them; `false` if the list ends there.
    pub(super) fn tie(&mut self, entity: SimEntity, page: &Selection) -> bool {
        let around = Selection {
            offset: (page.offset + page.limit).saturating_sub(TIED),
            limit: 2 * TIED,
            ..page.clone()
        };
        let rows = self.table_mut(entity).page(&around);
        let Some(time) = rows.iter().map(|row| row.updated).max() else {
            return false;
        };
        if rows.len() <= TIED {
            return false;
        }
        for row in rows {
            if let Value::Object(mut fields) = row.value() {
                fields.insert("updatedAt".to_owned(), iso(time).into());
                self.replace(entity, &row.key, Value::Object(fields));
            }
        }
        true
    }

    /// Replaces a record as a whole; an id or time that the value does not
    /// have is taken over from the record that was there.
    pub(super) fn replace(&mut self, entity: SimEntity, id: &str, mut value: Value) {
        let (created, updated) = match self.table(entity).get(id) {
            Some(old) => (old.created, old.updated),
            None => {
                let time = self.stamp(None);
                (time, time)
            }
        };
        if let Value::Object(fields) = &mut value {
            fields.entry("id").or_insert_with(|| id.into());
            fields
                .entry("createdAt")
                .or_insert_with(|| iso(created).into());
            fields
                .entry("updatedAt")
                .or_insert_with(|| iso(updated).into());
        }
        self.table_mut(entity)
            .put(Record::new(id.to_owned(), &value, (created, updated)));
    }

    pub(super) fn replace_text(&mut self, entity: SimEntity, id: &str, text: &str) {
        let times = match self.table(entity).get(id) {
            Some(old) => (old.created, old.updated),
            None => {
                let time = self.stamp(None);
                (time, time)
            }
        };
        self.table_mut(entity)
            .put(Record::text(id.to_owned(), text, times));
    }

    /// Answers the failure that was ordered for this request, if any.
    pub(super) fn take_failure(&mut self) -> Option<Answer> {
        while self
            .failing
            .front()
            .is_some_and(|failing| failing.left == 0)
        {
            self.failing.pop_front();
        }
        let failing = self.failing.front_mut()?;
        failing.left -= 1;
        let message = match failing.status {
            429 => "Too many requests",
            500.. => "Internal server error",
            _ => "Request failed",
        };
        Some(Answer::failure(failing.status, message).retry_after(failing.retry_after.clone()))
    }

    /// Tells whether the list past its end is answered with 404 this time.
    pub(super) fn end_is_not_found(&mut self) -> bool {
        match self.config.end_of_list {
            EndOfList::Empty => false,
            EndOfList::NotFound => true,
            EndOfList::Alternate => {
                let not_found = self.end_was_empty;
                self.end_was_empty = !not_found;
                not_found
            }
        }
    }

    /// Moves the clock forward.
    pub(super) fn advance(&mut self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.clock = self.clock.saturating_add(by);
    }

    /// Sets the clock.
    pub(super) fn turn(&mut self, to: i64) {
        let by = to.saturating_sub(self.clock);
        self.clock_is_behind |= by < 0;
        self.clock = to;
        // Sessions are about the time that passes, not about what the clock shows.
        for expires in self.sessions.values_mut() {
            *expires = expires.saturating_add(by);
        }
    }

    /// Keeps a request in the log.
    pub(super) fn note(&mut self, request: LoggedRequest) {
        if self.log.len() >= LOG {
            self.log.pop_front();
        }
        self.log.push_back(request);
    }
}
