//! One kind of record, in order, and its pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

/// A stored record: its JSON text as served, and what lists sort by.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) updated: String,
    pub(super) json: Box<str>,
}

impl Record {
    /// Makes a record of a value; where it has no text as `updatedAt`,
    /// `updated` is what it is sorted by.
    pub(super) fn new(id: String, value: &Value, updated: &str) -> Self {
        let own = value.get("updatedAt").and_then(Value::as_str);
        let updated = own.unwrap_or(updated).to_owned();
        Self {
            id,
            updated,
            json: value.to_string().into_boxed_str(),
        }
    }

    /// A record that is served as this text.
    pub(super) fn text(id: String, text: &str, updated: &str) -> Self {
        Self {
            id,
            updated: updated.to_owned(),
            json: text.into(),
        }
    }

    pub(super) fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or_default()
    }
}

/// What a list request asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) page: usize,
    pub(super) size: usize,
    pub(super) since: Option<&'a str>,
    /// Of how many of the records, from the first on.
    pub(super) share: Share,
}

/// How much of a list is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    Whole,
    Half,
    Nothing,
}

/// All records of one kind, in the order in which they were made.
#[derive(Debug)]
pub(super) struct Collection {
    resource: &'static str,
    records: Vec<Record>,
    places: BTreeMap<String, usize>,
    by_updated: Vec<usize>,
    /// Encoded pages by size; empty until they are needed after a change.
    pages: BTreeMap<usize, Vec<Bytes>>,
    sizes: Vec<usize>,
}

impl Collection {
    pub(super) fn new(resource: &'static str, records: Vec<Record>, sizes: &[usize]) -> Self {
        let mut made = Self {
            resource,
            records,
            places: BTreeMap::new(),
            by_updated: Vec::new(),
            pages: BTreeMap::new(),
            sizes: sizes.to_vec(),
        };
        made.changed();
        for size in sizes {
            made.encoded(*size);
        }
        made
    }

    /// Puts everything that follows from the records in order again.
    fn changed(&mut self) {
        let records = &self.records;
        let places = records.iter().enumerate();
        self.places = places.map(|(at, record)| (record.id.clone(), at)).collect();
        self.by_updated = (0..records.len()).collect();
        self.by_updated
            .sort_by_key(|at| records.get(*at).map(|record| record.updated.as_str()));
        self.pages.clear();
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.records.get(*self.places.get(id)?)
    }

    /// Stores records, each in its place or behind all.
    pub(super) fn put(&mut self, records: Vec<Record>) {
        for record in records {
            let at = self.places.get(&record.id);
            match at.and_then(|at| self.records.get_mut(*at)) {
                Some(present) => *present = record,
                None => {
                    self.places.insert(record.id.clone(), self.records.len());
                    self.records.push(record);
                }
            }
        }
        self.changed();
    }

    /// Orders records of one time anew.
    pub(super) fn shuffle_ties(&mut self, random: &mut fastrand::Rng) {
        let records = &self.records;
        random.shuffle(&mut self.by_updated);
        self.by_updated
            .sort_by_key(|at| records.get(*at).map(|record| record.updated.as_str()));
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        let before = self.records.len();
        self.records.retain(|record| record.id != id);
        self.changed();
        self.records.len() < before
    }

    /// The ids of the records around the end of a page, if it has an end
    /// within the list.
    pub(super) fn around_end(&self, wanted: &Wanted<'_>, each_side: usize) -> Vec<String> {
        let order = self.order(wanted.since);
        let end = wanted.page.saturating_mul(wanted.size);
        let range = end.saturating_sub(each_side)..end.saturating_add(each_side).min(order.len());
        if end >= order.len() {
            return Vec::new();
        }
        let places = range.filter_map(|n| order.at(n));
        places
            .filter_map(|at| self.records.get(at))
            .map(|record| record.id.clone())
            .collect()
    }

    /// One page.
    pub(super) fn page(&mut self, wanted: &Wanted<'_>) -> Bytes {
        if wanted.since.is_none()
            && wanted.share == Share::Whole
            && self.sizes.contains(&wanted.size)
            && let Some(page) = self.encoded(wanted.size).get(wanted.page - 1)
        {
            return page.clone();
        }
        self.encode(wanted)
    }

    fn encoded(&mut self, size: usize) -> &[Bytes] {
        if !self.pages.contains_key(&size) {
            let pages = (1..=self.records.len().div_ceil(size.max(1)))
                .map(|page| {
                    self.encode(&Wanted {
                        page,
                        size,
                        since: None,
                        share: Share::Whole,
                    })
                })
                .collect();
            self.pages.insert(size, pages);
        }
        self.pages.get(&size).map_or(&[], Vec::as_slice)
    }

    fn order(&self, since: Option<&str>) -> Order<'_> {
        let Some(since) = since else {
            return Order::AsMade(self.records.len());
        };
        let start = self.by_updated.partition_point(|at| {
            let record = self.records.get(*at);
            record.is_some_and(|record| record.updated.as_str() <= since)
        });
        Order::ByUpdated(self.by_updated.get(start..).unwrap_or_default())
    }

    fn encode(&self, wanted: &Wanted<'_>) -> Bytes {
        let Wanted {
            page,
            size,
            since,
            share,
        } = *wanted;
        let order = self.order(since);
        let total = match share {
            Share::Whole => order.len(),
            Share::Half => order.len() / 2,
            Share::Nothing => 0,
        };
        let from = (page - 1).saturating_mul(size).min(total);
        let range: Range<usize> = from..from.saturating_add(size).min(total);
        let mut body = String::with_capacity(range.len() * 1100 + 256);
        body.push_str(r#"{"data":["#);
        for (n, place) in range.enumerate() {
            if n > 0 {
                body.push(',');
            }
            if let Some(record) = order.at(place).and_then(|at| self.records.get(at)) {
                body.push_str(&record.json);
            }
        }
        let pages = total.div_ceil(size.max(1));
        // Writing to a text cannot fail.
        let _ = write!(
            body,
            r#"],"meta":{{"page":{page},"pageSize":{size},"totalPages":{pages},"total":{total}}},"links":{{"next":"#
        );
        if page < pages {
            let resource = self.resource;
            let next = page + 1;
            let _ = write!(body, r#""/api/v1/{resource}?page={next}&pageSize={size}"#);
            if let Some(since) = since {
                let _ = write!(body, "&updatedSince={since}");
            }
            body.push('"');
        } else {
            body.push_str("null");
        }
        body.push_str("}}");
        body.into()
    }
}

/// The order of a list.
#[derive(Debug)]
enum Order<'a> {
    AsMade(usize),
    ByUpdated(&'a [usize]),
}

impl Order<'_> {
    fn len(&self) -> usize {
        match self {
            Self::AsMade(len) => *len,
            Self::ByUpdated(places) => places.len(),
        }
    }

    fn at(&self, n: usize) -> Option<usize> {
        match self {
            Self::AsMade(_) => Some(n),
            Self::ByUpdated(places) => places.get(n).copied(),
        }
    }
}
