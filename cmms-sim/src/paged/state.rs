//! The true state of the simulated account.

use std::collections::VecDeque;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value};

use super::collection::{Collection, Record, Wanted};
use super::config::PagedConfig;
use super::seed;
use super::vendor::{PagedEdited, PagedEntity, PagedRequest};

/// How many requests the log keeps.
const LOG: usize = 100_000;

/// Everything behind the lock of [`PagedVendor`](super::PagedVendor).
#[derive(Debug)]
pub(super) struct State {
    pub(super) config: PagedConfig,
    /// Epoch seconds: times have no more precision on this API.
    pub(super) clock: i64,
    pub(super) clock_is_behind: bool,
    pub(super) log: VecDeque<PagedRequest>,
    edits: fastrand::Rng,
    pub(super) ties: fastrand::Rng,
    assets: Collection,
    work_orders: Collection,
}

impl State {
    pub(super) fn new(config: PagedConfig) -> Self {
        let (assets, work_orders) = collections(&config);
        Self {
            clock: config.now.timestamp(),
            clock_is_behind: false,
            log: VecDeque::new(),
            edits: fastrand::Rng::with_seed(config.seed ^ 0x5eed),
            ties: fastrand::Rng::with_seed(config.seed),
            assets,
            work_orders,
            config,
        }
    }

    /// Brings the records of the start back.
    pub(super) fn reset(&mut self) {
        (self.assets, self.work_orders) = collections(&self.config);
    }

    pub(super) fn collection(&self, entity: PagedEntity) -> &Collection {
        match entity {
            PagedEntity::Asset => &self.assets,
            PagedEntity::WorkOrder => &self.work_orders,
        }
    }

    pub(super) fn collection_mut(&mut self, entity: PagedEntity) -> &mut Collection {
        match entity {
            PagedEntity::Asset => &mut self.assets,
            PagedEntity::WorkOrder => &mut self.work_orders,
        }
    }

    /// The time of a write: a second later than the one before, and later
    /// than the record's present one unless a fault has moved the clock back,
    /// as lists give what changed *after* a time.
    fn stamp(&mut self, present: &str) -> String {
        self.clock = self.clock.saturating_add(1);
        let now = iso(self.clock);
        if self.clock_is_behind || now.as_str() > present {
            return now;
        }
        if let Ok(present) = DateTime::parse_from_rfc3339(present) {
            self.clock = present.timestamp().saturating_add(1);
        }
        iso(self.clock)
    }

    /// Changes a record and raises its `updatedAt`; `false` if there is none
    /// or it is no object.
    pub(super) fn change(
        &mut self,
        entity: PagedEntity,
        id: &str,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> bool {
        let Some(record) = self.changed(entity, id, change) else {
            return false;
        };
        self.collection_mut(entity).put(vec![record]);
        true
    }

    fn changed(
        &mut self,
        entity: PagedEntity,
        id: &str,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Option<Record> {
        let present = self.collection(entity).get(id)?;
        let updated = present.updated.clone();
        let Value::Object(mut fields) = present.value() else {
            return None;
        };
        change(&mut fields);
        let time = self.stamp(&updated);
        fields.insert("updatedAt".to_owned(), time.clone().into());
        Some(Record::new(id.to_owned(), &Value::Object(fields), &time))
    }

    /// Adds a record; what it lacks of `id` and times is filled in.
    pub(super) fn insert(&mut self, entity: PagedEntity, mut fields: Map<String, Value>) -> String {
        let time = self.stamp("");
        let mut next = self.collection(entity).records().len();
        let id = match fields.get("id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => loop {
                let id = seed::id(entity, next);
                if self.collection(entity).get(&id).is_none() {
                    break id;
                }
                next += 1;
            },
        };
        fields.entry("id").or_insert_with(|| id.clone().into());
        for name in ["createdAt", "updatedAt"] {
            fields.entry(name).or_insert_with(|| time.clone().into());
        }
        let record = Record::new(id.clone(), &Value::Object(fields), &time);
        self.collection_mut(entity).put(vec![record]);
        id
    }

    /// Replaces a record as a whole; what the value lacks of `id` and times
    /// is taken over.
    pub(super) fn replace(&mut self, entity: PagedEntity, id: &str, mut value: Value) {
        let before = self.collection(entity).get(id).map(Record::value);
        let updated = match &before {
            Some(before) => text(before, "updatedAt"),
            None => self.stamp(""),
        };
        if let Value::Object(fields) = &mut value {
            fields.entry("id").or_insert_with(|| id.into());
            let created = before.as_ref().map(|before| text(before, "createdAt"));
            let created = created.unwrap_or_else(|| updated.clone());
            fields.entry("createdAt").or_insert_with(|| created.into());
            fields
                .entry("updatedAt")
                .or_insert_with(|| updated.clone().into());
        }
        let record = Record::new(id.to_owned(), &value, &updated);
        self.collection_mut(entity).put(vec![record]);
    }

    pub(super) fn replace_text(&mut self, entity: PagedEntity, id: &str, text: &str) {
        let updated = self.collection(entity).get(id).map(|r| r.updated.clone());
        let updated = updated.unwrap_or_else(|| self.stamp(""));
        let record = Record::text(id.to_owned(), text, &updated);
        self.collection_mut(entity).put(vec![record]);
    }

    /// Changes up to `how_many` different records, one in five an asset.
    pub(super) fn edit(&mut self, how_many: usize) -> PagedEdited {
        let assets = self.assets.records().len();
        let orders = self.work_orders.records().len();
        let of_assets = (how_many / 5)
            .max(how_many.saturating_sub(orders))
            .min(assets);
        let of_orders = (how_many - of_assets).min(orders);
        PagedEdited {
            assets: self.edit_some(PagedEntity::Asset, of_assets),
            work_orders: self.edit_some(PagedEntity::WorkOrder, of_orders),
        }
    }

    fn edit_some(&mut self, entity: PagedEntity, how_many: usize) -> Vec<String> {
        let mut random = self.edits.fork();
        let records = self.collection(entity).records();
        let drawn = random.choose_multiple(records.iter(), how_many);
        let ids: Vec<_> = drawn.into_iter().map(|record| record.id.clone()).collect();
        let changed: Vec<_> = ids
            .iter()
            .filter_map(|id| {
                let mark = random.u16(..);
                self.changed(entity, id, |fields| revise(entity, fields, mark))
            })
            .collect();
        let ids = changed.iter().map(|record| record.id.clone()).collect();
        self.collection_mut(entity).put(changed);
        ids
    }

    /// Gives every `step`-th record this `updatedAt`; answers how many.
    pub(super) fn touch(&mut self, step: usize, stamp: &str) -> usize {
        let mut count = 0;
        for entity in [PagedEntity::WorkOrder, PagedEntity::Asset] {
            let records = self.collection(entity).records().iter();
            let ids = records.step_by(step.max(1)).map(|r| r.id.clone()).collect();
            count += self.restamp(entity, ids, stamp);
        }
        count
    }

    fn restamp(&mut self, entity: PagedEntity, ids: Vec<String>, stamp: &str) -> usize {
        let records: Vec<_> = ids
            .iter()
            .filter_map(|id| self.collection(entity).get(id))
            .map(|record| {
                let old = format!(r#""updatedAt":"{}""#, record.updated);
                let new = format!(r#""updatedAt":"{stamp}""#);
                Record {
                    id: record.id.clone(),
                    updated: stamp.to_owned(),
                    json: record.json.replace(&old, &new).into_boxed_str(),
                }
            })
            .collect();
        let count = records.len();
        self.collection_mut(entity).put(records);
        count
    }

    /// Gives the records around the end of a page one `updatedAt`, that of
    /// the latest of them; `false` if the list ends there.
    pub(super) fn tie(&mut self, entity: PagedEntity, wanted: &Wanted<'_>) -> bool {
        let ids = self.collection(entity).around_end(wanted, 5);
        let records = ids.iter().filter_map(|id| self.collection(entity).get(id));
        let Some(time) = records.map(|record| record.updated.clone()).max() else {
            return false;
        };
        self.restamp(entity, ids, &time) > 0
    }

    /// Keeps a request in the log.
    pub(super) fn note(&mut self, request: PagedRequest) {
        if self.log.len() >= LOG {
            self.log.pop_front();
        }
        self.log.push_back(request);
    }
}

fn collections(config: &PagedConfig) -> (Collection, Collection) {
    let made = |entity: PagedEntity, records| {
        Collection::new(entity.resource(), records, &config.page_sizes)
    };
    (
        made(PagedEntity::Asset, seed::assets(config)),
        made(PagedEntity::WorkOrder, seed::work_orders(config)),
    )
}

fn revise(entity: PagedEntity, fields: &mut Map<String, Value>, mark: u16) {
    let (name, status) = match entity {
        PagedEntity::Asset => ("name", seed::ASSET_STATUS),
        PagedEntity::WorkOrder => ("title", seed::STATUS),
    };
    let value = fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let base = value.split(" [rev ").next().unwrap_or_default();
    fields.insert(name.to_owned(), format!("{base} [rev {mark}]").into());
    if let Some(status) = status.get(usize::from(mark) % status.len()) {
        fields.insert("status".to_owned(), (*status).into());
    }
}

fn text(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// Writes epoch seconds the way this vendor answers times.
pub(super) fn iso(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}
