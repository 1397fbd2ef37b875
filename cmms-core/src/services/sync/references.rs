//! What the references of a vendor's records lead to.

use super::synced::Target;
use crate::Result;
use crate::domain::asset::AssetTag;
use crate::domain::entity::Entity;
use crate::domain::sync_state::{LinkDigest, PendingRef};
use crate::ids::{AssetId, ConnectionId};
use crate::ports::repository::TxExt;
use crate::ports::store::Tx;
use crate::record::{Cell, Field};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The assets that the vendor's ids of a batch lead to.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(HashMap<String, (AssetId, String)>);

impl Known {
    /// Those of these ids that are known.
    pub(super) fn pick(&self, ids: &BTreeSet<&str>) -> Self {
        let known = ids.iter().filter_map(|id| self.0.get_key_value(*id));
        Self(known.map(|(id, to)| (id.clone(), to.clone())).collect())
    }

    /// Forgets everything if it is more than `most`.
    pub(super) fn keep_below(&mut self, most: usize) {
        if self.0.len() > most {
            self.0.clear();
        }
    }

    /// Looks those of the vendor's ids up that are not known yet.
    pub(super) async fn find(
        &mut self,
        tx: &mut Box<dyn Tx>,
        connection: ConnectionId,
        ids: &BTreeSet<&str>,
    ) -> Result<()> {
        let keys: Vec<_> = ids
            .iter()
            .filter(|id| !self.0.contains_key(**id))
            .map(|id| [connection.cell(), Entity::Asset.cell(), Cell::text(id)])
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
        let links = tx.of::<LinkDigest>().get_all(&keys).await?;
        let assets: Vec<_> = links.iter().map(|l| [Cell::Id(l.record_id)]).collect();
        let assets: Vec<&[Cell<'_>]> = assets.iter().map(<[_; 1]>::as_slice).collect();
        let tags: BTreeMap<_, _> = tx
            .of::<AssetTag>()
            .get_all(&assets)
            .await?
            .into_iter()
            .map(|a| (a.id.0, a.asset_id))
            .collect();
        self.0.extend(links.into_iter().filter_map(|l| {
            tags.get(&l.record_id)
                .map(|tag| (l.external_id, (AssetId(l.record_id), tag.clone())))
        }));
        Ok(())
    }

    /// Adds an asset that comes in with this batch.
    pub(super) fn add(&mut self, external_id: &str, id: AssetId, tag: &str) {
        self.0.insert(external_id.to_owned(), (id, tag.to_owned()));
    }

    /// What a reference of the vendor leads to.
    pub(super) fn target(&self, connection: ConnectionId, external_id: Option<&str>) -> Target {
        match external_id {
            None => Target::None,
            Some(id) => match self.0.get(id) {
                Some((asset, tag)) => Target::Known(*asset, tag.clone()),
                None => Target::Waiting(
                    PendingRef::External(connection, id.to_owned()),
                    id.to_owned(),
                ),
            },
        }
    }
}
