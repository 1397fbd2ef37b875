//! Which parents would make an asset a part of itself.

use crate::Result;
use crate::domain::asset::AssetParent;
use crate::failpoint::{Failpoint, is_on};
use crate::ids::AssetId;
use crate::ports::repository::TxExt;
use crate::ports::store::Tx;
use crate::record::Field;
use std::collections::{BTreeSet, HashMap};

/// The most levels of stored parents above an asset.
const MAX_DEPTH: usize = 1_000;

/// An asset that is to be put below another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewParent {
    /// The asset.
    pub(super) asset: AssetId,
    /// The one above it.
    pub(super) parent: AssetId,
    /// Whether the asset is not stored yet, so that no stored asset is a part of it.
    pub(super) is_new: bool,
}

/// The assets that would be parts of themselves if each of these was put below its parent, one after the other: those
/// stay where they are not, and the others can be put there. An asset more than 1,000 levels down counts as one of them.
///
/// Nothing is read where all of them are new.
pub(super) async fn cyclic(
    tx: &mut Box<dyn Tx>,
    changes: &[NewParent],
) -> Result<BTreeSet<AssetId>> {
    let mut cyclic = BTreeSet::new();
    if is_on(Failpoint::BelieveParents) {
        return Ok(cyclic);
    }
    let mut above = Above::of(changes);
    above.read(tx, changes).await?;
    for change in changes {
        if above.reaches(change.parent, change.asset) {
            cyclic.insert(change.asset);
        } else {
            above.0.insert(change.asset, Some(change.parent));
        }
    }
    Ok(cyclic)
}

/// The parents of assets; None for one that has none.
struct Above(HashMap<AssetId, Option<AssetId>>);

impl Above {
    /// None of these has its parent yet.
    fn of(changes: &[NewParent]) -> Self {
        Self(changes.iter().map(|change| (change.asset, None)).collect())
    }

    /// Reads the stored assets above those that are put elsewhere: a cycle that goes through a stored asset goes through
    /// one of those.
    async fn read(&mut self, tx: &mut Box<dyn Tx>, changes: &[NewParent]) -> Result<()> {
        let wishes: HashMap<AssetId, AssetId> =
            changes.iter().map(|c| (c.asset, c.parent)).collect();
        let moved = changes.iter().filter(|change| !change.is_new);
        let mut level: BTreeSet<AssetId> = moved.map(|change| change.parent).collect();
        let mut seen = level.clone();
        for _ in 0..=MAX_DEPTH {
            let (changed, stored): (Vec<AssetId>, Vec<AssetId>) =
                level.iter().partition(|id| wishes.contains_key(id));
            let mut next: BTreeSet<AssetId> = BTreeSet::new();
            next.extend(changed.iter().filter_map(|id| wishes.get(id)));
            if !stored.is_empty() {
                let keys: Vec<_> = stored.iter().map(|id| [id.cell()]).collect();
                let keys: Vec<&[_]> = keys.iter().map(<[_; 1]>::as_slice).collect();
                for found in tx.of::<AssetParent>().get_all(&keys).await? {
                    self.0.insert(found.id, found.parent_uid);
                    next.extend(found.parent_uid);
                }
            }
            next.retain(|id| seen.insert(*id));
            if next.is_empty() {
                return Ok(());
            }
            level = next;
        }
        // Whatever is up there, nothing may be put below it.
        self.0.extend(level.into_iter().map(|id| (id, Some(id))));
        Ok(())
    }

    /// Whether an asset is this one or a part of it.
    fn reaches(&self, from: AssetId, asset: AssetId) -> bool {
        let mut at = from;
        for _ in 0..=self.0.len() {
            if at == asset {
                return true;
            }
            match self.0.get(&at) {
                Some(Some(parent)) => at = *parent,
                _ => return false,
            }
        }
        // It goes round above.
        true
    }
}
