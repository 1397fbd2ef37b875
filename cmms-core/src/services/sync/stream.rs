//! One kind of record in one run: pages become batches, batches are committed with their checkpoint.

use super::absent::{self, NamedFields};
use super::batch::{begin_anew, commit};
use super::cycles;
use super::halving::{self, Poison};
use super::lease::Held;
use super::mark::{Ahead, Mark};
use super::pages::{Listing, Pages};
use super::run::{Plan, is_ours};
use super::sieve::Sieve;
use super::synced::Synced;
use super::tally::Tally;
use super::unlisted::{self, Listed};
use crate::context::CallContext;
use crate::domain::sync_run::{StreamCount, SyncRun};
use crate::domain::sync_state::Checkpoint;
use crate::mapping::{Compiled, compile_with};
use crate::ports::adapter::{Pages as Numbering, Position};
use crate::ports::repository::TxExt;
use crate::ports::store::TxMode;
use crate::record::Field;
use crate::services::app::App;
use crate::services::mappings;
use crate::services::pace::Pace;
use crate::{Error, Result, code};
use std::marker::PhantomData;
use std::sync::Arc;

/// The most records of a batch unless the connection says otherwise.
const BATCH_RECORDS: usize = 10_000;
/// The most records that are written at a time, even where the store is quick.
const PIECE: usize = 500;

/// What a stream works with.
pub(super) struct Stream<'a, R> {
    pub(super) cx: &'a CallContext,
    pub(super) app: &'a App,
    pub(super) plan: &'a Plan,
    pub(super) held: &'a Held,
    pub(super) mapping: Arc<Compiled>,
    pub(super) checkpoint: Checkpoint,
    /// What the listing at hand makes of the checkpoint.
    pub(super) mark: Mark,
    /// Records that the vendor's clock has not reached.
    ahead: Ahead,
    /// Whether records of this kind may wait in quarantine.
    pub(super) has_quarantine: bool,
    /// The records that the run has counted.
    pub(super) tally: Tally,
    /// What the records of the run name.
    pub(super) named: NamedFields,
    /// Records that the store refuses.
    pub(super) poison: Poison,
    /// Whether a stored asset was put elsewhere.
    pub(super) has_moved: bool,
    /// Whether the store has refused something, so that each piece gets a transaction of its own.
    pub(super) is_careful: bool,
    /// How many records are written at a time.
    pub(super) pace: Pace,
    record: PhantomData<fn() -> R>,
}

impl<'a, R: Synced> Stream<'a, R> {
    /// Reads where the last listing stands.
    pub(super) async fn open(
        cx: &'a CallContext,
        app: &'a App,
        plan: &'a Plan,
        held: &'a Held,
    ) -> Result<Self> {
        let mapping = plan.adapter.default_mapping(R::ENTITY).ok_or_else(|| {
            Error::new(
                code::VENDOR_UNSUPPORTED,
                format!("this vendor has no mapping for {}", R::ENTITY),
            )
        })?;
        let connection = plan.connection.id;
        let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
        let custom = mappings::stored(&mut tx, connection, R::ENTITY).await?;
        let mapping = Arc::new(compile_with(mapping, R::TABLE, &custom)?);
        let stored = tx
            .of::<Checkpoint>()
            .get(&[connection.cell(), R::ENTITY.cell()])
            .await?;
        let waiting = super::quarantine::waiting(&mut tx, connection, &[R::ENTITY]).await?;
        Ok(Self {
            cx,
            app,
            plan,
            held,
            named: NamedFields::new(&mapping),
            mapping,
            checkpoint: stored.unwrap_or_else(|| Checkpoint::new(connection, R::ENTITY)),
            mark: Mark::default(),
            ahead: Ahead::default(),
            has_quarantine: waiting > 0,
            tally: Tally::default(),
            poison: Poison::default(),
            has_moved: false,
            is_careful: false,
            pace: Pace::up_to(PIECE),
            record: PhantomData,
        })
    }

    /// Reads until nothing is left.
    pub(super) async fn drain(mut self, run: &mut SyncRun) -> Result<()> {
        let drained = self.listings(run).await;
        self.ahead.tell(R::ENTITY, run);
        match &drained {
            Ok(()) => self.named.end(),
            // Nothing more can be written.
            Err(e) if is_ours(e) => return drained,
            Err(_) => {}
        }
        absent::settle(&mut self, run).await?;
        cycles::link_waiting(&mut self, run).await?;
        drained
    }

    /// Brings in what waits here and can be read by now; the vendor is not asked.
    pub(super) async fn waiting(mut self, run: &mut SyncRun) -> Result<()> {
        super::remap::waiting(&mut self, run).await?;
        self.named.end();
        absent::settle(&mut self, run).await
    }

    async fn listings(&mut self, run: &mut SyncRun) -> Result<()> {
        super::remap::waiting(self, run).await?;
        if self.plan.force {
            return self.whole(run, None).await;
        }
        // An unfinished listing goes on where it stood. What changed since it began comes with the listing
        // that follows.
        if let Some(position) = self.checkpoint.position.clone() {
            match self.whole(run, Some(Position(position))).await {
                // Its pages no longer fit together, so it begins anew at once.
                Err(e) if e.is(code::VENDOR_LIST) => {}
                ended => ended?,
            }
        }
        self.whole(run, None).await
    }

    /// Reads a listing, and what is left of it again with care where the store refused a record.
    async fn whole(&mut self, run: &mut SyncRun, position: Option<Position>) -> Result<()> {
        let before = self.checkpoint.clone();
        match self.listing(run, position.clone()).await {
            Err(e) if halving::is_of_data(&e) && !self.is_careful => {
                tracing::warn!(entity = %R::ENTITY, error = %e, "the store refuses a record: looks for it");
                self.is_careful = true;
                let reached = self.checkpoint.position.clone().map(Position);
                let moved = self.checkpoint != before;
                self.listing(run, if moved { reached } else { position })
                    .await
            }
            done => done,
        }
    }

    async fn listing(&mut self, run: &mut SyncRun, position: Option<Position>) -> Result<()> {
        let capabilities = self.plan.adapter.capabilities().require(R::ENTITY)?;
        let from_the_start = position.is_none();
        let incremental = capabilities.since && !self.plan.force && position.is_none();
        // Only who holds the lease links records, so what is linked from here on is what this listing met.
        let is_first = unlisted::is_none_linked(self).await?;
        let seam = self.checkpoint.seam.as_ref().filter(|_| !from_the_start);
        let mut listing = Listing {
            numbering: capabilities.pages,
            seam: seam.map(|ids| ids.0.clone()).unwrap_or_default(),
            adapter: Arc::clone(&self.plan.adapter),
            acx: self.plan.acx.clone(),
            entity: R::ENTITY,
            position,
            since: self.checkpoint.high_water.filter(|_| incremental),
            in_flight: capabilities
                .pages
                .in_flight(&self.plan.connection.options.0),
        };
        let here = self.app.clock.now();
        let mut pages = Pages::fetch(listing.clone());
        // What the vendor's clock shows is known when it has answered.
        let is_good = pages.look().await;
        self.mark = match Mark::going_on(&self.checkpoint, capabilities.look_back) {
            Some(mark) if !from_the_start => mark,
            _ => {
                let vendor = pages.vendor_clock().first();
                Mark::beginning(&self.checkpoint, here, vendor, capabilities.look_back)
            }
        };
        if incremental && is_good && self.mark.before != listing.since {
            tracing::debug!(entity = %R::ENTITY, since = ?self.mark.before, "clocks went back: reads from an earlier time");
            listing.since = self.mark.before;
            pages = Pages::fetch(listing.clone());
        }
        self.mark.is_whole |= from_the_start && listing.since.is_none();
        // What a first listing linked, it listed.
        let listed = Listed::new(from_the_start && !is_first);
        let batch_records = self.plan.connection.options.0.batch_records;
        let most = batch_records.map_or(BATCH_RECORDS, |n| n as usize);
        let sieve = Sieve {
            store: Arc::clone(&self.app.store),
            scope: self.cx.scope.clone(),
            clock: Arc::clone(&self.app.clock),
            mapping: Arc::clone(&self.mapping),
            connection: self.plan.connection.id,
            entity: R::ENTITY,
            batch_records: most,
            is_first,
            is_numbered: matches!(capabilities.pages, Numbering::Numbered { .. }),
            vendor_clock: pages.vendor_clock(),
            look_back: capabilities.look_back,
            ahead: self.ahead.clone(),
            listed: listed.clone(),
            named: self.named.clone(),
        };
        let mut parts = sieve.start(pages);
        while let Some(part) = parts.next().await {
            let written = match part {
                Ok(part) => commit(self, run, part, &mut parts, most).await,
                Err(e) => Err(e),
            };
            if let Err(e) = written {
                self.tally.undo();
                if e.is(code::VENDOR_LIST) {
                    begin_anew(self).await?;
                }
                return Err(e);
            }
            // Parts may always be ready: who shares the caller's task, such as a display of progress, gets its turn.
            tokio::task::yield_now().await;
        }
        if from_the_start && self.mark.is_whole && !is_first {
            unlisted::note::<R>(self, run, &listed).await?;
        }
        Ok(())
    }

    /// Tells who listens how far the run is.
    pub(super) fn tell(&self, run: &SyncRun) {
        if let Some(progress) = &self.cx.progress {
            progress.send_replace(run.streams.0.clone());
        }
    }
}

/// The counts of this kind of record.
pub(super) fn count<R: Synced>(run: &mut SyncRun) -> &mut StreamCount {
    let streams = &mut run.streams.0;
    let place = streams
        .iter()
        .position(|s| s.entity == R::ENTITY)
        .unwrap_or_else(|| {
            streams.push(StreamCount::new(R::ENTITY));
            streams.len() - 1
        });
    // The place was found or made just now.
    #[expect(
        clippy::indexing_slicing,
        reason = "the place was found or made just now"
    )]
    &mut streams[place]
}
