//! What callers send about work orders.

use crate::domain::vocabulary::{MaintenanceType, Priority};
use crate::domain::work_order::WorkOrderStatus;
use crate::ids::WorkOrderId;
use crate::money::Money;
use crate::request::{OneOf, TimeOrDate, Timestamp};
use crate::{request, wire_enum};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;

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
            scheduled_start: Timestamp,
            /// When work is to end.
            scheduled_end: Timestamp,
            /// When it must be done.
            due_at: Timestamp,
            /// Hours that it should take.
            estimated_hours: f64,
            /// What it should cost.
            estimated_cost: Money,
            /// What to take care of.
            safety_notes: String,
            /// Free words.
            tags: Vec<String>,
            /// Fields of the user's own, at most 256 KiB of JSON.
            custom_fields: Map<String, Value>,
        }
    }
}

/// How a work order is named: by its id or by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkOrderRef {
    /// Its id.
    Id(WorkOrderId),
    /// Its number, such as `WO-20240115-0001`.
    Number(String),
}

impl WorkOrderRef {
    /// Reads an id or a number.
    fn read(text: &str) -> Option<Self> {
        if let Ok(id) = text.parse() {
            return Some(Self::Id(id));
        }
        let (day, number) = text.strip_prefix("WO-")?.split_once('-')?;
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let fits = day.len() == 8 && (4..=19).contains(&number.len());
        (fits && digits(day) && digits(number)).then(|| Self::Number(text.to_owned()))
    }
}

impl From<WorkOrderId> for WorkOrderRef {
    fn from(id: WorkOrderId) -> Self {
        Self::Id(id)
    }
}

/// A text that is no id is a number, which perhaps no work order has.
impl From<&str> for WorkOrderRef {
    fn from(text: &str) -> Self {
        Self::read(text).unwrap_or_else(|| Self::Number(text.to_owned()))
    }
}

impl std::fmt::Display for WorkOrderRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Number(number) => f.write_str(number),
        }
    }
}

impl<'de> Deserialize<'de> for WorkOrderRef {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::read(&text).ok_or_else(|| {
            let detail =
                "is neither the id of a work order nor its number, such as WO-20240115-0001";
            serde::de::Error::custom(detail)
        })
    }
}

impl JsonSchema for WorkOrderRef {
    fn schema_name() -> Cow<'static, str> {
        "WorkOrderRef".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "The id of a work order, or its number.",
            "anyOf": [
                { "type": "string", "format": "uuid" },
                { "type": "string", "pattern": "^WO-[0-9]{8}-[0-9]{4,19}$" },
            ],
        })
    }
}

request! {
    /// Names a work order.
    pub struct GetWorkOrder {
        required {
            /// The work order: its id or its number.
            work_order_id: WorkOrderRef,
        }
    }
}

impl From<WorkOrderId> for GetWorkOrder {
    fn from(id: WorkOrderId) -> Self {
        Self::new(id)
    }
}

impl From<&str> for GetWorkOrder {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

wire_enum! {
    /// What work orders are counted by.
    pub enum WorkOrderGrouping {
        /// Where they stand.
        Status = "status",
        /// How urgent they are.
        Priority = "priority",
        /// Who does them.
        AssignedTo = "assigned_to",
        /// Which team does them.
        AssignedTeam = "assigned_team",
        /// What kind of maintenance they are.
        WorkOrderType = "work_order_type",
        /// The asset that they are about.
        AssetId = "asset_id",
    }
}

/// Which work orders: what the inputs that choose some of them have in common.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) number: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) archived: Option<bool>,
    pub(super) status: Option<OneOf<WorkOrderStatus>>,
    pub(super) asset_id: Option<String>,
    pub(super) has_asset: Option<bool>,
    pub(super) assigned_to: Option<String>,
    pub(super) priority: Option<Priority>,
    pub(super) work_order_type: Option<MaintenanceType>,
    pub(super) due_after: Option<TimeOrDate>,
    pub(super) due_before: Option<TimeOrDate>,
    pub(super) created_since: Option<TimeOrDate>,
    pub(super) created_before: Option<TimeOrDate>,
    pub(super) updated_since: Option<TimeOrDate>,
    pub(super) updated_before: Option<TimeOrDate>,
}

/// An input that chooses work orders, with fields of its own behind the filters.
macro_rules! choosing {
    ($(#[$meta:meta])* pub struct $name:ident { $($own:tt)* }) => {
        request! {
            $(#[$meta])*
            pub struct $name {
                optional {
                    /// Only the one with this number, such as `WO-20240115-0001`.
                    number: String,
                    /// Only those that have this id at a vendor of a connection.
                    external_id: String,
                    /// Only those that are archived at a vendor of a connection, or only those that are not.
                    archived: bool,
                    /// Only those in this status, or in one of these.
                    status: OneOf<WorkOrderStatus>,
                    /// Only those about this asset.
                    asset_id: String,
                    /// Only those that name an asset, or only those that name none.
                    has_asset: bool,
                    /// Only those that this person does.
                    assigned_to: String,
                    /// Only those that are so urgent.
                    priority: Priority,
                    /// Only those of this kind of maintenance.
                    work_order_type: MaintenanceType,
                    /// Only those that must be done at this time or later.
                    due_after: TimeOrDate,
                    /// Only those that must be done before this time.
                    due_before: TimeOrDate,
                    /// Only those that were created here at this time or later.
                    created_since: TimeOrDate,
                    /// Only those that were created here before this time.
                    created_before: TimeOrDate,
                    /// Only those that changed at this time or later.
                    updated_since: TimeOrDate,
                    /// Only those that changed before this time.
                    updated_before: TimeOrDate,
                    $($own)*
                }
            }
        }

        impl $name {
            /// Which ones.
            pub(super) fn chosen(&self) -> Chosen {
                Chosen {
                    number: self.number.clone(),
                    external_id: self.external_id.clone(),
                    archived: self.archived,
                    status: self.status.clone(),
                    asset_id: self.asset_id.clone(),
                    has_asset: self.has_asset,
                    assigned_to: self.assigned_to.clone(),
                    priority: self.priority,
                    work_order_type: self.work_order_type,
                    due_after: self.due_after,
                    due_before: self.due_before,
                    created_since: self.created_since,
                    created_before: self.created_before,
                    updated_since: self.updated_since,
                    updated_before: self.updated_before,
                }
            }
        }
    };
}

choosing! {
    /// Lists work orders, oldest first unless another order is asked for.
    pub struct ListWorkOrders {
        /// The order. Left away: that of a time that is asked for (`due_…`, else `updated_…`), else `created_at`.
        sort: WorkOrderSort,
        /// At most so many, from 1 to 500 (50).
        limit: u32,
        /// The `next` of the page before.
        cursor: String,
    }
}

choosing! {
    /// Counts work orders: all that the filters take, and by the values of a field where one is asked for.
    pub struct CountWorkOrders {
        /// What they are counted by.
        by: WorkOrderGrouping,
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
            scheduled_start: Timestamp,
            /// When work is to end.
            scheduled_end: Timestamp,
            /// When it must be done.
            due_at: Timestamp,
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
            /// Fields of the user's own, at most 256 KiB of JSON. What is left away stays, at every depth; null takes a field
            /// out.
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
