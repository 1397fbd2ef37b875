//! Lists of work orders.

use super::{ListWorkOrders, WorkOrderSort, show};
use crate::Result;
use crate::context::{CallContext, Permission};
use crate::domain::work_order::{WorkOrder, WorkOrderStatus};
use crate::page::Page;
use crate::ports::store::{Cmp, Dir, Filter};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::services::paging::{self, Ask, Order, Wanted};

/// A page of work orders.
///
/// # Errors
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListWorkOrders) -> Result<Page<WorkOrder>> {
    cx.scope.require(Permission::WorkOrderView)?;
    let sort = sort(&input);
    let ask = Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let wanted = wanted(&input, sort);
    let (mut page, externals) = paging::linked(app, cx, wanted, &order(sort), ask).await?;
    show(app, &mut page.items, externals);
    Ok(page)
}

/// Whoever asks by a time gets the order of that time, whose index answers both.
fn sort(input: &ListWorkOrders) -> WorkOrderSort {
    input.sort.unwrap_or(if input.due_before.is_some() {
        WorkOrderSort::DueAt
    } else if input.updated_since.is_some() {
        WorkOrderSort::UpdatedAt
    } else {
        WorkOrderSort::CreatedAt
    })
}

fn wanted(input: &ListWorkOrders, sort: WorkOrderSort) -> Wanted<'_> {
    let text = |value: &'_ Option<String>| value.as_ref().map(|v| Cell::text(v).into_owned());
    let mut wanted = Wanted::all()
        .eq(WorkOrder::ASSET_ID, text(&input.asset_id))
        .eq(WorkOrder::ASSIGNED_TO, text(&input.assigned_to))
        .eq(
            WorkOrder::PRIORITY,
            input.priority.map(|p| Cell::text(p.as_str())),
        )
        .is(
            WorkOrder::DUE_AT,
            Cmp::Lt,
            input.due_before.as_ref().map(Field::cell),
        )
        .is(
            WorkOrder::UPDATED_AT,
            Cmp::Ge,
            input.updated_since.as_ref().map(Field::cell),
        );
    let mut statuses = input.status.clone().map(|asked| asked.0);
    if let Some(statuses) = &mut statuses {
        statuses.sort_unstable();
        statuses.dedup();
    }
    // An asset and a person have few work orders, and indexes of their own.
    let few = input.asset_id.is_some() || input.assigned_to.is_some();
    let by_id = matches!(
        sort,
        WorkOrderSort::CreatedAt | WorkOrderSort::CreatedAtDesc
    );
    let cells = |statuses: &[WorkOrderStatus]| -> Vec<Cell<'static>> {
        statuses.iter().map(|s| Cell::text(s.as_str())).collect()
    };
    match statuses {
        Some(asked) if few => wanted
            .filters
            .push(Filter::In(WorkOrder::STATUS, cells(&asked))),
        Some(asked) => wanted.each = Some((WorkOrder::STATUS, cells(&asked))),
        None if few || by_id => {}
        // The indexes of the other orders lead with the status.
        None => wanted.each = Some((WorkOrder::STATUS, cells(WorkOrderStatus::ALL))),
    }
    wanted
}

fn order(sort: WorkOrderSort) -> Order<WorkOrder> {
    let dir = if sort.as_str().starts_with('-') {
        Dir::Desc
    } else {
        Dir::Asc
    };
    Order {
        word: sort.as_str(),
        by: match sort {
            WorkOrderSort::CreatedAt | WorkOrderSort::CreatedAtDesc => None,
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
