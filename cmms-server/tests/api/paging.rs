//! Lists in pages.

use crate::fixture::Fixture;
use cmms::{CreateWorkOrder, RegisterAsset, WorkOrder, WorkOrderStatus};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn orders(api: &Fixture, count: usize) {
    for n in 0..count {
        api.client
            .work_orders()
            .create(CreateWorkOrder::new(format!("Order {n}")))
            .await
            .unwrap();
    }
}

async fn walk(api: &Fixture, path: &str) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut ids) = (Vec::new(), Vec::new());
    let mut next = String::new();
    loop {
        let page = api.get(&format!("{path}{next}")).await.is(200);
        let items = page.json["items"].as_array().unwrap();
        sizes.push(items.len());
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match &page.json["next"] {
            Value::String(cursor) => next = format!("&cursor={cursor}"),
            other => {
                assert!(other.is_null());
                return (sizes, ids);
            }
        }
    }
}

#[tokio::test]
async fn a_walk_over_120_work_orders_sees_each_once_in_order() {
    let api = Fixture::new().await;
    orders(&api, 120).await;
    let (sizes, ids) = walk(&api, "/work-orders?limit=50").await;
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 120);
    assert!(ids.is_sorted());
    let (sizes, filtered) = walk(&api, "/work-orders?status=scheduled&limit=60").await;
    assert_eq!((sizes, filtered), (vec![60, 60], ids));
}

#[tokio::test]
async fn the_default_page_has_50_and_500_is_the_most() {
    let api = Fixture::new().await;
    orders(&api, 51).await;
    assert_eq!(
        api.get("/work-orders").await.is(200).json["items"]
            .as_array()
            .unwrap()
            .len(),
        50
    );
    assert_eq!(
        api.get("/work-orders?limit=500").await.is(200).json["next"],
        Value::Null
    );
}

#[tokio::test]
async fn a_cursor_of_another_list_or_filter_is_refused() {
    let api = Fixture::new().await;
    orders(&api, 3).await;
    let page = api.get("/work-orders?limit=1").await.is(200);
    let cursor = page.json["next"].as_str().unwrap();
    for path in [
        "/assets?cursor=",
        "/work-orders?status=scheduled&cursor=",
        "/cmms/runs?cursor=",
    ] {
        let reply = api
            .get(&format!("{path}{cursor}"))
            .await
            .problem(400, "CMMS-INPUT-009");
        assert_eq!(reply.json["field"], "cursor");
    }
    // Another page size is the same list.
    api.get(&format!("/work-orders?limit=2&cursor={cursor}"))
        .await
        .is(200);
}

/// 40 work orders of several statuses, half of them due some time, two at a time.
async fn mixed(api: &Fixture) {
    for n in 0..40 {
        let mut body = json!({ "title": format!("Order {n}"), "priority": "low" });
        body["status"] = ["draft", "requested", "scheduled"][n % 3].into();
        if n % 2 == 0 {
            body["due_at"] = format!("2024-02-{:02}T08:00:00Z", 1 + (n * 7 / 4) % 28).into();
        }
        api.post("/work-orders", body).await.is(201);
    }
}

/// What the items of a list have in a field, over all its pages of 7.
async fn fields(api: &Fixture, path: &str, field: &str) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}limit=7{next}")).await.is(200);
        let items = page.json["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item[field].clone()));
        match &page.json["next"] {
            Value::String(cursor) => next = format!("&cursor={cursor}"),
            _ => return found,
        }
    }
}

#[tokio::test]
async fn every_sort_gives_every_row_once_in_its_order_with_and_without_a_status() {
    let api = Fixture::new().await;
    mixed(&api).await;
    for (sort, field) in [
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("due_at", "due_at"),
    ] {
        for filter in [
            "",
            "status=draft&",
            "status=draft&status=scheduled&",
            "assigned_to=x&",
        ] {
            let rows = match filter {
                "" => 40,
                "status=draft&" => 14,
                "assigned_to=x&" => 0,
                _ => 27,
            };
            for dir in ["", "-"] {
                let path = format!("/work-orders?{filter}sort={dir}{sort}&");
                let ids: BTreeSet<_> = fields(&api, &path, "id")
                    .await
                    .iter()
                    .map(Value::to_string)
                    .collect();
                assert_eq!(ids.len(), rows, "{path}");
                let values = fields(&api, &path, field).await;
                assert_eq!(values.len(), rows, "{path}");
                let (some, none): (Vec<_>, Vec<_>) =
                    values.iter().map(Value::as_str).partition(Option::is_some);
                // Those without come last, whatever the direction.
                assert!(values[..some.len()].iter().all(Value::is_string), "{path}");
                assert_eq!(none.is_empty(), field != "due_at" || rows == 0);
                let sorted = if dir == "-" {
                    some.iter().rev().is_sorted()
                } else {
                    some.is_sorted()
                };
                assert!(sorted, "{path}: {some:?}");
            }
        }
    }
}

#[tokio::test]
async fn work_orders_are_found_by_each_filter() {
    let api = Fixture::new().await;
    mixed(&api).await;
    let count = async |query: &str| {
        fields(&api, &format!("/work-orders?{query}&"), "id")
            .await
            .len()
    };
    assert_eq!(count("priority=low").await, 40);
    assert_eq!(count("priority=high").await, 0);
    assert_eq!(count("status=draft&priority=emergency").await, 0);
    let before = fields(
        &api,
        "/work-orders?due_before=2024-02-10T08:00:00Z&",
        "due_at",
    )
    .await;
    assert!(!before.is_empty());
    assert!(
        before
            .iter()
            .all(|due| due.as_str().unwrap() < "2024-02-10T08")
    );
    assert!(
        before.iter().map(Value::as_str).is_sorted(),
        "in the order of what is asked for"
    );
    let changed = fields(&api, "/work-orders?", "updated_at").await;
    let since = changed[30].as_str().unwrap();
    let path = format!("/work-orders?updated_since={since}&");
    let found = fields(&api, &path, "updated_at").await;
    assert_eq!(found, changed[30..]);
    let path = format!("/work-orders?updated_since={since}&status=draft&sort=-due_at&");
    assert_eq!(fields(&api, &path, "id").await.len(), 4);
}

#[tokio::test]
async fn assets_are_found_by_each_filter_and_sorted() {
    let api = Fixture::new().await;
    for (id, tags) in [
        ("b", &["hot", "line 1"][..]),
        ("a", &["hotter"]),
        ("C", &["hot"]),
    ] {
        let tags: Vec<_> = tags.iter().map(|t| (*t).to_owned()).collect();
        let kind = if id == "C" { "vehicle" } else { "tool" }
            .parse::<cmms::AssetType>()
            .unwrap();
        let mut asset = RegisterAsset::new(id, "Thing", kind)
            .tags(tags)
            .department("D");
        if id == "a" {
            asset = asset
                .parent_asset_id("b")
                .status("spare".parse::<cmms::AssetStatus>().unwrap());
        }
        api.client.assets().register(asset).await.unwrap();
    }
    for (query, expected) in [
        ("", &["b", "a", "C"][..]),
        ("sort=asset_id", &["C", "a", "b"]),
        ("sort=-asset_id", &["b", "a", "C"]),
        ("sort=-created_at", &["C", "a", "b"]),
        ("sort=-updated_at", &["C", "a", "b"]),
        ("tag=hot", &["b", "C"]),
        ("tag=line+1", &["b"]),
        ("tag=HOT", &[]),
        ("tag=hot&asset_type=vehicle", &["C"]),
        ("parent_asset_id=b", &["a"]),
        ("parent_asset_id=nobody", &[]),
        ("status=spare", &["a"]),
        ("department=D&sort=asset_id", &["C", "a", "b"]),
        ("updated_since=2999-01-01T00:00:00Z", &[]),
    ] {
        let found = fields(&api, &format!("/assets?{query}&"), "asset_id").await;
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn a_bad_value_of_a_list_names_its_field_and_the_nearest_name() {
    let api = Fixture::new().await;
    for (query, code, field, says) in [
        ("sort=due", "CMMS-INPUT-006", "sort", "due_at"),
        (
            "sort=-updated",
            "CMMS-INPUT-006",
            "sort",
            "did you mean -updated_at?",
        ),
        (
            "sort=due_at&sort=created_at",
            "CMMS-INPUT-003",
            "sort",
            "once",
        ),
        (
            "status=schedule",
            "CMMS-INPUT-006",
            "status",
            "did you mean scheduled?",
        ),
        (
            "status=draft&status=onhold",
            "CMMS-INPUT-006",
            "status",
            "did you mean on_hold?",
        ),
        ("priority=urgent", "CMMS-INPUT-006", "priority", "critical"),
        (
            "due_before=tomorrow",
            "CMMS-INPUT-007",
            "due_before",
            "2024-01-15",
        ),
        (
            "updated_since=2024-01-15T09:00:00",
            "CMMS-INPUT-007",
            "updated_since",
            "2024",
        ),
        (
            "due_befor=2024-01-15T09:00:00Z",
            "CMMS-INPUT-002",
            "due_befor",
            "did you mean due_before?",
        ),
        ("limit=501", "CMMS-INPUT-010", "limit", "from 1 to 500"),
    ] {
        let reply = api
            .get(&format!("/work-orders?{query}"))
            .await
            .problem(422, code);
        assert_eq!(reply.json["field"], field, "{}", reply.text);
        assert!(reply.text.contains(says), "{query}: {}", reply.text);
    }
    api.get("/assets?tags=hot")
        .await
        .problem(422, "CMMS-INPUT-002");
}

#[tokio::test]
async fn a_cursor_holds_for_its_sort_and_filter_only() {
    let api = Fixture::new().await;
    mixed(&api).await;
    let path = "/work-orders?limit=3&sort=-due_at&status=draft&status=requested";
    let cursor = api.get(path).await.is(200).json["next"]
        .as_str()
        .unwrap()
        .to_owned();
    for (query, status) in [
        (
            "sort=-due_at&status=requested&status=draft&status=draft",
            200,
        ),
        ("sort=-due_at&status=draft&status=requested", 200),
        ("sort=due_at&status=draft&status=requested", 400),
        ("sort=-updated_at&status=draft&status=requested", 400),
        ("sort=-due_at&status=draft", 400),
        (
            "sort=-due_at&status=draft&status=requested&priority=low",
            400,
        ),
        ("sort=-due_at", 400),
    ] {
        api.get(&format!("/work-orders?{query}&cursor={cursor}"))
            .await
            .is(status);
    }
}

/// Rows that nobody touches are on exactly one page, whatever comes in, moves or changes meanwhile.
#[tokio::test]
async fn a_walk_while_rows_change_gives_each_untouched_row_once() {
    for (seed, sort) in (0..).zip([
        "created_at",
        "-created_at",
        "updated_at",
        "-updated_at",
        "due_at",
        "-due_at",
    ]) {
        let api = Fixture::new().await;
        mixed(&api).await;
        let mut random = fastrand::Rng::with_seed(seed);
        let all = api
            .client
            .work_orders()
            .list(cmms::ListWorkOrders::new().limit(500u32))
            .await
            .unwrap();
        let (touched, rest): (Vec<WorkOrder>, Vec<WorkOrder>) =
            all.items.into_iter().partition(|_| random.u8(..4) == 0);
        let mut seen: Vec<String> = Vec::new();
        let mut next = String::new();
        loop {
            let page = api
                .get(&format!("/work-orders?sort={sort}&limit=3{next}"))
                .await
                .is(200);
            let items = page.json["items"].as_array().unwrap();
            seen.extend(items.iter().map(|i| i["id"].as_str().unwrap().to_owned()));
            let Value::String(cursor) = &page.json["next"] else {
                break;
            };
            next = format!("&cursor={cursor}");
            // No more than 30 such changes, since a walk by `updated_at` meets each of them again.
            if seen.len() < 90 {
                let orders = api.client.work_orders();
                let changed = touched[random.usize(..touched.len())].id;
                let due = random
                    .bool()
                    .then(|| format!("2024-02-{:02}T08:00:00Z", random.u8(1..28)));
                let path = format!("/work-orders/{changed}");
                api.json(
                    "PATCH",
                    &path,
                    json!({ "due_at": due, "tags": [random.u32(..).to_string()] }),
                )
                .await
                .is(200);
                orders
                    .create(CreateWorkOrder::new("new").status(WorkOrderStatus::Draft))
                    .await
                    .unwrap();
            }
        }
        for order in &rest {
            let id = order.id.to_string();
            assert_eq!(seen.iter().filter(|s| **s == id).count(), 1, "{sort}: {id}");
        }
    }
}

#[tokio::test]
async fn a_page_of_large_records_ends_early_and_none_is_left_out() {
    let api = Fixture::new().await;
    let large = "x".repeat(250_000);
    for n in 0..60 {
        let mut order = json!({
            "title": format!("Order {n}"), "status": (["scheduled", "draft", "requested"][n % 3]),
            "custom_fields": { "log": large },
        });
        if n % 4 > 0 {
            order["due_at"] = json!(format!("2030-01-{:02}T00:00:00Z", 28 - n % 20));
        }
        api.post("/work-orders", order).await.is(201);
    }
    let (_, all) = walk(&api, "/work-orders?limit=20").await;
    let (sizes, ids) = walk(&api, "/work-orders?limit=500").await;
    assert_eq!((sizes, ids), (vec![34, 26], all.clone()));
    for asked in [
        "status=scheduled",
        "status=scheduled&status=draft",
        "status=scheduled&status=draft&status=requested&sort=-created_at",
        "sort=due_at",
        "sort=-due_at&status=draft&status=scheduled",
        "sort=updated_at&status=requested",
    ] {
        let (small, expected) = walk(&api, &format!("/work-orders?limit=5&{asked}")).await;
        let (sizes, ids) = walk(&api, &format!("/work-orders?limit=500&{asked}")).await;
        assert_eq!(ids, expected, "{asked}");
        assert!(small.len() > sizes.len(), "{asked}: {sizes:?}");
        assert!(
            sizes.iter().all(|size| (1..=36).contains(size)),
            "{asked}: {sizes:?}"
        );
    }
}

#[tokio::test]
async fn free_fields_have_a_largest_size() {
    let api = Fixture::new().await;
    let most = 256 * 1024 - r#"{"log":""}"#.len();
    let of =
        |length: usize| json!({ "title": "t", "custom_fields": { "log": "x".repeat(length) } });
    let made = api.post("/work-orders", of(most)).await.is(201);
    let refused = api.post("/work-orders", of(most + 1)).await;
    let refused = refused.problem(422, "CMMS-INPUT-003");
    assert_eq!(refused.json["field"], "custom_fields");
    assert_eq!(refused.json["violations"][0]["reason"], "too_large");
    // A little more of it is too much, too.
    let path = format!("/work-orders/{}", made.id());
    let more = json!({ "custom_fields": { "shift": "night" } });
    let refused = api.json("PATCH", &path, more).await;
    refused.problem(422, "CMMS-INPUT-003");
    let asset = json!({
        "asset_id": "a", "name": "n", "asset_type": "tool", "specifications": { "log": "x".repeat(most + 1) },
    });
    let refused = api.post("/assets", asset).await;
    let refused = refused.problem(422, "CMMS-INPUT-003");
    assert_eq!(refused.json["field"], "specifications");
}
