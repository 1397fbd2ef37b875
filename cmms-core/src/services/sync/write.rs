//! Writes the records of a batch and their links.

use super::absent;
use super::cycles::{self, is_moved};
use super::halving::guarded;
use super::merge::{Merged, fresh, merge, refer, refers_as_before};
use super::quarantine::Bad;
use super::references::Known;
use super::stream::Stream;
use super::synced::{Fresh, Synced};
use super::tags;
use super::tally::{Key, Outcome, Tally};
use crate::domain::audit::BatchRecord;
use crate::domain::entity::Entity;
use crate::domain::sync_state::{ExternalLink, PendingRef};
use crate::ids::{AssetId, ConnectionId};
use crate::mapping::{MapError, Mapped};
use crate::ports::repository::TxExt;
use crate::ports::store::{SaveRule, Saved, Tx};
use crate::record::{Cell, Digest, Field, Json, RawJson};
use crate::services::numbers;
use crate::services::pending::{self, Arrived};
use crate::services::snapshot::Pulled;
use crate::services::uow::Uow;
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A record that is new or changed.
#[derive(Debug, Clone)]
pub(super) struct Item<R> {
    pub(super) external_id: String,
    pub(super) raw: Box<str>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) digest: Digest,
    /// Our record, where it is linked.
    pub(super) known: Option<Uuid>,
    /// Whether an earlier form of it may have been stored since it was looked up.
    pub(super) unsure: bool,
    /// The record as the mapping alone makes it, where none is thought to be stored; then `mapped` has no cells.
    pub(super) fresh: Option<Box<R>>,
    /// What the mapping made of it.
    pub(super) mapped: Mapped,
    /// The same as the link keeps it.
    pub(super) snapshot: RawJson,
    /// The fields that the record does not name and that stay as they are.
    pub(super) stays: Vec<Cow<'static, str>>,
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) audit: Vec<BatchRecord>,
    /// Those that cannot be stored.
    pub(super) bad: Vec<Bad>,
    /// What became of the others.
    pub(super) outcomes: Vec<(Key, Outcome)>,
    /// Assets that wait for a parent which is a part of them: their tags, and the parents.
    pub(super) cyclic: Vec<(String, String)>,
    /// Whether a stored asset was put elsewhere.
    pub(super) moved: bool,
}

/// Writes new and changed records, their links, and links what waited for them.
pub(super) async fn records<R: Synced>(
    stream: &Stream<'_, R>,
    uow: &mut Uow<'_>,
    by: &str,
    items: Vec<Item<R>>,
    mut known: Known,
) -> Result<Written> {
    let mut written = Written::default();
    if items.is_empty() {
        return Ok(written);
    }
    let now = uow.now();
    let connection = &stream.plan.connection;
    let mut present = stored::<R>(uow.tx(), connection.id, &items).await?;
    let mut items = sure(&stream.tally, &present, items, &mut written);
    keep_absent(stream, &mut present, &mut items, &mut written)?;
    let wanted = wanted(&present, &items);
    known.find(uow.tx(), connection.id, &wanted).await?;
    let new: Vec<&str> = items
        .iter()
        .filter(|i| !present.contains_key(&i.external_id))
        .map(|i| i.external_id.as_str())
        .collect();
    // Numbers are taken at the end, only for what is stored; by a tag others may be meant.
    let mut tags = match R::NUMBERED {
        Some(_) => None,
        None => Some(tags::choose(uow.tx(), &connection.slug, &new).await?),
    };
    let mut inserts = Vec::with_capacity(new.len());
    let mut updates = Vec::new();
    let mut new_links = Vec::with_capacity(new.len());
    let mut links = Vec::new();
    let mut arrived = Vec::new();
    // Fields first: an asset that cannot be stored is nobody's parent.
    let mut merging: Vec<Merging<R>> = Vec::with_capacity(items.len());
    for item in items {
        let stored = present.remove(&item.external_id);
        let mut item = item;
        let merged = match stored {
            Some(Stored {
                mut record,
                snapshot,
                ..
            }) => guarded(|| merge(&mut record, &mut item.mapped, Some(&snapshot), &item.stays))
                .map(|merged| (record, Some(snapshot), merged)),
            None => guarded(|| begun(stream, by, &mut item, tags.as_mut(), now))
                .map(|record| (record, None, Merged::default())),
        };
        match merged {
            Ok((record, snapshot, merged)) => {
                if snapshot.is_none() && R::ENTITY == Entity::Asset {
                    let (id, tag) = (AssetId(record.uid()), record.label());
                    known.add(&item.external_id, id, tag);
                    let external = PendingRef::External(connection.id, item.external_id.clone());
                    let names = [external, PendingRef::Tag(tag.to_owned())];
                    arrived.extend(names.map(|awaited| Arrived {
                        awaited,
                        id,
                        tag: tag.to_owned(),
                    }));
                }
                merging.push(Merging {
                    item,
                    record,
                    snapshot,
                    merged,
                });
            }
            Err(why) => written.bad.push(Bad {
                external_id: item.external_id,
                updated_at: item.updated_at,
                raw: item.raw,
                why,
            }),
        }
    }
    for one in &mut merging {
        let (references, snapshot) = (&one.item.mapped.references, one.snapshot.as_ref());
        let (record, merged) = (&mut one.record, &mut one.merged);
        refer(record, references, snapshot, &known, connection.id, merged);
        written.moved |= snapshot.is_some() && is_moved(one);
    }
    let cyclic = cycles::leave_waiting(uow.tx(), connection.id, &mut merging).await?;
    written.cyclic.extend(cyclic);
    for mut one in merging {
        let snapshot = one.snapshot.as_ref();
        let merged = &mut one.merged;
        let action = match (snapshot, merged.fields.is_empty()) {
            (None, _) => "create",
            (Some(_), false) => "update",
            // Only what we keep of the vendor's record changed, not our record.
            (Some(_), true) => "payload",
        };
        if action == "create" {
            // All that the snapshot has; to name each field of each new record would make the log larger
            // than the records.
            merged.fields.clear();
        }
        written.audit.push(BatchRecord {
            id: one.record.uid(),
            action: action.to_owned(),
            fields: std::mem::take(&mut merged.fields),
            overwritten: std::mem::take(&mut merged.overwritten),
        });
        // Where a record was thought to be new and is linked, its link must not be written over: that it is not new
        // undoes the batch.
        let is_new = one.item.known.is_none() && !one.item.unsure;
        let outcome = match action {
            "create" => Outcome::Created,
            _ => Outcome::Updated,
        };
        let key = stream.tally.key(&one.item.external_id);
        written.outcomes.push((key, outcome));
        let links = if is_new { &mut new_links } else { &mut links };
        let id = one.record.uid();
        links.push(link(connection.id, R::ENTITY, one.item, id, now));
        match action {
            "create" => inserts.push(one.record),
            "update" => {
                one.record.touch(now);
                updates.push(one.record);
            }
            _ => {}
        }
    }
    let tx = uow.tx();
    // What needs no answer first, so that the store has something to do meanwhile.
    tx.of::<ExternalLink>().insert_all_later(&new_links).await?;
    if !links.is_empty() {
        let mut stored = tx.of::<ExternalLink>();
        all(stored.save_all(&links, SaveRule::Upsert).await?)?;
    }
    if !updates.is_empty() {
        all(tx.of::<R>().save_all(&updates, SaveRule::Update).await?)?;
    }
    if let Some(prefix) = R::NUMBERED {
        let numbers = numbers::take(tx, prefix, now, inserts.len()).await?;
        for (record, number) in inserts.iter_mut().zip(numbers) {
            record.name(number);
        }
    }
    tx.of::<R>().insert_all_later(&inserts).await?;
    let linked = pending::link(tx, &arrived, now).await?;
    written.audit.extend(linked.records);
    written.cyclic.extend(linked.cyclic);
    Ok(written)
}

/// A record of ours for one that is not stored: with its tag, if it is not numbered.
fn begun<R: Synced>(
    stream: &Stream<'_, R>,
    by: &str,
    item: &mut Item<R>,
    tags: Option<&mut BTreeMap<String, Result<String, MapError>>>,
    now: DateTime<Utc>,
) -> Result<R, MapError> {
    let tag = match tags {
        Some(tags) => Some(
            tags.remove(&item.external_id)
                .unwrap_or_else(|| Err(no_name()))?,
        ),
        None => None,
    };
    let mut record = match item.fresh.take() {
        Some(made) => *made,
        None => fresh::<R>(&mut item.mapped)?,
    };
    record.begin(Fresh {
        id: item.known.unwrap_or_else(|| stream.app.ids.next()),
        by: by.to_owned(),
        now,
    });
    if let Some(tag) = tag {
        record.name(tag);
    }
    Ok(record)
}

/// A record whose fields are merged and that is not written yet.
pub(super) struct Merging<R> {
    pub(super) item: Item<R>,
    pub(super) record: R,
    /// What was pulled last; none for a new record.
    pub(super) snapshot: Option<Pulled>,
    pub(super) merged: Merged,
}

/// A linked record as it is stored, with what was pulled last.
pub(super) struct Stored<R> {
    record: R,
    pub(super) snapshot: Pulled,
    pub(super) digest: Digest,
    vendor_updated_at: Option<DateTime<Utc>>,
    /// The fields that the mapping supplied.
    pub(super) supplied: Vec<String>,
    /// Values that have no word here, by field.
    pub(super) vendor_values: Map<String, Value>,
    /// The vendor's number for people.
    pub(super) number: Option<String>,
    /// Whether it is archived there.
    pub(super) archived: bool,
}

/// Lets what records do not name be as it was. Those that are then as they are stored are unchanged.
fn keep_absent<R: Synced>(
    stream: &Stream<'_, R>,
    present: &mut BTreeMap<String, Stored<R>>,
    items: &mut Vec<Item<R>>,
    written: &mut Written,
) -> Result<()> {
    let mut same = BTreeSet::new();
    for item in &mut *items {
        if let Some(stored) = present.get_mut(&item.external_id)
            && absent::keep(item, stored, &stream.named)?
        {
            let key = stream.tally.key(&item.external_id);
            written.outcomes.push((key, Outcome::Unchanged));
            same.insert(item.external_id.clone());
        }
    }
    if !same.is_empty() {
        items.retain(|item| !same.contains(&item.external_id));
    }
    Ok(())
}

/// Without the records that the same run has stored already, in this form or a newer one: these are unchanged.
fn sure<R: Synced>(
    tally: &Tally,
    present: &BTreeMap<String, Stored<R>>,
    mut items: Vec<Item<R>>,
    written: &mut Written,
) -> Vec<Item<R>> {
    items.retain(|item| {
        let is_news = !item.unsure
            || present.get(&item.external_id).is_none_or(|stored| {
                stored.digest != item.digest && stored.vendor_updated_at <= item.updated_at
            });
        if !is_news {
            let key = tally.key(&item.external_id);
            written.outcomes.push((key, Outcome::Unchanged));
        }
        is_news
    });
    items
}

/// The vendor's ids that records refer to, where they did not before.
fn wanted<'i, R>(present: &BTreeMap<String, Stored<R>>, items: &'i [Item<R>]) -> BTreeSet<&'i str> {
    let mut wanted = BTreeSet::new();
    for item in items {
        let snapshot = present.get(&item.external_id).map(|s| &s.snapshot);
        let news = item.mapped.references.iter();
        let news = news.filter(|r| !refers_as_before(r, snapshot));
        wanted.extend(news.filter_map(|r| r.external_id.as_deref()));
    }
    wanted
}

/// The linked records of a batch, by the vendor's id. A record that is gone here comes in as new.
async fn stored<R: Synced>(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    items: &[Item<R>],
) -> Result<BTreeMap<String, Stored<R>>> {
    let linked: Vec<&Item<R>> = items
        .iter()
        .filter(|i| i.known.is_some() || i.unsure)
        .collect();
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
            let snapshot = Pulled::read(&link.snapshot)?;
            let stored = Stored {
                record,
                snapshot,
                digest: link.digest,
                vendor_updated_at: link.vendor_updated_at,
                supplied: link.supplied.map(|s| s.0).unwrap_or_default(),
                vendor_values: link.vendor_values,
                number: link.number,
                archived: link.archived,
            };
            found.insert(link.external_id, stored);
        }
    }
    Ok(found)
}

fn link<R>(
    connection: ConnectionId,
    entity: Entity,
    item: Item<R>,
    record: Uuid,
    now: DateTime<Utc>,
) -> ExternalLink {
    ExternalLink {
        connection_id: connection,
        entity,
        external_id: item.external_id,
        record_id: record,
        digest: item.digest,
        raw: RawJson(item.raw),
        snapshot: item.snapshot,
        vendor_values: item.mapped.vendor_values,
        number: item.mapped.number,
        archived: item.mapped.archived.unwrap_or(false),
        supplied: supplied(item.mapped.supplied),
        vendor_updated_at: item.updated_at,
        changed_at: now,
    }
}

/// The fields that the mapping supplied; nothing where the vendor supplied them all.
fn supplied(fields: Vec<Cow<'static, str>>) -> Option<Json<Vec<String>>> {
    (!fields.is_empty()).then(|| Json(fields.into_iter().map(Cow::into_owned).collect()))
}

fn no_name() -> MapError {
    MapError {
        field: "id".to_owned(),
        reason: "invalid_value",
        detail: "the record got no name".to_owned(),
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
