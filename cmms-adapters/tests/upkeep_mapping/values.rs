//! Numbers and times of vendors that a careless reader gets wrong.

use super::{columns, map, micros, table};
use cmms_core::domain::entity::Entity;
use cmms_core::mapping::{Custom, EntityMapping, Mapped, VendorRecord, Written, compile_with};
use cmms_core::ports::adapter::Adapter as _;
use serde_json::{Value, json};

/// The number of a SIM card: 67 bits.
const SIM: &str = "89014103211118510720";

fn order(fields: Value) -> Value {
    let mut record = json!({ "id": "a", "title": "t", "status": "open", "priority": 2 });
    for (name, value) in fields.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

fn mapped(fields: Value) -> Mapped {
    map(Entity::WorkOrder, &order(fields)).unwrap()
}

fn refused(fields: Value) -> (String, &'static str, String) {
    let e = map(Entity::WorkOrder, &order(fields)).unwrap_err();
    (e.field, e.reason, e.detail)
}

#[test]
fn dust_of_computed_money_is_rounded_away_and_the_original_stays() {
    for (cost, units) in [
        (json!(0.300_000_000_000_000_04), 3_000),
        (json!(0.299_999_999_999_999_9), 3_000),
        (json!("12.34567"), 123_457),
    ] {
        let mapped = mapped(json!({ "cost": cost }));
        let row = columns(Entity::WorkOrder, &mapped);
        assert_eq!(row["actual_cost"], units, "{cost}");
        assert_eq!(mapped.vendor_values["actual_cost"], cost);
        assert!(!mapped.supplied.iter().any(|f| f == "actual_cost"));
    }
    let exact = mapped(json!({ "cost": 0.3 }));
    assert!(exact.vendor_values.get("actual_cost").is_none());
    let (field, _, detail) = refused(json!({ "cost": 12.34565 }));
    assert!(
        field == "cost" && detail.contains("four decimal places"),
        "{detail}"
    );
    let (field, _, detail) = refused(json!({ "cost": 12_345_678_901_234.5 }));
    assert!(
        field == "cost" && detail.contains("send it as text"),
        "{detail}"
    );
    assert_eq!(
        columns(
            Entity::WorkOrder,
            &mapped(json!({ "cost": "12345678901234.5678" }))
        )["actual_cost"],
        123_456_789_012_345_678_i64
    );
}

#[test]
fn whole_numbers_with_a_zero_fraction_are_whole() {
    let mapped =
        mapped(json!({ "priority": 3.0, "dueDate": 1_767_225_600_000.0, "assignedToUser": 17.0 }));
    let row = columns(Entity::WorkOrder, &mapped);
    assert_eq!(row["priority"], "high");
    assert_eq!(row["due_at"], micros("2026-01-01T00:00:00Z"));
    assert_eq!(row["assigned_to"], "17");
}

#[test]
fn the_sign_of_a_number_counts() {
    for priority in [json!(-1), json!("-1"), json!(-3.0)] {
        let mapped = mapped(json!({ "priority": priority }));
        assert_eq!(columns(Entity::WorkOrder, &mapped)["priority"], "medium");
        assert_eq!(mapped.vendor_values["priority"], priority);
    }
}

#[test]
fn a_time_that_is_unlikely_for_its_unit_is_refused_with_the_unit_that_it_looks_like() {
    for (due, looks) in [
        (json!(0), "no time at all"),
        (json!(1_767_225_600), "unix_s"),
        (json!("20261130"), "basic_date"),
        (json!("9999-12-31T23:59:60Z"), "should be a time"),
    ] {
        let (field, reason, detail) = refused(json!({ "dueDate": due }));
        assert_eq!((field.as_str(), reason), ("dueDate", "bad_date"));
        assert!(detail.contains(looks), "{due}: {detail}");
    }
}

fn custom(
    target: &str,
    rule: Option<&Value>,
    raw: &str,
) -> Result<Mapped, cmms_core::mapping::MapError> {
    let policy = cmms_adapters::EgressPolicy::default();
    let client = cmms_adapters::EgressClient::new(policy).unwrap();
    let adapter = cmms_adapters::UpkeepAdapter::new(std::sync::Arc::new(client));
    let entity = Entity::WorkOrder;
    let mapping: EntityMapping = adapter.default_mapping(entity).unwrap().clone();
    let written = Written {
        entity: Some(entity),
        source: "sim",
        target,
        rule,
        required: false,
        outward: false,
        when_absent: None,
    };
    let custom = Custom::check(&written).unwrap();
    let rules = compile_with(&mapping, table(entity), &[custom]).unwrap();
    rules.apply(&VendorRecord::read(raw).unwrap())
}

#[test]
fn large_whole_numbers_keep_their_digits_or_are_refused() {
    let raw = format!(r#"{{"id": "a", "title": "t", "sim": {SIM}}}"#);
    let line = custom("location", None, &raw).unwrap();
    assert_eq!(columns(Entity::WorkOrder, &line)["location"], SIM);
    let text = json!({ "type": "type_conversion", "to": "string" });
    let member = custom("custom_fields.sim", Some(&text), &raw).unwrap();
    assert_eq!(member.members[0].value, json!(SIM));
    for (target, rule) in [
        ("custom_fields.sim", None),
        (
            "custom_fields.sim",
            Some(json!({ "type": "default", "value": "none" })),
        ),
        (
            "custom_fields.sim",
            Some(json!({ "type": "type_conversion", "to": "number" })),
        ),
        (
            "custom_fields.sim",
            Some(json!({ "type": "type_conversion", "to": "list" })),
        ),
        ("estimated_hours", None),
        (
            "estimated_hours",
            Some(json!({ "type": "type_conversion", "to": "number" })),
        ),
    ] {
        let e = custom(target, rule.as_ref(), &raw).unwrap_err();
        assert_eq!(
            (e.field.as_str(), e.reason),
            ("sim", "large_number"),
            "{target} {rule:?}"
        );
        assert!(e.detail.contains("as text"), "{}", e.detail);
    }
    let nested = format!(r#"{{"id": "a", "title": "t", "sim": {{"n": [{SIM}]}}}}"#);
    assert!(custom("custom_fields", None, &nested).is_err());
    let text = format!(r#"{{"id": "a", "title": "t", "sim": "{SIM}"}}"#);
    assert_eq!(
        custom("custom_fields.sim", None, &text).unwrap().members[0].value,
        json!(SIM)
    );
}
