//! The table of operations and what it makes of inputs.

#![expect(clippy::unwrap_used, reason = "a test speaks by panics")]

use cmms_core::error::ALL_CODES;
use cmms_core::ops::{Input, OPERATIONS, decode, find, schema};
use cmms_core::services::assets::RegisterAsset;
use cmms_core::services::work_orders::{CreateWorkOrder, ListWorkOrders, UpdateWorkOrder};
use cmms_core::{Error, request::Patch};
use proptest::prelude::*;
use serde_json::{Value, json};

fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(body: Value) -> Error {
    decode::<T>(Input::of(body).unwrap()).unwrap_err()
}

#[test]
fn whole_numbers_beyond_64_bits_are_refused_and_never_rounded() {
    for digits in [
        "18446744073709551616",
        "-9223372036854775809",
        "89014103211118510720",
    ] {
        let body = format!(r#"{{"title": "x", "custom_fields": {{"sims": [1, {digits}]}}}}"#);
        let e = Input::parse(body.as_bytes()).unwrap_err();
        assert_eq!(e.code().id(), "CMMS-INPUT-010");
        assert_eq!(e.first_field(), Some("custom_fields.sims.1"));
        assert!(e.message().contains("send it as text"), "{e}");
        let text = format!(r#"{{"title": "x", "custom_fields": {{"sim": "{digits}"}}}}"#);
        assert!(Input::parse(text.as_bytes()).is_ok());
    }
    assert!(Input::parse(br#"{"custom_fields": {"a": 18446744073709551615, "b": 1e300}}"#).is_ok());
}

#[test]
fn a_leap_second_is_refused_where_a_time_is_wanted() {
    for leap in [
        "9999-12-31T23:59:60Z",
        "2016-12-31T23:59:60+00:00",
        "2016-12-31T23:59:60.5Z",
    ] {
        let e = refused::<CreateWorkOrder>(json!({ "title": "x", "due_at": leap }));
        assert_eq!(
            (e.code().id(), e.first_field()),
            ("CMMS-INPUT-007", Some("due_at"))
        );
        let mut input = Input::default();
        input.text("updated_since", leap);
        let e = decode::<ListWorkOrders>(input).unwrap_err();
        assert_eq!(e.first_field(), Some("updated_since"));
        assert!(decode::<CreateWorkOrder>(Input::of(json!({ "title": leap })).unwrap()).is_ok());
    }
}

#[test]
fn every_refusal_names_code_and_field() {
    let cases = [
        (json!({}), "CMMS-INPUT-004", "title", "missing"),
        (
            json!({ "titel": "x" }),
            "CMMS-INPUT-002",
            "titel",
            "did you mean title?",
        ),
        (
            json!({ "title": "x", "zzz": 1 }),
            "CMMS-INPUT-002",
            "zzz",
            "known are",
        ),
        (
            json!({ "title": 5 }),
            "CMMS-INPUT-005",
            "title",
            "a whole number",
        ),
        (
            json!({ "title": "a\u{0}" }),
            "CMMS-INPUT-008",
            "title",
            "U+0000",
        ),
        (
            json!({ "title": "x", "priority": "urgent" }),
            "CMMS-INPUT-006",
            "priority",
            "critical, high",
        ),
        (
            json!({ "title": "x", "due_at": "tomorrow" }),
            "CMMS-INPUT-007",
            "due_at",
            "2024-01-15T09:00:00Z",
        ),
        (
            json!({ "title": "x", "due_at": "2024-01-15T09:00:00" }),
            "CMMS-INPUT-007",
            "due_at",
            "2024-01-15",
        ),
        (
            json!({ "title": "x", "due_at": "2024-02-30T09:00:00Z" }),
            "CMMS-INPUT-007",
            "due_at",
            "2024-01-15",
        ),
        (
            json!({ "title": "x", "estimated_hours": "4" }),
            "CMMS-INPUT-005",
            "estimated_hours",
            "a text",
        ),
        (
            json!({ "title": "x", "estimated_cost": "1.23456" }),
            "CMMS-INPUT-003",
            "estimated_cost",
            "decimal",
        ),
        (
            json!({ "title": "x", "tags": ["a", 2] }),
            "CMMS-INPUT-005",
            "tags[1]",
            "a whole number",
        ),
        (
            json!({ "title": "x", "tags": "a" }),
            "CMMS-INPUT-005",
            "tags",
            "a text",
        ),
        (
            json!({ "title": "x", "custom_fields": { "a": "\u{0}" } }),
            "CMMS-INPUT-008",
            "custom_fields.a",
            "U+0000",
        ),
    ];
    for (body, code, field, says) in cases {
        let e = refused::<CreateWorkOrder>(body.clone());
        assert_eq!(
            (e.code().id(), e.first_field()),
            (code, Some(field)),
            "{body}: {e}"
        );
        assert!(e.to_string().contains(says), "{body}: {e}");
        assert!(!e.remedy().is_empty());
    }
    let e = refused::<RegisterAsset>(json!({
        "asset_id": "a", "name": "n", "asset_type": "tool", "installation_date": "01/02/2024"
    }));
    assert_eq!(
        (e.code().id(), e.first_field()),
        ("CMMS-INPUT-007", Some("installation_date"))
    );
    let e = refused::<UpdateWorkOrder>(json!({ "work_order_id": "12" }));
    assert_eq!(
        (e.code().id(), e.first_field()),
        ("CMMS-INPUT-003", Some("work_order_id"))
    );
}

#[test]
fn refusals_speak_no_programming_language() {
    let cases = [
        (
            json!({ "limit": true }),
            "should be a whole number from 0 to 4294967295 and is true or false",
        ),
        (
            json!({ "limit": -1 }),
            "must be a whole number from 0 to 4294967295",
        ),
        (json!({ "limit": "x" }), "is a text"),
        (json!({ "sort": 3 }), "is a whole number"),
        (json!({ "cursor": [1] }), "should be a text and is a list"),
    ];
    for (body, says) in cases {
        let e = refused::<ListWorkOrders>(body.clone());
        assert!(e.message().contains(says), "{body}: {e}");
    }
    let cases = [
        (
            json!({ "title": "x", "estimated_hours": [] }),
            "should be a number and is a list",
        ),
        (
            json!({ "title": "x", "tags": 1 }),
            "should be a list and is a whole number",
        ),
        (
            json!({ "title": "x", "custom_fields": 1 }),
            "should be an object and is a whole number",
        ),
        (
            json!({ "title": "x", "due_at": "2024-01-15" }),
            "is a date: write the time with its offset, such as 2024-01-15T09:00:00Z",
        ),
    ];
    for (body, says) in cases {
        let e = refused::<CreateWorkOrder>(body.clone());
        assert!(e.message().contains(says), "{body}: {e}");
        // What is refused is not what the remedy recommends.
        assert!(!e.remedy().contains("dates as"), "{}", e.remedy());
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_an_input_and_utf16_is_named() {
    let text = "\u{feff}{\"title\": \"x\"}";
    let read = Input::parse(text.as_bytes()).unwrap();
    assert_eq!(read.body.get("title"), Some(&json!("x")));
    assert!(Input::parse("\u{feff}".as_bytes()).unwrap().body.is_empty());
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        for text in [text, "{}"] {
            let wide: Vec<u8> = text.encode_utf16().flat_map(order).collect();
            let e = Input::parse(&wide).unwrap_err();
            assert_eq!(e.code().id(), "CMMS-INPUT-001");
            assert!(
                e.message().contains("UTF-16") && e.remedy().contains("UTF-8"),
                "{e}"
            );
        }
    }
}

#[test]
fn broken_json_says_where_it_breaks() {
    let e = Input::parse(b"{\"title\": }").unwrap_err();
    assert_eq!(e.code().id(), "CMMS-INPUT-001");
    assert!(e.message().contains("line 1"), "{e}");
    assert!(Input::parse(b"[1]").is_err());
    assert!(Input::parse(b"  ").is_ok());
}

#[test]
fn texts_of_path_and_query_become_what_the_field_is() {
    let mut input = Input::default();
    input.text("limit", "7");
    input.text("status", "in_progress");
    let list: ListWorkOrders = decode(input.clone()).unwrap();
    assert_eq!(list.limit, Some(7));
    input.text("limit", "8");
    let e = decode::<ListWorkOrders>(input).unwrap_err();
    assert_eq!(e.first_field(), Some("limit"));
    let mut both = Input::of(json!({ "work_order_id": "x" })).unwrap();
    both.text("work_order_id", "y");
    let e = decode::<UpdateWorkOrder>(both).unwrap_err();
    assert_eq!(e.first_field(), Some("work_order_id"), "{e}");
}

/// JSON has one kind of number: what has no fraction is whole, however it is written.
#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let id = uuid::Uuid::nil();
    let version = |n: Value| {
        let body = json!({ "work_order_id": id, "version": n });
        decode::<UpdateWorkOrder>(Input::of(body).unwrap())
    };
    assert_eq!(version(json!(3.0)).unwrap().version, Some(3));
    assert_eq!(
        version(json!(-9e15)).unwrap().version,
        Some(-9_000_000_000_000_000)
    );
    for other in [json!(3.5), json!(1e300), json!(9.3e18)] {
        assert_eq!(version(other).unwrap_err().first_field(), Some("version"));
    }
}

#[test]
fn a_patch_tells_absent_from_null() {
    let id = uuid::Uuid::nil();
    let patch: UpdateWorkOrder =
        decode(Input::of(json!({ "work_order_id": id, "due_at": null, "title": "t" })).unwrap())
            .unwrap();
    assert_eq!(patch.due_at, Patch::Clear);
    assert_eq!(patch.title, Patch::Set("t".to_owned()));
    assert_eq!(patch.location, Patch::Keep);
}

#[test]
fn names_and_routes_are_unique_and_errors_exist() {
    let mut names: Vec<_> = OPERATIONS.iter().map(|op| op.meta.name).collect();
    let mut routes: Vec<_> = OPERATIONS
        .iter()
        .map(|op| (op.meta.verb.as_str(), op.meta.path))
        .collect();
    for op in OPERATIONS {
        for id in op.meta.errors {
            assert!(ALL_CODES.iter().any(|c| c.id() == *id), "{id}");
        }
    }
    names.sort_unstable();
    names.dedup();
    routes.sort_unstable();
    routes.dedup();
    assert_eq!(
        (names.len(), routes.len()),
        (OPERATIONS.len(), OPERATIONS.len())
    );
    assert!(
        find("work_order.create")
            .unwrap_err()
            .message()
            .contains("work_orders.create")
    );
}

#[test]
fn openapi_describes_every_operation_and_every_reference_leads_somewhere() {
    let api = schema::openapi();
    for op in OPERATIONS {
        let described = &api["paths"][op.meta.path][op.meta.verb.as_str().to_lowercase()];
        assert_eq!(described["operationId"], op.meta.name);
        for field in op.meta.path_fields() {
            let parameters = described["parameters"].as_array().unwrap();
            assert!(
                parameters
                    .iter()
                    .any(|p| p["name"] == field && p["in"] == "path"),
                "{}",
                op.meta.name
            );
        }
    }
    let mut open = vec![&api];
    while let Some(node) = open.pop() {
        match node {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    assert!(api.pointer(to.trim_start_matches('#')).is_some(), "{to}");
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}

#[test]
fn every_change_can_name_the_version_that_it_was_made_on() {
    let openapi = schema::openapi();
    for op in OPERATIONS {
        let verb = op.meta.verb.as_str();
        if !matches!(verb, "PATCH" | "PUT" | "DELETE") {
            continue;
        }
        let shown = &openapi["paths"][op.meta.path][verb.to_lowercase()];
        let in_query = shown["parameters"].as_array().unwrap().iter();
        let mut in_query = in_query.filter(|parameter| parameter["in"] == "query");
        let in_query = in_query.any(|parameter| parameter["name"] == "version");
        let body = &shown["requestBody"]["content"]["application/json"]["schema"];
        assert!(
            in_query || body["properties"]["version"].is_object(),
            "{}",
            op.meta.name
        );
        assert!(
            op.meta.errors.contains(&"CMMS-STORE-001"),
            "{}",
            op.meta.name
        );
        let answer = &shown["responses"][op.meta.success.to_string()];
        let is_gone = verb == "DELETE";
        assert!(
            is_gone || answer["headers"]["ETag"].is_object(),
            "{}",
            op.meta.name
        );
        assert!(shown["responses"]["412"].is_object(), "{}", op.meta.name);
    }
}

#[test]
fn one_value_and_several_are_read_where_any_is_wanted() {
    let statuses = |input: Input| {
        let list: ListWorkOrders = decode(input).unwrap();
        let asked = list.status.unwrap().0;
        asked.iter().map(|s| s.as_str()).collect::<Vec<_>>()
    };
    let mut texts = Input::default();
    texts.text("status", "draft");
    assert_eq!(statuses(texts.clone()), ["draft"]);
    texts.text("status", "on_hold");
    assert_eq!(statuses(texts), ["draft", "on_hold"]);
    let of = |value: Value| Input::of(json!({ "status": value })).unwrap();
    assert_eq!(statuses(of(json!("draft"))), ["draft"]);
    assert_eq!(
        statuses(of(json!(["draft", "closed"]))),
        ["draft", "closed"]
    );
    let e = decode::<ListWorkOrders>(of(json!(["draft", "onhold"]))).unwrap_err();
    assert_eq!(e.first_field(), Some("status[1]"));
    let e = decode::<ListWorkOrders>(of(json!(5))).unwrap_err();
    assert_eq!(
        (e.first_field(), e.code().id()),
        (Some("status"), "CMMS-INPUT-005")
    );
}

#[test]
fn only_fields_that_hold_a_secret_are_kept_from_the_command_line() {
    let mut secret = find("connections.create").unwrap().secret_fields();
    secret.sort();
    assert_eq!(secret, ["api_key", "credentials", "password"]);
    assert!(
        find("work_orders.create")
            .unwrap()
            .secret_fields()
            .is_empty()
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,12}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Whatever comes in, the answer is a value or an error that names a field; and no value of the input that
    /// could be a secret is in the message of a type error.
    #[test]
    fn any_input_is_read_or_refused_with_a_field(field in "(title|priority|due_at|tags|asset_id|estimated_hours)", value in any_json()) {
        let mut body = json!({ "title": "t" });
        body[&field] = value;
        match decode::<CreateWorkOrder>(Input::of(body).unwrap()) {
            Ok(_) => {}
            Err(e) => prop_assert!(e.first_field().is_some_and(|f| f.starts_with(&field)), "{e}"),
        }
    }

    /// A number that is written is read again as the same number, whatever it is.
    #[test]
    fn every_number_survives_its_text(bits in any::<u64>(), whole in any::<i64>(), unsigned in any::<u64>()) {
        let float = Some(f64::from_bits(bits)).filter(|f| f.is_finite()).unwrap_or(0.1);
        let json = json!({ "title": "t", "custom_fields": { "f": float, "i": whole, "u": unsigned } });
        let text = json.to_string();
        let input: CreateWorkOrder = decode(Input::parse(text.as_bytes()).unwrap()).unwrap();
        let fields = Value::Object(input.custom_fields.unwrap());
        prop_assert_eq!(&fields, &json["custom_fields"]);
        prop_assert_eq!(fields.to_string(), json["custom_fields"].to_string());
    }

    /// Money survives its own text.
    #[test]
    fn money_survives_its_text(units in -899_999_999_999_999i64..899_999_999_999_999, places in 0u32..5) {
        let text = rust_decimal::Decimal::new(units, places).to_string();
        let money: cmms_core::money::Money = text.parse().unwrap();
        prop_assert_eq!(money, money.to_string().parse().unwrap());
        let json = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(money, serde_json::from_str(&json).unwrap());
    }
}
