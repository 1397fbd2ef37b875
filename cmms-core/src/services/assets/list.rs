//! Lists and counts of assets.

use super::request::Chosen;
use super::{AssetGrouping, AssetSort, CountAssets, ListAssets, find, show};
use crate::Result;
use crate::context::{CallContext, Permission};
use crate::domain::asset::{Asset, AssetStatus, AssetType};
use crate::domain::entity::Entity;
use crate::domain::vocabulary::Priority;
use crate::page::Page;
use crate::ports::store::{Cmp, Dir, Filter, Tx, TxMode};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::services::counting::{self, Grouping, RecordCount};
use crate::services::links;
use crate::services::paging::{self, Ask, Order, Wanted};

/// A page of assets.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListAssets) -> Result<Page<Asset>> {
    cx.scope.require(Permission::AssetView)?;
    let chosen = input.chosen();
    let by_change = chosen.updated_since.is_some() || chosen.updated_before.is_some();
    let sort = input.sort.unwrap_or(if by_change {
        AssetSort::UpdatedAt
    } else {
        AssetSort::CreatedAt
    });
    let ask = Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let wanted = wanted(cx, app, &chosen).await?;
    let order = order(sort, &chosen);
    let (mut page, externals) = paging::linked(app, cx, wanted, &order, ask).await?;
    show(&mut page.items, externals);
    Ok(page)
}

/// How many assets there are.
///
/// # Errors
/// Those of a read.
pub async fn count(cx: &CallContext, app: &App, input: CountAssets) -> Result<RecordCount> {
    cx.scope.require(Permission::AssetView)?;
    let chosen = input.chosen();
    let wanted = wanted(cx, app, &chosen).await?;
    let by = input.by.map(grouping);
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    counting::count::<Asset>(&mut tx, wanted.filters, by).await
}

fn grouping(by: AssetGrouping) -> Grouping {
    match by {
        AssetGrouping::Status => (Asset::STATUS, Some(AssetStatus::WORDS)),
        AssetGrouping::AssetType => (Asset::ASSET_TYPE, Some(AssetType::WORDS)),
        AssetGrouping::Criticality => (Asset::CRITICALITY, Some(Priority::WORDS)),
        AssetGrouping::Department => (Asset::DEPARTMENT, None),
    }
}

async fn wanted<'c>(cx: &CallContext, app: &App, chosen: &'c Chosen) -> Result<Wanted<'c>> {
    let text = |value: &'c Option<String>| value.as_deref().map(Cell::text);
    let mut wanted = Wanted::all()
        .eq(
            Asset::ASSET_TYPE,
            chosen.asset_type.as_ref().map(Field::cell),
        )
        .eq(Asset::STATUS, chosen.status.as_ref().map(Field::cell))
        .eq(Asset::DEPARTMENT, text(&chosen.department))
        .eq(Asset::PARENT_ASSET_ID, text(&chosen.parent_asset_id));
    for (col, cmp, time) in [
        (Asset::CREATED_AT, Cmp::Ge, &chosen.created_since),
        (Asset::CREATED_AT, Cmp::Lt, &chosen.created_before),
        (Asset::UPDATED_AT, Cmp::Ge, &chosen.updated_since),
        (Asset::UPDATED_AT, Cmp::Lt, &chosen.updated_before),
    ] {
        wanted = wanted.is(col, cmp, time.as_ref().map(|time| time.0.cell()));
    }
    let tag = chosen.tag.as_deref();
    let has = tag.map(|tag| Filter::Has(Asset::TAGS, tag.into()));
    wanted.filters.extend(has);
    let archived = chosen.archived.map(|is| links::archived(Asset::ID, is));
    wanted.filters.extend(archived);
    if chosen.parent_asset_id.is_some() || chosen.external_id.is_some() {
        let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
        looked_up(&mut tx, chosen, &mut wanted).await?;
    }
    Ok(wanted)
}

/// What other rows say of the assets that are asked for.
async fn looked_up(tx: &mut Box<dyn Tx>, chosen: &Chosen, wanted: &mut Wanted<'_>) -> Result<()> {
    if let Some(tag) = &chosen.parent_asset_id
        && let Some(parent) = find(tx, tag).await?
    {
        // The same assets, by the column that has an index.
        let uid = Filter::eq(Asset::PARENT_UID, Cell::Id(parent.id.0));
        wanted.filters.push(uid);
    }
    if let Some(external_id) = &chosen.external_id {
        let ids = links::known_as(tx, Entity::Asset, external_id).await?;
        wanted.filters.push(Filter::In(Asset::ID, ids));
    }
    Ok(())
}

fn order(sort: AssetSort, chosen: &Chosen) -> Order<Asset> {
    let dir = if sort.as_str().starts_with('-') {
        Dir::Desc
    } else {
        Dir::Asc
    };
    let by_creation = chosen.created_since.is_some() || chosen.created_before.is_some();
    Order {
        word: sort.as_str(),
        by: match sort {
            // Ids come in the order of creation, and have an index already.
            AssetSort::CreatedAt | AssetSort::CreatedAtDesc => {
                by_creation.then_some((Asset::CREATED_AT, |a| a.created_at.cell()))
            }
            AssetSort::UpdatedAt | AssetSort::UpdatedAtDesc => {
                Some((Asset::UPDATED_AT, |a| a.updated_at.cell()))
            }
            AssetSort::AssetId | AssetSort::AssetIdDesc => {
                Some((Asset::ASSET_ID, |a| a.asset_id.cell()))
            }
        },
        dir,
        id: Asset::ID,
        id_of: |a| a.id.0,
    }
}
