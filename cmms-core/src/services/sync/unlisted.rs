//! Whether a vendor's whole list has all that is linked.
//!
//! A list can end early without a sign of it, even an empty one; and records may have been deleted at the vendor.
//! Nothing is deleted here for either, but a run that did not see all of them is not `ok`.

use super::run::error_of;
use super::stream::Stream;
use super::synced::Synced;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::LinkKey;
use crate::failpoint::{Failpoint, is_on};
use crate::ids::ConnectionId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Dir, Filter, Query, TxMode};
use crate::record::{Cell, Field};
use crate::{Error, Result, code};

/// Links that are read at once.
const AT_ONCE: u32 = 10_000;

/// Notes in the run that a whole list had fewer records than are linked.
pub(super) async fn note<R: Synced>(
    stream: &Stream<'_, R>,
    run: &mut SyncRun,
    listed: u64,
) -> Result<()> {
    let linked = linked(stream).await?;
    if linked > listed && !is_on(Failpoint::BelieveLists) {
        let detail = format!(
            "the vendor listed {listed} records of {}; {linked} are linked",
            R::ENTITY
        );
        let why = Error::new(code::RECORDS_UNLISTED, detail);
        run.add_error(error_of(&why, Some(R::ENTITY), None));
    }
    Ok(())
}

/// Whether such a list was noted.
pub(super) fn is_noted(run: &SyncRun) -> bool {
    run.errors
        .0
        .iter()
        .any(|e| e.code == code::RECORDS_UNLISTED.id())
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

/// How many records of the kind are linked.
async fn linked<R: Synced>(stream: &Stream<'_, R>) -> Result<u64> {
    let app = stream.app;
    let mut tx = app.store.begin(&stream.cx.scope, TxMode::Snapshot).await?;
    let connection = stream.plan.connection.id;
    let mut count = 0;
    let mut last: Option<String> = None;
    loop {
        let query = Query {
            after: last.as_ref().map(|id| vec![id.cell()]),
            limit: Some(AT_ONCE),
            ..of_kind::<R>(connection)
        };
        let links = tx.of::<LinkKey>().list(&query).await?;
        count += links.len() as u64;
        if links.len() < AT_ONCE as usize {
            return Ok(count);
        }
        last = links.into_iter().next_back().map(|l| l.external_id);
    }
}
