//! The data that the account has at the start, odd values included.
//!
//! What is odd recurs at fixed steps through the records, so that a small
//! account has it as well; what is plain is drawn from the seed.

mod assets;
mod people;
mod text;
mod work_orders;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::state::State;
use super::table::{Record, Table};
use super::vendor::SimEntity;
use crate::times::iso;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How far back the data reaches.
const SPAN_MS: i64 = 3 * 365 * DAY_MS;
/// The data ends this long before the vendor's clock starts.
const QUIET_MS: i64 = 2 * DAY_MS;

/// The work order categories that the account has set up.
pub(super) const CATEGORIES: [&str; 9] = [
    "Preventive",
    "Corrective",
    "Damage",
    "Electrical",
    "Inspection",
    "Safety",
    "Meter Reading",
    "Zähler-Prüfung (alt)",
    "zz-legacy/7",
];

/// Makes a random id of the vendor's form: 10 letters and digits.
pub(super) fn random_id(random: &mut fastrand::Rng) -> String {
    (0..10).map(|_| random.alphanumeric()).collect()
}

/// Fills the account.
pub(super) fn fill(state: &mut State, random: fastrand::Rng) {
    let mut seeder = Seeder {
        random,
        start: state.clock - SPAN_MS,
        taken: BTreeSet::new(),
    };
    let mut work_orders = Table::default();
    let people = people::make(&mut seeder);
    let assets = assets::make(&mut seeder, state.config.assets, &people);
    work_orders::make(
        &mut seeder,
        state.config.work_orders,
        &people,
        &assets,
        |id, value| store(&mut work_orders, id, &value),
    );
    for (entity, records) in [
        (SimEntity::Location, people.locations),
        (SimEntity::User, people.users),
        (SimEntity::Asset, assets),
    ] {
        for Seeded { id, value, .. } in records {
            store(state.table_mut(entity), id, &value);
        }
    }
    *state.table_mut(SimEntity::WorkOrder) = work_orders;
}

fn store(table: &mut Table, id: String, value: &Value) {
    table.put(Record::new(id, value, (0, 0)));
}

/// A record about to be stored.
#[derive(Debug)]
struct Seeded {
    id: String,
    name: String,
    value: Value,
}

/// Draws ids, times and values.
#[derive(Debug)]
struct Seeder {
    random: fastrand::Rng,
    start: i64,
    taken: BTreeSet<String>,
}

impl Seeder {
    fn id(&mut self) -> String {
        loop {
            let id = random_id(&mut self.random);
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }

    /// Draws ids for records; the last is the second in the other case.
    fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids: Vec<String> = (0..count).map(|_| self.id()).collect();
        let twin = ids
            .get(1)
            .map(|id| id.chars().map(other_case).collect::<String>());
        if count > 2
            && let (Some(twin), Some(last)) = (twin, ids.last_mut())
            && self.taken.insert(twin.clone())
        {
            *last = twin;
        }
        ids
    }

    /// The time at which record `i` of `count` was created.
    fn created(&self, i: usize, count: usize) -> i64 {
        let (i, count) = (i as i64, count.max(1) as i64);
        self.start + (SPAN_MS - QUIET_MS) / count * i
    }

    /// The time at which record `i` of `count` was changed last. Records
    /// `block` share one time, and every 40 records three share one.
    fn updated(&mut self, i: usize, count: usize, block: std::ops::Range<usize>) -> i64 {
        if block.contains(&i) {
            return self.created(block.end.min(count), count) + HOUR_MS;
        }
        if (10..13).contains(&(i % 40)) {
            return self.created((i - i % 40 + 13).min(count), count) + HOUR_MS;
        }
        let created = self.created(i, count);
        let end = self.start + SPAN_MS - QUIET_MS / 2;
        match self.random.u8(..4) {
            0 => created,
            1 => self.random.i64(created..end),
            _ => end.min(created + self.random.i64(0..30 * DAY_MS)),
        }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() {
            return None;
        }
        from.get(self.random.usize(..from.len()))
    }

    fn text(&mut self, from: &[&'static str]) -> &'static str {
        self.pick(from).copied().unwrap_or_default()
    }

    /// Sets a reference to one of `targets` in one of the forms in which
    /// references come; `form` 0 is an object, 1 `""`, 2 `null`, 3 missing,
    /// any other the id.
    fn refer(
        &mut self,
        fields: &mut Map<String, Value>,
        name: &str,
        form: usize,
        targets: &[Seeded],
    ) {
        let Some(target) = self.pick(targets) else {
            return;
        };
        set_reference(fields, name, form, target);
    }
}

fn set_reference(fields: &mut Map<String, Value>, name: &str, form: usize, target: &Seeded) {
    let value = match form {
        0 => serde_json::json!({"id": target.id, "name": target.name}),
        1 => "".into(),
        2 => Value::Null,
        3 => return,
        _ => target.id.clone().into(),
    };
    fields.insert(name.to_owned(), value);
}

fn other_case(c: char) -> char {
    if c.is_ascii_lowercase() {
        c.to_ascii_uppercase()
    } else {
        c.to_ascii_lowercase()
    }
}

fn time(ms: i64) -> Value {
    iso(ms).into()
}
