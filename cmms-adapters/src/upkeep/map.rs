//! How UpKeep's records become ours unless the user says otherwise.

use cmms_core::domain::entity::Entity;
use cmms_core::mapping::{EntityMapping, FieldRule, Path, Transform, Words};

type Table = &'static [(&'static str, &'static str)];

const STATUS: Table = &[
    ("open", "scheduled"),
    ("inProgress", "in_progress"),
    ("onHold", "on_hold"),
    ("complete", "completed"),
    ("completed", "completed"),
];

/// Nothing comes back as critical: UpKeep's highest is 3.
const PRIORITY: Table = &[("3", "high"), ("2", "medium"), ("1", "low"), ("0", "low")];

/// Categories are the account's own words; these are ours in the usual spellings. Words of another meaning, such
/// as `Damage`, stay beside the record, so that they are not lost on the way back.
const WORK_ORDER_TYPE: Table = &[
    ("preventive", "preventive"),
    ("preventative", "preventive"),
    ("preventive maintenance", "preventive"),
    ("preventative maintenance", "preventive"),
    ("pm", "preventive"),
    ("corrective", "corrective"),
    ("corrective maintenance", "corrective"),
    ("predictive", "predictive"),
    ("predictive maintenance", "predictive"),
    ("emergency", "emergency"),
    ("inspection", "inspection"),
    ("inspections", "inspection"),
    ("calibration", "calibration"),
    ("cleaning", "cleaning"),
    ("lubrication", "lubrication"),
];

const ASSET_TYPE: Table = &[
    ("equipment", "equipment"),
    ("machinery", "machinery"),
    ("machine", "machinery"),
    ("machines", "machinery"),
    ("vehicle", "vehicle"),
    ("vehicles", "vehicle"),
    ("fleet", "vehicle"),
    ("building", "building"),
    ("buildings", "building"),
    ("facility", "building"),
    ("facilities", "building"),
    ("infrastructure", "infrastructure"),
    ("tool", "tool"),
    ("tools", "tool"),
    ("instrument", "instrument"),
    ("instruments", "instrument"),
    ("system", "system"),
    ("systems", "system"),
    ("component", "component"),
    ("components", "component"),
];

/// The second pair is what UpKeep's own screens call the first.
const ASSET_STATUS: Table = &[
    ("active", "operational"),
    ("inactive", "repair"),
    ("operational", "operational"),
    ("not operational", "repair"),
];

/// A table whose unknown words are kept beside, and that has a word of its own for none.
fn words(table: Table, unknown: &'static str, missing: &'static str) -> Transform {
    Transform::Words(Words {
        table: table.to_vec(),
        unknown: Some(unknown),
        missing: Some(missing),
    })
}

/// The default mapping of work orders.
///
/// References, dates and texts that are missing are empty: UpKeep writes `""`, null and nothing for it. Status, priority
/// and title are never empty, so that an answer without them says nothing about them.
///
/// `time` is left out: its unit is not known, and a wrong unit would be worse than none. It stays in the
/// record as it was sent.
pub(super) fn work_orders() -> EntityMapping {
    let rule = FieldRule::new;
    // Completed whatever the status says; any other answer leaves it to the status.
    let is_complete = Transform::Words(Words {
        table: vec![("true", "completed")],
        unknown: None,
        missing: None,
    });
    EntityMapping {
        entity: Entity::WorkOrder,
        revision: "upkeep.work_order.3",
        number: Some(Path::new("workOrderNo")),
        archived: Some(Path::new("archived")),
        rules: vec![
            rule(&["title"], "title", Transform::Text).required(),
            rule(&["description"], "description", Transform::Text).clears(),
            rule(&["isComplete"], "status", is_complete),
            rule(
                &["status"],
                "status",
                words(STATUS, "scheduled", "scheduled"),
            ),
            rule(&["priority"], "priority", words(PRIORITY, "medium", "low")),
            rule(
                &["category"],
                "work_order_type",
                words(WORK_ORDER_TYPE, "corrective", "corrective"),
            )
            .clears(),
            rule(&["dueDate"], "due_at", Transform::Time).clears(),
            rule(&["endDueDate"], "scheduled_end", Transform::Time).clears(),
            rule(&["dateCompleted"], "completed_at", Transform::Time).clears(),
            rule(&["dateCompleted"], "actual_end", Transform::Time).clears(),
            rule(&["asset"], "asset_id", Transform::Reference(Entity::Asset)).clears(),
            rule(
                &["location", "objectLocationForWorkOrder"],
                "location",
                Transform::Name,
            )
            .clears(),
            rule(&["assignedToUser"], "assigned_to", Transform::Id).clears(),
            rule(&["team"], "assigned_team", Transform::Id).clears(),
            rule(&["requestedByUser"], "requested_by", Transform::Id).clears(),
            rule(&["cost"], "actual_cost", Transform::Money),
        ],
    }
}

/// The default mapping of assets.
pub(super) fn assets() -> EntityMapping {
    let rule = FieldRule::new;
    EntityMapping {
        entity: Entity::Asset,
        revision: "upkeep.asset.2",
        number: None,
        archived: None,
        rules: vec![
            rule(&["name"], "name", Transform::Text).required(),
            rule(&["description"], "description", Transform::Text).clears(),
            rule(&["model"], "model", Transform::Text).clears(),
            rule(&["serial"], "serial_number", Transform::Text).clears(),
            rule(
                &["status"],
                "status",
                words(ASSET_STATUS, "operational", "operational"),
            ),
            rule(
                &["category"],
                "asset_type",
                words(ASSET_TYPE, "equipment", "equipment"),
            )
            .clears(),
            rule(
                &["parentAsset"],
                "parent_asset_id",
                Transform::Reference(Entity::Asset),
            )
            .clears(),
            rule(&["location"], "location", Transform::Place).clears(),
            rule(&["assignedToUser"], "responsible_person", Transform::Id).clears(),
        ],
    }
}
