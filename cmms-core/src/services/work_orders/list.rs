//! Lists and counts of work orders.

use super::request::Chosen;
use super::{CountWorkOrders, ListWorkOrders, WorkOrderGrouping, WorkOrderSort, show};
use crate::Result;
use crate::context::{CallContext, Permission};
use crate::domain::entity::Entity;
use crate::domain::vocabulary::{MaintenanceType, Priority};
use crate::domain::work_order::{WorkOrder, WorkOrderStatus};
use crate::page::Page;
use crate::ports::store::{Cmp, Dir, Filter, TxMode};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::services::counting::{self, Grouping, RecordCount};
use crate::services::links;
use crate::services::paging::{self, Ask, Order, Wanted};

/// A page of work orders.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListWorkOrders) -> Result<Page<WorkOrder>> {
    cx.scope.require(Permission::WorkOrderView)?;
    let chosen = input.chosen();
    let sort = sort(input.sort, &chosen);
    let ask = Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let wanted = side_by_side(filters(cx, app, &chosen).await?, &chosen, sort);
    let order = order(sort, &chosen);
    let (mut page, externals) = paging::linked(app, cx, wanted, &order, ask).await?;
    show(app, &mut page.items, externals);
    Ok(page)
}

/// How many work orders there are.
///
/// # Errors
/// Those of a read.
pub async fn count(cx: &CallContext, app: &App, input: CountWorkOrders) -> Result<RecordCount> {
    cx.scope.require(Permission::WorkOrderView)?;
    let chosen = input.chosen();
    let mut filters = filters(cx, app, &chosen).await?;
    let statuses = statuses(&chosen).map(|asked| Filter::In(WorkOrder::STATUS, asked));
    filters.extend(statuses);
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    counting::count::<WorkOrder>(&mut tx, filters, input.by.map(grouping)).await
}

fn grouping(by: WorkOrderGrouping) -> Grouping {
    match by {
        WorkOrderGrouping::Status => (WorkOrder::STATUS, Some(WorkOrderStatus::WORDS)),
        WorkOrderGrouping::Priority => (WorkOrder::PRIORITY, Some(Priority::WORDS)),
        WorkOrderGrouping::WorkOrderType => {
            (WorkOrder::WORK_ORDER_TYPE, Some(MaintenanceType::WORDS))
        }
        WorkOrderGrouping::AssignedTo => (WorkOrder::ASSIGNED_TO, None),
        WorkOrderGrouping::AssignedTeam => (WorkOrder::ASSIGNED_TEAM, None),
        WorkOrderGrouping::AssetId => (WorkOrder::ASSET_ID, None),
    }
}

/// Whoever asks by a time gets the order of that time, whose index answers both.
fn sort(asked: Option<WorkOrderSort>, chosen: &Chosen) -> WorkOrderSort {
    asked.unwrap_or(
        if chosen.due_after.is_some() || chosen.due_before.is_some() {
            WorkOrderSort::DueAt
        } else if chosen.updated_since.is_some() || chosen.updated_before.is_some() {
            WorkOrderSort::UpdatedAt
        } else {
            WorkOrderSort::CreatedAt
        },
    )
}

/// All that is asked for but the statuses.
async fn filters<'c>(cx: &CallContext, app: &App, chosen: &'c Chosen) -> Result<Vec<Filter<'c>>> {
    let text = |value: &'c Option<String>| value.as_deref().map(Cell::text);
    let mut wanted = Wanted::all()
        .eq(WorkOrder::NUMBER, text(&chosen.number))
        .eq(WorkOrder::ASSET_ID, text(&chosen.asset_id))
        .eq(WorkOrder::ASSIGNED_TO, text(&chosen.assigned_to))
        .eq(
            WorkOrder::PRIORITY,
            chosen.priority.as_ref().map(Field::cell),
        )
        .eq(
            WorkOrder::WORK_ORDER_TYPE,
            chosen.work_order_type.as_ref().map(Field::cell),
        );
    for (col, cmp, time) in [
        (WorkOrder::DUE_AT, Cmp::Ge, &chosen.due_after),
        (WorkOrder::DUE_AT, Cmp::Lt, &chosen.due_before),
        (WorkOrder::CREATED_AT, Cmp::Ge, &chosen.created_since),
        (WorkOrder::CREATED_AT, Cmp::Lt, &chosen.created_before),
        (WorkOrder::UPDATED_AT, Cmp::Ge, &chosen.updated_since),
        (WorkOrder::UPDATED_AT, Cmp::Lt, &chosen.updated_before),
    ] {
        wanted = wanted.is(col, cmp, time.as_ref().map(|time| time.0.cell()));
    }
    let mut filters = wanted.filters;
    match chosen.has_asset {
        // No text is less, and null is not compared.
        Some(true) => filters.push(Filter::Is(WorkOrder::ASSET_ID, Cmp::Ge, Cell::text(""))),
        Some(false) => filters.push(Filter::Null(WorkOrder::ASSET_ID)),
        None => {}
    }
    let archived = chosen.archived.map(|is| links::archived(WorkOrder::ID, is));
    filters.extend(archived);
    if let Some(external_id) = &chosen.external_id {
        let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
        let ids = links::known_as(&mut tx, Entity::WorkOrder, external_id).await?;
        filters.push(Filter::In(WorkOrder::ID, ids));
    }
    Ok(filters)
}

/// The statuses that are asked for, each once.
fn statuses(chosen: &Chosen) -> Option<Vec<Cell<'static>>> {
    let mut statuses = chosen.status.clone()?.0;
    statuses.sort_unstable();
    statuses.dedup();
    Some(cells(&statuses))
}

fn cells(statuses: &[WorkOrderStatus]) -> Vec<Cell<'static>> {
    statuses.iter().map(|s| Cell::text(s.as_str())).collect()
}

/// With the statuses: as ranges of the index of each, or as one more filter where another index finds the rows.
fn side_by_side<'c>(
    mut filters: Vec<Filter<'c>>,
    chosen: &Chosen,
    sort: WorkOrderSort,
) -> Wanted<'c> {
    let by_creation = matches!(
        sort,
        WorkOrderSort::CreatedAt | WorkOrderSort::CreatedAtDesc
    );
    // A number, a vendor's id, an asset and a person have few work orders, and indexes of their own, and so has the time
    // of creation; work orders without an asset are a range of the assets' index.
    let few = chosen.number.is_some()
        || chosen.external_id.is_some()
        || chosen.asset_id.is_some()
        || chosen.assigned_to.is_some()
        || chosen.has_asset == Some(false)
        || (by_creation && is_by_creation(chosen));
    let each = match statuses(chosen) {
        Some(asked) if few => {
            filters.push(Filter::In(WorkOrder::STATUS, asked));
            None
        }
        Some(asked) => Some((WorkOrder::STATUS, asked)),
        None if few || by_creation => None,
        // The indexes of the other orders lead with the status.
        None => Some((WorkOrder::STATUS, cells(WorkOrderStatus::ALL))),
    };
    Wanted { filters, each }
}

fn is_by_creation(chosen: &Chosen) -> bool {
    chosen.created_since.is_some() || chosen.created_before.is_some()
}

fn order(sort: WorkOrderSort, chosen: &Chosen) -> Order<WorkOrder> {
    let dir = if sort.as_str().starts_with('-') {
        Dir::Desc
    } else {
        Dir::Asc
    };
    Order {
        word: sort.as_str(),
        by: match sort {
            // Ids come in the order of creation, and have an index already.
            WorkOrderSort::CreatedAt | WorkOrderSort::CreatedAtDesc => {
                is_by_creation(chosen).then_some((WorkOrder::CREATED_AT, |o| o.created_at.cell()))
            }
            WorkOrderSort::UpdatedAt | WorkOrderSort::UpdatedAtDesc => {
                Some((WorkOrder::UPDATED_AT, |o| o.updated_at.cell()))
            }
            WorkOrderSort::DueAt | WorkOrderSort::DueAtDesc => {
                Some((WorkOrder::DUE_AT, |o| o.due_at.cell()))
            }
        },
        dir,
        id: WorkOrder::ID,
        id_of: |o| o.id.0,
    }
}
