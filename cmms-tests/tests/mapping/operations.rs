//! Create, list, delete: what is taken, and what is refused with which field and words.

use crate::{PLACES, actions, all, map};
use cmms::core::ids::MappingId;
use cmms::{CreateMapping, Entity, FieldMapping, ListMappings, MappingDirection};
use cmms_tests::Plant;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn mappings_are_added_listed_and_removed() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        let rule = json!({ "type": "lookup", "table": { "early": "06:00" }, "default": "?" });
        let shift = map(
            &plant,
            "customFields.0.value",
            "work_order.custom_fields.shift",
            rule.clone(),
        )
        .await
        .unwrap();
        assert_eq!(
            (shift.entity, shift.target_field.as_str()),
            (Entity::WorkOrder, "custom_fields.shift")
        );
        assert_eq!(
            (shift.version, shift.is_required, shift.direction),
            (1, false, MappingDirection::In)
        );
        assert_eq!(shift.transformation_rule.clone().unwrap().0, rule);
        // A rule may come as the text of its JSON.
        let model = map(
            &plant,
            "model",
            "asset.manufacturer",
            json!(r#"{"type":"substring","length":3}"#),
        )
        .await
        .unwrap();
        assert_eq!(
            model.transformation_rule.clone().unwrap().0["type"],
            "substring"
        );
        let list = async |ask: ListMappings| plant.client.mappings().list(ask).await.unwrap();
        let of = |page: cmms::Page<FieldMapping>| -> Vec<MappingId> {
            page.items.iter().map(|m| m.id).collect()
        };
        assert_eq!(of(list(ListMappings::new()).await), [shift.id, model.id]);
        assert_eq!(
            of(list(ListMappings::new().entity(Entity::Asset)).await),
            [model.id]
        );
        let first = list(
            ListMappings::new()
                .cmms_connection_id(plant.connection.id)
                .limit(1_u32),
        )
        .await;
        let next = ListMappings::new()
            .cmms_connection_id(plant.connection.id)
            .limit(1_u32)
            .cursor(first.next.unwrap());
        assert_eq!(of(list(next).await), [model.id]);
        let gone = plant.client.mappings().delete(shift.id).await.unwrap();
        assert_eq!(gone.mapping_id, shift.id);
        let e = plant.client.mappings().delete(shift.id).await.unwrap_err();
        assert_eq!(
            (e.code().id(), e.first_field()),
            ("CMMS-MAP-001", Some("mapping_id"))
        );
        assert_eq!(of(list(ListMappings::new()).await), [model.id]);
        let actions = actions(&plant).await;
        assert_eq!(actions.iter().filter(|a| *a == "mapping.create").count(), 2);
        assert_eq!(actions.iter().filter(|a| *a == "mapping.delete").count(), 1);
        // With the connection goes what is laid over its vendor's mapping.
        plant
            .client
            .connections()
            .delete(plant.connection.id)
            .await
            .unwrap();
        assert!(all::<FieldMapping>(&plant).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_mapping_is_refused_with_field_and_remedy() {
    let plant = Plant::small(PLACES[0]).await;
    let none = Value::Null;
    let cases: [(&str, &str, Value, &str, &str, &str); 16] = [
        (
            "x",
            "title",
            none.clone(),
            "CMMS-INPUT-004",
            "entity",
            "asset.title",
        ),
        (
            "",
            "asset.name",
            none.clone(),
            "CMMS-INPUT-003",
            "source_field",
            "empty name",
        ),
        (
            "a..b",
            "asset.name",
            none.clone(),
            "CMMS-INPUT-003",
            "source_field",
            "empty name",
        ),
        (
            "x",
            "work_order.titel",
            none.clone(),
            "CMMS-MAP-005",
            "target_field",
            "did you mean title?",
        ),
        (
            "x",
            "work_order.number",
            none.clone(),
            "CMMS-MAP-005",
            "target_field",
            "Allowed are: title",
        ),
        (
            "x",
            "work_order.id",
            none.clone(),
            "CMMS-MAP-005",
            "target_field",
            "Allowed are: title",
        ),
        (
            "x",
            "asset.version",
            none.clone(),
            "CMMS-MAP-005",
            "target_field",
            "Allowed are: name",
        ),
        (
            "x",
            "asset.asset_id",
            none.clone(),
            "CMMS-MAP-005",
            "target_field",
            "Allowed are: name",
        ),
        (
            "x",
            "asset.custom_fields.",
            none.clone(),
            "CMMS-MAP-005",
            "target_field",
            "1 to 100",
        ),
        (
            "x",
            "asset.location.room",
            none.clone(),
            "CMMS-MAP-005",
            "target_field",
            "no fields of its own",
        ),
        (
            "x",
            "asset.name",
            json!({ "type": "unit" }),
            "CMMS-MAP-004",
            "transformation_rule.type",
            "not supported yet",
        ),
        (
            "x",
            "asset.name",
            json!({ "type": "defualt" }),
            "CMMS-MAP-003",
            "transformation_rule.type",
            "did you mean default?",
        ),
        (
            "x",
            "asset.name",
            json!("upper"),
            "CMMS-MAP-003",
            "transformation_rule",
            "no JSON",
        ),
        (
            "x",
            "asset.status",
            json!({ "type": "default", "value": "broken" }),
            "CMMS-MAP-003",
            "transformation_rule.value",
            "operational",
        ),
        (
            "x",
            "asset.warranty_expiry",
            json!({ "type": "date_format", "from": "unix_s", "to": "%d.%m.%Y" }),
            "CMMS-MAP-003",
            "transformation_rule.to",
            "a date",
        ),
        (
            "x",
            "work_order.estimated_hours",
            json!({ "type": "default", "value": -1 }),
            "CMMS-MAP-003",
            "transformation_rule.value",
            "from 0",
        ),
    ];
    for (source, target, rule, code, field, says) in cases {
        let e = map(&plant, source, target, rule).await.unwrap_err();
        assert_eq!(
            (e.code().id(), e.first_field()),
            (code, Some(field)),
            "{source} {target}: {e}"
        );
        assert!(e.violations()[0].detail.contains(says), "{e}");
        assert!(!e.remedy().is_empty());
    }
    let clash =
        CreateMapping::new(plant.connection.id, "x", "asset.name").entity(Entity::WorkOrder);
    let e = plant.client.mappings().create(clash).await.unwrap_err();
    assert_eq!(e.first_field(), Some("entity"));
    let nobody = CreateMapping::new(
        cmms::core::ids::ConnectionId(uuid::Uuid::nil()),
        "x",
        "asset.name",
    );
    let e = plant.client.mappings().create(nobody).await.unwrap_err();
    assert_eq!(e.code().id(), "CMMS-CONN-001");
    assert!(all::<FieldMapping>(&plant).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_has_one_mapping_for_each_direction() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        let make = async |source: &str, direction, rule: Value| {
            let mut input =
                CreateMapping::new(plant.connection.id, source, "asset.model").direction(direction);
            if !rule.is_null() {
                input = input.transformation_rule(rule);
            }
            plant.client.mappings().create(input).await
        };
        let first = make("a", MappingDirection::In, Value::Null).await.unwrap();
        for direction in [MappingDirection::In, MappingDirection::Both] {
            let e = make("b", direction, Value::Null).await.unwrap_err();
            assert_eq!(
                (e.code().id(), e.first_field()),
                ("CMMS-MAP-002", Some("target_field"))
            );
            assert_eq!(
                e.subject_of(),
                Some(("mapping_id", first.id.to_string().as_str()))
            );
        }
        make("b", MappingDirection::Out, Value::Null).await.unwrap();
        plant.client.mappings().delete(first.id).await.unwrap();
        let lossy = json!({ "type": "string_manipulation", "steps": ["upper"] });
        let e = make("c", MappingDirection::Both, lossy).await.unwrap_err();
        assert_eq!(
            (e.code().id(), e.first_field()),
            ("CMMS-MAP-003", Some("direction"))
        );
        assert!(
            e.to_string().contains("the case of the letters is lost"),
            "{e}"
        );
    }
}
