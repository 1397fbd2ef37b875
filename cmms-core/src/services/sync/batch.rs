//! A batch: whole pages, written with the checkpoint that covers them in one transaction.

use super::quarantine::Bad;
use super::stream::{Stream, count};
use super::synced::Synced;
use super::write::{self, Item};
use crate::domain::audit::Batch as AuditBatch;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::{Checkpoint, LinkDigest};
use crate::failpoint::{Failpoint, is_on};
use crate::mapping::MapError;
use crate::ports::adapter::{ExternalRecord, Position, PullPage};
use crate::ports::repository::TxExt;
use crate::ports::store::{SaveRule, TxMode};
use crate::record::{Cell, Digest, Field};
use crate::services::audit::AuditEvent;
use crate::services::uow::Uow;
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Pages that are written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<ExternalRecord>,
    pub(super) pages: usize,
    pub(super) bytes: usize,
    next: Option<Position>,
    high_water: Option<DateTime<Utc>>,
}

impl Batch {
    /// Adds a page.
    pub(super) fn add(&mut self, page: PullPage) {
        self.pages += 1;
        self.bytes += page.records.iter().map(|r| r.raw.len()).sum::<usize>();
        self.records.extend(page.records);
        self.next = page.next;
        self.high_water = page.high_water;
    }

    /// The checkpoint once this batch is stored. The high-water mark moves when the listing is complete.
    fn checkpoint(&self, before: &Checkpoint) -> Checkpoint {
        let mut after = before.clone();
        after.position = self.next.as_ref().map(|p| p.0.clone());
        if self.next.is_none() {
            after.high_water = before.high_water.max(self.high_water);
        }
        after
    }
}

/// Records of a batch, sorted by what is to be done with them.
#[derive(Debug, Default)]
struct Sorted {
    items: Vec<Item>,
    bad: Vec<Bad>,
    good: Vec<String>,
    unchanged: u64,
}

/// Writes a batch with its checkpoint. Afterwards both are durable, or neither is.
pub(super) async fn commit<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    mut batch: Batch,
) -> Result<()> {
    if batch.pages == 0 {
        return Ok(());
    }
    let checkpoint = batch.checkpoint(&stream.checkpoint);
    if is_on(Failpoint::CheckpointFirst) {
        save_checkpoint_alone(stream, &checkpoint).await?;
    }
    let sorted = sort(stream, std::mem::take(&mut batch.records)).await?;
    let mut after = run.clone();
    count::<R>(&mut after).unchanged += sorted.unchanged;
    let moved = checkpoint != stream.checkpoint;
    let heals = stream.has_quarantine && !sorted.good.is_empty();
    if !moved && !heals && sorted.items.is_empty() && sorted.bad.is_empty() {
        after.sum_up();
        *run = after;
        stream.tell(run);
        return Ok(());
    }
    let mut uow = Uow::begin(stream.app, stream.cx).await?;
    super::lease::hold(uow.tx(), run.cmms_connection_id, R::ENTITY, run.id).await?;
    let written = write::records(stream, &mut uow, &mut after, sorted.items).await?;
    let mut bad = sorted.bad;
    bad.extend(written.bad);
    count::<R>(&mut after).quarantined += bad.len() as u64;
    let any_bad = !bad.is_empty();
    if any_bad || heals {
        let good: Vec<&str> = sorted.good.iter().map(String::as_str).collect();
        let now = uow.now();
        super::quarantine::settle(stream.app, uow.tx(), &mut after, R::ENTITY, bad, &good, now)
            .await?;
    }
    if moved {
        uow.save(&checkpoint, SaveRule::Upsert, || {
            Error::internal("a checkpoint clashes")
        })
        .await?;
    }
    after.sum_up();
    after.version += 1;
    after.updated_at = uow.now();
    uow.save(&after, SaveRule::Update, || {
        Error::internal("a run id was used twice")
    })
    .await?;
    let audited = AuditBatch {
        run: run.id,
        entity: R::ENTITY,
        records: written.audit,
    };
    uow.commit(
        AuditEvent::new("sync.batch", "run", run.id)
            .version(after.version)
            .batch(audited),
    )
    .await?;
    stream.checkpoint = checkpoint;
    stream.has_quarantine |= any_bad;
    *run = after;
    stream.tell(run);
    Ok(())
}

/// What the twin of the crash test breaks: the checkpoint goes ahead of its rows.
async fn save_checkpoint_alone<R: Synced>(
    stream: &mut Stream<'_, R>,
    checkpoint: &Checkpoint,
) -> Result<()> {
    let mut uow = Uow::begin(stream.app, stream.cx).await?;
    uow.save(checkpoint, SaveRule::Upsert, || {
        Error::internal("a checkpoint clashes")
    })
    .await?;
    let event = AuditEvent::new("sync.checkpoint", "connection", checkpoint.connection_id);
    uow.commit(event).await
}

/// Tells changed records from unchanged ones by their digests, and maps those that changed.
async fn sort<R: Synced>(stream: &Stream<'_, R>, records: Vec<ExternalRecord>) -> Result<Sorted> {
    let mut sorted = Sorted::default();
    let (records, twice) = newest(records, &mut sorted.bad);
    sorted.unchanged += twice;
    let connection = stream.plan.connection.id;
    let keys: Vec<_> = records
        .iter()
        .map(|(id, _)| [connection.cell(), R::ENTITY.cell(), Cell::text(id)])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let mut tx = stream
        .app
        .store
        .begin(&stream.cx.scope, TxMode::Once)
        .await?;
    let links = tx.of::<LinkDigest>().get_all(&keys).await?;
    drop(tx);
    let stored: BTreeMap<String, (Digest, Uuid)> = links
        .into_iter()
        .map(|l| (l.external_id, (l.digest, l.record_id)))
        .collect();
    for (external_id, record) in records {
        let digest = Digest::of(&[stream.mapping.revision().as_bytes(), record.raw.as_bytes()]);
        let link = stored.get(&external_id);
        if stream.has_quarantine {
            sorted.good.push(external_id.clone());
        }
        if link.is_some_and(|(known, _)| *known == digest) {
            sorted.unchanged += 1;
            continue;
        }
        let mapped = serde_json::from_str(&record.raw)
            .map_err(|e| MapError {
                field: String::new(),
                reason: "unreadable",
                detail: format!("the record is no JSON: {e}"),
            })
            .and_then(|value| stream.mapping.apply(&value));
        match mapped {
            Ok(mapped) => sorted.items.push(Item {
                external_id,
                raw: record.raw,
                updated_at: record.updated_at,
                digest,
                known: link.map(|(_, id)| *id),
                mapped,
            }),
            Err(why) => {
                sorted.good.retain(|id| *id != external_id);
                sorted.bad.push(Bad {
                    external_id,
                    raw: record.raw,
                    why,
                });
            }
        }
    }
    Ok(sorted)
}

/// Of records with the same id the newest, in the order of their first appearance; and how many were left out.
fn newest(
    records: Vec<ExternalRecord>,
    bad: &mut Vec<Bad>,
) -> (Vec<(String, ExternalRecord)>, u64) {
    let mut kept: Vec<(String, ExternalRecord)> = Vec::with_capacity(records.len());
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut twice = 0;
    for record in records {
        let Some(id) = record.external_id.clone() else {
            let external_id = format!("digest:{}", Digest::of(&[record.raw.as_bytes()]));
            let why = MapError {
                field: "id".to_owned(),
                reason: "missing_field",
                detail: "the record has no id that can be read".to_owned(),
            };
            bad.push(Bad {
                external_id,
                raw: record.raw,
                why,
            });
            continue;
        };
        match places.get(&id).and_then(|place| kept.get_mut(*place)) {
            Some((_, present)) => {
                twice += 1;
                if record.updated_at >= present.updated_at {
                    *present = record;
                }
            }
            None => {
                places.insert(id.clone(), kept.len());
                kept.push((id, record));
            }
        }
    }
    (kept, twice)
}
