//! Whether a vendor's whole list has all that is linked.
//!
//! A list can end early without a sign of it, even an empty one; and records may have been deleted at the vendor.
//! Nothing is deleted here for either, but a run that did not see all of them is not `ok`, until a second list says
//! the same.

use super::batch::keep;
use super::run::error_of;
use super::sieve::Records;
use super::stream::Stream;
use super::synced::Synced;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::{Checkpoint, LinkKey};
use crate::failpoint::{Failpoint, is_on};
use crate::ids::ConnectionId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Dir, Filter, Query, TxMode};
use crate::record::{Cell, Digest, Field};
use crate::{Error, Result, code};
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

/// Links that are read at once.
const AT_ONCE: u32 = 10_000;

/// The vendor's ids that a listing gave, by their hashes. Two that look alike are too rare to matter.
#[derive(Debug, Clone)]
pub(super) struct Listed(Option<Arc<Mutex<Ids>>>);

#[derive(Debug, Default)]
struct Ids {
    ids: HashSet<u64>,
    hasher: RandomState,
}

impl Listed {
    /// Nothing yet; what is not asked for at the end is not noted.
    pub(super) fn new(is_asked_for: bool) -> Self {
        Self(is_asked_for.then(Arc::default))
    }

    /// Notes what a page gave.
    pub(super) fn note(&self, records: &Records) {
        if let Some(listed) = &self.0 {
            let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, _) in records {
                let id = listed.hasher.hash_one(id.as_str());
                listed.ids.insert(id);
            }
        }
    }

    fn has(&self, id: &str) -> bool {
        self.0.as_ref().is_none_or(|listed| {
            let listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
            listed.ids.contains(&listed.hasher.hash_one(id))
        })
    }
}

/// The linked records that a whole list lacked.
#[derive(Debug, Default)]
struct Missing {
    /// How many are linked.
    linked: u64,
    /// How many of them it lacked.
    missing: u64,
    /// Of the ids of those.
    digest: Option<Digest>,
}

/// Notes in the run that a whole list lacks records that are linked.
///
/// They may have been deleted, or the list may be short. A second whole list that lacks the same is believed.
pub(super) async fn note<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    listed: &Listed,
) -> Result<()> {
    let found = missing(stream, listed).await?;
    if found.missing > 0 && !is_on(Failpoint::BelieveLists) {
        let again = found.digest == stream.checkpoint.missing;
        let (code, twice) = if again {
            (code::RECORDS_GONE, ", as before")
        } else {
            (code::RECORDS_UNLISTED, "")
        };
        let detail = format!(
            "of {} linked records of {}, {} are not in the vendor's list{twice}",
            found.linked,
            R::ENTITY,
            found.missing,
        );
        run.add_error(error_of(&Error::new(code, detail), Some(R::ENTITY), None));
    }
    if found.digest != stream.checkpoint.missing {
        let checkpoint = Checkpoint {
            missing: found.digest,
            ..stream.checkpoint.clone()
        };
        keep(stream, checkpoint).await?;
    }
    Ok(())
}

/// Whether no record of the kind is linked.
pub(super) async fn is_none_linked<R: Synced>(stream: &Stream<'_, R>) -> Result<bool> {
    let (app, connection) = (stream.app, stream.plan.connection.id);
    let mut tx = app.store.begin(&stream.cx.scope, TxMode::Once).await?;
    let query = Query {
        limit: Some(1),
        ..of_kind::<R>(connection)
    };
    Ok(tx.of::<LinkKey>().list(&query).await?.is_empty())
}

/// The links of the kind, in the order of the vendor's ids.
fn of_kind<R: Synced>(connection: ConnectionId) -> Query<'static> {
    Query {
        filter: Filter::And(vec![
            Filter::eq(LinkKey::CONNECTION_ID, Cell::Id(connection.0)),
            Filter::eq(LinkKey::ENTITY, Cell::text(R::ENTITY.as_str())),
        ]),
        order: vec![(LinkKey::EXTERNAL_ID, Dir::Asc)],
        ..Query::default()
    }
}

/// The linked records of the kind that were not listed.
async fn missing<R: Synced>(stream: &Stream<'_, R>, listed: &Listed) -> Result<Missing> {
    let app = stream.app;
    let mut tx = app.store.begin(&stream.cx.scope, TxMode::Snapshot).await?;
    let connection = stream.plan.connection.id;
    let mut found = Missing::default();
    let mut last: Option<String> = None;
    loop {
        let query = Query {
            after: last.as_ref().map(|id| vec![id.cell()]),
            limit: Some(AT_ONCE),
            ..of_kind::<R>(connection)
        };
        let links = tx.of::<LinkKey>().list(&query).await?;
        let is_last = links.len() < AT_ONCE as usize;
        found.linked += links.len() as u64;
        for link in links.iter().filter(|link| !listed.has(&link.external_id)) {
            found.missing += 1;
            let before = found.digest.map_or([0; 16], |digest| digest.0);
            found.digest = Some(Digest::of(&[&before, link.external_id.as_bytes()]));
        }
        if is_last {
            return Ok(found);
        }
        last = links.into_iter().next_back().map(|l| l.external_id);
    }
}
