//! Tags of pulled assets: the vendor's id, or the connection's slug before it where that is taken.

use crate::Result;
use crate::domain::asset::{AssetTag, check_tag};
use crate::mapping::MapError;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx};
use crate::record::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// A free tag for each vendor's id; never that of an asset that is registered already.
pub(super) async fn choose(
    tx: &mut Box<dyn Tx>,
    slug: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, Result<String, MapError>>> {
    let mut chosen = BTreeMap::new();
    let mut taken = taken(tx, ids.iter().map(|id| (*id).to_owned()).collect()).await?;
    let second: Vec<String> = ids
        .iter()
        .filter(|id| taken.contains(**id))
        .map(|id| format!("{slug}:{id}"))
        .collect();
    taken.extend(self::taken(tx, second).await?);
    for id in ids {
        let free = [(*id).to_owned(), format!("{slug}:{id}")]
            .into_iter()
            .find(|tag| !taken.contains(tag));
        let tag = free
            .ok_or_else(|| format!("{id:?} and {slug}:{id} are taken by other assets"))
            .and_then(|tag| {
                check_tag("id", &tag)
                    .map(|()| tag)
                    .map_err(|e| e.message().to_owned())
            })
            .map_err(|detail| MapError {
                field: "id".to_owned(),
                reason: "tag_taken",
                detail,
            });
        if let Ok(tag) = &tag {
            taken.insert(tag.clone());
        }
        chosen.insert((*id).to_owned(), tag);
    }
    Ok(chosen)
}

async fn taken(tx: &mut Box<dyn Tx>, tags: Vec<String>) -> Result<BTreeSet<String>> {
    if tags.is_empty() {
        return Ok(BTreeSet::new());
    }
    let tags = tags.into_iter().map(|tag| Cell::Text(tag.into())).collect();
    let query = Query::filter(Filter::In(AssetTag::ASSET_ID, tags));
    Ok(tx
        .of::<AssetTag>()
        .list(&query)
        .await?
        .into_iter()
        .map(|a| a.asset_id)
        .collect())
}
