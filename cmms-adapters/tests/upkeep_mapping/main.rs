//! The default mappings: the records that the fact sheet prints, and every row of its tables.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod assets;
#[path = "../support/printed.rs"]
mod printed;
mod values;

use cmms_core::domain::asset::Asset;
use cmms_core::domain::entity::Entity;
use cmms_core::domain::work_order::WorkOrder;
use cmms_core::mapping::{Mapped, cell_json, compile};
use cmms_core::ports::adapter::Adapter as _;
use cmms_core::record::{Record as _, Table};
use printed::WORK_ORDER;
use serde_json::{Map, Value, json};

fn table(entity: Entity) -> &'static Table {
    match entity {
        Entity::Asset => Asset::TABLE,
        Entity::WorkOrder => WorkOrder::TABLE,
    }
}

fn map(entity: Entity, record: &Value) -> Result<Mapped, cmms_core::mapping::MapError> {
    let policy = cmms_adapters::EgressPolicy::default();
    let client = cmms_adapters::EgressClient::new(policy).unwrap();
    let adapter = cmms_adapters::UpkeepAdapter::new(std::sync::Arc::new(client));
    let mapping = adapter.default_mapping(entity).unwrap().clone();
    compile(&mapping, table(entity))
        .unwrap()
        .apply(&record.clone().into())
}

/// Columns with values, as JSON.
fn columns(entity: Entity, mapped: &Mapped) -> Map<String, Value> {
    let names = table(entity).columns;
    mapped
        .cells
        .iter()
        .map(|(at, cell)| (names[*at].name.to_owned(), cell_json(cell)))
        .filter(|(_, v)| !v.is_null())
        .collect()
}

fn micros(time: &str) -> i64 {
    let time: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
    time.timestamp_micros()
}

#[test]
fn the_printed_work_order_is_mapped() {
    let mapped = map(
        Entity::WorkOrder,
        &serde_json::from_str(WORK_ORDER).unwrap(),
    )
    .unwrap();
    let want = json!({
        "title": "Replace seal", "status": "scheduled", "priority": "high",
        "work_order_type": "corrective", "due_at": micros("2026-01-01T00:00:00Z"),
        "assigned_to": "Us4Er6Id8x",
    });
    assert_eq!(Value::Object(columns(Entity::WorkOrder, &mapped)), want);
    assert!(mapped.vendor_values.is_empty());
    assert_eq!(mapped.references[0].column, "asset_id");
    assert_eq!(mapped.references[0].to, Entity::Asset);
    assert_eq!(
        mapped.references[0].external_id.as_deref(),
        Some("aB3dE6gH9k")
    );
    assert_eq!(mapped.number, None);
}

/// One column that a record of the vendor gives, and whether the vendor's value is kept beside.
fn gives(entity: Entity, record: Value, column: &str) -> (Value, bool) {
    let mapped = map(entity, &record).unwrap();
    let value = columns(entity, &mapped)
        .get(column)
        .cloned()
        .unwrap_or_default();
    (value, mapped.vendor_values.contains_key(column))
}

#[test]
fn every_row_of_the_sheets_tables_about_work_orders() {
    let rows = [
        // Status: case, spaces, dashes and underscores do not count.
        (
            "status",
            json!({"status": "open"}),
            json!("scheduled"),
            false,
        ),
        (
            "status",
            json!({"status": "Open"}),
            json!("scheduled"),
            false,
        ),
        (
            "status",
            json!({"status": "inProgress"}),
            json!("in_progress"),
            false,
        ),
        (
            "status",
            json!({"status": "In Progress"}),
            json!("in_progress"),
            false,
        ),
        (
            "status",
            json!({"status": "in progress"}),
            json!("in_progress"),
            false,
        ),
        (
            "status",
            json!({"status": "in-progress"}),
            json!("in_progress"),
            false,
        ),
        (
            "status",
            json!({"status": "IN_PROGRESS"}),
            json!("in_progress"),
            false,
        ),
        (
            "status",
            json!({"status": "onHold"}),
            json!("on_hold"),
            false,
        ),
        (
            "status",
            json!({"status": "On Hold"}),
            json!("on_hold"),
            false,
        ),
        (
            "status",
            json!({"status": "complete"}),
            json!("completed"),
            false,
        ),
        (
            "status",
            json!({"status": "open", "isComplete": true}),
            json!("completed"),
            false,
        ),
        (
            "status",
            json!({"status": "onHold", "isComplete": "true"}),
            json!("completed"),
            false,
        ),
        (
            "status",
            json!({"status": "onHold", "isComplete": false}),
            json!("on_hold"),
            false,
        ),
        (
            "status",
            json!({"status": "complete", "isComplete": false}),
            json!("completed"),
            false,
        ),
        (
            "status",
            json!({"isComplete": null}),
            json!("scheduled"),
            false,
        ),
        (
            "status",
            json!({"status": "waiting"}),
            json!("scheduled"),
            true,
        ),
        ("status", json!({"status": ""}), json!("scheduled"), false),
        ("status", json!({}), json!("scheduled"), false),
        // Priority: nothing comes back as critical; numbers can arrive as texts.
        ("priority", json!({"priority": 3}), json!("high"), false),
        ("priority", json!({"priority": "3"}), json!("high"), false),
        ("priority", json!({"priority": 2}), json!("medium"), false),
        ("priority", json!({"priority": 1}), json!("low"), false),
        ("priority", json!({"priority": 0}), json!("low"), false),
        ("priority", json!({"priority": null}), json!("low"), false),
        ("priority", json!({"priority": ""}), json!("low"), false),
        ("priority", json!({}), json!("low"), false),
        ("priority", json!({"priority": 7}), json!("medium"), true),
        (
            "priority",
            json!({"priority": "urgent"}),
            json!("medium"),
            true,
        ),
        // Category: the account's own text.
        (
            "work_order_type",
            json!({"category": "Preventive"}),
            json!("preventive"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "preventive maintenance"}),
            json!("preventive"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "Damage"}),
            json!("corrective"),
            true,
        ),
        (
            "work_order_type",
            json!({"category": "Reactive"}),
            json!("corrective"),
            true,
        ),
        (
            "work_order_type",
            json!({"category": "INSPECTION"}),
            json!("inspection"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "Calibration"}),
            json!("calibration"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "Lubrication"}),
            json!("lubrication"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "Cleaning"}),
            json!("cleaning"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "Emergency"}),
            json!("emergency"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "Predictive"}),
            json!("predictive"),
            false,
        ),
        (
            "work_order_type",
            json!({"category": "Electrical"}),
            json!("corrective"),
            true,
        ),
        (
            "work_order_type",
            json!({"category": ""}),
            json!("corrective"),
            false,
        ),
        ("work_order_type", json!({}), json!("corrective"), false),
        // References: a text, an object, missing, null or "".
        (
            "assigned_to",
            json!({"assignedToUser": "Us4Er6Id8x"}),
            json!("Us4Er6Id8x"),
            false,
        ),
        (
            "assigned_to",
            json!({"assignedToUser": {"id": "Us4Er6Id8x", "email": "e"}}),
            json!("Us4Er6Id8x"),
            false,
        ),
        (
            "assigned_to",
            json!({"assignedToUser": ""}),
            json!(null),
            false,
        ),
        (
            "assigned_to",
            json!({"assignedToUser": null}),
            json!(null),
            false,
        ),
        ("assigned_to", json!({}), json!(null), false),
        (
            "assigned_team",
            json!({"team": {"id": "T"}}),
            json!("T"),
            false,
        ),
        (
            "requested_by",
            json!({"requestedByUser": "U"}),
            json!("U"),
            false,
        ),
        (
            "location",
            json!({"location": "Lq8rT2vX5z"}),
            json!("Lq8rT2vX5z"),
            false,
        ),
        (
            "location",
            json!({"location": {"id": "L", "name": "Hall 2"}}),
            json!("Hall 2"),
            false,
        ),
        (
            "location",
            json!({"objectLocationForWorkOrder": {"id": "L", "name": "Hall 2"}}),
            json!("Hall 2"),
            false,
        ),
        (
            "location",
            json!({"location": "", "objectLocationForWorkOrder": "L"}),
            json!("L"),
            false,
        ),
        // Times: ISO, or milliseconds.
        (
            "due_at",
            json!({"dueDate": 1_767_225_600_000_i64}),
            json!(micros("2026-01-01T00:00:00Z")),
            false,
        ),
        (
            "due_at",
            json!({"dueDate": "2026-01-01T00:00:00.000Z"}),
            json!(micros("2026-01-01T00:00:00Z")),
            false,
        ),
        ("due_at", json!({"dueDate": ""}), json!(null), false),
        (
            "scheduled_end",
            json!({"endDueDate": "2026-01-02T00:00:00.000Z"}),
            json!(micros("2026-01-02T00:00:00Z")),
            false,
        ),
        (
            "completed_at",
            json!({"dateCompleted": "2026-01-02T00:00:00.000Z"}),
            json!(micros("2026-01-02T00:00:00Z")),
            false,
        ),
        (
            "actual_end",
            json!({"dateCompleted": "2026-01-02T00:00:00.000Z"}),
            json!(micros("2026-01-02T00:00:00Z")),
            false,
        ),
        // Money is kept in ten-thousandths; numbers can arrive as texts.
        (
            "actual_cost",
            json!({"cost": 180.5}),
            json!(1_805_000),
            false,
        ),
        (
            "actual_cost",
            json!({"cost": "180.50"}),
            json!(1_805_000),
            false,
        ),
        ("actual_cost", json!({"cost": 0}), json!(0), false),
        // The unit of `time` is not known.
        ("actual_hours", json!({"time": 90}), json!(null), false),
        (
            "description",
            json!({"description": null}),
            json!(null),
            false,
        ),
    ];
    for (column, fields, want, beside) in rows {
        let mut record = fields.clone();
        record["title"] = json!("t");
        let (value, kept) = gives(Entity::WorkOrder, record, column);
        assert_eq!((value, kept), (want, beside), "{column} of {fields}");
    }
}

#[test]
fn the_number_for_people_is_kept_and_needed_fields_are_needed() {
    let record = json!({"title": "t", "workOrderNo": "0042"});
    assert_eq!(
        map(Entity::WorkOrder, &record).unwrap().number.as_deref(),
        Some("0042")
    );
    for (entity, field) in [(Entity::WorkOrder, "title"), (Entity::Asset, "name")] {
        for record in [json!({field: ""}), json!({field: null})] {
            let e = map(entity, &record).unwrap_err();
            assert_eq!((e.field.as_str(), e.reason), (field, "missing_field"));
        }
        // A record that is here has one already.
        let e = map(entity, &json!({})).unwrap().lacking.unwrap();
        assert_eq!((e.field.as_str(), e.reason), (field, "missing_field"));
    }
    let bad = json!({"title": "t", "dueDate": "tomorrow"});
    assert_eq!(map(Entity::WorkOrder, &bad).unwrap_err().field, "dueDate");
}
