//! The counterparts of records, as they are shown with them.

use crate::Result;
use crate::domain::sync_state::{External, LinkView};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx};
use crate::record::Cell;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The counterparts of these records.
pub(super) async fn externals(
    tx: &mut Box<dyn Tx>,
    records: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<External>>> {
    let mut found: BTreeMap<Uuid, Vec<External>> = BTreeMap::new();
    if records.is_empty() {
        return Ok(found);
    }
    let ids = records.iter().map(|id| Cell::Id(*id)).collect();
    let query = Query::filter(Filter::In(LinkView::RECORD_ID, ids));
    for link in tx.of::<LinkView>().list(&query).await? {
        found.entry(link.record_id).or_default().push(link.into());
    }
    Ok(found)
}
