//! Work orders: create, read, change, move through their statuses.

mod list;
mod request;

use super::app::App;
use super::audit::{AuditEvent, changes};
use super::paging::Counterparts;
use super::patching::{check_version, differences, merge, set};
use super::provenance::{self, Reference};
use super::uow::Uow;
use super::{assets, links, numbers};
use crate::context::{CallContext, Permission};
use crate::domain::check::{Checks, MAX_HOURS};
use crate::domain::entity::Entity;
use crate::domain::sync_state::{LinkView, PendingRef};
use crate::domain::work_order::{WorkOrder, WorkOrderStatus};
use crate::ids::WorkOrderId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Tx, TxMode};
use crate::record::Field;
use crate::request::Patch;
use crate::{Error, Result, code};

pub use list::{count, list};
pub use request::{
    CountWorkOrders, CreateWorkOrder, GetWorkOrder, ListWorkOrders, SetWorkOrderStatus,
    UpdateWorkOrder, WorkOrderGrouping, WorkOrderRef, WorkOrderSort,
};

/// Creates a work order.
///
/// # Errors
/// `CMMS-INPUT-003`, `CMMS-INPUT-010` for values that cannot be taken.
pub async fn create(cx: &CallContext, app: &App, input: CreateWorkOrder) -> Result<WorkOrder> {
    cx.scope.require(Permission::WorkOrderCreate)?;
    // Its asset is read, and what is read has to stay so.
    let mut uow = match &input.asset_id {
        None => Uow::begin_adding(app, cx).await?,
        Some(_) => Uow::begin(app, cx).await?,
    };
    let now = uow.now();
    let by = cx.scope.principal().to_string();
    let mut order = WorkOrder::new(
        WorkOrderId(app.ids.next()),
        String::new(),
        input.title,
        by,
        now,
    );
    order.description = input.description;
    order.priority = input.priority.unwrap_or(order.priority);
    order.status = input.status.unwrap_or(order.status);
    order.work_order_type = input.work_order_type.unwrap_or(order.work_order_type);
    order.location = input.location;
    order.assigned_to = input.assigned_to;
    order.assigned_team = input.assigned_team;
    order.requested_by = input.requested_by;
    order.scheduled_start = input.scheduled_start.map(Into::into);
    order.scheduled_end = input.scheduled_end.map(Into::into);
    order.due_at = input.due_at.map(Into::into);
    order.estimated_hours = input.estimated_hours;
    order.estimated_cost = input.estimated_cost;
    order.safety_notes = input.safety_notes;
    order.tags = input.tags.unwrap_or_default();
    order.custom_fields = input.custom_fields.unwrap_or_default();
    let mut checks = checked(&order);
    ends_behind_its_start(&order, &mut checks);
    if !matches!(
        order.status,
        WorkOrderStatus::Draft | WorkOrderStatus::Requested | WorkOrderStatus::Scheduled
    ) {
        checks.refuse(
            "status",
            "invalid_value",
            "a new work order can be draft, requested or scheduled",
        );
    }
    checks.finish("work order")?;
    name_asset(uow.tx(), &mut order, input.asset_id).await?;
    order.number = numbers::take(uow.tx(), "WO", now, 1)
        .await?
        .pop()
        .unwrap_or_default();
    // Its id and its number are new: nobody else takes a number meanwhile.
    uow.tx().of::<WorkOrder>().insert_later(&order).await?;
    let event = AuditEvent::new("work_order.create", "work_order", order.id)
        .version(order.version)
        .change(changes(None, &order));
    uow.commit(event).await?;
    order.derive(now);
    Ok(order)
}

/// One work order.
///
/// # Errors
/// `CMMS-WO-001` where there is none.
pub async fn get(cx: &CallContext, app: &App, input: GetWorkOrder) -> Result<WorkOrder> {
    cx.scope.require(Permission::WorkOrderView)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    let named = input.work_order_id;
    let query = Query::filter(match &named {
        WorkOrderRef::Id(id) => Filter::eq(WorkOrder::ID, id.cell()),
        WorkOrderRef::Number(number) => Filter::eq(WorkOrder::NUMBER, number.cell()),
    });
    let (mut found, links) = tx
        .of::<WorkOrder>()
        .list_with(&query, LinkView::RECORD_ID, WorkOrder::ID, usize::MAX)
        .await?;
    let mut order = found.records.pop().ok_or_else(|| unknown(&named))?;
    let externals = links::by_record(links);
    show(app, std::slice::from_mut(&mut order), externals);
    tell_origins(&mut tx, &mut order).await?;
    Ok(order)
}

/// Changes a work order.
///
/// # Errors
/// `CMMS-WO-001`; `CMMS-STORE-001` for a stale version; `CMMS-INPUT-003`, `CMMS-INPUT-010`.
pub async fn update(cx: &CallContext, app: &App, input: UpdateWorkOrder) -> Result<WorkOrder> {
    cx.scope.require(Permission::WorkOrderEdit)?;
    let mut uow = Uow::begin(app, cx).await?;
    let before = require(uow.tx(), input.work_order_id).await?;
    check_version(input.version, before.version, "work order")?;
    let mut order = before.clone();
    let mut checks = Checks::default();
    set("title", input.title, &mut order.title, &mut checks);
    set("priority", input.priority, &mut order.priority, &mut checks);
    set(
        "work_order_type",
        input.work_order_type,
        &mut order.work_order_type,
        &mut checks,
    );
    checks.finish("work order")?;
    input.description.apply(&mut order.description);
    input.location.apply(&mut order.location);
    input.assigned_to.apply(&mut order.assigned_to);
    input.assigned_team.apply(&mut order.assigned_team);
    input.requested_by.apply(&mut order.requested_by);
    input.scheduled_start.apply(&mut order.scheduled_start);
    input.scheduled_end.apply(&mut order.scheduled_end);
    input.due_at.apply(&mut order.due_at);
    input.estimated_hours.apply(&mut order.estimated_hours);
    input.estimated_cost.apply(&mut order.estimated_cost);
    input.actual_hours.apply(&mut order.actual_hours);
    input.actual_cost.apply(&mut order.actual_cost);
    input.safety_notes.apply(&mut order.safety_notes);
    input.tags.apply_or_default(&mut order.tags);
    merge(input.custom_fields, &mut order.custom_fields);
    let changed = differences(&before, &order);
    let mut checks = checked(&order).of_changes(|field| changed.contains(field));
    if changed.contains(WorkOrder::SCHEDULED_START.0)
        || changed.contains(WorkOrder::SCHEDULED_END.0)
    {
        ends_behind_its_start(&order, &mut checks);
    }
    checks.finish("work order")?;
    match input.asset_id {
        Patch::Keep => {}
        Patch::Clear => name_asset(uow.tx(), &mut order, None).await?,
        Patch::Set(tag) => name_asset(uow.tx(), &mut order, Some(tag)).await?,
    }
    store(app, uow, before, order, "work_order.update", None).await
}

/// Moves a work order to another status.
///
/// # Errors
/// `CMMS-WO-001`; `CMMS-WO-002` naming the allowed next statuses; `CMMS-WO-003`; `CMMS-STORE-001`.
pub async fn set_status(
    cx: &CallContext,
    app: &App,
    input: SetWorkOrderStatus,
) -> Result<WorkOrder> {
    cx.scope.require(Permission::WorkOrderWork)?;
    let mut checks = Checks::default();
    checks.optional_line("reason", input.reason.as_deref());
    checks.finish("work order")?;
    let mut uow = Uow::begin(app, cx).await?;
    let before = require(uow.tx(), input.work_order_id).await?;
    check_version(input.version, before.version, "work order")?;
    let mut order = before.clone();
    order.transition(input.status, input.reason.clone(), uow.now())?;
    store(
        app,
        uow,
        before,
        order,
        "work_order.set_status",
        input.reason,
    )
    .await
}

async fn store(
    app: &App,
    mut uow: Uow<'_>,
    before: WorkOrder,
    mut order: WorkOrder,
    action: &'static str,
    reason: Option<String>,
) -> Result<WorkOrder> {
    let now = uow.now();
    if order != before {
        order.version += 1;
        order.updated_at = now;
        uow.save(&order, SaveRule::Update, || {
            Error::internal("a work order number was used twice")
        })
        .await?;
        finish(app, uow.tx(), std::slice::from_mut(&mut order)).await?;
        let event = AuditEvent::new(action, "work_order", order.id)
            .version(order.version)
            .reason(reason)
            .change(changes(Some(&before), &order));
        uow.commit(event).await?;
    } else {
        finish(app, uow.tx(), std::slice::from_mut(&mut order)).await?;
    }
    Ok(order)
}

fn checked(order: &WorkOrder) -> Checks {
    let mut checks = Checks::default();
    checks.line("title", &order.title);
    checks.optional_text("description", order.description.as_deref());
    checks.optional_text("safety_notes", order.safety_notes.as_deref());
    checks.optional_line("location", order.location.as_deref());
    checks.optional_line("assigned_to", order.assigned_to.as_deref());
    checks.optional_line("assigned_team", order.assigned_team.as_deref());
    checks.optional_line("requested_by", order.requested_by.as_deref());
    checks.range("estimated_hours", order.estimated_hours, 0.0..=MAX_HOURS);
    checks.range("actual_hours", order.actual_hours, 0.0..=MAX_HOURS);
    checks.amount("estimated_cost", order.estimated_cost);
    checks.amount("actual_cost", order.actual_cost);
    checks.words("tags", &order.tags);
    checks.fields("custom_fields", &order.custom_fields);
    checks.time("scheduled_start", order.scheduled_start);
    checks.time("scheduled_end", order.scheduled_end);
    checks.time("due_at", order.due_at);
    checks
}

fn ends_behind_its_start(order: &WorkOrder, checks: &mut Checks) {
    if let (Some(start), Some(end)) = (order.scheduled_start, order.scheduled_end)
        && end < start
    {
        checks.refuse(
            "scheduled_end",
            "invalid_value",
            "may not lie before scheduled_start",
        );
    }
}

/// Points a work order at the asset of this tag, or lets it wait for the asset.
async fn name_asset(
    tx: &mut Box<dyn Tx>,
    order: &mut WorkOrder,
    tag: Option<String>,
) -> Result<()> {
    order.asset_uid = None;
    order.asset_pending = None;
    if let Some(tag) = &tag {
        crate::domain::asset::check_tag("asset_id", tag)?;
        order.asset_uid = assets::find(tx, tag).await?.map(|asset| asset.id);
        if order.asset_uid.is_none() {
            order.asset_pending = Some(PendingRef::Tag(tag.clone()).key());
        }
    }
    order.asset_id = tag;
    Ok(())
}

async fn require(tx: &mut Box<dyn Tx>, id: WorkOrderId) -> Result<WorkOrder> {
    tx.of::<WorkOrder>()
        .get(&[id.cell()])
        .await?
        .ok_or_else(|| unknown(&id.into()))
}

fn unknown(named: &WorkOrderRef) -> Error {
    Error::new(
        code::WORK_ORDER_NOT_FOUND,
        format!("there is no work order {named}"),
    )
    .field(
        "work_order_id",
        "work_order_not_found",
        "names no work order",
    )
}

async fn finish(app: &App, tx: &mut Box<dyn Tx>, orders: &mut [WorkOrder]) -> Result<()> {
    let ids: Vec<_> = orders.iter().map(|o| o.id.0).collect();
    let externals = links::externals(tx, &ids).await?;
    show(app, orders, externals);
    Ok(())
}

/// Fills in what is not stored with a work order.
fn show(app: &App, orders: &mut [WorkOrder], mut externals: Counterparts) {
    let now = app.clock.now();
    for order in orders {
        order.derive(now);
        order.external = externals.remove(&order.id.0).unwrap_or_default();
    }
}

/// Says who wrote each field, where the record has counterparts.
async fn tell_origins(tx: &mut Box<dyn Tx>, order: &mut WorkOrder) -> Result<()> {
    if order.external.is_empty() {
        return Ok(());
    }
    let mut external = std::mem::take(&mut order.external);
    let (id, by, now) = (order.id, String::new(), order.created_at);
    let fresh = WorkOrder::new(id, String::new(), String::new(), by, now);
    let reference = Reference {
        column: WorkOrder::ASSET_ID.0,
        to: order.asset_uid,
        pending: order.asset_pending.as_deref(),
    };
    provenance::fill(
        tx,
        Entity::WorkOrder,
        order,
        &fresh,
        reference,
        &mut external,
    )
    .await?;
    order.external = external;
    Ok(())
}
