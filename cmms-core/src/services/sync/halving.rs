//! Records that a store refuses: found by halving what was to be written, so that the others come in.
//!
//! What no store keeps is refused before it is written. A database may refuse more, and says so about a whole call. The
//! transaction is lost then, with all that it had; so the listing is read again from its checkpoint, each piece in a
//! transaction of its own, and a piece that fails is halved until the culprit is alone.

use super::batch::{Open, Outcomes, close, piece_into};
use super::quarantine::Bad;
use super::sieve::Piece;
use super::stream::Stream;
use super::synced::Synced;
use super::write::Item;
use crate::domain::sync_run::SyncRun;
use crate::failpoint::{Failpoint, is_on};
use crate::mapping::MapError;
use crate::record::Digest;
use crate::{Error, Result, code};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most records that are remembered.
const MOST: usize = 10_000;

/// Whether a write failed because of what was to be written.
pub(super) fn is_of_data(e: &Error) -> bool {
    e.is(code::STORE_VALUE) && !is_on(Failpoint::StopAtPoison)
}

/// Records that the store has refused in this run, in the form in which it did.
#[derive(Debug, Default)]
pub(super) struct Poison(HashMap<String, (Digest, MapError)>);

impl Poison {
    fn add<R>(&mut self, item: &Item<R>, why: &MapError) {
        if self.0.len() < MOST {
            let known = (item.digest, why.clone());
            self.0.insert(item.external_id.clone(), known);
        }
    }

    /// Takes those of these records that are known to be refused.
    pub(super) fn take<R>(&self, items: &mut Vec<Item<R>>) -> Vec<Bad> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let is_known = |item: &mut Item<R>| {
            let known = self.0.get(&item.external_id);
            known.is_some_and(|(digest, _)| *digest == item.digest)
        };
        let known = items.extract_if(.., is_known);
        let bad = known.filter_map(|item| {
            let (_, why) = self.0.get(&item.external_id)?;
            Some(bad(item, why.clone()))
        });
        bad.collect()
    }
}

/// Writes a piece, each half that the store takes in a transaction of its own.
pub(super) async fn halved<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    run: &mut SyncRun,
    open: &mut Open<'a>,
    piece: Piece<R>,
    outcome: &mut Outcomes,
) -> Result<()> {
    if open.is_begun() {
        close(stream, run, open).await?;
    }
    let mut pieces = vec![piece];
    while let Some(mut piece) = pieces.pop() {
        let again = piece.clone();
        let (before, known) = (open.run.clone(), outcome.lengths());
        let (records, began) = (piece.items.len(), stream.app.clock.elapsed());
        let written = match piece_into(stream, open, piece.take(), outcome).await {
            Ok(()) => close(stream, run, open).await,
            Err(e) => Err(e),
        };
        match written {
            Ok(()) => {
                let took = stream.app.clock.elapsed().saturating_sub(began);
                stream.pace.took(records, took);
            }
            Err(e) if is_of_data(&e) => {
                open.undo(before);
                outcome.shorten(known);
                stream.tally.undo();
                match again.halves() {
                    Ok((first, second)) => pieces.extend([second, first]),
                    Err(item) => {
                        let why = refused(&e);
                        stream.poison.add(&item, &why);
                        outcome.add_bad(bad(*item, why));
                    }
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn bad<R>(item: Item<R>, why: MapError) -> Bad {
    Bad {
        external_id: item.external_id,
        updated_at: item.updated_at,
        raw: item.raw,
        why,
    }
}

/// Why the store refuses a record.
pub(super) fn refused(e: &Error) -> MapError {
    let detail = format!("the store refuses the record: {}", e.message());
    MapError {
        field: e.first_field().unwrap_or_default().to_owned(),
        reason: "store_refused",
        detail,
    }
}

/// Runs work on one record. A fault of ours that comes out in it is that record's, and stops no other.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, MapError>) -> Result<T, MapError> {
    // What the work was changing is the record's own and is dropped.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(MapError {
            field: String::new(),
            reason: "mapping_fault",
            detail: "the program broke off on this record; its log says where".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_in_one_record_is_that_records() {
        assert_eq!(guarded(|| Ok(7)), Ok(7));
        let broken = guarded::<()>(|| panic!("as planned"));
        assert_eq!(broken.unwrap_err().reason, "mapping_fault");
    }
}
