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
    // Of an id that looks like another's second choice, too: that may be met in this batch.
    let prefix = format!("{slug}:");
    let may_need = |id: &&&str| taken.contains(**id) || id.starts_with(&prefix);
    let second = ids.iter().filter(may_need);
    let second: Vec<String> = second.map(|id| format!("{prefix}{id}")).collect();
    taken.extend(self::taken(tx, second).await?);
    for id in ids {
        let choices = [(*id).to_owned(), format!("{prefix}{id}")];
        let is_free = |tag: &&String| !taken.contains(*tag) && check_tag("id", tag).is_ok();
        let tag = match choices.iter().find(is_free) {
            Some(tag) => {
                taken.insert(tag.clone());
                Ok(tag.clone())
            }
            None => Err(refused(&choices, &taken)),
        };
        chosen.insert((*id).to_owned(), tag);
    }
    Ok(chosen)
}

/// Why none of the tags that an asset could have can be its.
fn refused([id, second]: &[String; 2], taken: &BTreeSet<String>) -> MapError {
    let is_taken = taken.contains(id) || taken.contains(second);
    let unfit = check_tag("id", id).err().filter(|_| !is_taken);
    MapError {
        field: "id".to_owned(),
        reason: match unfit {
            Some(_) => "invalid_value",
            None => "tag_taken",
        },
        detail: match unfit {
            Some(e) => e.message().to_owned(),
            None => format!("the tags {id:?} and {second:?} are taken by other assets or too long"),
        },
    }
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
