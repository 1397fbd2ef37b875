//! Single records, expansion, and unknown paths.

use cmms_sim::upkeep::{SimEntity, UpkeepConfig};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, field, reply};

/// A bench with an asset, a place and a work order that refer to each other.
async fn linked() -> (Bench, String, String, String) {
    let bench = Bench::small().await;
    let vendor = bench.vendor();
    let place = vendor.insert(SimEntity::Location, json!({"name": "Place"}));
    let asset = vendor.insert(SimEntity::Asset, json!({"name": "Pump", "location": place}));
    let order = vendor.insert(
        SimEntity::WorkOrder,
        json!({"title": "Seal", "asset": asset, "location": place, "team": "", "assignedToUser": null}),
    );
    (bench, place, asset, order)
}

#[tokio::test]
async fn single_record_is_in_a_result_envelope() {
    let (bench, _, asset, order) = linked().await;
    let oracle = bench.vendor().oracle();
    let answer = bench.get(&format!("/work-orders/{order}")).await;
    assert_eq!(answer.result(), &oracle.work_orders[&order]);
    assert_eq!(answer.body.as_object().unwrap().len(), 2);
    assert_eq!(
        bench.get(&format!("/assets/{asset}/")).await.result(),
        &oracle.assets[&asset]
    );
}

#[tokio::test]
async fn locations_and_users_are_read_by_id() {
    let bench = Bench::small().await;
    let oracle = bench.vendor().oracle();
    let (id, place) = oracle.locations.iter().next().unwrap();
    assert_eq!(bench.get(&format!("/locations/{id}")).await.result(), place);
    let (id, user) = oracle.users.iter().next().unwrap();
    assert_eq!(bench.get(&format!("/users/{id}")).await.result(), user);
}

#[tokio::test]
async fn unknown_id_is_404() {
    let bench = Bench::small().await;
    for list in ["work-orders", "assets", "locations", "users"] {
        bench.get(&format!("/{list}/Nobody0000")).await.refused(404);
    }
}

#[tokio::test]
async fn ids_are_case_sensitive() {
    let bench = Bench::small().await;
    let oracle = bench.vendor().oracle();
    let twin = |id: &str| -> String {
        id.chars()
            .map(|c| {
                if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect()
    };
    for (list, records) in [
        ("assets", &oracle.assets),
        ("work-orders", &oracle.work_orders),
    ] {
        let (id, other) = records
            .keys()
            .map(|id| (id, twin(id)))
            .find(|(_, other)| records.contains_key(other))
            .unwrap();
        assert_eq!(
            field(bench.get(&format!("/{list}/{id}")).await.result(), "id"),
            id
        );
        assert_eq!(
            field(bench.get(&format!("/{list}/{other}")).await.result(), "id"),
            other
        );
    }
}

#[tokio::test]
async fn unknown_resource_and_method_are_refused() {
    let bench = Bench::small().await;
    bench.get("/preventive-maintenances").await.refused(404);
    bench.get("/assets/a/b").await.refused(404);
    bench
        .send(Method::PUT, "/assets/abc", &json!({}))
        .await
        .refused(405);
    bench
        .send(Method::POST, "/users", &json!({}))
        .await
        .refused(405);
    let outside = format!("{}/api/v1/assets", bench.sim.base_url());
    reply(
        bench
            .http
            .get(outside)
            .header("Session-Token", &bench.token),
    )
    .await
    .refused(404);
}

#[tokio::test]
async fn references_are_ids_unless_expanded() {
    let (bench, place, asset, order) = linked().await;
    let answer = bench.get(&format!("/work-orders/{order}")).await;
    assert_eq!(answer.result()["asset"], json!(asset));
    assert_eq!(answer.result()["location"], json!(place));
}

#[tokio::test]
async fn includes_expand_repeated_bracketed_and_as_a_list() {
    let (bench, place, asset, order) = linked().await;
    let oracle = bench.vendor().oracle();
    for query in [
        "includes=asset&includes=location",
        "includes[]=asset&includes[]=location",
        "includes%5B%5D=asset&includes=location",
        "includes=asset,location",
        "includes=asset%2Clocation",
    ] {
        for path in [
            format!("/work-orders/{order}?{query}"),
            format!("/work-orders?title=Seal&{query}"),
        ] {
            let answer = bench.get(&path).await;
            let record = if path.contains('?') && answer.body["results"].is_array() {
                &answer.results()[0]
            } else {
                answer.result()
            };
            assert_eq!(record["asset"], oracle.assets[&asset], "{path}");
            assert_eq!(record["location"], oracle.locations[&place], "{path}");
            assert_eq!(record["team"], json!(""));
            assert_eq!(record["assignedToUser"], Value::Null);
        }
    }
}

#[tokio::test]
async fn includes_of_assets_expand_the_four_documented_references() {
    let bench = Bench::small().await;
    let oracle = bench.vendor().oracle();
    let user = oracle.users.keys().next().unwrap().clone();
    let (parent, parent_value) = oracle.assets.iter().next().unwrap();
    let place = oracle.locations.keys().next().unwrap();
    let id = bench.vendor().insert(
        SimEntity::Asset,
        json!({"name": "P", "location": place, "parentAsset": parent, "createdByUser": user, "assignedToUser": user}),
    );
    let query =
        "includes=location&includes=parentAsset&includes=createdByUser&includes=assignedToUser";
    let answer = bench.get(&format!("/assets/{id}?{query}")).await;
    assert_eq!(&answer.result()["parentAsset"], parent_value);
    assert_eq!(answer.result()["createdByUser"], oracle.users[&user]);
    assert_eq!(answer.result()["assignedToUser"], oracle.users[&user]);
    assert_eq!(answer.result()["location"], oracle.locations[place]);
}

#[tokio::test]
async fn includes_leave_unknown_ids_and_objects_as_they_are() {
    let bench = Bench::small().await;
    let odd = json!({"id": "Gone000000", "name": "old"});
    let id = bench.vendor().insert(
        SimEntity::WorkOrder,
        json!({"title": "t", "asset": "Gone000000", "location": odd}),
    );
    let answer = bench
        .get(&format!("/work-orders/{id}?includes=asset,location"))
        .await;
    assert_eq!(answer.result()["asset"], json!("Gone000000"));
    assert_eq!(answer.result()["location"], odd);
}

#[tokio::test]
async fn includes_of_a_field_that_is_no_reference_are_400() {
    let bench = Bench::small().await;
    for path in [
        "/work-orders?includes=title",
        "/work-orders?includes=",
        "/assets?includes=asset",
        "/users?includes=team",
    ] {
        bench.get(path).await.refused(400);
    }
    let id = bench
        .vendor()
        .oracle()
        .assets
        .keys()
        .next()
        .unwrap()
        .clone();
    bench
        .get(&format!("/assets/{id}?limit=1"))
        .await
        .refused(400);
}

#[tokio::test]
async fn times_are_iso_utc_with_milliseconds() {
    let bench = Bench::start(UpkeepConfig::default()).await;
    let oracle = bench.vendor().oracle();
    for record in oracle.assets.values().chain(oracle.work_orders.values()) {
        for name in [
            "createdAt",
            "updatedAt",
            "dueDate",
            "endDueDate",
            "dateCompleted",
        ] {
            if let Some(text) = record[name].as_str() {
                assert_eq!(text.len(), 24);
                assert!(text.ends_with('Z') && text.as_bytes()[19] == b'.', "{text}");
            }
        }
    }
}
