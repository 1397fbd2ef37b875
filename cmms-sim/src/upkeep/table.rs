//! One kind of record: the rows, and sorted views that follow each write.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::filter::{self, Filter};
use crate::times::parse_iso;

/// How many sorted views a table keeps before it forgets the oldest.
const VIEWS: usize = 12;

/// The time of a record that has none; it sorts first.
const NO_TIME: i64 = i64::MIN;

/// A field that lists can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SortField {
    CreatedAt,
    UpdatedAt,
    DueDate,
    EndDueDate,
    DateCompleted,
}

impl SortField {
    /// The field's name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::UpdatedAt => "updatedAt",
            Self::DueDate => "dueDate",
            Self::EndDueDate => "endDueDate",
            Self::DateCompleted => "dateCompleted",
        }
    }
}

/// A stored record: the JSON text as served, and its times for sorting.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) json: Box<str>,
    pub(super) created: i64,
    pub(super) updated: i64,
    due: i64,
    end_due: i64,
    completed: i64,
}

impl Record {
    /// Makes a record; where the value has no readable `createdAt` or
    /// `updatedAt`, `fallback` gives them, for sorting only.
    pub(super) fn new(key: String, value: &Value, fallback: (i64, i64)) -> Self {
        let time = |field: SortField| {
            value
                .get(field.name())
                .and_then(Value::as_str)
                .and_then(parse_iso)
        };
        Self {
            key,
            created: time(SortField::CreatedAt).unwrap_or(fallback.0),
            updated: time(SortField::UpdatedAt).unwrap_or(fallback.1),
            due: time(SortField::DueDate).unwrap_or(NO_TIME),
            end_due: time(SortField::EndDueDate).unwrap_or(NO_TIME),
            completed: time(SortField::DateCompleted).unwrap_or(NO_TIME),
            json: value.to_string().into_boxed_str(),
        }
    }

    /// A record that is served as this text; `times` are for sorting.
    pub(super) fn text(key: String, text: &str, times: (i64, i64)) -> Self {
        Self {
            json: text.into(),
            ..Self::new(key, &Value::Null, times)
        }
    }

    /// The record as a JSON value.
    pub(super) fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or_default()
    }

    fn time(&self, field: SortField) -> i64 {
        match field {
            SortField::CreatedAt => self.created,
            SortField::UpdatedAt => self.updated,
            SortField::DueDate => self.due,
            SortField::EndDueDate => self.end_due,
            SortField::DateCompleted => self.completed,
        }
    }

    fn place(&self, field: SortField) -> (i64, &str) {
        (self.time(field), &self.key)
    }
}

/// A filtered list in ascending order of `(sort field, id)`.
#[derive(Debug)]
struct View {
    sort: SortField,
    filters: Vec<Filter>,
    rows: Vec<Arc<Record>>,
}

impl View {
    fn find(&self, record: &Record) -> Result<usize, usize> {
        let place = record.place(self.sort);
        self.rows
            .binary_search_by(|row| row.place(self.sort).cmp(&place))
    }

    fn add(&mut self, record: &Arc<Record>) {
        if filter::all_match(&self.filters, record)
            && let Err(at) = self.find(record)
        {
            self.rows.insert(at, Arc::clone(record));
        }
    }

    fn drop_row(&mut self, record: &Record) {
        if let Ok(at) = self.find(record) {
            self.rows.remove(at);
        }
    }
}

/// What a list request asks of a table.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    pub(super) sort: SortField,
    pub(super) descending: bool,
    pub(super) filters: Vec<Filter>,
    /// Lowest and highest `updatedAt`, both included.
    pub(super) updated: (Option<i64>, Option<i64>),
    /// Whether the list has the first half of its records only.
    pub(super) halved: bool,
    /// What decides the order of records that are equal in the sort field;
    /// none: their ids.
    pub(super) shuffled: Option<u64>,
    pub(super) offset: usize,
    pub(super) limit: usize,
}

/// All records of one kind.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<String, Arc<Record>>,
    hidden: BTreeSet<String>,
    views: Vec<View>,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Arc<Record>> {
        self.rows.get(key)
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.rows.values()
    }

    pub(super) fn put(&mut self, record: Record) {
        let record = Arc::new(record);
        let old = self.rows.insert(record.key.clone(), Arc::clone(&record));
        let hidden = self.hidden.contains(&record.key);
        for view in &mut self.views {
            if let Some(old) = &old {
                view.drop_row(old);
            }
            if !hidden {
                view.add(&record);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        let Some(old) = self.rows.remove(key) else {
            return false;
        };
        for view in &mut self.views {
            view.drop_row(&old);
        }
        true
    }

    /// Leaves these records out of lists, and only these.
    pub(super) fn hide(&mut self, keys: BTreeSet<String>) {
        self.hidden = keys;
        self.views.clear();
    }

    /// Picks one page.
    pub(super) fn page(&mut self, selection: &Selection) -> Vec<Arc<Record>> {
        let (from, to) = selection.updated;
        let by_update = selection.sort == SortField::UpdatedAt;
        let mut filters = selection.filters.clone();
        if !by_update && (from.is_some() || to.is_some()) {
            filters.push(Filter::Updated { from, to });
        }
        let rows = self.view(selection.sort, filters);
        let whole = if selection.halved {
            rows.len() / 2
        } else {
            rows.len()
        };
        let range = if by_update {
            let start = from.map_or(0, |from| rows.partition_point(|row| row.updated < from));
            let end = to.map_or(whole, |to| rows.partition_point(|row| row.updated <= to));
            start..end.min(whole).max(start)
        } else {
            0..whole
        };
        slice(rows, range, selection)
    }

    /// The records in lists, oldest first.
    pub(super) fn by_creation(&mut self) -> &[Arc<Record>] {
        self.view(SortField::CreatedAt, Vec::new())
    }

    fn view(&mut self, sort: SortField, filters: Vec<Filter>) -> &[Arc<Record>] {
        let known = self
            .views
            .iter()
            .position(|view| view.sort == sort && view.filters == filters);
        // The view in use moves to the end: the first one is the oldest.
        let view = match known {
            Some(at) => self.views.remove(at),
            None => self.build(sort, filters),
        };
        if self.views.len() >= VIEWS {
            self.views.remove(0);
        }
        self.views.push(view);
        self.views.last().map_or(&[], |view| view.rows.as_slice())
    }

    fn build(&self, sort: SortField, filters: Vec<Filter>) -> View {
        let mut rows: Vec<Arc<Record>> = self
            .rows
            .values()
            .filter(|row| !self.hidden.contains(&row.key) && filter::all_match(&filters, row))
            .cloned()
            .collect();
        rows.sort_unstable_by(|a, b| a.place(sort).cmp(&b.place(sort)));
        View {
            sort,
            filters,
            rows,
        }
    }
}

fn slice(rows: &[Arc<Record>], range: Range<usize>, selection: &Selection) -> Vec<Arc<Record>> {
    let rows = rows.get(range).unwrap_or_default();
    let (offset, limit) = (selection.offset, selection.limit);
    let mut own = Vec::new();
    let rows = match selection.shuffled {
        None => rows,
        Some(seed) => {
            own.extend_from_slice(rows);
            let mut random = fastrand::Rng::with_seed(seed);
            random.shuffle(&mut own);
            own.sort_by_key(|row| row.time(selection.sort));
            own.as_slice()
        }
    };
    if selection.descending {
        rows.iter()
            .rev()
            .skip(offset)
            .take(limit)
            .cloned()
            .collect()
    } else {
        rows.iter().skip(offset).take(limit).cloned().collect()
    }
}
