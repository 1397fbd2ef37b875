//! A vendor's assets that are parts of themselves.
//!
//! Such an asset waits for its parent as if that had not come yet, and the run tells it. It is put below its parent when
//! a sync finds that it can be: once another asset was put elsewhere, or when everything is read again.

use super::batch::{Open, begun, close};
use super::references::Known;
use super::run::error_of;
use super::stream::Stream;
use super::synced::{Synced, Target};
use super::write::Merging;
use crate::domain::asset::{Asset, PendingParent};
use crate::domain::entity::Entity;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::PendingRef;
use crate::ids::{AssetId, ConnectionId};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx, TxMode};
use crate::record::Cell;
use crate::services::parents::{self, NewParent};
use crate::services::pending::{self, Arrived};
use crate::{Error, Result, code};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// So many that wait are looked at together.
const CHUNK: u32 = 500;

/// Whether a record of a batch is put below another asset than before.
pub(super) fn is_moved<R: Synced>(one: &Merging<R>) -> bool {
    R::ENTITY == Entity::Asset && one.merged.fields.iter().any(|field| R::refers(field))
}

/// Leaves those of a batch that would be parts of themselves waiting for their parents, and answers their tags and the
/// vendor's ids of the parents.
pub(super) async fn leave_waiting<R: Synced>(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    merging: &mut [Merging<R>],
) -> Result<Vec<(String, String)>> {
    if R::ENTITY != Entity::Asset {
        return Ok(Vec::new());
    }
    let mut changes: Vec<(&str, NewParent)> = merging
        .iter()
        .filter(|one| one.snapshot.is_none() || is_moved(one))
        .filter_map(|one| {
            let change = NewParent {
                asset: AssetId(one.record.uid()),
                parent: one.record.parent()?,
                is_new: one.snapshot.is_none(),
            };
            Some((one.item.external_id.as_str(), change))
        })
        .collect();
    // In an order that does not depend on the vendor's.
    changes.sort_by_key(|(id, _)| *id);
    let changes: Vec<NewParent> = changes.into_iter().map(|(_, change)| change).collect();
    let cyclic = parents::cyclic(tx, &changes).await?;
    let mut told = Vec::new();
    if cyclic.is_empty() {
        return Ok(told);
    }
    for one in merging {
        if !cyclic.contains(&AssetId(one.record.uid())) {
            continue;
        }
        let references = one.item.mapped.references.iter();
        for reference in references.filter(|r| R::refers(r.column)) {
            if let Some(id) = &reference.external_id {
                let awaited = PendingRef::External(connection, id.clone());
                one.record
                    .refer(reference.column, Target::Waiting(awaited, id.clone()));
                told.push((one.record.label().to_owned(), id.clone()));
            }
        }
    }
    Ok(told)
}

/// Tells them in the run, each once.
pub(super) fn tell(cyclic: &[(String, String)], run: &mut SyncRun) {
    for (tag, parent) in cyclic {
        let detail = format!(
            "asset {tag:?} is not put below the vendor's {parent:?}, which is a part of it"
        );
        let e = Error::new(code::PARENT_CYCLE, detail).field(
            Asset::PARENT_ASSET_ID.0,
            "parent_cycle",
            "is a part of the asset",
        );
        let entry = error_of(&e, Some(Entity::Asset), None);
        if !run.errors.0.contains(&entry) {
            run.add_error(entry);
        }
    }
}

/// Puts those that wait below their parents where they can be by now, and tells of those that cannot.
pub(super) async fn link_waiting<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
) -> Result<()> {
    if R::ENTITY != Entity::Asset || !(stream.has_moved || stream.plan.force) {
        return Ok(());
    }
    let connection = stream.plan.connection.id;
    let names = PendingRef::External(connection, String::new()).key();
    let mut behind = None;
    loop {
        let mut tx = stream
            .app
            .store
            .begin(&stream.cx.scope, TxMode::Snapshot)
            .await?;
        let query = Query {
            filter: Filter::Prefix(PendingParent::PARENT_PENDING, Cow::Borrowed(&*names)),
            after: behind.map(|id| vec![Cell::Id(id)]),
            limit: Some(CHUNK),
            ..Query::default()
        };
        let waiting = tx.of::<PendingParent>().list(&query).await?;
        drop(tx);
        let Some(last) = waiting.last() else {
            return Ok(());
        };
        behind = Some(last.id.0);
        let ids: BTreeSet<&str> = waiting
            .iter()
            .filter_map(|asset| asset.parent_pending.as_deref()?.strip_prefix(&*names))
            .collect();
        let mut open = Open::new(stream, run);
        let uow = begun(stream, &mut open).await?;
        let now = uow.now();
        let mut known = Known::default();
        known.find(uow.tx(), connection, &ids).await?;
        let arrived: Vec<Arrived> = ids
            .iter()
            .filter_map(|id| match known.target(connection, Some(id)) {
                Target::Known(asset, tag) => Some(Arrived {
                    awaited: PendingRef::External(connection, (*id).to_owned()),
                    id: asset,
                    tag,
                }),
                _ => None,
            })
            .collect();
        let linked = pending::link(uow.tx(), &arrived, now).await?;
        tell(&linked.cyclic, &mut open.run);
        open.note(linked.records);
        if open.is_news(run) {
            close(stream, run, &mut open).await?;
        }
    }
}
