//! What callers send about work orders.

use crate::domain::vocabulary::{MaintenanceType, Priority};
use crate::domain::work_order::WorkOrderStatus;
use crate::ids::WorkOrderId;
use crate::money::Money;
use crate::request::OneOf;
use crate::{request, wire_enum};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

wire_enum! {
    /// The orders in which work orders are listed; a leading `-` turns one around.
    pub enum WorkOrderSort {
        /// As they came in.
        CreatedAt = "created_at",
        /// The latest first.
        CreatedAtDesc = "-created_at",
        /// Those that changed longest ago first.
        UpdatedAt = "updated_at",
        /// Those that changed last first.
        UpdatedAtDesc = "-updated_at",
        /// Those due first first, those without a due date last.
        DueAt = "due_at",
        /// Those due last first, those without a due date last.
        DueAtDesc = "-due_at",
    }
}

request! {
    /// Creates a work order.
    pub struct CreateWorkOrder {
        required {
            /// What is to be done.
            title: String,
        }
        optional {
            /// The asset that it is about; it may be registered later.
            asset_id: String,
            /// More about it.
            description: String,
            /// How urgent it is (`medium`).
            priority: Priority,
            /// `draft`, `requested` or `scheduled` (the default).
            status: WorkOrderStatus,
            /// What kind of maintenance it is (`corrective`).
            work_order_type: MaintenanceType,
            /// Where it is to be done.
            location: String,
            /// Who does it.
            assigned_to: String,
            /// Which team does it.
            assigned_team: String,
            /// Who asked for it.
            requested_by: String,
            /// When work is to begin.
            scheduled_start: DateTime<Utc>,
            /// When work is to end.
            scheduled_end: DateTime<Utc>,
            /// When it must be done.
            due_at: DateTime<Utc>,
            /// Hours that it should take.
            estimated_hours: f64,
            /// What it should cost.
            estimated_cost: Money,
            /// What to take care of.
            safety_notes: String,
            /// Free words.
            tags: Vec<String>,
            /// Fields of the user's own.
            custom_fields: Map<String, Value>,
        }
    }
}

request! {
    /// Names a work order.
    pub struct GetWorkOrder {
        required {
            /// The work order.
            work_order_id: WorkOrderId,
        }
    }
}

impl From<WorkOrderId> for GetWorkOrder {
    fn from(id: WorkOrderId) -> Self {
        Self::new(id)
    }
}

request! {
    /// Lists work orders, oldest first unless another order is asked for.
    pub struct ListWorkOrders {
        optional {
            /// Only those in this status, or in one of these.
            status: OneOf<WorkOrderStatus>,
            /// Only those about this asset.
            asset_id: String,
            /// Only those that this person does.
            assigned_to: String,
            /// Only those that are so urgent.
            priority: Priority,
            /// Only those that must be done before this time.
            due_before: DateTime<Utc>,
            /// Only those that changed at this time or later.
            updated_since: DateTime<Utc>,
            /// The order. Left away: `due_at` with `due_before`, `updated_at` with `updated_since`, else `created_at`.
            sort: WorkOrderSort,
            /// At most so many, from 1 to 500 (50).
            limit: u32,
            /// The `next` of the page before.
            cursor: String,
        }
    }
}

request! {
    /// Changes a work order. Fields that are left away stay as they are.
    pub struct UpdateWorkOrder {
        required {
            /// The work order.
            work_order_id: WorkOrderId,
        }
        optional {
            /// Refuses the change unless this is the present version.
            version: i64,
        }
        patch {
            /// What is to be done.
            title: String,
            /// More about it.
            description: String,
            /// The asset that it is about.
            asset_id: String,
            /// How urgent it is.
            priority: Priority,
            /// What kind of maintenance it is.
            work_order_type: MaintenanceType,
            /// Where it is to be done.
            location: String,
            /// Who does it.
            assigned_to: String,
            /// Which team does it.
            assigned_team: String,
            /// Who asked for it.
            requested_by: String,
            /// When work is to begin.
            scheduled_start: DateTime<Utc>,
            /// When work is to end.
            scheduled_end: DateTime<Utc>,
            /// When it must be done.
            due_at: DateTime<Utc>,
            /// Hours that it should take.
            estimated_hours: f64,
            /// What it should cost.
            estimated_cost: Money,
            /// Hours that it took.
            actual_hours: f64,
            /// What it cost.
            actual_cost: Money,
            /// What to take care of.
            safety_notes: String,
            /// Free words.
            tags: Vec<String>,
            /// Fields of the user's own. What is left away stays, at every depth; null takes a field out.
            custom_fields: Map<String, Value>,
        }
    }
}

request! {
    /// Moves a work order to another status.
    pub struct SetWorkOrderStatus {
        required {
            /// The work order.
            work_order_id: WorkOrderId,
            /// Where it goes.
            status: WorkOrderStatus,
        }
        optional {
            /// Why; needed to take completed work up again.
            reason: String,
            /// Refuses the change unless this is the present version.
            version: i64,
        }
    }
}
