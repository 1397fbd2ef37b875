//! References between pulled records, and records that wait for them.

use super::synced::Target;
use crate::Result;
use crate::domain::asset::{Asset, AssetTag};
use crate::domain::audit::BatchRecord;
use crate::domain::entity::Entity;
use crate::domain::sync_state::{LinkDigest, PendingRef};
use crate::ids::{AssetId, ConnectionId};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Tx};
use crate::record::{Cell, Field};
use crate::services::work_orders;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// The assets that the vendor's ids of a batch lead to.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<String, (AssetId, String)>);

impl Known {
    /// Looks the vendor's ids up.
    pub(super) async fn find(
        tx: &mut Box<dyn Tx>,
        connection: ConnectionId,
        ids: &BTreeSet<&str>,
    ) -> Result<Self> {
        let keys: Vec<_> = ids
            .iter()
            .map(|id| [connection.cell(), Entity::Asset.cell(), Cell::text(id)])
            .collect();
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
        let known = links
            .into_iter()
            .filter_map(|l| {
                tags.get(&l.record_id)
                    .map(|tag| (l.external_id, (AssetId(l.record_id), tag.clone())))
            })
            .collect();
        Ok(Self(known))
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

/// Links what waited for assets that have just come in.
pub(super) async fn link_waiting(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    arrived: &[(String, AssetId, String)],
    now: DateTime<Utc>,
) -> Result<Vec<BatchRecord>> {
    if arrived.is_empty() {
        return Ok(Vec::new());
    }
    let mut waiting_for = Vec::with_capacity(arrived.len() * 2);
    for (external_id, id, tag) in arrived {
        waiting_for.push((
            PendingRef::External(connection, external_id.clone()),
            *id,
            tag.clone(),
        ));
        waiting_for.push((PendingRef::Tag(tag.clone()), *id, tag.clone()));
    }
    let orders = work_orders::link_pending(tx, &waiting_for, now).await?;
    let linked = |id, column: &str| BatchRecord {
        id,
        action: "link".to_owned(),
        fields: vec![column.to_owned()],
        overwritten: Vec::new(),
    };
    let mut records: Vec<_> = orders.iter().map(|o| linked(o.id.0, "asset_id")).collect();
    let keys = waiting_for
        .iter()
        .map(|(p, _, _)| Cell::Text(p.key().into()))
        .collect();
    let query = Query::filter(Filter::In(Asset::PARENT_PENDING, keys));
    let mut children = tx.of::<Asset>().list(&query).await?;
    let found: BTreeMap<String, _> = waiting_for
        .iter()
        .map(|(p, id, tag)| (p.key(), (*id, tag)))
        .collect();
    for child in &mut children {
        let Some((id, tag)) = child.parent_pending.take().and_then(|key| found.get(&key)) else {
            continue;
        };
        child.parent_uid = Some(*id);
        child.parent_asset_id = Some((*tag).clone());
        child.version += 1;
        child.updated_at = now;
        records.push(linked(child.id.0, "parent_asset_id"));
    }
    if !children.is_empty() {
        tx.of::<Asset>()
            .save_all(&children, SaveRule::Update)
            .await?;
    }
    Ok(records)
}
