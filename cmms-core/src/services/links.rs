//! The counterparts of records, as they are shown with them.

use crate::Result;
use crate::domain::sync_state::{External, LinkView};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx};
use crate::record::Cell;
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
