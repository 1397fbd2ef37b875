//! Records that wait for an asset, and are linked when it comes.

use super::parents::{self, NewParent};
use crate::Result;
use crate::domain::asset::Asset;
use crate::domain::audit::BatchRecord;
use crate::domain::sync_state::PendingRef;
use crate::domain::work_order::WorkOrder;
use crate::ids::AssetId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Tx};
use crate::record::{Cell, Col};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// An asset that has just come, by one of the names under which others may wait for it.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    /// The name.
    pub(super) awaited: PendingRef,
    /// The asset.
    pub(super) id: AssetId,
    /// Its tag.
    pub(super) tag: String,
}

/// What was linked.
#[derive(Debug, Default)]
pub(super) struct Linked {
    /// The records.
    pub(super) records: Vec<BatchRecord>,
    /// Assets that still wait, since what they wait for is a part of them: their tags, and what they wait for.
    pub(super) cyclic: Vec<(String, String)>,
}

/// Links what waited for these assets.
pub(super) async fn link(
    tx: &mut Box<dyn Tx>,
    arrived: &[Arrived],
    now: DateTime<Utc>,
) -> Result<Linked> {
    let mut linked = Linked::default();
    if arrived.is_empty() {
        return Ok(linked);
    }
    let by_name: BTreeMap<String, &Arrived> =
        arrived.iter().map(|a| (a.awaited.key(), a)).collect();
    let waiting = |column: Col| {
        let names = by_name.keys().map(|k| Cell::text(k)).collect();
        Query::filter(Filter::In(column, names))
    };
    let mut orders = tx
        .of::<WorkOrder>()
        .list(&waiting(WorkOrder::ASSET_PENDING))
        .await?;
    for order in &mut orders {
        let Some(asset) = order.asset_pending.take().and_then(|k| by_name.get(&k)) else {
            continue;
        };
        order.asset_uid = Some(asset.id);
        order.asset_id = Some(asset.tag.clone());
        order.version += 1;
        order.updated_at = now;
        linked.records.push(entry(order.id.0, WorkOrder::ASSET_ID));
    }
    let mut parts = tx
        .of::<Asset>()
        .list(&waiting(Asset::PARENT_PENDING))
        .await?;
    // In an order that does not depend on when each came.
    parts.sort_by(|a, b| a.asset_id.cmp(&b.asset_id));
    let changes: Vec<NewParent> = parts
        .iter()
        .filter_map(|part| {
            let parent = by_name.get(part.parent_pending.as_ref()?)?.id;
            Some(NewParent {
                asset: part.id,
                parent,
                is_new: false,
            })
        })
        .collect();
    let cyclic = parents::cyclic(tx, &changes).await?;
    parts.retain(|part| {
        let waits = cyclic.contains(&part.id);
        if waits {
            let shown = part.parent_asset_id.clone().unwrap_or_default();
            linked.cyclic.push((part.asset_id.clone(), shown));
        }
        !waits
    });
    for part in &mut parts {
        let Some(asset) = part.parent_pending.take().and_then(|k| by_name.get(&k)) else {
            continue;
        };
        part.parent_uid = Some(asset.id);
        part.parent_asset_id = Some(asset.tag.clone());
        part.version += 1;
        part.updated_at = now;
        linked
            .records
            .push(entry(part.id.0, Asset::PARENT_ASSET_ID));
    }
    if !orders.is_empty() {
        tx.of::<WorkOrder>()
            .save_all(&orders, SaveRule::Update)
            .await?;
    }
    if !parts.is_empty() {
        tx.of::<Asset>().save_all(&parts, SaveRule::Update).await?;
    }
    Ok(linked)
}

fn entry(id: uuid::Uuid, column: Col) -> BatchRecord {
    BatchRecord {
        id,
        action: "link".to_owned(),
        fields: vec![column.0.to_owned()],
        overwritten: Vec::new(),
    }
}
