//! Tells changed records from unchanged ones and maps those that changed, while earlier ones are written.
//!
//! Fetching, sieving and writing go on at the same time, each a part ahead of the next. So a record can be
//! sieved before an earlier form of it is stored; such a record is marked, and looked up again when it is
//! written.

use super::absent::NamedFields;
use super::halving::guarded;
use super::mark::Ahead;
use super::merge::{fresh, snapshot};
use super::nameless::{is_kept, nameless};
use super::pages::Pages;
use super::parts::{Part, Parts};
use super::quarantine::{Bad, Met};
use super::recent::Recent;
use super::references::Known;
use super::synced::Synced;
use super::unlisted::Listed;
use super::write::Item;
use crate::clock::Clock;
use crate::context::Scope;
use crate::domain::entity::Entity;
use crate::domain::sync_state::LinkDigest;
use crate::ids::ConnectionId;
use crate::mapping::{Compiled, MapError, Mapped, VendorRecord};
use crate::ports::adapter::{ExternalRecord, Position, PullPage, Remark, VendorClock};
use crate::ports::overlap;
use crate::ports::repository::TxExt;
use crate::ports::store::{Store, TxMode};
use crate::record::{Cell, Digest, Field, RawJson};
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// The bytes in memory at which a part of a batch goes to be written, where two parts are at a time.
const PART_BYTES: usize = 4 << 20;
/// The most references that are remembered.
const KNOWN_MAX: usize = 20_000;
/// How long a part gathers pages.
const PART_TIME: Duration = Duration::from_secs(1);

/// A page whose records are sorted by what is to be done with them.
#[derive(Debug)]
pub(super) struct SievedPage<R> {
    /// New and changed records.
    pub(super) items: Vec<Item<R>>,
    /// What their references lead to, as far as it was stored.
    pub(super) known: Known,
    /// Records that cannot be stored.
    pub(super) bad: Vec<Bad>,
    /// The ids of records that are as they are stored.
    pub(super) unchanged: Vec<String>,
    /// Where they were met.
    pub(super) met: Met,
    /// How many the vendor sent.
    pub(super) fetched: u64,
    /// Where the listing goes on; None: it is complete.
    pub(super) next: Option<Position>,
    /// The latest change that the listing has seen.
    pub(super) high_water: Option<DateTime<Utc>>,
    /// The ids that it ends with.
    pub(super) seam: Vec<String>,
    /// Whether the listing turned out to be one of everything.
    pub(super) is_whole: bool,
    /// What has to be said of the listing.
    pub(super) remarks: Vec<Remark>,
}

impl<R> SievedPage<R> {
    /// A page of so many records of which nothing is known yet.
    pub(super) fn new(fetched: usize) -> Self {
        Self {
            items: Vec::new(),
            known: Known::default(),
            bad: Vec::new(),
            unchanged: Vec::new(),
            met: Met::default(),
            fetched: fetched as u64,
            next: None,
            high_water: None,
            seam: Vec::new(),
            is_whole: false,
            remarks: Vec::new(),
        }
    }

    /// Takes what is to be written, in pieces that are written one after the other.
    pub(super) fn take_pieces(&mut self) -> Pieces<R> {
        Pieces {
            rest: std::mem::take(&mut self.items).into_iter(),
            known: std::mem::take(&mut self.known),
        }
    }

    /// No page, but records that waited here.
    pub(super) fn waiting() -> Self {
        Self {
            met: Met::Again,
            ..Self::new(0)
        }
    }
}

/// What is to be written of a page.
pub(super) struct Pieces<R> {
    rest: std::vec::IntoIter<Item<R>>,
    known: Known,
}

impl<R> Pieces<R> {
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.as_slice().is_empty()
    }

    /// The next piece, of at most so many records. None: nothing is left.
    pub(super) fn next(&mut self, most: usize) -> Option<Piece<R>> {
        if self.is_empty() {
            return None;
        }
        let items: Vec<_> = self.rest.by_ref().take(most).collect();
        let known = match self.is_empty() {
            true => std::mem::take(&mut self.known),
            false => self.known.pick(&wanted(&items)),
        };
        Some(Piece { items, known })
    }
}

/// Records that are written together.
#[derive(Debug, Clone)]
pub(super) struct Piece<R> {
    /// New and changed records.
    pub(super) items: Vec<Item<R>>,
    /// What their references lead to, as far as it was stored.
    pub(super) known: Known,
}

impl<R> Piece<R> {
    /// Takes it, and leaves nothing.
    pub(super) fn take(&mut self) -> Self {
        Self {
            items: std::mem::take(&mut self.items),
            known: std::mem::take(&mut self.known),
        }
    }

    /// Its two halves, or the only record that it has.
    pub(super) fn halves(mut self) -> Result<(Self, Self), Box<Item<R>>> {
        if self.items.len() < 2
            && let Some(only) = self.items.pop()
        {
            return Err(Box::new(only));
        }
        let items = self.items.split_off(self.items.len() / 2);
        let second = Self {
            items,
            known: self.known.clone(),
        };
        Ok((self, second))
    }
}

/// What the sieve works with.
pub(super) struct Sieve {
    pub(super) store: Arc<dyn Store>,
    pub(super) scope: Scope,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) mapping: Arc<Compiled>,
    pub(super) connection: ConnectionId,
    pub(super) entity: Entity,
    /// The most records of a part.
    pub(super) batch_records: usize,
    /// Whether nothing of the kind is linked yet, so that no record needs to be looked up.
    pub(super) is_first: bool,
    /// Whether pages have numbers, so that a listing which goes on must know what the page before ended with.
    pub(super) is_numbered: bool,
    /// What the vendor's clock shows.
    pub(super) vendor_clock: VendorClock,
    /// How far apart clocks may be before it is told.
    pub(super) look_back: Duration,
    /// Records that the vendor's clock has not reached.
    pub(super) ahead: Ahead,
    /// What this listing gave, where that is asked at its end.
    pub(super) listed: Listed,
    /// What its records name.
    pub(super) named: NamedFields,
}

impl Sieve {
    /// Begins to sieve.
    #[expect(
        clippy::disallowed_methods,
        reason = "the task is owned by `Parts` and ends with it"
    )]
    pub(super) fn start<R: Synced>(self, pages: Pages) -> Parts<R> {
        let (to, parts) = mpsc::channel(1);
        let (at_work, working) = watch::channel(true);
        let written = Arc::new(AtomicU64::new(0));
        let recent = Recent::new(Arc::clone(&written), self.is_first);
        let task = tokio::spawn(self.run(pages, to, at_work, recent));
        Parts::new(parts, working, written, AbortOnDropHandle::new(task))
    }

    async fn run<R: Synced>(
        self,
        mut pages: Pages,
        to: mpsc::Sender<Result<Part<R>>>,
        at_work: watch::Sender<bool>,
        mut recent: Recent,
    ) {
        let mut part = Part::default();
        let mut began = self.clock.elapsed();
        let mut place = None;
        loop {
            // A part is begun when there is a place for it, so that no more than two are in memory: one that
            // is written and one behind it.
            let free = match place.take() {
                Some(free) => free,
                None => match to.clone().reserve_owned().await {
                    Ok(free) => free,
                    Err(_) => return,
                },
            };
            let page = match pages.ready() {
                Some(page) => Some(page),
                None => {
                    at_work.send_replace(false);
                    let page = pages.next().await;
                    at_work.send_replace(true);
                    page
                }
            };
            let (page, failure) = match page {
                Some(Ok(page)) => match self.sieve(page, &mut recent).await {
                    Ok(page) => (Some(page), None),
                    Err(e) => (None, Some(e)),
                },
                Some(Err(e)) => (None, Some(e)),
                None => return,
            };
            if part.pages.is_empty() {
                began = self.clock.elapsed();
            }
            let complete = page.as_ref().is_none_or(|(page, _)| page.next.is_none());
            if let Some((page, bytes)) = page {
                part.records += usize::try_from(page.fetched).unwrap_or(usize::MAX);
                part.bytes += bytes;
                part.pages.push(page);
            }
            let waited = self.clock.elapsed().saturating_sub(began);
            let full = part.records >= self.batch_records
                || part.bytes >= PART_BYTES
                || waited >= PART_TIME;
            if (complete || full) && !part.pages.is_empty() {
                // What came in before a failure is good and is kept.
                free.send(Ok(std::mem::take(&mut part)));
                recent.next_part();
            } else {
                place = Some(free);
            }
            if let Some(e) = failure {
                drop(place);
                // Nobody is there to be told when the run has ended.
                let _ = to.send(Err(e)).await;
                return;
            }
            if complete {
                return;
            }
        }
    }

    /// Sieves a page; also says how many bytes its records take in memory.
    async fn sieve<R: Synced>(
        &self,
        page: PullPage,
        recent: &mut Recent,
    ) -> Result<(SievedPage<R>, usize)> {
        let mut sieved = SievedPage::new(page.records.len());
        sieved.next = page.next;
        sieved.high_water = page.high_water;
        if self.is_numbered && sieved.next.is_some() {
            sieved.seam = overlap::end(&page.records);
        }
        sieved.is_whole = page.is_whole;
        sieved.remarks = page.remarks;
        let records = newest(page.records, &mut sieved);
        let now = self.vendor_clock.latest();
        let now = now.unwrap_or_else(|| self.clock.now());
        self.listed.note(&records);
        self.ahead.note(&records, now, self.look_back);
        // Before the look-up: what is committed after it is still thought to be on its way.
        let on_its_way = recent.note(&records);
        let stored = self.stored(&recent.meet(&records)).await?;
        let (mapping, named) = (Arc::clone(&self.mapping), self.named.clone());
        let mut sieved = tokio::task::spawn_blocking(move || {
            for (id, record) in records {
                let unsure = on_its_way.contains(&id);
                one(&mapping, &named, &stored, unsure, &mut sieved, id, record);
            }
            sieved
        })
        .await
        .map_err(|e| Error::internal("the mapping of a page broke off").source(e))?;
        // Links stay as long as the run goes on, so what is found now holds when the page is written.
        // A linked record mostly refers to what it did before; whether it does is known when it is written.
        let new = sieved.items.iter().filter(|i| i.known.is_none());
        let wanted = wanted(new);
        if !wanted.is_empty() {
            let known = &mut recent.known;
            known.keep_below(KNOWN_MAX);
            let mut tx = self.store.begin(&self.scope, TxMode::Once).await?;
            known.find(&mut tx, self.connection, &wanted).await?;
            sieved.known = known.pick(&wanted);
        }
        let bytes = sieved.items.iter().map(Item::bytes).sum();
        Ok((sieved, bytes))
    }

    /// What is stored of the records with these ids of the vendor.
    async fn stored(&self, ids: &[&str]) -> Result<HashMap<String, (Digest, Uuid)>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<_> = ids
            .iter()
            .map(|id| [self.connection.cell(), self.entity.cell(), Cell::text(id)])
            .collect();
        let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
        let mut tx = self.store.begin(&self.scope, TxMode::Once).await?;
        let links = tx.of::<LinkDigest>().get_all(&keys).await?;
        Ok(links
            .into_iter()
            .map(|l| (l.external_id, (l.digest, l.record_id)))
            .collect())
    }
}

fn one<R: Synced>(
    mapping: &Compiled,
    named: &NamedFields,
    stored: &HashMap<String, (Digest, Uuid)>,
    unsure: bool,
    page: &mut SievedPage<R>,
    external_id: String,
    record: ExternalRecord,
) {
    let digest = digest(mapping, &record);
    let link = stored.get(&external_id);
    let unchanged = !unsure && link.is_some_and(|(known, _)| *known == digest);
    if unchanged {
        named.note_unchanged(mapping, &external_id, &record.raw);
        page.unchanged.push(external_id);
        return;
    }
    let known = link.map(|(_, id)| *id);
    let item = Item::new(
        mapping,
        Some(named),
        external_id,
        record,
        digest,
        known,
        unsure,
    );
    match item {
        Ok(item) => page.items.push(item),
        Err(bad) => page.bad.push(*bad),
    }
}

/// Tells whether a record is as it was when it was last stored by this mapping.
pub(super) fn digest(mapping: &Compiled, record: &ExternalRecord) -> Digest {
    let (revision, raw) = (mapping.revision().as_bytes(), record.raw.as_bytes());
    match record.listed_archived {
        Some(true) => Digest::of(&[revision, raw, b"archived"]),
        Some(false) | None => Digest::of(&[revision, raw]),
    }
}

impl<R: Synced> Item<R> {
    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        // Texts of the record are about as long as the snapshot, and so are its cells.
        size_of::<Self>() + size_of::<R>() + self.raw.len() + 2 * self.snapshot.0.len()
    }

    /// Maps a record and notes what it names. One that is neither linked nor unsure becomes a record of ours at once.
    pub(super) fn new(
        mapping: &Compiled,
        named: Option<&NamedFields>,
        external_id: String,
        record: ExternalRecord,
        digest: Digest,
        known: Option<Uuid>,
        unsure: bool,
    ) -> Result<Self, Box<Bad>> {
        let ExternalRecord {
            raw,
            updated_at,
            listed_archived,
            ..
        } = record;
        match guarded(|| map::<R>(mapping, named, &raw, known.is_none() && !unsure)) {
            Ok((mut mapped, snapshot, fresh)) => {
                mapped.archived = mapped.archived.or(listed_archived);
                Ok(Self {
                    external_id,
                    raw,
                    updated_at,
                    digest,
                    known,
                    unsure,
                    fresh,
                    mapped,
                    snapshot,
                    stays: Vec::new(),
                })
            }
            Err(why) => Err(Box::new(Bad {
                external_id,
                updated_at,
                raw,
                why,
            })),
        }
    }
}

/// What the mapping makes of a record's text: the fields, the same as the link keeps them and, for a new
/// record, the record.
fn map<R: Synced>(
    mapping: &Compiled,
    named: Option<&NamedFields>,
    raw: &str,
    is_new: bool,
) -> Result<(Mapped, RawJson, Option<Box<R>>), MapError> {
    let record = VendorRecord::read(raw).map_err(|e| MapError {
        field: String::new(),
        reason: "unreadable",
        detail: format!("the record is no JSON: {e}"),
    })?;
    if let Some(named) = named {
        named.note(mapping, record.value());
    }
    let mut mapped = mapping.apply(&record)?;
    let pulled = snapshot::<R>(&mapped)?;
    let fresh = is_new.then(|| fresh(&mut mapped).map(Box::new));
    Ok((mapped, pulled, fresh.transpose()?))
}

/// The vendor's ids that records refer to.
fn wanted<'i, R: 'i>(items: impl IntoIterator<Item = &'i Item<R>>) -> BTreeSet<&'i str> {
    items
        .into_iter()
        .flat_map(|i| &i.mapped.references)
        .filter_map(|r| r.external_id.as_deref())
        .collect()
}

/// Records with the vendor's ids.
pub(super) type Records = Vec<(String, ExternalRecord)>;

/// Of records of a page with the same id the newest stays, where the id first appeared.
fn newest<R>(all: Vec<ExternalRecord>, page: &mut SievedPage<R>) -> Records {
    let mut kept = Records::with_capacity(all.len());
    let mut places: HashMap<String, usize> = HashMap::with_capacity(all.len());
    for record in all {
        let Some(id) = record.external_id.clone().filter(|id| is_kept(id)) else {
            page.bad.push(nameless(record));
            continue;
        };
        let Some(place) = places.get(&id) else {
            places.insert(id.clone(), kept.len());
            kept.push((id, record));
            continue;
        };
        let earlier = kept.get_mut(*place);
        if let Some((_, present)) = earlier.filter(|(_, e)| record.updated_at >= e.updated_at) {
            *present = record;
        }
    }
    kept
}
