//! Assets: register, read, change.

mod list;
mod request;

use super::app::App;
use super::audit::{AuditEvent, changes};
use super::links;
use super::paging::Counterparts;
use super::parents::{self, NewParent};
use super::patching::{check_version, differences, merge, set};
use super::pending::{self, Arrived};
use super::provenance::{self, Reference};
use super::uow::Uow;
use crate::context::{CallContext, Permission};
use crate::domain::asset::{Asset, AssetType, check_tag};
use crate::domain::audit::FieldChange;
use crate::domain::check::Checks;
use crate::domain::entity::Entity;
use crate::domain::sync_state::{LinkView, PendingRef};
use crate::ids::AssetId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Tx, TxMode};
use crate::record::Cell;
use crate::request::Patch;
use crate::{Error, Result, code};

pub use list::{count, list};
pub use request::{
    AssetGrouping, AssetSort, CountAssets, GetAsset, ListAssets, RegisterAsset, UpdateAsset,
};

/// Registers an asset; work orders that named it before are linked to it.
///
/// # Errors
/// `CMMS-ASSET-002` where the asset_id is taken: nothing changes; `CMMS-INPUT-003`, `CMMS-INPUT-010`.
pub async fn register(cx: &CallContext, app: &App, input: RegisterAsset) -> Result<Asset> {
    cx.scope.require(Permission::AssetEdit)?;
    check_tag("asset_id", &input.asset_id)?;
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let by = cx.scope.principal().to_string();
    let id = AssetId(app.ids.next());
    let mut asset = Asset::new(id, input.asset_id, input.name, input.asset_type, by, now);
    asset.description = input.description;
    asset.status = input.status.unwrap_or(asset.status);
    asset.manufacturer = input.manufacturer;
    asset.model = input.model;
    asset.serial_number = input.serial_number;
    asset.department = input.department;
    asset.responsible_person = input.responsible_person;
    asset.criticality = input.criticality;
    asset.installation_date = input.installation_date;
    asset.warranty_expiry = input.warranty_expiry;
    asset.expected_lifespan = input.expected_lifespan;
    asset.replacement_value = input.replacement_value;
    asset.tags = input.tags.unwrap_or_default();
    asset.specifications = input.specifications.unwrap_or_default();
    asset.custom_fields = input.custom_fields.unwrap_or_default();
    checked(&asset).finish("asset")?;
    name_parent(uow.tx(), &mut asset, input.parent_asset_id, true).await?;
    let tag = asset.asset_id.clone();
    uow.save(&asset, SaveRule::Insert, || exists(&tag)).await?;
    let arrived = Arrived {
        awaited: PendingRef::Tag(tag.clone()),
        id,
        tag,
    };
    let linked = pending::link(uow.tx(), &[arrived], now).await?.records;
    let mut change = changes(None, &asset);
    if !linked.is_empty() {
        let ids = linked.iter().map(|record| record.id.to_string()).collect();
        change.push(FieldChange {
            field: "linked".to_owned(),
            before: None,
            after: Some(ids),
        });
    }
    let event = AuditEvent::new("asset.register", "asset", asset.id)
        .version(asset.version)
        .change(change);
    uow.commit(event).await?;
    Ok(asset)
}

fn exists(tag: &str) -> Error {
    Error::new(
        code::ASSET_EXISTS,
        format!("an asset {tag:?} is registered"),
    )
    .field("asset_id", "asset_exists", "is taken by another asset")
}

/// One asset.
///
/// # Errors
/// `CMMS-ASSET-001` where there is none.
pub async fn get(cx: &CallContext, app: &App, input: GetAsset) -> Result<Asset> {
    cx.scope.require(Permission::AssetView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    let tag = &input.asset_id;
    let query = Query::filter(Filter::eq(Asset::ASSET_ID, Cell::text(tag)));
    let (mut found, links) = tx
        .of::<Asset>()
        .list_with(&query, LinkView::RECORD_ID, Asset::ID, usize::MAX)
        .await?;
    let mut asset = found.records.pop().ok_or_else(|| unknown(tag))?;
    show(std::slice::from_mut(&mut asset), links::by_record(links));
    tell_origins(&mut tx, &mut asset).await?;
    Ok(asset)
}

/// Changes an asset.
///
/// # Errors
/// `CMMS-ASSET-001`; `CMMS-ASSET-003` for a parent below it; `CMMS-STORE-001`; `CMMS-INPUT-003`.
pub async fn update(cx: &CallContext, app: &App, input: UpdateAsset) -> Result<Asset> {
    cx.scope.require(Permission::AssetEdit)?;
    let mut uow = Uow::begin(app, cx).await?;
    let before = require(uow.tx(), &input.asset_id).await?;
    check_version(input.version, before.version, "asset")?;
    let mut asset = before.clone();
    let mut checks = Checks::default();
    set("name", input.name, &mut asset.name, &mut checks);
    set(
        "asset_type",
        input.asset_type,
        &mut asset.asset_type,
        &mut checks,
    );
    set("status", input.status, &mut asset.status, &mut checks);
    checks.finish("asset")?;
    input.description.apply(&mut asset.description);
    input.manufacturer.apply(&mut asset.manufacturer);
    input.model.apply(&mut asset.model);
    input.serial_number.apply(&mut asset.serial_number);
    input.department.apply(&mut asset.department);
    input
        .responsible_person
        .apply(&mut asset.responsible_person);
    input.criticality.apply(&mut asset.criticality);
    input.installation_date.apply(&mut asset.installation_date);
    input.warranty_expiry.apply(&mut asset.warranty_expiry);
    input.expected_lifespan.apply(&mut asset.expected_lifespan);
    input.replacement_value.apply(&mut asset.replacement_value);
    input.tags.apply_or_default(&mut asset.tags);
    merge(input.specifications, &mut asset.specifications);
    merge(input.custom_fields, &mut asset.custom_fields);
    let changed = differences(&before, &asset);
    checked(&asset)
        .of_changes(|field| changed.contains(field))
        .finish("asset")?;
    match input.parent_asset_id {
        Patch::Keep => {}
        Patch::Clear => name_parent(uow.tx(), &mut asset, None, false).await?,
        Patch::Set(tag) => name_parent(uow.tx(), &mut asset, Some(tag), false).await?,
    }
    if asset == before {
        finish(uow.tx(), std::slice::from_mut(&mut asset)).await?;
        return Ok(asset);
    }
    asset.version += 1;
    asset.updated_at = uow.now();
    uow.save(&asset, SaveRule::Update, || exists(&before.asset_id))
        .await?;
    let event = AuditEvent::new("asset.update", "asset", asset.id)
        .version(asset.version)
        .change(changes(Some(&before), &asset));
    finish(uow.tx(), std::slice::from_mut(&mut asset)).await?;
    uow.commit(event).await?;
    Ok(asset)
}

fn checked(asset: &Asset) -> Checks {
    let mut checks = Checks::default();
    checks.line("name", &asset.name);
    checks.optional_text("description", asset.description.as_deref());
    checks.optional_line("manufacturer", asset.manufacturer.as_deref());
    checks.optional_line("model", asset.model.as_deref());
    checks.optional_line("serial_number", asset.serial_number.as_deref());
    checks.optional_line("department", asset.department.as_deref());
    checks.optional_line("responsible_person", asset.responsible_person.as_deref());
    checks.range("expected_lifespan", asset.expected_lifespan, 0.0..=1_000.0);
    checks.amount("replacement_value", asset.replacement_value);
    checks.words("tags", &asset.tags);
    checks.fields("custom_fields", &asset.custom_fields);
    checks.fields("specifications", &asset.specifications);
    checks.date("installation_date", asset.installation_date);
    checks.date("warranty_expiry", asset.warranty_expiry);
    checks
}

/// Puts an asset below the registered asset of this tag.
async fn name_parent(
    tx: &mut Box<dyn Tx>,
    asset: &mut Asset,
    tag: Option<String>,
    is_new: bool,
) -> Result<()> {
    asset.parent_uid = None;
    asset.parent_pending = None;
    asset.parent_asset_id = None;
    let Some(tag) = tag else { return Ok(()) };
    let parent = find(tx, &tag).await?.ok_or_else(|| {
        Error::new(
            code::ASSET_NOT_FOUND,
            format!("there is no asset {tag:?} to be the parent"),
        )
        .field(
            "parent_asset_id",
            "asset_not_found",
            "names no registered asset",
        )
    })?;
    let change = NewParent {
        asset: asset.id,
        parent: parent.id,
        is_new,
    };
    if !parents::cyclic(tx, &[change]).await?.is_empty() {
        return Err(Error::new(
            code::ASSET_PARENT,
            format!(
                "asset {:?} cannot be below {tag:?}, which is a part of it",
                asset.asset_id
            ),
        )
        .field(
            "parent_asset_id",
            "parent_cycle",
            "is the asset itself or a part of it",
        ));
    }
    asset.parent_uid = Some(parent.id);
    asset.parent_asset_id = Some(tag);
    Ok(())
}

/// The asset of this tag.
pub(super) async fn find(tx: &mut Box<dyn Tx>, tag: &str) -> Result<Option<Asset>> {
    tx.of::<Asset>()
        .first(Filter::eq(Asset::ASSET_ID, Cell::text(tag)))
        .await
}

async fn require(tx: &mut Box<dyn Tx>, tag: &str) -> Result<Asset> {
    find(tx, tag).await?.ok_or_else(|| unknown(tag))
}

fn unknown(tag: &str) -> Error {
    Error::new(code::ASSET_NOT_FOUND, format!("there is no asset {tag:?}")).field(
        "asset_id",
        "asset_not_found",
        "names no asset",
    )
}

async fn finish(tx: &mut Box<dyn Tx>, assets: &mut [Asset]) -> Result<()> {
    let ids: Vec<_> = assets.iter().map(|a| a.id.0).collect();
    show(assets, links::externals(tx, &ids).await?);
    Ok(())
}

/// Fills in what is not stored with an asset.
fn show(assets: &mut [Asset], mut externals: Counterparts) {
    for asset in assets {
        asset.external = externals.remove(&asset.id.0).unwrap_or_default();
    }
}

/// Says who wrote each field, where the record has counterparts.
async fn tell_origins(tx: &mut Box<dyn Tx>, asset: &mut Asset) -> Result<()> {
    if asset.external.is_empty() {
        return Ok(());
    }
    let mut external = std::mem::take(&mut asset.external);
    let (id, by, now) = (asset.id, String::new(), asset.created_at);
    let kind = AssetType::Equipment;
    let fresh = Asset::new(id, String::new(), String::new(), kind, by, now);
    let reference = Reference {
        column: Asset::PARENT_ASSET_ID.0,
        to: asset.parent_uid,
        pending: asset.parent_pending.as_deref(),
    };
    provenance::fill(tx, Entity::Asset, asset, &fresh, reference, &mut external).await?;
    asset.external = external;
    Ok(())
}
