//! Work orders: the record and the table of its statuses.

use super::sync_state::External;
use super::vocabulary::{MaintenanceType, Priority};
use crate::ids::{AssetId, WorkOrderId};
use crate::money::Money;
use crate::{Error, Result, code, record, wire_enum};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

wire_enum! {
    /// Where a work order stands.
    pub enum WorkOrderStatus {
        /// Being written.
        Draft = "draft",
        /// Asked for, not yet approved.
        Requested = "requested",
        /// Approved and planned.
        Scheduled = "scheduled",
        /// Somebody works on it.
        InProgress = "in_progress",
        /// Waiting for something.
        OnHold = "on_hold",
        /// The work is done.
        Completed = "completed",
        /// Checked and put away.
        Closed = "closed",
        /// Will not be done.
        Cancelled = "cancelled",
    }
}

wire_enum! {
    /// Where a work order came from.
    pub enum WorkOrderSource {
        /// A person or program created it.
        Manual = "manual",
        /// A template.
        Template = "template",
        /// A maintenance schedule.
        Schedule = "schedule",
        /// A request.
        Request = "request",
        /// An alert.
        Alert = "alert",
        /// A vendor's system.
        Sync = "sync",
    }
}

impl WorkOrderStatus {
    /// The statuses that it can go to.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Draft | Self::Requested => &[Self::Scheduled, Self::Cancelled],
            Self::Scheduled => &[Self::InProgress, Self::OnHold, Self::Cancelled],
            Self::InProgress => &[Self::OnHold, Self::Completed, Self::Cancelled],
            Self::OnHold => &[Self::Scheduled, Self::InProgress, Self::Cancelled],
            Self::Completed => &[Self::Closed, Self::InProgress],
            Self::Closed | Self::Cancelled => &[],
        }
    }

    /// Whether work is still to be done.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Closed | Self::Cancelled)
    }
}

record! {
    /// A work order. Hours are hours, money is in the organization's currency.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct WorkOrder: "work_orders" {
        /// Its id.
        id: WorkOrderId [Key Public],
        /// Counts its changes, from 1.
        version: i64 [Version Public],
        /// When it was created here.
        created_at: DateTime<Utc> [Once Internal],
        /// Who created it.
        created_by: String [Once Personal],
        /// When it last changed here.
        updated_at: DateTime<Utc> [Plain Internal],
        /// `WO-YYYYMMDD-NNNN`.
        number: String [Once Public],
        /// What is to be done.
        title: String [Plain Internal],
        /// More about it.
        description: Option<String> [Plain Internal],
        /// The asset's own name, as its `asset_id`.
        asset_id: Option<String> [Plain Internal],
        /// The asset, once it is known.
        #[serde(skip)]
        asset_uid: Option<AssetId> [Plain Internal],
        /// What the work order waits for while its asset is unknown: see [`super::sync_state::PendingRef`].
        #[serde(skip)]
        asset_pending: Option<String> [Plain Internal],
        /// How urgent it is.
        priority: Priority [Plain Internal],
        /// Where it stands.
        status: WorkOrderStatus [Plain Internal],
        /// Why it stands there, where a reason was given.
        status_reason: Option<String> [Plain Internal],
        /// What kind of maintenance it is.
        work_order_type: MaintenanceType [Plain Internal],
        /// Where it came from.
        source: WorkOrderSource [Once Internal],
        /// Where it is to be done.
        location: Option<String> [Plain Internal],
        /// Who does it.
        assigned_to: Option<String> [Plain Personal],
        /// Which team does it.
        assigned_team: Option<String> [Plain Internal],
        /// Who asked for it.
        requested_by: Option<String> [Plain Personal],
        /// When work is to begin.
        scheduled_start: Option<DateTime<Utc>> [Plain Internal],
        /// When work is to end.
        scheduled_end: Option<DateTime<Utc>> [Plain Internal],
        /// When it must be done.
        due_at: Option<DateTime<Utc>> [Plain Internal],
        /// Hours that it should take.
        estimated_hours: Option<f64> [Plain Internal],
        /// What it should cost.
        estimated_cost: Option<Money> [Plain Internal],
        /// When work began.
        actual_start: Option<DateTime<Utc>> [Plain Internal],
        /// When work ended.
        actual_end: Option<DateTime<Utc>> [Plain Internal],
        /// Hours that it took.
        actual_hours: Option<f64> [Plain Internal],
        /// What it cost.
        actual_cost: Option<Money> [Plain Internal],
        /// When it was completed.
        completed_at: Option<DateTime<Utc>> [Plain Internal],
        /// What to take care of.
        safety_notes: Option<String> [Plain Internal],
        /// Free words.
        tags: Vec<String> [Plain Internal],
        /// Fields of the user's own.
        custom_fields: Map<String, Value> [Plain Internal],
    }
    view {
        /// Whether the asset is registered; null where none is named.
        asset_resolved: Option<bool>,
        /// Whether it should have been done already.
        is_overdue: bool,
        /// Its counterparts in vendors' systems.
        external: Vec<External>,
    }
    unique [[number]]
    index [
        [status, id], [status, due_at, id], [status, updated_at, id], [created_at, id], [asset_id, id],
        [assigned_to, id], [asset_pending]
    ]
}

record! {
    /// The part of a work order that tells what it waits for.
    pub struct PendingAsset: "work_orders" projection {
        /// Its id.
        id: WorkOrderId [Key Public],
        /// The asset that it waits for.
        asset_pending: Option<String> [Plain Internal],
    }
}

impl WorkOrder {
    /// A new one, scheduled, of medium priority and corrective.
    pub fn new(
        id: WorkOrderId,
        number: String,
        title: String,
        by: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            version: 1,
            created_at: now,
            created_by: by,
            updated_at: now,
            number,
            title,
            description: None,
            asset_id: None,
            asset_uid: None,
            asset_pending: None,
            priority: Priority::Medium,
            status: WorkOrderStatus::Scheduled,
            status_reason: None,
            work_order_type: MaintenanceType::Corrective,
            source: WorkOrderSource::Manual,
            location: None,
            assigned_to: None,
            assigned_team: None,
            requested_by: None,
            scheduled_start: None,
            scheduled_end: None,
            due_at: None,
            estimated_hours: None,
            estimated_cost: None,
            actual_start: None,
            actual_end: None,
            actual_hours: None,
            actual_cost: None,
            completed_at: None,
            safety_notes: None,
            tags: Vec::new(),
            custom_fields: Map::new(),
            asset_resolved: None,
            is_overdue: false,
            external: Vec::new(),
        }
    }

    /// Fills in what is derived and not stored.
    pub fn derive(&mut self, now: DateTime<Utc>) {
        self.asset_resolved = self.asset_id.is_some().then_some(self.asset_uid.is_some());
        self.is_overdue = self.status.is_open()
            && self
                .due_at
                .or(self.scheduled_end)
                .is_some_and(|due| due < now);
    }

    /// Moves it to another status, with the times that go with it. The present status again changes nothing.
    ///
    /// # Errors
    /// `CMMS-WO-002`, listing the statuses that are allowed; `CMMS-WO-003` for rework without a reason.
    pub fn transition(
        &mut self,
        to: WorkOrderStatus,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        if to == self.status {
            return Ok(false);
        }
        let next = self.status.next();
        if !next.contains(&to) {
            let words: Vec<_> = next.iter().map(|s| s.as_str()).collect();
            let allowed = if words.is_empty() {
                "none: it is final".to_owned()
            } else {
                words.join(", ")
            };
            return Err(Error::new(
                code::WORK_ORDER_TRANSITION,
                format!(
                    "work order {} is {} and cannot become {to}; allowed: {allowed}",
                    self.number, self.status
                ),
            )
            .field(
                "status",
                "illegal_transition",
                format!("allowed next statuses: {allowed}"),
            ));
        }
        let rework = self.status == WorkOrderStatus::Completed && to == WorkOrderStatus::InProgress;
        if rework && reason.is_none() {
            return Err(Error::new(
                code::WORK_ORDER_REASON,
                format!(
                    "work order {} is completed; taking it up again needs a reason",
                    self.number
                ),
            )
            .field(
                "reason",
                "reason_required",
                "say why the work is taken up again",
            ));
        }
        match to {
            WorkOrderStatus::InProgress => {
                self.actual_start.get_or_insert(now);
                self.actual_end = None;
                self.completed_at = None;
            }
            WorkOrderStatus::Completed => {
                self.actual_end = Some(now);
                self.completed_at = Some(now);
            }
            _ => {}
        }
        self.status = to;
        self.status_reason = reason;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_transitions_are_legal_and_final_states_stay() {
        for from in WorkOrderStatus::ALL {
            for to in WorkOrderStatus::ALL {
                let id = WorkOrderId(uuid::Uuid::nil());
                let now = DateTime::from_timestamp(0, 0).unwrap();
                let mut order = WorkOrder::new(id, "WO-1".into(), "t".into(), "user:a".into(), now);
                order.status = *from;
                let moved = order.transition(*to, Some("because".into()), now);
                if from == to {
                    assert!(!moved.unwrap());
                } else if from.next().contains(to) {
                    assert!(moved.unwrap());
                    assert_eq!(order.status, *to);
                } else {
                    let e = moved.unwrap_err();
                    assert!(e.is(code::WORK_ORDER_TRANSITION));
                    assert_eq!(order.status, *from);
                }
            }
        }
    }
}
