//! Finding and counting records: filters, and work orders by their number.

use crate::fixture::Fixture;
use cmms::core::clock::Clock as _;
use cmms::core::testing::SteppedClock;
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Titles of the work orders that a query finds, over pages of 2.
async fn titles(api: &Fixture, query: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/work-orders?limit=2&{query}{next}");
        let page = api.get(&path).await.is(200);
        let items = page.json["items"].as_array().unwrap();
        let of_page = items
            .iter()
            .map(|i| i["title"].as_str().unwrap().to_owned());
        found.extend(of_page);
        match &page.json["next"] {
            Value::String(cursor) => next = format!("&cursor={cursor}"),
            _ => return found,
        }
    }
}

/// Five work orders, made one a day from 2024-01-15T09:00Z on and due two days later, and their numbers.
async fn five() -> (Fixture, Vec<String>) {
    let clock = Arc::new(SteppedClock::default());
    let api = Fixture::built(&[], |builder| builder.clock(clock.clone())).await;
    let mut numbers = Vec::new();
    for (n, status) in ["scheduled", "draft", "scheduled", "requested", "scheduled"]
        .into_iter()
        .enumerate()
    {
        let due = clock.now() + chrono::TimeDelta::days(2);
        let priority = ["high", "low"][n % 2];
        let mut body = json!({ "title": format!("{n}"), "status": status, "due_at": due, "priority": priority });
        if n % 2 == 0 {
            body["asset_id"] = json!(format!("PUMP-{n}"));
        }
        if n > 2 {
            body["assigned_to"] = json!("maria");
        }
        let made = api.post("/work-orders", body).await.is(201);
        numbers.push(made.json["number"].as_str().unwrap().to_owned());
        clock.advance(Duration::from_secs(24 * 3_600));
    }
    (api, numbers)
}

#[tokio::test]
async fn a_work_order_is_got_and_found_by_its_number() {
    let (api, numbers) = five().await;
    for (n, number) in numbers.iter().enumerate() {
        let got = api.get(&format!("/work-orders/{number}")).await.is(200);
        assert_eq!(got.json["title"], n.to_string());
        let by_id = api.get(&format!("/work-orders/{}", got.id())).await.is(200);
        assert_eq!(by_id.json, got.json);
        assert_eq!(
            titles(&api, &format!("number={number}")).await,
            [n.to_string()]
        );
    }
    assert!(titles(&api, "number=WO-20240115-9999").await.is_empty());
    let missing = api.get("/work-orders/WO-20240115-9999").await;
    let missing = missing.problem(404, "CMMS-WO-001");
    assert!(missing.text.contains("WO-20240115-9999"));
    for neither in ["WO-1", "12", "wo-20240115-0001", "WO-20240115-0001x"] {
        let refused = api.get(&format!("/work-orders/{neither}")).await;
        let refused = refused.problem(422, "CMMS-INPUT-003");
        assert_eq!(refused.json["field"], "work_order_id");
        assert!(
            refused.text.contains("WO-20240115-0001"),
            "{}",
            refused.text
        );
    }
}

#[tokio::test]
async fn work_orders_are_found_by_times_and_by_whether_they_name_an_asset() {
    let (api, _) = five().await;
    for (query, found) in [
        // Due 09:00 of January 17 to 21.
        ("due_after=2024-01-19T09:00:00Z", &["2", "3", "4"][..]),
        ("due_after=2024-01-19T09:00:00.000001Z", &["3", "4"]),
        ("due_after=2024-01-19&due_before=2024-01-20", &["2"]),
        ("due_after=2024-01-19&sort=-due_at", &["4", "3", "2"]),
        ("created_since=2024-01-17", &["2", "3", "4"]),
        (
            "created_since=2024-01-17T10:00:00%2B01:00",
            &["2", "3", "4"],
        ),
        ("created_since=2024-01-17&status=scheduled", &["2", "4"]),
        (
            "created_since=2024-01-16&sort=-created_at",
            &["4", "3", "2", "1"],
        ),
        (
            "created_since=2024-01-16&sort=due_at",
            &["1", "2", "3", "4"],
        ),
        ("created_before=2024-01-16", &["0"]),
        (
            "created_since=2024-01-16&created_before=2024-01-18",
            &["1", "2"],
        ),
        ("updated_since=2024-01-18&updated_before=2024-01-19", &["3"]),
        ("has_asset=true", &["0", "2", "4"]),
        (
            "has_asset=true&status=scheduled&status=draft",
            &["0", "2", "4"],
        ),
        ("has_asset=false", &["1", "3"]),
        ("has_asset=false&sort=-updated_at", &["3", "1"]),
        ("has_asset=false&status=draft", &["1"]),
        ("work_order_type=inspection", &[]),
        (
            "work_order_type=corrective&created_since=2024-01-19",
            &["4"],
        ),
    ] {
        assert_eq!(titles(&api, query).await, found, "{query}");
    }
}

/// A filter takes a day, which is its midnight UTC; a field of a record does not.
#[tokio::test]
async fn only_a_filter_takes_a_day() {
    let api = Fixture::new().await;
    let body = json!({ "title": "t", "due_at": "2024-01-15" });
    let refused = api.post("/work-orders", body).await;
    refused.problem(422, "CMMS-INPUT-007");
    for time in ["2024-13-01", "yesterday", "2024-01-15T09:00:00", "20240115"] {
        let refused = api.get(&format!("/work-orders?due_after={time}")).await;
        let refused = refused.problem(422, "CMMS-INPUT-007");
        assert_eq!(refused.json["field"], "due_after");
    }
    for time in ["0000-12-31", "-0044-03-15T00:00:00Z", "%2B12024-01-15"] {
        let refused = api.get(&format!("/work-orders?due_after={time}")).await;
        refused.is(422);
    }
    for time in ["0001-01-01", "9999-12-31T23:59:59.999999999Z", "9999-12-31"] {
        api.get(&format!("/work-orders?created_since={time}"))
            .await
            .is(200);
        api.get(&format!("/assets?created_before={time}"))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn counts_take_the_filters_of_the_list_and_name_every_word() {
    let (api, _) = five().await;
    let all = api.get("/work-orders/count").await.is(200);
    assert_eq!(all.json, json!({ "total": 5, "groups": [], "others": 0 }));
    let by = api.get("/work-orders/count?by=status").await.is(200);
    let pairs = |reply: &Value| -> Vec<(Value, u64)> {
        let groups = reply["groups"].as_array().unwrap().iter();
        groups
            .map(|g| (g["value"].clone(), g["count"].as_u64().unwrap()))
            .collect()
    };
    let expected = [
        ("draft", 1),
        ("requested", 1),
        ("scheduled", 3),
        ("in_progress", 0),
        ("on_hold", 0),
        ("completed", 0),
        ("closed", 0),
        ("cancelled", 0),
    ];
    assert_eq!(pairs(&by.json), expected.map(|(word, n)| (json!(word), n)));
    assert_eq!(
        (&by.json["total"], &by.json["others"]),
        (&json!(5), &json!(0))
    );
    let people = api.get("/work-orders/count?by=assigned_to").await.is(200);
    assert_eq!(pairs(&people.json), [(Value::Null, 3), (json!("maria"), 2)]);
    for (query, total) in [
        ("status=scheduled&status=draft", 4),
        ("priority=high", 3),
        ("due_after=2024-01-19&by=priority", 3),
        ("has_asset=false&by=assigned_to", 2),
        ("created_since=2024-01-16&created_before=2024-01-18", 2),
        ("asset_id=PUMP-2", 1),
        ("external_id=none&by=status", 0),
    ] {
        let counted = api
            .get(&format!("/work-orders/count?{query}"))
            .await
            .is(200);
        assert_eq!(counted.json["total"], total, "{query}");
        let groups = pairs(&counted.json);
        let sum: u64 = groups.iter().map(|(_, n)| n).sum();
        assert!(groups.is_empty() || sum == total, "{query}: {groups:?}");
    }
    let refused = api
        .get("/work-orders/count?by=title")
        .await
        .problem(422, "CMMS-INPUT-006");
    assert_eq!(refused.json["field"], "by");
    api.get("/work-orders/count?limit=5")
        .await
        .problem(422, "CMMS-INPUT-002");
    let wrong = api
        .post("/work-orders/count", json!({}))
        .await
        .problem(405, "CMMS-SERVE-007");
    assert_eq!(wrong.header("allow"), "GET, HEAD");
}

/// There may be as many people as records: the largest groups are listed, and the rest is told.
#[tokio::test]
async fn a_count_lists_the_largest_groups_and_tells_how_many_are_beside_them() {
    let api = Fixture::new().await;
    for n in 0..505 {
        let asset = json!({ "asset_id": format!("A-{n}"), "name": "n", "asset_type": "tool",
            "department": format!("{:03}", n.min(503)) });
        api.post("/assets", asset).await.is(201);
    }
    let counted = api.get("/assets/count?by=department").await.is(200);
    let groups = counted.json["groups"].as_array().unwrap();
    assert_eq!(groups[0], json!({ "value": "503", "count": 2 }));
    assert_eq!(groups.len(), 500);
    assert_eq!(
        (&counted.json["total"], &counted.json["others"]),
        (&json!(505), &json!(4))
    );
    let by = api
        .get("/assets/count?by=criticality&asset_type=tool")
        .await
        .is(200);
    let last = by.json["groups"].as_array().unwrap().last().unwrap();
    assert_eq!(*last, json!({ "value": null, "count": 505 }));
}

#[tokio::test]
async fn records_are_found_by_the_vendors_id() {
    let config = UpkeepConfig::default().assets(7).work_orders(9);
    let (user, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let origin = sim.base_url();
    let api = Fixture::with(&[("CMMS_EGRESS_ALLOW", origin.as_str())], Vec::new()).await;
    let connection = json!({ "cmms_type": "upkeep", "api_url": origin, "connection_name": "plant",
        "username": user, "password": password });
    let connection = api.post("/cmms/connections", connection).await.is(201).id();
    let run = api
        .post(
            "/cmms/sync/all",
            json!({ "cmms_connection_id": connection }),
        )
        .await
        .is(200);
    assert_eq!(run.json["synced_count"], 16, "{}", run.text);
    for path in ["/work-orders", "/assets"] {
        let all = api.get(path).await.is(200);
        for item in all.json["items"].as_array().unwrap() {
            let id = item["external"][0]["external_id"].as_str().unwrap();
            let found = api.get(&format!("{path}?external_id={id}")).await.is(200);
            assert_eq!(found.json["items"], json!([item]));
            let counted = api
                .get(&format!("{path}/count?external_id={id}"))
                .await
                .is(200);
            assert_eq!(counted.json["total"], 1);
        }
        let none = api
            .get(&format!("{path}?external_id=unknown"))
            .await
            .is(200);
        assert_eq!(none.json["items"], json!([]));
    }
}

#[tokio::test]
async fn names_that_routes_need_name_no_asset() {
    let api = Fixture::new().await;
    for word in [
        "statistics",
        "count",
        "import",
        "export",
        "labels",
        "indicators",
        "reliability",
        "stream",
        "bulk",
    ] {
        let asset = json!({ "asset_id": word, "name": "n", "asset_type": "tool" });
        let refused = api
            .post("/assets", asset)
            .await
            .problem(422, "CMMS-INPUT-003");
        assert_eq!(refused.json["field"], "asset_id");
    }
}
