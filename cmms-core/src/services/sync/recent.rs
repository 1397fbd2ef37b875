//! What the sieve remembers of earlier pages.

use super::references::Known;
use super::sieve::Records;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The ids of the parts that may not be committed yet, and what references lead to.
pub(super) struct Recent {
    /// What references lead to.
    pub(super) known: Known,
    ids: VecDeque<HashSet<Box<str>>>,
    /// How many parts came before those.
    first: u64,
    written: Arc<AtomicU64>,
}

impl Recent {
    /// Nothing yet; `written` counts the parts that are committed.
    pub(super) fn new(written: Arc<AtomicU64>) -> Self {
        Self {
            known: Known::default(),
            ids: VecDeque::from([HashSet::new()]),
            first: 0,
            written,
        }
    }

    /// Notes these records and gives those that are on their way already.
    pub(super) fn note(&mut self, records: &Records) -> BTreeSet<String> {
        let written = self.written.load(Ordering::Acquire);
        while self.first < written && self.ids.len() > 1 {
            self.ids.pop_front();
            self.first += 1;
        }
        let known = |id: &str| self.ids.iter().any(|part| part.contains(id));
        let on_its_way = records
            .iter()
            .map(|(id, _)| id)
            .filter(|id| known(id))
            .cloned()
            .collect();
        if let Some(part) = self.ids.back_mut() {
            part.extend(records.iter().map(|(id, _)| id.as_str().into()));
        }
        on_its_way
    }

    /// Begins another part.
    pub(super) fn next_part(&mut self) {
        self.ids.push_back(HashSet::new());
    }
}
