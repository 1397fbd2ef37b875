//! Assets.

use crate::printed::ASSET;
use crate::{columns, gives, map};
use cmms_core::domain::entity::Entity;
use serde_json::{Value, json};

#[test]
fn the_printed_asset_is_mapped() {
    let mapped = map(Entity::Asset, &serde_json::from_str(ASSET).unwrap()).unwrap();
    let want = json!({
        "name": "Pump 3", "model": "PX-40", "serial_number": "SN-0042", "status": "operational",
        "asset_type": "equipment", "location": {"location_name": "Lq8rT2vX5z"},
    });
    assert_eq!(Value::Object(columns(Entity::Asset, &mapped)), want);
    assert_eq!(
        Value::Object(mapped.vendor_values),
        json!({"asset_type": "Pumps"})
    );
    assert_eq!(mapped.references[0].external_id, None);
}

#[test]
fn every_row_of_the_sheets_tables_about_assets() {
    let rows = [
        (
            "status",
            json!({"status": "active"}),
            json!("operational"),
            false,
        ),
        (
            "status",
            json!({"status": "Active"}),
            json!("operational"),
            false,
        ),
        (
            "status",
            json!({"status": "inactive"}),
            json!("repair"),
            false,
        ),
        (
            "status",
            json!({"status": "Not operational"}),
            json!("repair"),
            false,
        ),
        (
            "status",
            json!({"status": "broken"}),
            json!("operational"),
            true,
        ),
        ("status", json!({}), json!("operational"), false),
        (
            "asset_type",
            json!({"category": "Vehicles"}),
            json!("vehicle"),
            false,
        ),
        (
            "asset_type",
            json!({"category": "machine"}),
            json!("machinery"),
            false,
        ),
        (
            "asset_type",
            json!({"category": "Pumps"}),
            json!("equipment"),
            true,
        ),
        (
            "asset_type",
            json!({"category": null}),
            json!("equipment"),
            false,
        ),
        ("serial_number", json!({"serial": 42}), json!("42"), false),
        (
            "serial_number",
            json!({"barcodeSerial": "v1"}),
            json!(null),
            false,
        ),
        ("model", json!({"model": ""}), json!(null), false),
        (
            "responsible_person",
            json!({"assignedToUser": {"id": "U"}}),
            json!("U"),
            false,
        ),
        (
            "location",
            json!({"location": {"name": "Hall", "address": "A 1", "latitude": 1.5, "longitude": "2"}}),
            json!({"location_name": "Hall", "address": "A 1", "coordinates": [1.5, 2.0]}),
            false,
        ),
        ("location", json!({"location": ""}), json!(null), false),
    ];
    for (column, fields, want, beside) in rows {
        let mut record = fields.clone();
        record["name"] = json!("n");
        let (value, kept) = gives(Entity::Asset, record, column);
        assert_eq!((value, kept), (want, beside), "{column} of {fields}");
    }
    for parent in [json!("P"), json!({"id": "P", "name": "x"})] {
        let mapped = map(Entity::Asset, &json!({"name": "n", "parentAsset": parent})).unwrap();
        assert_eq!(mapped.references[0].column, "parent_asset_id");
        assert_eq!(mapped.references[0].external_id.as_deref(), Some("P"));
    }
}
