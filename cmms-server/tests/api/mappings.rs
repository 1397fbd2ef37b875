//! Field mappings and the quarantine over REST.

use crate::fixture::Fixture;
use cmms_sim::upkeep::{SimEntity, UpkeepConfig, UpkeepSim};
use serde_json::{Value, json};

/// A connection to a simulated vendor whose first work order has a cost that is no number.
async fn plant() -> (Fixture, UpkeepSim, String, String) {
    let config = UpkeepConfig::default().assets(3).work_orders(8);
    let (user, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let url = sim.base_url();
    let api = Fixture::with(&[("CMMS_EGRESS_ALLOW", &url)], Vec::new()).await;
    let body = json!({
        "cmms_type": "upkeep", "api_url": url, "connection_name": "Plant", "username": user, "password": password
    });
    let id = api.post("/cmms/connections", body).await.is(201).id();
    let first = sim
        .vendor()
        .oracle()
        .work_orders
        .keys()
        .next()
        .unwrap()
        .clone();
    let patch = json!({ "cost": "12 EUR" });
    sim.vendor().update(SimEntity::WorkOrder, &first, patch);
    (api, sim, id, first)
}

fn euros(connection: &str) -> Value {
    json!({
        "cmms_connection_id": connection,
        "source_field": "cost",
        "target_field": "work_order.actual_cost",
        "transformation_rule": {
            "type": "string_manipulation",
            "steps": [{ "op": "strip_suffix", "value": " EUR" }],
        },
        "is_required": false,
    })
}

#[tokio::test]
async fn a_mapping_is_tried_added_used_and_removed() {
    let (api, _sim, id, first) = plant().await;
    let mut draft = euros(&id);
    draft.as_object_mut().unwrap().remove("cmms_connection_id");
    let body = json!({ "cmms_connection_id": id, "mappings": [draft], "records": [{ "id": 1, "title": "t", "cost": "5 EUR" }] });
    let preview = api.post("/cmms/mappings/preview", body).await.is(200);
    let field = &preview.json["records"][0]["fields"][0];
    assert_eq!(
        (&field["source_value"], &field["after"]),
        (&json!("5 EUR"), &json!("5.00")),
        "{}",
        preview.text
    );
    assert_eq!(preview.json["records_from"], "given");

    let run = api
        .post("/cmms/sync/all", json!({ "cmms_connection_id": id }))
        .await
        .is(200);
    assert_eq!(
        (&run.json["status"], &run.json["quarantined"]),
        (&json!("partial"), &json!(1)),
        "{}",
        run.text
    );
    let made = api.post("/cmms/mappings", euros(&id)).await.is(201);
    assert_eq!(made.json["entity"], "work_order");
    assert_eq!(made.json["target_field"], "actual_cost");
    assert_eq!(
        made.json["transformation_rule"]["type"],
        "string_manipulation"
    );
    let list = api
        .get(&format!(
            "/cmms/mappings?cmms_connection_id={id}&entity=work_order"
        ))
        .await
        .is(200);
    assert_eq!(
        (&list.json["items"][0], &list.json["next"]),
        (&made.json, &Value::Null)
    );

    let run = api
        .post("/cmms/sync/all", json!({ "cmms_connection_id": id }))
        .await
        .is(200);
    assert_eq!(
        (&run.json["status"], &run.json["created"]),
        (&json!("ok"), &json!(1)),
        "{}",
        run.text
    );
    let orders = api.get("/work-orders?limit=500").await.is(200);
    let healed = orders.json["items"].as_array().unwrap().iter();
    let healed = healed
        .clone()
        .find(|o| o["external"][0]["external_id"] == json!(first))
        .unwrap();
    assert_eq!(healed["actual_cost"], "12.00");
    assert!(healed["external"][0].get("fields").is_none());
    let one = api
        .get(&format!("/work-orders/{}", healed["id"].as_str().unwrap()))
        .await
        .is(200);
    assert_eq!(one.json["external"][0]["fields"]["actual_cost"], "vendor");

    let path = format!("/cmms/mappings/{}", made.id());
    let gone = api.json("DELETE", &path, json!({})).await.is(200);
    assert_eq!(gone.json["mapping_id"], made.json["id"]);
    api.json("DELETE", &path, json!({}))
        .await
        .problem(404, "CMMS-MAP-001");
}

#[tokio::test]
async fn a_quarantined_record_is_retried_and_discarded() {
    let (api, _sim, id, first) = plant().await;
    api.post(
        "/cmms/sync/work-orders",
        json!({ "cmms_connection_id": id }),
    )
    .await
    .is(200);
    let list = api
        .get(&format!(
            "/cmms/quarantine?cmms_connection_id={id}&entity=work_order&state=open"
        ))
        .await
        .is(200);
    let item = &list.json["items"][0];
    assert_eq!(
        (&item["external_id"], &item["field"], &item["reason"]),
        (&json!(first), &json!("cost"), &json!("bad_number"))
    );
    assert_eq!(item["raw"]["cost"], "12 EUR");
    let path = format!("/cmms/quarantine/{}", item["id"].as_str().unwrap());
    let retry = api.post(&format!("{path}/retry"), json!({})).await.is(200);
    assert_eq!(
        (&retry.json["state"], &retry.json["attempts"]),
        (&json!("open"), &json!(2))
    );
    let out = api
        .post(&format!("{path}/discard"), json!({}))
        .await
        .is(200);
    assert_eq!(out.json["state"], "discarded");
    // Somebody thinks better of it.
    api.post("/cmms/mappings", euros(&id)).await.is(201);
    let back = api.post(&format!("{path}/retry"), json!({})).await.is(200);
    assert_eq!(back.json["state"], "resolved");
    api.post(&format!("{path}/discard"), json!({}))
        .await
        .problem(409, "CMMS-SYNC-008");
    let nobody = "/cmms/quarantine/00000000-0000-7000-8000-000000000000/retry";
    api.post(nobody, json!({}))
        .await
        .problem(404, "CMMS-SYNC-007");
}

#[tokio::test]
async fn what_is_wrong_with_a_mapping_is_a_problem_with_its_field() {
    let (api, _sim, id, _) = plant().await;
    let with = |name: &str, value: Value| {
        let mut body = euros(&id);
        body[name] = value;
        body
    };
    api.post("/cmms/mappings", euros(&id)).await.is(201);
    for (body, status, code, field) in [
        (euros(&id), 409, "CMMS-MAP-002", "target_field"),
        (
            with("transformation_rule", json!({ "type": "expression" })),
            422,
            "CMMS-MAP-004",
            "transformation_rule.type",
        ),
        (
            with(
                "transformation_rule",
                json!({ "type": "lookup", "table": {} }),
            ),
            422,
            "CMMS-MAP-003",
            "transformation_rule.table",
        ),
        (
            with("target_field", json!("work_order.created_by")),
            422,
            "CMMS-MAP-005",
            "target_field",
        ),
        (
            with("target_field", json!("actual_cost")),
            422,
            "CMMS-INPUT-004",
            "entity",
        ),
        (
            with("direction", json!("sideways")),
            422,
            "CMMS-INPUT-006",
            "direction",
        ),
        (with("source", json!("x")), 422, "CMMS-INPUT-002", "source"),
        (
            with(
                "cmms_connection_id",
                json!("00000000-0000-7000-8000-000000000000"),
            ),
            404,
            "CMMS-CONN-001",
            "cmms_connection_id",
        ),
    ] {
        let reply = api.post("/cmms/mappings", body).await.problem(status, code);
        assert_eq!(reply.json["field"], field, "{}", reply.text);
    }
}
