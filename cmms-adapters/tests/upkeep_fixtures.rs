//! Every JSON that the fact sheet prints about login, lists, assets and work orders, as it is printed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use cmms_core::code;
use cmms_core::domain::entity::Entity;
use serde_json::Value;
use support::fake::{Fake, LOGIN, answer, json as json_answer};
use support::{EMAIL, Rig};

use support::printed::{ASSET, WORK_ORDER};

fn rig(fake: &Fake) -> Rig {
    Rig::new(
        &fake.origin,
        &[("email", EMAIL), ("password", "s3cret +&=%")],
    )
}

async fn list_of(record: &'static str) -> Fake {
    Fake::lists(move |seen| {
        let first = seen.line.contains("offset=0") && !seen.line.contains("archived");
        let body = if first { record } else { "" };
        Some(json_answer(&format!(
            r#"{{"success":true,"results":[{body}]}}"#
        )))
    })
    .await
}

#[tokio::test]
async fn login_is_a_form_and_its_token_goes_into_a_header() {
    let fake = list_of(ASSET).await;
    rig(&fake).all(Entity::Asset).await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen[0].line, "POST /api/v2/auth");
    assert!(
        seen[0]
            .head
            .contains("content-type: application/x-www-form-urlencoded")
    );
    assert!(seen[0].head.contains("upkeep-version: 2022-09-14"));
    assert_eq!(
        seen[0].body,
        "email=integration%40example.com&password=s3cret+%2B%26%3D%25"
    );
    assert_eq!(
        seen[1].line,
        "GET /api/v2/assets?limit=100&offset=0&orderBy=updatedAt%20ASC"
    );
    for list in &seen[1..] {
        assert!(
            list.head
                .contains("session-token: r:5f0c9b1f6f0e4d4a9f7c2b7a6d1e8c33")
        );
        assert!(list.head.contains("upkeep-version: 2022-09-14"));
        assert!(!list.head.to_ascii_lowercase().contains("cookie"));
        assert!(!list.head.contains("s3cret"));
    }
}

#[tokio::test]
async fn printed_records_arrive_byte_for_byte() {
    for (entity, printed) in [(Entity::Asset, ASSET), (Entity::WorkOrder, WORK_ORDER)] {
        let fake = list_of(printed).await;
        let listed = rig(&fake).all(entity).await.unwrap();
        assert_eq!(listed.records.len(), 1);
        let record = &listed.records[0];
        assert_eq!(&*record.raw, printed);
        let at = "2025-11-20T10:11:12.345Z".parse().unwrap();
        assert_eq!(record.updated_at, Some(at));
        assert_eq!(listed.high_water, Some(at));
        let id = serde_json::from_str::<Value>(printed).unwrap()["id"].clone();
        assert_eq!(record.external_id.as_deref(), id.as_str());
    }
}

#[tokio::test]
async fn printed_refusals_are_refusals() {
    let rows = [
        (
            401,
            r#"{"success":false,"message":"Invalid login credentials"}"#,
            code::VENDOR_LOGIN,
        ),
        (
            200,
            r#"{"success":false,"message":"human text"}"#,
            code::VENDOR_LOGIN,
        ),
        (
            400,
            r#"{"success":false,"message":"human text"}"#,
            code::VENDOR_LOGIN,
        ),
        (
            404,
            r#"{"success":false,"message":"human text"}"#,
            code::VENDOR_LOGIN,
        ),
        (
            403,
            r#"{"success":false,"message":"human text"}"#,
            code::VENDOR_FORBIDDEN,
        ),
        (404, "not here", code::VENDOR_ANSWER),
        (302, "", code::VENDOR_ANSWER),
        (200, r#"{"success":true}"#, code::VENDOR_ANSWER),
        (200, r#"{"success":true,"result":{}}"#, code::VENDOR_ANSWER),
        (
            200,
            r#"{"success":true,"result":{"sessionToken":""}}"#,
            code::VENDOR_ANSWER,
        ),
        (
            200,
            r#"{"success":true,"result":{"sessionToken":"a\nb"}}"#,
            code::VENDOR_ANSWER,
        ),
        (
            200,
            r#"{"success":true,"message":"session deleted"}"#,
            code::VENDOR_ANSWER,
        ),
        (200, "[]", code::VENDOR_ANSWER),
    ];
    for (status, body, code) in rows {
        let fake =
            Fake::start(move |_| Some(answer(status, "application/json", body.as_bytes()))).await;
        let e = rig(&fake).fails(Entity::Asset).await;
        assert!(e.is(code), "{status} {body}: {e}");
        let shown = format!("{e} {e:?} {:?}", e.problem(None));
        for secret in ["s3cret", "human text", "Invalid login", EMAIL] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(fake.seen().len(), 1, "a refused login is not repeated");
    }
}

#[tokio::test]
async fn a_session_without_a_readable_end_lasts_until_it_is_refused() {
    for end in [
        "",
        r#","expiresAt":null"#,
        r#","expiresAt":"soon""#,
        r#","expiresAt":"2001-01-01T00:00:00Z""#,
    ] {
        let login = format!(r#"{{"success":true,"result":{{"sessionToken":"r:1"{end}}}}}"#);
        let fake = Fake::start(move |seen| {
            Some(json_answer(if seen.line.starts_with("POST") {
                &login
            } else {
                r#"{"success":true,"results":[]}"#
            }))
        })
        .await;
        let rig = rig(&fake);
        for _ in 0..3 {
            rig.all(Entity::Asset).await.unwrap();
        }
        assert_eq!(
            fake.seen()
                .iter()
                .filter(|s| s.line.starts_with("POST"))
                .count(),
            1
        );
    }
    assert!(LOGIN.contains("expiresAt"));
}

#[tokio::test]
async fn list_envelopes_of_other_shapes_are_not_understood() {
    let rows = [
        (
            r#"{"success":true,"data":[],"pagination":{"currentPage":1}}"#,
            code::VENDOR_ANSWER,
        ),
        (
            r#"{"success":true,"result":{"id":"a"}}"#,
            code::VENDOR_ANSWER,
        ),
        (r#"{"results":[]}"#, code::VENDOR_ANSWER),
        (r#"{"success":"true","results":[]}"#, code::VENDOR_ANSWER),
        (r#"{"success":true,"results":{}}"#, code::VENDOR_ANSWER),
        (r#"{"success":true,"results":null}"#, code::VENDOR_ANSWER),
        (r#"[]"#, code::VENDOR_ANSWER),
        (r#"null"#, code::VENDOR_ANSWER),
        (
            r#"{"success":false,"message":"human text"}"#,
            code::VENDOR_ERROR,
        ),
        (r#"{"success":false,"results":[]}"#, code::VENDOR_ERROR),
    ];
    for (body, code) in rows {
        let fake = Fake::lists(move |_| Some(json_answer(body))).await;
        let e = rig(&fake).fails(Entity::WorkOrder).await;
        assert!(e.is(code), "{body}: {e}");
        assert!(!format!("{e:?}").contains("human text"));
    }
    let unknown_fields = r#"{"success":true,"results":[],"totalCount":0,"next":"http://x"}"#;
    let fake = Fake::lists(move |_| Some(json_answer(unknown_fields))).await;
    rig(&fake).all(Entity::WorkOrder).await.unwrap();
}
