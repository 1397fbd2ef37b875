//! The audit log, as it is read: each change is in it once, found by object, actor, action and time.

use crate::fixture::{Fixture, request};
use axum::body::Body;
use cmms::core::testing::SteppedClock;
use cmms::{CreateWorkOrder, Principal};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The actions of the entries that a query finds, over pages of 2.
async fn actions(api: &Fixture, query: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = api
            .get(&format!("/audit?limit=2&{query}{next}"))
            .await
            .is(200);
        let items = page.json["items"].as_array().unwrap();
        found.extend(
            items
                .iter()
                .map(|i| i["action"].as_str().unwrap().to_owned()),
        );
        match &page.json["next"] {
            Value::String(cursor) => next = format!("&cursor={cursor}"),
            _ => return found,
        }
    }
}

#[tokio::test]
async fn audit_entries_are_found_by_object_actor_action_and_time() {
    let clock = Arc::new(SteppedClock::default());
    let api = Fixture::built(&[], |builder| builder.clock(clock.clone())).await;
    let day = || clock.advance(Duration::from_secs(24 * 3_600));
    let order = api
        .post("/work-orders", json!({ "title": "Check pump" }))
        .await
        .is(201);
    let (id, number) = (order.id(), order.json["number"].as_str().unwrap());
    day();
    let asset = json!({ "asset_id": "PUMP-1", "name": "Pump", "asset_type": "equipment" });
    api.post("/assets", asset).await.is(201);
    day();
    api.json(
        "PATCH",
        &format!("/work-orders/{id}"),
        json!({ "title": "Check both pumps" }),
    )
    .await
    .is(200);
    day();
    let maria = api.client.acting_as(Principal::user("maria"));
    maria
        .work_orders()
        .create(CreateWorkOrder::new("Another"))
        .await
        .unwrap();
    let all = [
        "work_order.create",
        "work_order.update",
        "asset.register",
        "work_order.create",
    ];
    assert_eq!(actions(&api, "").await, all);
    for (query, found) in [
        ("sort=at".to_owned(), vec![all[3], all[2], all[1], all[0]]),
        ("object=work_order".to_owned(), vec![all[0], all[1], all[3]]),
        (format!("object=work_order:{id}"), vec![all[1], all[3]]),
        (format!("object=work_order:{number}"), vec![all[1], all[3]]),
        ("object=asset:PUMP-1".to_owned(), vec![all[2]]),
        ("object=asset:PUMP-2".to_owned(), vec![]),
        ("object=run".to_owned(), vec![]),
        ("actor=user:maria".to_owned(), vec![all[0]]),
        ("actor=user:nobody".to_owned(), vec![]),
        ("action=work_order.create".to_owned(), vec![all[0], all[3]]),
        ("since=2024-01-16".to_owned(), vec![all[0], all[1], all[2]]),
        (
            "since=2024-01-16&before=2024-01-18T00:00:00Z".to_owned(),
            vec![all[1], all[2]],
        ),
        (
            "action=work_order.create&since=2024-01-17".to_owned(),
            vec![all[0]],
        ),
    ] {
        assert_eq!(actions(&api, &query).await, found, "{query}");
    }
    let shown = api
        .get(&format!("/audit?object=work_order:{id}&limit=1"))
        .await
        .is(200);
    let entry = &shown.json["items"][0];
    assert_eq!(entry["object_id"], id);
    assert_eq!(entry["object_version"], 2);
    assert_eq!(entry["actor"], order.json["created_by"]);
    assert_eq!(entry["result"], "ok");
    assert_eq!(entry["at"].as_str().unwrap(), "2024-01-17T09:00:00Z");
    assert_eq!(
        entry["change"],
        json!([{ "field": "title", "before": "Check pump", "after": "Check both pumps" }])
    );
}

/// Times and money are shown as in the records themselves, not as a store keeps them.
#[tokio::test]
async fn values_of_the_audit_are_shown_as_in_answers() {
    let api = Fixture::new().await;
    let id = api.order("t").await;
    let changed = json!({ "estimated_cost": "12.50", "due_at": "2024-01-31T17:00:00Z" });
    api.json("PATCH", &format!("/work-orders/{id}"), changed)
        .await
        .is(200);
    let shown = api.get("/audit?limit=1").await.is(200);
    let change = shown.json["items"][0]["change"].as_array().unwrap().clone();
    let due = json!({ "field": "due_at", "after": "2024-01-31T17:00:00Z" });
    let cost = json!({ "field": "estimated_cost", "after": "12.50" });
    assert!(
        change.contains(&due) && change.contains(&cost),
        "{change:?}"
    );
}

/// Values of people stay out of what is read; that the field changed is told.
#[tokio::test]
async fn personal_values_stay_out_of_the_audit() {
    let api = Fixture::new().await;
    let body =
        json!({ "title": "t", "assigned_to": "Maria Muster", "requested_by": "Paul Prüfer" });
    let made = api.post("/work-orders", body).await.is(201).id();
    let changed = json!({ "assigned_to": "Nadia Neumann" });
    api.json("PATCH", &format!("/work-orders/{made}"), changed)
        .await
        .is(200);
    let shown = api.get("/audit").await.is(200);
    for name in ["Maria", "Paul", "Nadia"] {
        assert!(!shown.text.contains(name), "{}", shown.text);
    }
    let change = &shown.json["items"][0]["change"];
    assert_eq!(*change, json!([{ "field": "assigned_to" }]));
}

#[tokio::test]
async fn what_the_audit_cannot_be_asked_is_refused_with_the_field() {
    let api = Fixture::new().await;
    for (query, code, field, says) in [
        (
            "object=workorder:1",
            "CMMS-INPUT-006",
            "object",
            "work_order",
        ),
        ("object=", "CMMS-INPUT-006", "object", "work_order"),
        ("actor=maria", "CMMS-INPUT-003", "actor", "user:maria"),
        (
            "actor=person:maria",
            "CMMS-INPUT-003",
            "actor",
            "local-process",
        ),
        ("since=yesterday", "CMMS-INPUT-007", "since", "2024-01-15"),
        ("limit=0", "CMMS-INPUT-010", "limit", "500"),
    ] {
        let refused = api.get(&format!("/audit?{query}")).await.problem(422, code);
        assert_eq!(refused.json["field"], field, "{query}");
        assert!(refused.text.contains(says), "{}", refused.text);
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let refused = api.send(request(method, "/audit", Body::empty())).await;
        refused.problem(405, "CMMS-SERVE-007");
    }
}
