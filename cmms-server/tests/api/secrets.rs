//! Secrets go in and never come out.

use crate::fixture::Fixture;
use serde_json::json;

const SECRET: &str = "s3cr3t-token-of-the-vendor";

#[tokio::test]
async fn an_api_key_is_in_no_answer_and_no_audit() {
    let api = Fixture::new().await;
    let body = |name: &str| {
        json!({
            "cmms_type": "upkeep", "api_url": "https://api.upkeep.com", "api_key": SECRET, "connection_name": name,
        })
    };
    let made = api.post("/cmms/connections", body("one")).await.is(201);
    let info = &made.json["credentials"]["api_key"];
    assert_eq!(info["set"], true);
    assert!(
        info["fingerprint"]
            .as_str()
            .is_some_and(|f| !f.is_empty() && !SECRET.contains(f)),
        "{info}"
    );
    for field in ["api_key", "username", "password"] {
        assert!(made.json.get(field).is_none(), "{field}");
    }
    let path = format!("/cmms/connections/{}", made.id());
    let replies = [
        made,
        api.get(&path).await.is(200),
        api.get("/cmms/connections").await.is(200),
        api.json(
            "PATCH",
            &path,
            json!({ "api_key": SECRET, "connection_name": "two" }),
        )
        .await
        .is(200),
        api.post("/cmms/connections", body("two"))
            .await
            .problem(409, "CMMS-CONN-005"),
        // Wrong in every way that could make the program repeat what it was sent.
        api.post("/cmms/connections", json!({ "api_key": [SECRET] }))
            .await
            .is(422),
        api.post("/cmms/connections", json!({ "api_key": { SECRET: 1 } }))
            .await
            .is(422),
        api.json(
            "PATCH",
            &path,
            json!({ "credentials": { "api_key": SECRET, "extra": SECRET } }),
        )
        .await
        .is(422),
        api.json(
            "PATCH",
            &path,
            json!({ "api_key": format!("{SECRET}\u{0}") }),
        )
        .await
        .is(422),
        api.json("PATCH", &path, json!({ "api_key": format!("{SECRET} x") }))
            .await
            .is(422),
        api.json(
            "PATCH",
            &path,
            json!({ "api_url": "https://other.upkeep.com" }),
        )
        .await
        .is(422),
        api.text(
            "POST",
            "/cmms/connections",
            format!(r#"{{"api_key":"{SECRET}""#),
        )
        .await
        .is(400),
        api.json("DELETE", &path, json!({ "api_key": SECRET }))
            .await
            .is(422),
        api.get("/openapi.json").await.is(200),
    ];
    for reply in replies {
        assert!(!reply.text.contains(SECRET), "{}", reply.text);
        assert!(!format!("{:?}", reply.headers).contains(SECRET));
    }
    assert!(!api.dump().await.contains(SECRET));
}
