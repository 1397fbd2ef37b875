//! Writes the records of a batch and their links.

use super::merge::{merge, snapshot};
use super::quarantine::Bad;
use super::references::{Known, link_waiting};
use super::stream::{Stream, count};
use super::synced::{Fresh, Synced};
use super::tags;
use crate::domain::audit::BatchRecord;
use crate::domain::entity::Entity;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::ExternalLink;
use crate::ids::{AssetId, ConnectionId};
use crate::mapping::{MapError, Mapped};
use crate::ports::repository::TxExt;
use crate::ports::store::{SaveRule, Saved, Tx};
use crate::record::{Cell, Digest, Field};
use crate::services::numbers;
use crate::services::uow::Uow;
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A record that is new or changed.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) external_id: String,
    pub(super) raw: Box<str>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) digest: Digest,
    /// Our record, where it is linked.
    pub(super) known: Option<Uuid>,
    pub(super) mapped: Mapped,
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) audit: Vec<BatchRecord>,
    pub(super) bad: Vec<Bad>,
}

/// Writes new and changed records, their links, and links what waited for them.
pub(super) async fn records<R: Synced>(
    stream: &Stream<'_, R>,
    uow: &mut Uow<'_>,
    run: &mut SyncRun,
    items: Vec<Item>,
) -> Result<Written> {
    let mut written = Written::default();
    if items.is_empty() {
        return Ok(written);
    }
    let now = uow.now();
    let connection = &stream.plan.connection;
    let mut present = stored::<R>(uow.tx(), connection.id, &items).await?;
    let wanted: BTreeSet<&str> = items
        .iter()
        .flat_map(|i| &i.mapped.references)
        .filter_map(|r| r.external_id.as_deref())
        .collect();
    let mut known = Known::find(uow.tx(), connection.id, &wanted).await?;
    let new: Vec<&str> = items
        .iter()
        .filter(|i| !present.contains_key(&i.external_id))
        .map(|i| i.external_id.as_str())
        .collect();
    let mut names = match R::NUMBERED {
        Some(prefix) => {
            let numbers = numbers::take(uow.tx(), prefix, now, new.len()).await?;
            new.iter()
                .map(|id| (*id).to_owned())
                .zip(numbers.into_iter().map(Ok))
                .collect()
        }
        None => tags::choose(uow.tx(), &connection.slug, &new).await?,
    };
    let mut fresh: Vec<(Item, R)> = Vec::new();
    let mut changed: Vec<(Item, Stored<R>)> = Vec::new();
    for item in items {
        if let Some(stored) = present.remove(&item.external_id) {
            changed.push((item, stored));
            continue;
        }
        let name: Result<String, MapError> = names.remove(&item.external_id).unwrap_or_else(|| {
            Err(MapError {
                field: "id".into(),
                reason: "invalid_value",
                detail: "the record got no name".into(),
            })
        });
        match name {
            Ok(name) => {
                let id = item.known.unwrap_or_else(|| stream.app.ids.next());
                let by = run.requested_by.clone();
                let record = R::fresh(Fresh { id, name, by, now });
                if R::ENTITY == Entity::Asset {
                    known.add(&item.external_id, AssetId(id), record.name());
                }
                fresh.push((item, record));
            }
            Err(why) => written.bad.push(Bad {
                external_id: item.external_id,
                raw: item.raw,
                why,
            }),
        }
    }

    let mut inserts = Vec::with_capacity(fresh.len());
    let mut updates = Vec::with_capacity(changed.len());
    let mut links = Vec::with_capacity(fresh.len() + changed.len());
    let mut arrived = Vec::new();
    for (item, mut record) in fresh {
        let link = link(
            connection.id,
            R::ENTITY,
            &item,
            record.uid(),
            snapshot::<R>(&item.mapped),
            now,
        );
        match merge(&mut record, item.mapped, None, &known, connection.id) {
            Ok(merged) => {
                if R::ENTITY == Entity::Asset {
                    arrived.push((
                        item.external_id,
                        AssetId(record.uid()),
                        record.name().to_owned(),
                    ));
                }
                written
                    .audit
                    .push(entry(record.uid(), "create", merged.fields, Vec::new()));
                links.push(link);
                inserts.push(record);
            }
            Err(why) => written.bad.push(Bad {
                external_id: item.external_id,
                raw: item.raw,
                why,
            }),
        }
    }
    for (item, stored) in changed {
        let mut record = stored.record;
        let link = link(
            connection.id,
            R::ENTITY,
            &item,
            record.uid(),
            snapshot::<R>(&item.mapped),
            now,
        );
        match merge(
            &mut record,
            item.mapped,
            Some(&stored.snapshot),
            &known,
            connection.id,
        ) {
            Ok(merged) => {
                let action = if merged.fields.is_empty() {
                    "payload"
                } else {
                    "update"
                };
                if !merged.fields.is_empty() {
                    record.touch(now);
                }
                written.audit.push(entry(
                    record.uid(),
                    action,
                    merged.fields,
                    merged.overwritten,
                ));
                links.push(link);
                if action == "update" {
                    updates.push(record);
                }
            }
            Err(why) => written.bad.push(Bad {
                external_id: item.external_id,
                raw: item.raw,
                why,
            }),
        }
    }
    let count = count::<R>(run);
    count.created += inserts.len() as u64;
    count.updated += (links.len() - inserts.len()) as u64;
    let tx = uow.tx();
    all(tx.of::<R>().save_all(&inserts, SaveRule::Insert).await?)?;
    all(tx.of::<R>().save_all(&updates, SaveRule::Update).await?)?;
    all(tx
        .of::<ExternalLink>()
        .save_all(&links, SaveRule::Upsert)
        .await?)?;
    written
        .audit
        .extend(link_waiting(tx, connection.id, &arrived, now).await?);
    Ok(written)
}

/// A linked record as it is stored, with what was pulled last.
struct Stored<R> {
    record: R,
    snapshot: Map<String, Value>,
}

/// The linked records of a batch, by the vendor's id. A record that is gone here comes in as new.
async fn stored<R: Synced>(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    items: &[Item],
) -> Result<BTreeMap<String, Stored<R>>> {
    let linked: Vec<&Item> = items.iter().filter(|i| i.known.is_some()).collect();
    if linked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<_> = linked
        .iter()
        .map(|i| [connection.cell(), R::ENTITY.cell(), i.external_id.cell()])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let links = tx.of::<ExternalLink>().get_all(&keys).await?;
    let ids: Vec<_> = links.iter().map(|l| [Cell::Id(l.record_id)]).collect();
    let ids: Vec<&[Cell<'_>]> = ids.iter().map(<[_; 1]>::as_slice).collect();
    let records = tx.of::<R>().get_all(&ids).await?;
    let mut records: BTreeMap<Uuid, R> = records.into_iter().map(|r| (r.uid(), r)).collect();
    let mut found = BTreeMap::new();
    for link in links {
        if let Some(record) = records.remove(&link.record_id) {
            let snapshot = serde_json::from_str(&link.snapshot.0)
                .map_err(|e| Error::internal("a link's snapshot cannot be read").source(e))?;
            found.insert(link.external_id, Stored { record, snapshot });
        }
    }
    Ok(found)
}

fn link(
    connection: ConnectionId,
    entity: Entity,
    item: &Item,
    record: Uuid,
    snapshot: crate::record::RawJson,
    now: DateTime<Utc>,
) -> ExternalLink {
    ExternalLink {
        connection_id: connection,
        entity,
        external_id: item.external_id.clone(),
        record_id: record,
        digest: item.digest,
        raw: crate::record::RawJson(item.raw.clone()),
        snapshot,
        vendor_values: item.mapped.vendor_values.clone(),
        number: item.mapped.number.clone(),
        vendor_updated_at: item.updated_at,
        changed_at: now,
    }
}

fn entry(
    id: Uuid,
    action: &str,
    fields: Vec<String>,
    overwritten: Vec<crate::domain::audit::FieldChange>,
) -> BatchRecord {
    BatchRecord {
        id,
        action: action.to_owned(),
        fields,
        overwritten,
    }
}

/// Within our own transaction nobody else can have taken a key or a version.
fn all(saved: Vec<Saved>) -> Result<()> {
    if saved
        .iter()
        .any(|s| matches!(s, Saved::Stale | Saved::Duplicate))
    {
        return Err(Error::internal(
            "a record of the batch clashes with a stored one",
        ));
    }
    Ok(())
}
