//! What a rule needs: a vendor that can be looked behind, and short ways to list.

use crate::Result;
use crate::domain::entity::{Entity, SyncType};
use crate::ports::adapter::{Adapter, AdapterCx, ExternalRecord, Position, PullPage, PullReq};
use crate::ports::overlap::{Joined, Seam};
use crate::ports::secrets::Credentials;
use crate::testing::SteppedClock;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a trouble is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The vendor asks to wait for so many seconds, once.
    Wait(u32),
    /// The login ends before its time, once, in whatever way the vendor says so.
    LoginEnds,
    /// Answers are held back until the client goes away.
    Held,
    /// Times go back: what changes while a list is read may look as if it had changed long ago, and then only
    /// the next listing of everything has it.
    TimesGoBack,
    /// A list is refused as long as it stays, and others are not.
    Forbidden,
    /// The list is shorter than it should be: where it is so from its beginning on, nothing may tell.
    ListIsShort,
    /// Anything else.
    Other,
}

/// Something that goes wrong with the vendor.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Its name, for messages.
    pub name: String,
    /// What it is for.
    pub kind: TroubleKind,
    /// Its place in the simulator's own table.
    pub number: usize,
}

/// A vendor that a test can look behind, and connections to it.
#[async_trait]
pub trait Rig: Send + Sync {
    /// A new adapter, as after a restart, whose requests may take so long.
    fn adapter(&self, patience: Duration) -> Arc<dyn Adapter>;

    /// A connection with good credentials, on the clock of the rig, with several pages of each kind of record.
    fn connection(&self) -> AdapterCx;

    /// The clock of the connection.
    fn clock(&self) -> Arc<SteppedClock>;

    /// Credentials of the right shape that the vendor refuses.
    fn wrong_credentials(&self) -> Credentials;

    /// Addresses and credentials that are refused before anybody is called.
    fn unacceptable(&self) -> Vec<(String, Credentials)>;

    /// Every record of a kind, byte for byte as the vendor serves it, by id.
    fn records(&self, entity: Entity) -> BTreeMap<String, String>;

    /// Changes so many records and says which.
    fn edit(&self, how_many: usize) -> Vec<(Entity, String)>;

    /// What the vendor's clock shows.
    fn now(&self) -> DateTime<Utc>;

    /// Gives the first records of a kind this time of their last change.
    fn redate(&self, entity: Entity, how_many: usize, at: DateTime<Utc>);

    /// Serves this text as a record of a kind, byte for byte, whether it is JSON or not.
    fn serve(&self, entity: Entity, id: &str, text: &str);

    /// Whether the vendor heeds filters of lists, those of the time of a change aside; its lists have not every record
    /// without them. Says whether it has such filters.
    fn heed_filters(&self, _heeded: bool) -> bool {
        false
    }

    /// Deletes the record that a list has first, and adds another.
    fn swap(&self, entity: Entity);

    /// Deletes every record of a kind.
    fn clear(&self, entity: Entity);

    /// Whether the vendor's lists order records of one time anew at each request.
    fn shuffle_ties(&self, shuffled: bool);

    /// How many requests came in so far.
    fn requests(&self) -> usize;

    /// How many sessions the vendor gave so far; nothing where its credentials make none, so that none can be made
    /// anew.
    fn logins(&self) -> Option<u64> {
        None
    }

    /// All that can go wrong with the vendor.
    fn troubles(&self) -> Vec<Trouble>;

    /// Lets something go wrong with the list of a kind once some requests for it have passed; as often as it
    /// usually does.
    fn order(&self, trouble: &Trouble, entity: Entity, after: u32);

    /// Ends all that goes wrong.
    fn end(&self);

    /// Waits until an answer is held back.
    async fn held(&self);
}

/// Time enough: a busy machine is no fault.
pub(super) const PATIENT: Duration = Duration::from_secs(60);
/// How long a request may take where answers are held back.
pub(super) const IMPATIENT: Duration = Duration::from_millis(250);
/// More pages than any listing of a rig has.
const PAGES_MAX: usize = 5_000;

/// The kinds of records that the adapter reads.
pub(super) fn readable(adapter: &dyn Adapter) -> Vec<Entity> {
    let entities = &adapter.capabilities().entities;
    entities
        .iter()
        .filter(|(_, can)| can.pull)
        .map(|(e, _)| *e)
        .collect()
}

/// Every kind of record that there is.
pub(super) fn every() -> &'static [Entity] {
    SyncType::All.entities()
}

/// The request of a listing's first page.
pub(super) fn first(entity: Entity, since: Option<DateTime<Utc>>) -> PullReq {
    PullReq {
        entity,
        position: None,
        since,
    }
}

/// The pages of a listing from here on.
pub(super) async fn pages(
    adapter: &dyn Adapter,
    cx: &AdapterCx,
    req: PullReq,
) -> Result<Vec<PullPage>> {
    pages_with(adapter, cx, req, |_| {}).await
}

/// The same; between pages something is done.
pub(super) async fn pages_with(
    adapter: &dyn Adapter,
    cx: &AdapterCx,
    mut req: PullReq,
    mut between: impl FnMut(usize),
) -> Result<Vec<PullPage>> {
    let mut pages = Vec::new();
    let numbering = adapter.capabilities().require(req.entity)?.pages;
    let mut seam = Seam::new(numbering, &[]);
    for asked in 0.. {
        assert!(asked < PAGES_MAX, "a listing without end");
        let page = adapter.pull(cx, &req).await?;
        between(asked);
        let page = match seam.join(req.position.clone(), page)? {
            Joined::Page(page) => page,
            Joined::Back(to) => {
                req.position = to;
                continue;
            }
        };
        // What is stored is a text, and the time asked for is a matter of the beginning.
        req.position = page.next.as_ref().map(|next| Position(next.0.clone()));
        pages.push(page);
        if req.position.is_none() {
            break;
        }
    }
    Ok(pages)
}

/// A whole listing.
pub(super) async fn listed(
    adapter: &dyn Adapter,
    cx: &AdapterCx,
    entity: Entity,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<ExternalRecord>> {
    let pages = pages(adapter, cx, first(entity, since)).await?;
    Ok(pages.into_iter().flat_map(|page| page.records).collect())
}

/// Fails unless both are the same, and names some of the records that differ.
pub(super) fn assert_same(
    given: &BTreeMap<String, String>,
    served: &BTreeMap<String, String>,
    about: &str,
) {
    let other = |(id, raw): &(&String, &String)| served.get(*id) != Some(raw);
    let wrong: Vec<_> = given.iter().filter(other).map(|(id, _)| id).collect();
    let missing: Vec<_> = served
        .keys()
        .filter(|id| !given.contains_key(*id))
        .collect();
    assert!(
        wrong.is_empty() && missing.is_empty(),
        "{about}: of {} records {} are missing, such as {:?}, and {} are not as served, such as {:?}",
        served.len(),
        missing.len(),
        missing.first(),
        wrong.len(),
        wrong.first(),
    );
}

/// The last form of each record, by id.
pub(super) fn by_id(records: impl IntoIterator<Item = ExternalRecord>) -> BTreeMap<String, String> {
    let records = records.into_iter();
    records
        .filter_map(|r| Some((r.external_id?, r.raw.into_string())))
        .collect()
}
