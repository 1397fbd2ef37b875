//! A batch: whole pages, written with the checkpoint that covers them in one transaction.

use super::parts::{Part, Parts};
use super::quarantine::settle;
use super::sieve::SievedPage;
use super::stream::{Stream, count};
use super::synced::Synced;
use super::write;
use crate::domain::audit::{Batch as AuditBatch, BatchRecord};
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::Checkpoint;
use crate::failpoint::{Failpoint, is_on};
use crate::ports::store::SaveRule;
use crate::services::audit::AuditEvent;
use crate::services::uow::Uow;
use crate::{Error, Result};

/// The checkpoint once a page is stored. The high-water mark moves when the listing is complete.
fn checkpoint_behind<R>(page: &SievedPage<R>, before: &Checkpoint) -> Checkpoint {
    let mut after = before.clone();
    after.position = page.next.as_ref().map(|p| p.0.clone());
    if page.next.is_none() {
        after.high_water = before.high_water.max(page.high_water);
    }
    after
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
/// A batch goes on with the next part as long as that is at hand, since a transaction waits for no vendor, up to so
/// many records: the fewer transactions, the fewer times are the pages of the indexes written. When another writer
/// waits, the transaction ends behind the piece of a page at hand; the checkpoint moves with the last piece.
///
/// # Errors
/// Those of a write, and what came instead of the next part; then all before it is stored.
pub(super) async fn commit<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    first: Part<R>,
    parts: &mut Parts<R>,
    most: usize,
) -> Result<()> {
    let mut open = Open {
        uow: None,
        run: run.clone(),
        checkpoint: stream.checkpoint.clone(),
        audit: Vec::new(),
    };
    let mut next = Some(Ok(first));
    let (mut written, mut records) = (0, 0);
    let mut outcome = Ok(());
    while let Some(part) = next.take() {
        match part {
            Ok(part) => {
                records += part.records;
                written += 1;
                pages_into(stream, run, &mut open, part.pages).await?;
            }
            Err(e) => {
                outcome = Err(e);
                break;
            }
        }
        if records < most {
            // Another writer would wait for this one's waiting, too.
            let others_wait = || open.uow.as_mut().is_some_and(|uow| uow.others_wait());
            next = parts.at_hand(others_wait).await;
        }
    }
    if open.uow.is_some() || open.checkpoint != stream.checkpoint {
        close(stream, run, &mut open).await?;
    }
    parts.committed(written);
    // Unchanged records are counted, and that is all: they write nothing.
    open.run.sum_up();
    *run = open.run;
    stream.tell(run);
    outcome
}

async fn pages_into<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    run: &mut SyncRun,
    open: &mut Open<'a>,
    pages: Vec<SievedPage<R>>,
) -> Result<()> {
    if is_on(Failpoint::CheckpointFirst)
        && let Some(last) = pages.last()
    {
        let checkpoint = checkpoint_behind(last, &stream.checkpoint);
        if open.uow.is_some() {
            close(stream, run, open).await?;
        }
        save_checkpoint_alone(stream, &checkpoint).await?;
    }
    for page in pages {
        let behind = checkpoint_behind(&page, &stream.checkpoint);
        let counts = count::<R>(&mut open.run);
        counts.pages += 1;
        counts.fetched += page.fetched;
        let mut pieces = page.pieces().into_iter().peekable();
        while let Some(piece) = pieces.next() {
            // Rows may be stored before the checkpoint of their page, never the other way round.
            if pieces.peek().is_none() {
                open.checkpoint = behind.clone();
            }
            page_into(stream, open, piece).await?;
            if open.uow.as_ref().is_some_and(Uow::others_wait) {
                close(stream, run, open).await?;
            }
        }
    }
    Ok(())
}

/// Writes records that came from no page but waited here: by the same steps, and no checkpoint moves.
pub(super) async fn commit_waiting<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    mut page: SievedPage<R>,
) -> Result<()> {
    let mut open = Open {
        uow: None,
        run: run.clone(),
        checkpoint: stream.checkpoint.clone(),
        audit: Vec::new(),
    };
    let uow = begun(stream, &mut open).await?;
    super::remap::keep_open(uow.tx(), stream.plan.connection.id, R::ENTITY, &mut page).await?;
    page_into(stream, &mut open, page).await?;
    close(stream, run, &mut open).await
}

/// Writes one page into the open transaction, which begins with the first page that has something to write.
async fn page_into<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    open: &mut Open<'a>,
    page: SievedPage<R>,
) -> Result<()> {
    count::<R>(&mut open.run).unchanged += page.unchanged;
    let heals = stream.has_quarantine && !page.good.is_empty();
    if !heals && page.items.is_empty() && page.bad.is_empty() {
        return Ok(());
    }
    let mut run = open.run.clone();
    let uow = begun(stream, open).await?;
    let written = write::records(stream, uow, &mut run, page.items, page.known).await?;
    let mut bad = page.bad;
    bad.extend(written.bad);
    stream.has_quarantine |= !bad.is_empty();
    if heals || !bad.is_empty() {
        let good: Vec<&str> = page.good.iter().map(String::as_str).collect();
        let now = uow.now();
        let (app, met) = (stream.app, page.met);
        let kept = settle(app, uow.tx(), &mut run, R::ENTITY, bad, &good, met, now).await?;
        count::<R>(&mut run).quarantined += kept;
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
        stream.held.check(uow.tx(), R::ENTITY).await?;
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
pub(super) async fn begin_anew<R: Synced>(stream: &mut Stream<'_, R>) -> Result<()> {
    let checkpoint = Checkpoint {
        position: None,
        ..stream.checkpoint.clone()
    };
    let mut uow = Uow::begin(stream.app, stream.cx).await?;
    stream.held.check(uow.tx(), R::ENTITY).await?;
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
