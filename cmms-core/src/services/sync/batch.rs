//! A batch: whole pages, written with the checkpoint that covers them in one transaction.

use super::cycles;
use super::halving;
use super::parts::{Part, Parts};
use super::quarantine::{Bad, Met, settle};
use super::sieve::{Piece, Pieces, SievedPage};
use super::stream::{Stream, count};
use super::synced::Synced;
use super::tally::Outcome;
use super::write;
use crate::domain::audit::{Batch as AuditBatch, BatchRecord};
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::Checkpoint;
use crate::failpoint::{Failpoint, is_on};
use crate::ports::store::SaveRule;
use crate::services::audit::AuditEvent;
use crate::services::uow::Uow;
use crate::{Error, Result};
use std::collections::BTreeSet;

/// What a transaction has gathered and the run does not know yet.
pub(super) struct Open<'a> {
    uow: Option<Uow<'a>>,
    pub(super) run: SyncRun,
    checkpoint: Checkpoint,
    audit: Vec<BatchRecord>,
}

impl<'a> Open<'a> {
    /// Nothing is written in it yet.
    pub(super) fn new<R>(stream: &Stream<'a, R>, run: &SyncRun) -> Self {
        Self {
            uow: None,
            run: run.clone(),
            checkpoint: stream.checkpoint.clone(),
            audit: Vec::new(),
        }
    }

    /// Notes what was done to records.
    pub(super) fn note(&mut self, records: Vec<BatchRecord>) {
        self.audit.extend(records);
    }

    /// Whether it changed records or has something to tell that the run does not know.
    pub(super) fn is_news(&self, run: &SyncRun) -> bool {
        !self.audit.is_empty() || self.run.errors != run.errors
    }

    /// Whether something was written in it.
    pub(super) fn is_begun(&self) -> bool {
        self.uow.is_some()
    }

    /// Forgets the transaction, which is lost, and what the run had gained by it.
    pub(super) fn undo(&mut self, run: SyncRun) {
        self.uow = None;
        self.audit.clear();
        self.run = run;
    }
}

/// Writes a batch with its checkpoint: afterwards both are durable, or neither is.
///
/// A batch goes on with the next part as long as that is at hand, since a transaction waits for no vendor, up to so
/// many records: the fewer transactions, the fewer times are the pages of the indexes written. When another writer
/// waits, the transaction ends behind the piece of a page at hand, whose size follows from the time that pieces take;
/// the checkpoint moves with the last piece.
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
    let mut open = Open::new(stream, run);
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
    stream.tally.keep();
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
        let checkpoint =
            stream
                .mark
                .behind(&stream.checkpoint, last.next.as_ref(), last.high_water);
        if open.uow.is_some() {
            close(stream, run, open).await?;
        }
        save_checkpoint_alone(stream, &checkpoint).await?;
    }
    for mut page in pages {
        let seam = std::mem::take(&mut page.seam);
        stream.mark.heed(&page.remarks, page.is_whole, seam);
        super::remarks::tell(&page.remarks, R::ENTITY, &mut open.run);
        let behind = stream
            .mark
            .behind(&stream.checkpoint, page.next.as_ref(), page.high_water);
        let counts = count::<R>(&mut open.run);
        counts.pages += 1;
        counts.fetched += page.fetched;
        let outcome = Outcomes::begin(stream, open, &mut page);
        let pieces = page.take_pieces();
        settled_into(stream, run, open, pieces, outcome, Some(behind)).await?;
    }
    Ok(())
}

/// What became of the records of a page, noted once all of them are written.
pub(super) struct Outcomes {
    bad: Vec<Bad>,
    /// The ids of those that need not wait in quarantine any longer. Only where any may wait.
    good: Vec<String>,
    met: Met,
}

impl Outcomes {
    /// How much is known.
    pub(super) fn lengths(&self) -> (usize, usize) {
        (self.bad.len(), self.good.len())
    }

    /// Forgets what became known since then.
    pub(super) fn shorten(&mut self, (bad, good): (usize, usize)) {
        self.bad.truncate(bad);
        self.good.truncate(good);
    }

    /// Notes a record that cannot be stored.
    pub(super) fn add_bad(&mut self, bad: Bad) {
        self.bad.push(bad);
    }

    /// What is known of a page before it is written.
    fn begin<R: Synced>(
        stream: &mut Stream<'_, R>,
        open: &mut Open<'_>,
        page: &mut SievedPage<R>,
    ) -> Self {
        // Records that wait and are stored already were counted when they came.
        if page.met == Met::AtVendor {
            let count = count::<R>(&mut open.run);
            for id in &page.unchanged {
                let key = stream.tally.key(id);
                stream.tally.count(key, Outcome::Unchanged, count);
            }
        }
        Self {
            bad: std::mem::take(&mut page.bad),
            good: std::mem::take(&mut page.unchanged),
            met: page.met,
        }
    }
}

/// Writes the pieces of a page, then what became of its records, and moves the checkpoint behind it.
async fn settled_into<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    run: &mut SyncRun,
    open: &mut Open<'a>,
    mut pieces: Pieces<R>,
    mut outcome: Outcomes,
    behind: Option<Checkpoint>,
) -> Result<()> {
    while let Some(mut piece) = pieces.next(stream.pace.size()) {
        outcome.bad.extend(stream.poison.take(&mut piece.items));
        if stream.is_careful {
            halving::halved(stream, run, open, piece, &mut outcome).await?;
            continue;
        }
        let (records, began) = (piece.items.len(), stream.app.clock.elapsed());
        piece_into(stream, open, piece, &mut outcome).await?;
        let took = stream.app.clock.elapsed().saturating_sub(began);
        stream.pace.took(records, took);
        let others_wait = open.uow.as_ref().is_some_and(Uow::others_wait);
        if others_wait && !pieces.is_empty() {
            close(stream, run, open).await?;
        }
    }
    outcome_into(stream, open, outcome).await?;
    // Rows may be stored before the checkpoint of their page, never the other way round.
    if let Some(behind) = behind {
        open.checkpoint = behind;
    }
    if open.uow.as_ref().is_some_and(Uow::others_wait) {
        close(stream, run, open).await?;
    }
    Ok(())
}

/// Writes records that came from no page but waited here: by the same steps, and no checkpoint moves.
pub(super) async fn commit_waiting<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    mut page: SievedPage<R>,
) -> Result<()> {
    let mut open = Open::new(stream, run);
    let uow = begun(stream, &mut open).await?;
    super::remap::keep_open(uow.tx(), stream.plan.connection.id, R::ENTITY, &mut page).await?;
    open.uow = None;
    commit_apart(stream, run, open, page).await
}

/// Writes records that came in before and are mapped again. What waits in quarantine is not what they are.
pub(super) async fn commit_again<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    page: SievedPage<R>,
) -> Result<()> {
    let open = Open::new(stream, run);
    let had_quarantine = std::mem::replace(&mut stream.has_quarantine, false);
    let committed = commit_apart(stream, run, open, page).await;
    stream.has_quarantine |= had_quarantine;
    committed
}

async fn commit_apart<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    run: &mut SyncRun,
    mut open: Open<'a>,
    mut page: SievedPage<R>,
) -> Result<()> {
    let outcome = Outcomes::begin(stream, &mut open, &mut page);
    // They are few, and among them may be those that the store refused before.
    let was_careful = std::mem::replace(&mut stream.is_careful, true);
    let pieces = page.take_pieces();
    let settled = settled_into(stream, run, &mut open, pieces, outcome, None).await;
    stream.is_careful = was_careful;
    settled?;
    if open.is_begun() {
        close(stream, run, &mut open).await?;
    }
    Ok(())
}

/// Writes a piece of a page into the open transaction, which begins with the first that has something to write.
pub(super) async fn piece_into<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    open: &mut Open<'a>,
    piece: Piece<R>,
    outcome: &mut Outcomes,
) -> Result<()> {
    let ids: Vec<String> = match stream.has_quarantine {
        true => piece.items.iter().map(|i| i.external_id.clone()).collect(),
        false => Vec::new(),
    };
    let by = open.run.requested_by.clone();
    let uow = begun(stream, open).await?;
    let mut written = write::records(stream, uow, &by, piece.items, piece.known).await?;
    let count = count::<R>(&mut open.run);
    for (key, outcome) in written.outcomes {
        stream.tally.count(key, outcome, count);
    }
    if is_on(Failpoint::BelieveWrites) {
        written.bad.clear();
    }
    let refused: BTreeSet<&str> = written.bad.iter().map(|b| b.external_id.as_str()).collect();
    let good = ids.into_iter().filter(|id| !refused.contains(id.as_str()));
    outcome.good.extend(good);
    outcome.bad.extend(written.bad);
    open.audit.extend(written.audit);
    cycles::tell(&written.cyclic, &mut open.run);
    stream.has_moved |= written.moved;
    Ok(())
}

/// Notes what became of the records of a page: what is good was written.
async fn outcome_into<'a, R: Synced>(
    stream: &mut Stream<'a, R>,
    open: &mut Open<'a>,
    outcome: Outcomes,
) -> Result<()> {
    let Outcomes { bad, good, met } = outcome;
    let heals = stream.has_quarantine && !good.is_empty();
    if !heals && bad.is_empty() {
        return Ok(());
    }
    stream.has_quarantine |= !bad.is_empty();
    let mut run = open.run.clone();
    let uow = begun(stream, open).await?;
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    let (app, now) = (stream.app, uow.now());
    let refused = settle(app, uow.tx(), &mut run, R::ENTITY, bad, &good, met, now).await?;
    for id in refused {
        let key = stream.tally.key(&id);
        let count = count::<R>(&mut run);
        stream.tally.count(key, Outcome::Refused, count);
    }
    open.run = run;
    Ok(())
}

/// The open transaction, begun if there is none. A run that lost its lease may not begin one.
pub(super) async fn begun<'o, 'a, R: Synced>(
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
pub(super) async fn close<'a, R: Synced>(
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
    stream.tally.keep();
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
    keep(stream, checkpoint).await
}

/// Keeps a checkpoint that no rows belong to.
pub(super) async fn keep<R: Synced>(
    stream: &mut Stream<'_, R>,
    checkpoint: Checkpoint,
) -> Result<()> {
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
