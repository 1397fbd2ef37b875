//! Mappings that are tried out.

use crate::{PLACES, all, map};
use cmms::core::domain::audit::AuditEntry;
use cmms::core::services::mappings::{PreviewError, RecordsFrom};
use cmms::{Entity, FieldMapping, MappingDraft, PreviewMappings, WorkOrder};
use cmms_tests::{Plant, Where};
use serde_json::{Value, json};

fn draft(source: &str, target: &str, rule: Value) -> MappingDraft {
    let draft = MappingDraft::new(source, target);
    if rule.is_null() {
        draft
    } else {
        draft.transformation_rule(rule)
    }
}

/// Forty mappings of which each is bad in its own way: the place, what is named as wrong, and the value.
fn forty() -> Vec<(MappingDraft, &'static str, String)> {
    let mut all = Vec::new();
    // Ten whose rules cannot be used whatever the record.
    let rules = [
        (
            json!({ "type": "lokup", "table": {} }),
            "transformation_rule.type",
            "\"lokup\"",
        ),
        (
            json!({ "type": "unit", "from": "h" }),
            "transformation_rule.type",
            "\"unit\"",
        ),
        (
            json!({ "type": "lookup", "table": 5 }),
            "transformation_rule.table",
            "5",
        ),
        (
            json!({ "type": "type_conversion", "to": "float" }),
            "transformation_rule.to",
            "\"float\"",
        ),
        (
            json!({ "type": "date_format", "from": "%Q" }),
            "transformation_rule.from",
            "\"%Q\"",
        ),
        (
            json!({ "type": "date_format", "from": "date", "timezone": "Mars/Base" }),
            "transformation_rule.timezone",
            "\"Mars/Base\"",
        ),
        (
            json!({ "type": "substring", "start": -1 }),
            "transformation_rule.start",
            "-1",
        ),
        (
            json!({ "type": "string_manipulation", "steps": ["shout"] }),
            "transformation_rule.steps[0].op",
            "\"shout\"",
        ),
        (
            json!({ "type": "default", "value": "" }),
            "transformation_rule.value",
            "\"\"",
        ),
        (
            json!({ "type": "conditional", "if": { "op": "near", "value": 1 }, "then": "x" }),
            "transformation_rule.if.op",
            "\"near\"",
        ),
    ];
    for (i, (rule, field, value)) in rules.into_iter().enumerate() {
        let target = format!("work_order.custom_fields.rule_{i}");
        all.push((draft("title", &target, rule), field, value.to_owned()));
    }
    // Ten whose targets are not for mappings.
    for target in [
        "id",
        "version",
        "number",
        "source",
        "created_at",
        "updated_at",
        "asset_uid",
        "asset_pending",
        "created_by",
        "nothing",
    ] {
        let target = format!("work_order.{target}");
        all.push((
            draft("title", &target, Value::Null),
            "target_field",
            target.clone(),
        ));
    }
    // Twenty that fail on the record.
    let on_record = [
        ("text", "due_at", Value::Null),
        (
            "text",
            "scheduled_start",
            json!({ "type": "date_format", "from": "%d.%m.%Y" }),
        ),
        (
            "text",
            "scheduled_end",
            json!({ "type": "date_format", "from": "unix_s" }),
        ),
        (
            "text",
            "actual_start",
            json!({ "type": "date_format", "from": "rfc3339" }),
        ),
        (
            "text",
            "actual_end",
            json!({ "type": "date_format", "from": "date", "to": "rfc3339" }),
        ),
        (
            "text",
            "completed_at",
            json!({ "type": "date_format", "from": "%Y-%m-%d %H:%M", "timezone": "Europe/Berlin" }),
        ),
        ("text", "estimated_hours", Value::Null),
        (
            "text",
            "actual_hours",
            json!({ "type": "type_conversion", "to": "number" }),
        ),
        ("text", "estimated_cost", Value::Null),
        (
            "text",
            "actual_cost",
            json!({ "type": "type_conversion", "to": "money" }),
        ),
        (
            "text",
            "priority",
            json!({ "type": "lookup", "table": { "3": "high" } }),
        ),
        (
            "text",
            "status",
            json!({ "type": "string_manipulation", "steps": ["lower"] }),
        ),
        (
            "text",
            "work_order_type",
            json!({ "type": "substring", "start": 2 }),
        ),
        ("text", "tags", Value::Null),
        (
            "text",
            "custom_fields.whole",
            json!({ "type": "type_conversion", "to": "integer" }),
        ),
        (
            "text",
            "custom_fields.truth",
            json!({ "type": "type_conversion", "to": "boolean" }),
        ),
        (
            "text",
            "custom_fields.bare",
            json!({ "type": "string_manipulation", "steps": [{ "op": "strip_prefix", "value": "W-", "must": true }] }),
        ),
        ("list", "location", Value::Null),
        (
            "list",
            "safety_notes",
            json!({ "type": "substring", "length": 5 }),
        ),
        (
            "list",
            "description",
            json!({ "type": "type_conversion", "to": "string" }),
        ),
    ];
    for (source, target, rule) in on_record {
        let target = format!("work_order.{target}");
        let value = if source == "text" {
            "\"some words\""
        } else {
            "[1]"
        };
        all.push((draft(source, &target, rule), source, value.to_owned()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_bad_rules_each_is_named_with_field_and_value() {
    let bad = forty();
    assert_eq!(bad.len(), 40);
    for place in PLACES {
        let plant = Plant::small(place).await;
        let before = all::<AuditEntry>(&plant).await;
        let drafts: Vec<_> = bad.iter().map(|(draft, _, _)| draft.clone()).collect();
        let record = json!({ "id": "7", "title": "t", "text": "some words", "list": [1] });
        let ask = PreviewMappings::new(plant.connection.id)
            .mappings(drafts)
            .records(vec![record]);
        let preview = plant.client.mappings().preview(ask).await.unwrap();
        for (i, (draft, field, value)) in bad.iter().enumerate() {
            let of = |e: &&PreviewError| e.mapping == Some(i);
            let found: Vec<_> = preview.errors.iter().filter(of).collect();
            let named = found
                .iter()
                .find(|e| e.field == *field && e.value.as_ref() == Some(value));
            let named = named.unwrap_or_else(|| panic!("{i} {draft:?}: {found:#?}"));
            assert_eq!(
                named.target_field.as_deref(),
                Some(draft.target_field.as_str())
            );
            let kind = draft
                .transformation_rule
                .as_ref()
                .and_then(|r| r["type"].as_str());
            assert_eq!(named.rule.as_deref(), kind);
            for text in [&named.reason, &named.detail, &named.remedy] {
                assert!(!text.is_empty(), "{named:?}");
            }
        }
        assert!(!preview.records[0].ok);
        // Nothing is stored, not even in the audit.
        assert_eq!(all::<AuditEntry>(&plant).await, before);
        assert!(all::<FieldMapping>(&plant).await.is_empty());
        assert!(all::<WorkOrder>(&plant).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_each_field_before_and_after_on_real_records() {
    let plant = Plant::small(Where::Sqlite).await;
    let drafts = || {
        vec![
            draft(
                "title",
                "work_order.title",
                json!({ "type": "string_manipulation", "steps": ["upper"] }),
            ),
            draft(
                "customFields.0.value",
                "work_order.custom_fields.shift",
                Value::Null,
            ),
            draft("dueDate", "work_order.scheduled_start", Value::Null),
        ]
    };
    let ask = || {
        PreviewMappings::new(plant.connection.id)
            .mappings(drafts())
            .count(5_u32)
    };
    // Nothing has come in yet: the vendor is asked.
    let asked = plant.client.mappings().preview(ask()).await.unwrap();
    assert_eq!(
        (asked.records_from, asked.records.len()),
        (RecordsFrom::Vendor, 5)
    );
    plant.sync().await;
    plant.vendor().clear_requests();
    let stored = plant.client.mappings().preview(ask()).await.unwrap();
    assert_eq!(
        (stored.records_from, stored.records.len()),
        (RecordsFrom::Stored, 5)
    );
    assert!(plant.vendor().requests().is_empty());
    assert_eq!((stored.entity, stored.errors.len()), (Entity::WorkOrder, 0));
    let oracle = plant.vendor().oracle();
    for record in &stored.records {
        assert!(record.ok);
        let raw = &oracle.work_orders[record.external_id.as_ref().unwrap()];
        let [title, shift, start] = &record.fields[..] else {
            panic!("{record:?}")
        };
        let text = raw["title"].as_str().unwrap();
        assert_eq!(title.source_value, Some(json!(text)));
        assert_eq!(title.before, Some(json!(text)));
        assert_eq!(title.after, Some(json!(text.to_uppercase())));
        assert_eq!(
            (&shift.before, &shift.after),
            (&None, &Some(raw["customFields"][0]["value"].clone()))
        );
        assert_eq!(start.before, None);
        assert_eq!(start.after.is_some(), raw["dueDate"].is_string());
    }
    // Without mappings in the request, those that are stored are shown beside the default mapping.
    map(
        &plant,
        "title",
        "work_order.title",
        json!({ "type": "substring", "length": 1 }),
    )
    .await
    .unwrap();
    let ask = PreviewMappings::new(plant.connection.id)
        .entity(Entity::WorkOrder)
        .count(1_u32);
    let present = plant.client.mappings().preview(ask).await.unwrap();
    let title = &present.records[0].fields[0];
    let first = title
        .before
        .as_ref()
        .unwrap()
        .as_str()
        .unwrap()
        .chars()
        .next()
        .unwrap();
    assert_eq!(title.after, Some(json!(first.to_string())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_cannot_be_made_says_why() {
    let plant = Plant::small(Where::Memory).await;
    let ask = || PreviewMappings::new(plant.connection.id);
    for (ask, code, field) in [
        (ask(), "CMMS-INPUT-004", "entity"),
        (
            ask().entity(Entity::Asset).count(0_u32),
            "CMMS-INPUT-010",
            "count",
        ),
        (
            ask().entity(Entity::Asset).records(vec![json!({}); 101]),
            "CMMS-INPUT-010",
            "records",
        ),
    ] {
        let e = plant.client.mappings().preview(ask).await.unwrap_err();
        assert_eq!((e.code().id(), e.first_field()), (code, Some(field)));
    }
    plant.vendor().fail_next(100, 401, None);
    let e = plant
        .client
        .mappings()
        .preview(ask().entity(Entity::Asset))
        .await
        .unwrap_err();
    assert!(e.code().id().starts_with("CMMS-VENDOR"), "{e}");
    // Two that set the same field, and one for the other kind of record.
    let drafts = vec![
        draft("a", "asset.name", Value::Null),
        draft("b", "asset.name", Value::Null),
        draft("c", "work_order.title", Value::Null),
    ];
    let preview = plant
        .client
        .mappings()
        .preview(ask().mappings(drafts).records(vec![json!({ "name": "n" })]))
        .await
        .unwrap();
    let reasons: Vec<_> = preview
        .errors
        .iter()
        .map(|e| (e.mapping, e.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [(Some(1), "mapping_exists"), (Some(2), "invalid_value")],
        "{:?}",
        preview.errors
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_may_be_a_secret_is_not_shown() {
    let plant = Plant::small(Where::Memory).await;
    let ask = PreviewMappings::new(plant.connection.id)
        .mappings(vec![draft(
            "auth.apiToken",
            "asset.expected_lifespan",
            Value::Null,
        )])
        .records(vec![
            json!({ "name": "n", "auth": { "apiToken": "s3cr3t" } }),
        ]);
    let preview = plant.client.mappings().preview(ask).await.unwrap();
    assert_eq!(preview.errors[0].value.as_deref(), Some("(hidden)"));
    assert!(!format!("{:?}", preview.errors).contains("s3cr3t"));
}
