//! Field mappings: create, list, delete, try out.

mod findings;
mod preview;
mod request;
mod shown;
mod tried;

use super::app::App;
use super::audit::{AuditEvent, changes};
use super::patching::check_version;
use super::uow::Uow;
use super::{connections, paging};
use crate::context::{CallContext, Permission};
use crate::domain::entity::Entity;
use crate::domain::field_mapping::{FieldMapping, MappingDirection};
use crate::ids::{ConnectionId, MappingId};
use crate::mapping::{Custom, Written};
use crate::page::Page;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Tx, TxMode};
use crate::record::{Cell, Field, Json};
use crate::{Error, Result, code};

pub use preview::{
    MappingPreview, PreviewError, PreviewedField, PreviewedRecord, RecordsFrom, preview,
};
pub use request::{
    CreateMapping, DeleteMapping, ListMappings, MappingDeleted, MappingDraft, PreviewMappings,
};

/// The most mappings of a connection and kind of record.
const MOST: usize = 500;

/// Adds a mapping. Records that come in from now on are mapped by it; all others at the next `force_sync`.
///
/// # Errors
/// `CMMS-CONN-001`; `CMMS-MAP-002` where the target has a mapping; `CMMS-MAP-003` to `-005` for a rule or target
/// that cannot be used; `CMMS-VENDOR-009` where the vendor has no such records.
pub async fn create(cx: &CallContext, app: &App, input: CreateMapping) -> Result<FieldMapping> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let custom = Custom::check(&input.written())?;
    let direction = input.direction.unwrap_or(MappingDirection::In);
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    let connection = connections::require(uow.tx(), input.cmms_connection_id).await?;
    let adapter = app.adapters.require(&connection.cmms_type)?;
    adapter.capabilities().require(custom.entity())?;
    let present = rows(uow.tx(), connection.id, custom.entity()).await?;
    if present.len() >= MOST {
        let detail = format!("has {MOST} mappings for {} already", custom.entity());
        return Err(
            Error::new(code::INPUT_VALUE, format!("the connection {detail}")).field(
                "cmms_connection_id",
                "too_many",
                detail,
            ),
        );
    }
    let target = custom.target();
    let clash = present.iter().find(|m| {
        let both_in = m.direction.is_inward() && direction.is_inward();
        let both_out = m.direction.is_outward() && direction.is_outward();
        m.target_field == target && (both_in || both_out)
    });
    if let Some(clash) = clash {
        return Err(taken(custom.entity(), &target).subject("mapping_id", clash.id));
    }
    let mapping = FieldMapping {
        id: MappingId(app.ids.next()),
        version: 1,
        created_at: now,
        created_by: cx.scope.principal().to_string(),
        updated_at: now,
        cmms_connection_id: connection.id,
        entity: custom.entity(),
        source_field: input.source_field,
        target_field: target.clone(),
        transformation_rule: custom.written().cloned().map(Json),
        is_required: custom.is_required(),
        direction,
        when_absent: input.when_absent,
    };
    uow.save(&mapping, SaveRule::Insert, || {
        taken(custom.entity(), &target)
    })
    .await?;
    let event = AuditEvent::new("mapping.create", "mapping", mapping.id)
        .version(mapping.version)
        .change(changes(None, &mapping));
    uow.commit(event).await?;
    Ok(mapping)
}

fn taken(entity: Entity, target: &str) -> Error {
    Error::new(
        code::MAPPING_EXISTS,
        format!("the connection has a mapping for {entity}.{target}"),
    )
    .field(
        "target_field",
        "mapping_exists",
        "is set by another mapping of the connection",
    )
}

/// A page of mappings.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListMappings) -> Result<Page<FieldMapping>> {
    cx.scope.require(Permission::ConnectionView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let connection = input.cmms_connection_id.map(|id| id.to_string());
    let wanted = [
        (FieldMapping::CMMS_CONNECTION_ID, connection.as_deref()),
        (FieldMapping::ENTITY, input.entity.map(Entity::as_str)),
    ];
    let ask = paging::Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    paging::page(
        &mut tx,
        cx,
        &wanted,
        FieldMapping::ID,
        ask,
        |m: &FieldMapping| m.id.0,
    )
    .await
}

/// Removes a mapping. What it set goes back to what the other rules make of it at the next `force_sync`, unless
/// somebody here changed it since.
///
/// # Errors
/// `CMMS-MAP-001` where there is none; `CMMS-STORE-001`.
pub async fn delete(cx: &CallContext, app: &App, input: DeleteMapping) -> Result<MappingDeleted> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let id = input.mapping_id;
    let mut uow = Uow::begin(app, cx).await?;
    let mapping = uow.tx().of::<FieldMapping>().get(&[id.cell()]).await?;
    let mapping = mapping.ok_or_else(|| {
        Error::new(code::MAPPING_NOT_FOUND, format!("there is no mapping {id}")).field(
            "mapping_id",
            "mapping_not_found",
            "names no mapping",
        )
    })?;
    check_version(input.version, mapping.version, "mapping")?;
    uow.tx().of::<FieldMapping>().delete(&[id.cell()]).await?;
    let event = AuditEvent::new("mapping.delete", "mapping", id).version(mapping.version);
    uow.commit(event).await?;
    Ok(MappingDeleted { mapping_id: id })
}

/// Removes all mappings of a connection.
pub(super) async fn delete_all(tx: &mut Box<dyn Tx>, connection: ConnectionId) -> Result<()> {
    for entity in Entity::ALL {
        for mapping in rows(tx, connection, *entity).await? {
            let key = [mapping.id.cell()];
            tx.of::<FieldMapping>().delete(&key).await?;
        }
    }
    Ok(())
}

/// The mappings of a connection for what comes in, ready to be laid over the default mapping.
pub(super) async fn stored(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
) -> Result<Vec<Custom>> {
    let rows = rows(tx, connection, entity).await?;
    inward(&rows).map(checked).collect()
}

fn inward(rows: &[FieldMapping]) -> impl Iterator<Item = &FieldMapping> {
    rows.iter().filter(|m| m.direction.is_inward())
}

fn checked(mapping: &FieldMapping) -> Result<Custom> {
    Custom::check(&Written {
        entity: Some(mapping.entity),
        source: &mapping.source_field,
        target: &mapping.target_field,
        rule: mapping.transformation_rule.as_ref().map(|rule| &rule.0),
        required: mapping.is_required,
        outward: mapping.direction.is_outward(),
        when_absent: mapping.when_absent,
    })
}

async fn rows(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
) -> Result<Vec<FieldMapping>> {
    let filter = Filter::And(vec![
        Filter::eq(FieldMapping::CMMS_CONNECTION_ID, connection.cell()),
        Filter::eq(FieldMapping::ENTITY, Cell::text(entity.as_str())),
    ]);
    tx.of::<FieldMapping>().list(&Query::filter(filter)).await
}
