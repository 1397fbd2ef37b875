//! What a run has counted: each record once, however often it comes.
//!
//! A record may come several times in one run: an unfinished listing is followed by another, a vendor moves it to a
//! later page, a part of a listing is read again. What counts is what became of it in the end.

use crate::domain::sync_run::StreamCount;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// The most records that are remembered, at about 11 octets each. Those beyond are counted each time they come.
const MOST: usize = 1_800_000;
/// The bits of a note that are no part of the record's hash.
const FACTS: u64 = 0b111;
/// Set as long as the last form of the record went to quarantine.
const REFUSED: u64 = 0b100;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It equals what is stored.
    Unchanged = 1,
    /// It changed here.
    Updated = 2,
    /// It is new here.
    Created = 3,
    /// It cannot be stored.
    Refused = REFUSED as isize,
}

/// Names a record in a tally: the upper bits of a hash of its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(u64);

/// A record that was counted, with what became of it in the lowest bits.
#[derive(Debug, Clone, Copy)]
struct Note(u64);

impl PartialEq for Note {
    fn eq(&self, other: &Self) -> bool {
        self.0 & !FACTS == other.0 & !FACTS
    }
}

impl Eq for Note {}

impl Hash for Note {
    fn hash<H: Hasher>(&self, to: &mut H) {
        (self.0 & !FACTS).hash(to);
    }
}

/// The records of one kind that a run has counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    notes: HashSet<Note>,
    hasher: RandomState,
    /// What the notes were before those of the transaction at hand.
    before: Vec<(Key, Option<Note>)>,
}

impl Tally {
    /// The key of the record with this id of the vendor.
    pub(super) fn key(&self, id: &str) -> Key {
        Key(self.hasher.hash_one(id) & !FACTS)
    }

    /// Counts what became of a record, instead of what was counted of it before.
    pub(super) fn count(&mut self, key: Key, outcome: Outcome, to: &mut StreamCount) {
        let noted = self.notes.get(&Note(key.0)).copied();
        let before = noted.map_or(0, |note| note.0 & FACTS);
        let after = match outcome {
            Outcome::Refused => before | REFUSED,
            good => (before & !REFUSED).max(good as u64),
        };
        if before == after {
            return;
        }
        if let Some(place) = place(before, to) {
            *place = place.saturating_sub(1);
        }
        if let Some(place) = place(after, to) {
            *place += 1;
        }
        if noted.is_some() || self.notes.len() < MOST {
            self.notes.replace(Note(key.0 | after));
            self.before.push((key, noted));
        }
    }

    /// What was counted is durable.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// What was counted since then is not stored: it did not happen.
    pub(super) fn undo(&mut self) {
        while let Some((key, before)) = self.before.pop() {
            match before {
                Some(note) => {
                    self.notes.replace(note);
                }
                None => {
                    self.notes.remove(&Note(key.0));
                }
            }
        }
    }
}

/// Where a record with these facts is counted.
fn place(facts: u64, of: &mut StreamCount) -> Option<&mut u64> {
    match facts {
        0 => None,
        refused if refused & REFUSED != 0 => Some(&mut of.quarantined),
        facts if facts == Outcome::Unchanged as u64 => Some(&mut of.unchanged),
        facts if facts == Outcome::Updated as u64 => Some(&mut of.updated),
        _ => Some(&mut of.created),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entity::Entity;

    /// Unchanged, updated, created, quarantined.
    fn counted(tally: &mut Tally, outcomes: &[(&str, Outcome)]) -> [u64; 4] {
        let mut to = StreamCount::new(Entity::Asset);
        for (id, outcome) in outcomes {
            let key = tally.key(id);
            tally.count(key, *outcome, &mut to);
        }
        [to.unchanged, to.updated, to.created, to.quarantined]
    }

    #[test]
    fn a_record_counts_once_as_what_became_of_it() {
        use Outcome::{Created, Refused, Unchanged, Updated};
        for (outcomes, want) in [
            (vec![("a", Created), ("a", Unchanged)], [0, 0, 1, 0]),
            (vec![("a", Unchanged), ("a", Updated)], [0, 1, 0, 0]),
            (vec![("a", Refused), ("a", Refused)], [0, 0, 0, 1]),
            (vec![("a", Refused), ("a", Created)], [0, 0, 1, 0]),
            (vec![("a", Created), ("a", Refused)], [0, 0, 0, 1]),
            (
                vec![("a", Created), ("a", Refused), ("a", Unchanged)],
                [0, 0, 1, 0],
            ),
            (
                vec![("a", Created), ("b", Unchanged), ("c", Refused)],
                [1, 0, 1, 1],
            ),
        ] {
            assert_eq!(
                counted(&mut Tally::default(), &outcomes),
                want,
                "{outcomes:?}"
            );
        }
    }

    #[test]
    fn what_is_undone_is_counted_again() {
        use Outcome::{Created, Unchanged, Updated};
        let mut tally = Tally::default();
        counted(&mut tally, &[("a", Unchanged)]);
        tally.keep();
        counted(
            &mut tally,
            &[("a", Updated), ("b", Created), ("b", Updated)],
        );
        tally.undo();
        let again = counted(&mut tally, &[("a", Unchanged), ("b", Updated)]);
        assert_eq!(again, [0, 1, 0, 0], "a was counted before");
    }
}
