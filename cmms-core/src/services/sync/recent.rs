//! What the sieve remembers of earlier pages.

use super::references::Known;
use super::sieve::Records;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most ids of a first listing that are remembered, at about 12 octets each.
const MET_MAX: usize = 200_000;

/// The ids of the parts that may not be committed yet, and what references lead to.
pub(super) struct Recent {
    /// What references lead to.
    pub(super) known: Known,
    ids: VecDeque<HashSet<Box<str>>>,
    /// How many parts came before those.
    first: u64,
    written: Arc<AtomicU64>,
    /// What this listing has met, where nothing was linked before it.
    met: Option<Met>,
}

impl Recent {
    /// Nothing yet; `written` counts the parts that are committed, `is_first` says that nothing was linked before.
    pub(super) fn new(written: Arc<AtomicU64>, is_first: bool) -> Self {
        Self {
            known: Known::default(),
            ids: VecDeque::from([HashSet::new()]),
            first: 0,
            written,
            met: is_first.then(Met::default),
        }
    }

    /// Notes these records and gives those of them that may be stored: where nothing was linked before, the ones
    /// that this listing has met already, and a few others.
    pub(super) fn meet<'r>(&mut self, records: &'r Records) -> Vec<&'r str> {
        let ids = records.iter().map(|(id, _)| id.as_str());
        let Some(met) = &mut self.met else {
            return ids.collect();
        };
        let again = ids.filter(|id| !met.is_new(id)).collect();
        if met.ids.len() > MET_MAX {
            self.met = None;
        }
        again
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

/// The ids that were met, by their hashes: two that look alike cost a look-up.
#[derive(Default)]
struct Met {
    ids: HashSet<u64>,
    hasher: RandomState,
}

impl Met {
    /// Notes an id and says whether it was surely not met before.
    fn is_new(&mut self, id: &str) -> bool {
        self.ids.insert(self.hasher.hash_one(id))
    }
}
