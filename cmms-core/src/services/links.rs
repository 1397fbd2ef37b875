//! The counterparts of records, as they are shown with them.

use crate::Result;
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::sync_state::{External, ExternalLink, LinkDigest, LinkView};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Related, Tx};
use crate::record::{Cell, Col, Field, Record};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Counterparts, by the record that they belong to.
pub(super) fn by_record(links: Vec<LinkView>) -> BTreeMap<Uuid, Vec<External>> {
    let mut found: BTreeMap<Uuid, Vec<External>> = BTreeMap::new();
    for link in links {
        found.entry(link.record_id).or_default().push(link.into());
    }
    found
}

/// The counterparts of these records.
pub(super) async fn externals(
    tx: &mut Box<dyn Tx>,
    records: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<External>>> {
    if records.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids = records.iter().map(|id| Cell::Id(*id)).collect();
    let query = Query::filter(Filter::In(LinkView::RECORD_ID, ids));
    Ok(by_record(tx.of::<LinkView>().list(&query).await?))
}

/// Records that are archived at a vendor of a connection, or those that are not.
pub(super) fn archived(id: Col, is_archived: bool) -> Filter<'static> {
    let by = Related {
        table: ExternalLink::TABLE,
        column: ExternalLink::RECORD_ID,
        names: id,
    };
    let there = Box::new(Filter::eq(ExternalLink::ARCHIVED, Cell::Bool(true)));
    match is_archived {
        true => Filter::Named(by, there),
        false => Filter::Unnamed(by, there),
    }
}

/// The records of a kind that have this id at a vendor: each connection's is looked up by its key.
pub(super) async fn known_as(
    tx: &mut Box<dyn Tx>,
    entity: Entity,
    external_id: &str,
) -> Result<Vec<Cell<'static>>> {
    let connections = tx.of::<Connection>().list(&Query::default()).await?;
    let keys: Vec<[Cell<'_>; 3]> = connections
        .iter()
        .map(|c| [c.id.cell(), entity.cell(), Cell::text(external_id)])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let links: Vec<LinkDigest> = tx.of::<LinkDigest>().get_all(&keys).await?;
    let mut ids: Vec<Cell<'static>> = links.iter().map(|l| Cell::Id(l.record_id)).collect();
    // One order, so that a cursor belongs to its list.
    ids.sort_by(Cell::compare);
    Ok(ids)
}
