//! The columns that a mapping may set, with what each takes.

use super::shape::Shape;
use crate::domain::asset::{AssetCondition, AssetStatus, AssetType};
use crate::domain::check::MAX_HOURS;
use crate::domain::entity::Entity;
use crate::domain::vocabulary::{MaintenanceType, Priority};
use crate::domain::work_order::WorkOrderStatus;

/// A column that a mapping may set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Its name.
    pub column: &'static str,
    /// What it takes.
    pub shape: Shape,
}

const fn to(column: &'static str, shape: Shape) -> Target {
    Target { column, shape }
}

const fn word(words: &'static [&'static str], fallback: Option<&'static str>) -> Shape {
    Shape::Word { words, fallback }
}

const ASSET: &[Target] = &[
    to("name", Shape::Line),
    to("asset_type", word(AssetType::WORDS, Some("equipment"))),
    to("description", Shape::Text),
    to("status", word(AssetStatus::WORDS, Some("operational"))),
    to("condition", word(AssetCondition::WORDS, None)),
    to("manufacturer", Shape::Line),
    to("model", Shape::Line),
    to("serial_number", Shape::Line),
    to("department", Shape::Line),
    to("responsible_person", Shape::Line),
    to("parent_asset_id", Shape::Reference(Entity::Asset)),
    to("criticality", word(Priority::WORDS, None)),
    to("installation_date", Shape::Date),
    to("warranty_expiry", Shape::Date),
    to("expected_lifespan", Shape::Number(1_000.0)),
    to("replacement_value", Shape::Money),
    to("location", Shape::Place),
    to("tags", Shape::Words),
    to("specifications", Shape::Object),
    to("custom_fields", Shape::Object),
];

const WORK_ORDER: &[Target] = &[
    to("title", Shape::Line),
    to("description", Shape::Text),
    to("asset_id", Shape::Reference(Entity::Asset)),
    to("priority", word(Priority::WORDS, Some("medium"))),
    to("status", word(WorkOrderStatus::WORDS, Some("scheduled"))),
    to("status_reason", Shape::Line),
    to(
        "work_order_type",
        word(MaintenanceType::WORDS, Some("corrective")),
    ),
    to("location", Shape::Line),
    to("assigned_to", Shape::Line),
    to("assigned_team", Shape::Line),
    to("requested_by", Shape::Line),
    to("scheduled_start", Shape::Time),
    to("scheduled_end", Shape::Time),
    to("due_at", Shape::Time),
    to("estimated_hours", Shape::Number(MAX_HOURS)),
    to("estimated_cost", Shape::Money),
    to("actual_start", Shape::Time),
    to("actual_end", Shape::Time),
    to("actual_hours", Shape::Number(MAX_HOURS)),
    to("actual_cost", Shape::Money),
    to("completed_at", Shape::Time),
    to("safety_notes", Shape::Text),
    to("tags", Shape::Words),
    to("custom_fields", Shape::Object),
];

/// The columns of a kind of record that a mapping may set. All others are the system's own.
pub fn targets(entity: Entity) -> &'static [Target] {
    match entity {
        Entity::Asset => ASSET,
        Entity::WorkOrder => WORK_ORDER,
    }
}

/// What a column takes, where a mapping may set it.
pub(super) fn shape_of(entity: Entity, column: &str) -> Option<Shape> {
    targets(entity)
        .iter()
        .find(|t| t.column == column)
        .map(|t| t.shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::asset::Asset;
    use crate::domain::work_order::WorkOrder;
    use crate::record::{Kind, Record, Role};

    #[test]
    fn every_target_is_a_plain_column_of_the_kind_that_its_shape_needs() {
        for (entity, table) in [
            (Entity::Asset, Asset::TABLE),
            (Entity::WorkOrder, WorkOrder::TABLE),
        ] {
            for target in targets(entity) {
                let place = table.position(target.column).unwrap();
                let column = &table.columns[place];
                let kind = match target.shape {
                    Shape::Number(_) => Kind::Real,
                    Shape::Money => Kind::Int,
                    Shape::Time => Kind::Time,
                    Shape::Place | Shape::Words | Shape::Object => Kind::Json,
                    _ => Kind::Text,
                };
                assert_eq!(
                    (column.kind, column.role),
                    (kind, Role::Plain),
                    "{target:?}"
                );
            }
        }
    }
}
