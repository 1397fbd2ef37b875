//! Lists of assets.

use super::{AssetSort, ListAssets, find, show};
use crate::Result;
use crate::context::{CallContext, Permission};
use crate::domain::asset::Asset;
use crate::page::Page;
use crate::ports::store::{Cmp, Dir, Filter, TxMode};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::services::paging::{self, Ask, Order, Wanted};

/// A page of assets.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListAssets) -> Result<Page<Asset>> {
    cx.scope.require(Permission::AssetView)?;
    let sort = input.sort.unwrap_or(if input.updated_since.is_some() {
        AssetSort::UpdatedAt
    } else {
        AssetSort::CreatedAt
    });
    let ask = Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let wanted = wanted(cx, app, &input).await?;
    let (mut page, externals) = paging::linked(app, cx, wanted, &order(sort), ask).await?;
    show(&mut page.items, externals);
    Ok(page)
}

async fn wanted<'i>(cx: &CallContext, app: &App, input: &'i ListAssets) -> Result<Wanted<'i>> {
    let mut wanted = Wanted::all()
        .eq(
            Asset::ASSET_TYPE,
            input.asset_type.map(|t| Cell::text(t.as_str())),
        )
        .eq(Asset::STATUS, input.status.map(|s| Cell::text(s.as_str())))
        .eq(
            Asset::DEPARTMENT,
            input.department.as_deref().map(Cell::text),
        )
        .eq(
            Asset::PARENT_ASSET_ID,
            input.parent_asset_id.as_deref().map(Cell::text),
        )
        .is(
            Asset::UPDATED_AT,
            Cmp::Ge,
            input.updated_since.as_ref().map(Field::cell),
        );
    if let Some(parent) = &input.parent_asset_id {
        let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
        if let Some(parent) = find(&mut tx, parent).await? {
            // The same assets, by the column that has an index.
            let uid = Cell::Id(parent.id.0);
            wanted = wanted.eq(Asset::PARENT_UID, Some(uid));
        }
    }
    let tag = input.tag.as_deref();
    let has = tag.map(|tag| Filter::Has(Asset::TAGS, tag.into()));
    wanted.filters.extend(has);
    Ok(wanted)
}

fn order(sort: AssetSort) -> Order<Asset> {
    let dir = if sort.as_str().starts_with('-') {
        Dir::Desc
    } else {
        Dir::Asc
    };
    Order {
        word: sort.as_str(),
        by: match sort {
            AssetSort::CreatedAt | AssetSort::CreatedAtDesc => None,
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
