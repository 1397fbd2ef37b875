//! A batch: whole pages, written with the checkpoint that covers them in one transaction.

use super::lease;
use super::quarantine::{Bad, settle};
use super::stream::{Stream, count};
use super::synced::Synced;
use super::write::{self, Item};
use crate::domain::audit::{Batch as AuditBatch, BatchRecord};
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::{Checkpoint, LinkDigest};
use crate::failpoint::{Failpoint, is_on};
use crate::ids::RunId;
use crate::mapping::{MapError, Mapped};
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
    pages: Vec<PullPage>,
    /// How many records they have.
    pub(super) records: usize,
    /// How many bytes these have.
    pub(super) bytes: usize,
}

impl Batch {
    /// Whether it has no page.
    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Adds a page.
    pub(super) fn add(&mut self, page: PullPage) {
        self.records += page.records.len();
        self.bytes += page.records.iter().map(|r| r.raw.len()).sum::<usize>();
        self.pages.push(page);
    }
}

/// A page whose records are sorted by what is to be done with them.
#[derive(Debug, Default)]
struct Sorted {
    items: Vec<Item>,
    bad: Vec<Bad>,
    good: Vec<String>,
    unchanged: u64,
    next: Option<Position>,
    high_water: Option<DateTime<Utc>>,
}

impl Sorted {
    /// The checkpoint once this page is stored. The high-water mark moves when the listing is complete.
    fn checkpoint(&self, before: &Checkpoint) -> Checkpoint {
        let mut after = before.clone();
        after.position = self.next.as_ref().map(|p| p.0.clone());
        if self.next.is_none() {
            after.high_water = before.high_water.max(self.high_water);
        }
        after
    }
}

/// What a transaction has gathered and the run does not know yet.
struct Open<'a> {
    uow: Option<Uow<'a>>,
    run: SyncRun,
    checkpoint: Checkpoint,
    audit: Vec<BatchRecord>,
}

/// Writes a batch with its checkpoint: afterwards both are durable, or neither is.
///
/// When another writer waits, the transaction ends behind the page at hand, with the checkpoint of that page.
pub(super) async fn commit<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    batch: Batch,
) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let pages = sort(stream, batch.pages).await?;
    if is_on(Failpoint::CheckpointFirst)
        && let Some(last) = pages.last()
    {
        let checkpoint = last.checkpoint(&stream.checkpoint);
        save_checkpoint_alone(stream, &checkpoint).await?;
    }
    let mut open = Open {
        uow: None,
        run: run.clone(),
        checkpoint: stream.checkpoint.clone(),
        audit: Vec::new(),
    };
    for page in pages {
        open.checkpoint = page.checkpoint(&stream.checkpoint);
        page_into(stream, &mut open, page).await?;
        if open.uow.as_ref().is_some_and(Uow::others_wait) {
            close(stream, run, &mut open).await?;
        }
    }
    if open.uow.is_some() || open.checkpoint != stream.checkpoint {
        close(stream, run, &mut open).await?;
    }
    // Unchanged records are counted, and that is all: they write nothing.
    open.run.sum_up();
    *run = open.run;
    stream.tell(run);
    Ok(())
}

/// Writes one page into the open transaction, which begins with the first page that has something to write.
async fn page_into<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    open: &mut Open<'a>,
    page: Sorted,
) -> Result<()> {
    count::<R>(&mut open.run).unchanged += page.unchanged;
    let heals = stream.has_quarantine && !page.good.is_empty();
    if !heals && page.items.is_empty() && page.bad.is_empty() {
        return Ok(());
    }
    let mut run = open.run.clone();
    let uow = begun(stream, open).await?;
    let written = write::records(stream, uow, &mut run, page.items).await?;
    let mut bad = page.bad;
    bad.extend(written.bad);
    count::<R>(&mut run).quarantined += bad.len() as u64;
    stream.has_quarantine |= !bad.is_empty();
    if heals || !bad.is_empty() {
        let good: Vec<&str> = page.good.iter().map(String::as_str).collect();
        let now = uow.now();
        settle(stream.app, uow.tx(), &mut run, R::ENTITY, bad, &good, now).await?;
    }
    open.run = run;
    open.audit.extend(written.audit);
    Ok(())
}

/// The open transaction, begun if there is none. A run that lost its lease may not begin one.
async fn begun<'o, 'a, R: Synced>(
    stream: &Stream<'a, R>,
    open: &'o mut Open<'a>,
) -> Result<&'o mut Uow<'a>> {
    if open.uow.is_none() {
        let mut uow = Uow::begin(stream.app, stream.cx).await?;
        lease::hold(
            uow.tx(),
            open.run.cmms_connection_id,
            R::ENTITY,
            open.run.id,
        )
        .await?;
        open.uow = Some(uow);
    }
    open.uow
        .as_mut()
        .ok_or_else(|| Error::internal("a transaction that was begun is gone"))
}

/// Ends the open transaction with the checkpoint that covers its rows.
async fn close<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    run: &mut SyncRun,
    open: &mut Open<'a>,
) -> Result<()> {
    begun(stream, open).await?;
    let Some(mut uow) = open.uow.take() else {
        return Ok(());
    };
    if open.checkpoint != stream.checkpoint {
        let clash = || Error::internal("a checkpoint clashes");
        uow.save(&open.checkpoint, SaveRule::Upsert, clash).await?;
    }
    open.run.sum_up();
    open.run.version += 1;
    open.run.updated_at = uow.now();
    let clash = || Error::internal("a run id was used twice");
    uow.save(&open.run, SaveRule::Update, clash).await?;
    let batch = AuditBatch {
        run: open.run.id,
        entity: R::ENTITY,
        records: std::mem::take(&mut open.audit),
    };
    let event = AuditEvent::new("sync.batch", "run", open.run.id).version(open.run.version);
    uow.commit(event.batch(batch)).await?;
    stream.checkpoint = open.checkpoint.clone();
    *run = open.run.clone();
    stream.tell(run);
    Ok(())
}

/// Forgets where an unfinished listing stands, since its pages no longer fit together: the next one begins anew.
pub(super) async fn begin_anew<R: Synced>(stream: &mut Stream<'_, R>, run: RunId) -> Result<()> {
    let checkpoint = Checkpoint {
        position: None,
        ..stream.checkpoint.clone()
    };
    let mut uow = Uow::begin(stream.app, stream.cx).await?;
    lease::hold(uow.tx(), checkpoint.connection_id, R::ENTITY, run).await?;
    save_checkpoint(uow, &checkpoint).await?;
    stream.checkpoint = checkpoint;
    Ok(())
}

/// What the twin of the crash test breaks: the checkpoint goes ahead of its rows.
async fn save_checkpoint_alone<R: Synced>(
    stream: &mut Stream<'_, R>,
    checkpoint: &Checkpoint,
) -> Result<()> {
    let uow = Uow::begin(stream.app, stream.cx).await?;
    save_checkpoint(uow, checkpoint).await
}

async fn save_checkpoint(mut uow: Uow<'_>, checkpoint: &Checkpoint) -> Result<()> {
    uow.save(checkpoint, SaveRule::Upsert, || {
        Error::internal("a checkpoint clashes")
    })
    .await?;
    let event = AuditEvent::new("sync.checkpoint", "connection", checkpoint.connection_id);
    uow.commit(event).await
}

/// Tells changed records from unchanged ones by their digests, and maps those that changed.
async fn sort<R: Synced>(stream: &Stream<'_, R>, pages: Vec<PullPage>) -> Result<Vec<Sorted>> {
    let mut sorted = newest(pages);
    let connection = stream.plan.connection.id;
    let keys: Vec<_> = sorted
        .iter()
        .flat_map(|(_, records)| records)
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
    for (page, records) in &mut sorted {
        for (external_id, record) in std::mem::take(records) {
            sort_one(stream, &stored, page, external_id, record);
        }
    }
    Ok(sorted.into_iter().map(|(page, _)| page).collect())
}

fn sort_one<R: Synced>(
    stream: &Stream<'_, R>,
    stored: &BTreeMap<String, (Digest, Uuid)>,
    page: &mut Sorted,
    external_id: String,
    record: ExternalRecord,
) {
    let revision = stream.mapping.revision().as_bytes();
    let digest = Digest::of(&[revision, record.raw.as_bytes()]);
    let link = stored.get(&external_id);
    let unchanged = link.is_some_and(|(known, _)| *known == digest);
    let mapped = if unchanged {
        None
    } else {
        Some(map(stream, &record.raw))
    };
    match mapped {
        Some(Err(why)) => {
            let raw = record.raw;
            page.bad.push(Bad {
                external_id,
                raw,
                why,
            });
            return;
        }
        Some(Ok(mapped)) => page.items.push(Item {
            external_id: external_id.clone(),
            raw: record.raw,
            updated_at: record.updated_at,
            digest,
            known: link.map(|(_, id)| *id),
            mapped,
        }),
        None => page.unchanged += 1,
    }
    // Its waiting ends if an earlier form of it waits; that is looked up only where records wait.
    page.good.push(external_id);
}

fn map<R: Synced>(stream: &Stream<'_, R>, raw: &str) -> Result<Mapped, MapError> {
    let value = serde_json::from_str(raw).map_err(|e| MapError {
        field: String::new(),
        reason: "unreadable",
        detail: format!("the record is no JSON: {e}"),
    })?;
    stream.mapping.apply(&value)
}

type PageRecords = Vec<(String, ExternalRecord)>;

/// Of records with the same id the newest stays, where the id first appeared; the others count as unchanged.
fn newest(pages: Vec<PullPage>) -> Vec<(Sorted, PageRecords)> {
    let mut kept: Vec<(Sorted, PageRecords)> = Vec::with_capacity(pages.len());
    let mut places: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (at, page) in pages.into_iter().enumerate() {
        let mut sorted = Sorted {
            next: page.next,
            high_water: page.high_water,
            ..Sorted::default()
        };
        let mut records = PageRecords::with_capacity(page.records.len());
        for record in page.records {
            let Some(id) = record.external_id.clone() else {
                sorted.bad.push(nameless(record));
                continue;
            };
            let Some((p, r)) = places.get(&id).copied() else {
                places.insert(id.clone(), (at, records.len()));
                records.push((id, record));
                continue;
            };
            sorted.unchanged += 1;
            let earlier = if p == at {
                records.get_mut(r)
            } else {
                kept.get_mut(p).and_then(|(_, records)| records.get_mut(r))
            };
            if let Some((_, present)) = earlier.filter(|(_, e)| record.updated_at >= e.updated_at) {
                *present = record;
            }
        }
        kept.push((sorted, records));
    }
    kept
}

/// A record without an id is known by its digest.
fn nameless(record: ExternalRecord) -> Bad {
    Bad {
        external_id: format!("digest:{}", Digest::of(&[record.raw.as_bytes()])),
        raw: record.raw,
        why: MapError {
            field: "id".to_owned(),
            reason: "missing_field",
            detail: "the record has no id that can be read".to_owned(),
        },
    }
}
