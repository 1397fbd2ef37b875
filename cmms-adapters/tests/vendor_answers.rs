//! Answers that no vendor should give: each has its code, none gets into an error, none is believed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use cmms_core::code;
use cmms_core::domain::connection::ConnectionOptions;
use cmms_core::domain::entity::Entity;
use cmms_core::error::Code;
use cmms_core::ports::adapter::Adapter as _;
use cmms_core::testing::SteppedClock;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::fake::{Fake, answer, json, with_headers};
use support::{EMAIL, PASSWORD, Rig, credentials};

const CANARY: &str = "canary-7f3a";
const EMPTY: &str = r#"{"success":true,"results":[]}"#;

fn rig(fake: &Fake) -> Rig {
    Rig::with(
        &fake.origin,
        &[("email", EMAIL), ("password", PASSWORD)],
        Arc::new(SteppedClock::default()),
        |b| b.timeout(Duration::from_millis(1500)),
    )
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut w = GzEncoder::new(Vec::new(), Compression::best());
    w.write_all(body).unwrap();
    w.finish().unwrap()
}

const GZIP: &[(&str, &str)] = &[("Content-Encoding", "gzip")];

#[tokio::test]
async fn odd_answers_have_their_codes_and_stay_out_of_errors() {
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    let large = vec![b' '; 32 * 1024 * 1024 + 1];
    let bomb = gzip(&vec![b' '; 31 * 1024 * 1024]);
    let cut_gzip = {
        let whole = gzip(EMPTY.as_bytes());
        whole[..whole.len() - 6].to_vec()
    };
    let rows: Vec<(&str, Vec<u8>, &'static Code, usize)> = vec![
        (
            "a page with status 200",
            answer(200, "text/html", format!("<html>{CANARY}").as_bytes()),
            code::VENDOR_ANSWER,
            3,
        ),
        (
            "a page that says JSON",
            json(&format!("  <!DOCTYPE html>{CANARY}")),
            code::VENDOR_ANSWER,
            3,
        ),
        (
            "no JSON",
            json(&format!("{{{CANARY}")),
            code::VENDOR_ANSWER,
            3,
        ),
        (
            "JSON that is cut",
            json(r#"{"success":true,"results":[{"id":"#),
            code::VENDOR_ANSWER,
            3,
        ),
        ("nothing", json(""), code::VENDOR_ANSWER, 3),
        (
            "no UTF-8",
            answer(
                200,
                "application/json",
                b"{\"success\":true,\"x\":\"\xff\"}",
            ),
            code::VENDOR_ANSWER,
            3,
        ),
        ("too deep", json(&deep), code::VENDOR_ANSWER, 1),
        (
            "a text where a list belongs",
            json(&format!(r#"{{"success":true,"results":"{CANARY}"}}"#)),
            code::VENDOR_ANSWER,
            1,
        ),
        (
            "cut in transfer",
            with_headers(200, &[("Content-Length", "5000")], EMPTY.as_bytes()),
            code::VENDOR_ANSWER,
            6,
        ),
        (
            "more than it says",
            with_headers(200, &[("Content-Length", "99999999999")], EMPTY.as_bytes()),
            code::VENDOR_TOO_LARGE,
            1,
        ),
        (
            "too large",
            answer(200, "application/json", &large),
            code::VENDOR_TOO_LARGE,
            1,
        ),
        (
            "a bomb",
            with_headers(200, GZIP, &bomb),
            code::VENDOR_TOO_LARGE,
            1,
        ),
        (
            "cut gzip",
            with_headers(200, GZIP, &cut_gzip),
            code::VENDOR_ANSWER,
            1,
        ),
        (
            "gzip that is none",
            with_headers(200, GZIP, EMPTY.as_bytes()),
            code::VENDOR_ANSWER,
            1,
        ),
        (
            "an unknown compression",
            with_headers(200, &[("Content-Encoding", "br")], EMPTY.as_bytes()),
            code::VENDOR_ANSWER,
            1,
        ),
        (
            "compressed twice",
            with_headers(
                200,
                &[("Content-Encoding", "gzip, gzip")],
                &gzip(&gzip(EMPTY.as_bytes())),
            ),
            code::VENDOR_ANSWER,
            1,
        ),
        (
            "no HTTP",
            format!("SSH-2.0-{CANARY}\r\n").into_bytes(),
            code::VENDOR_UNREACHABLE,
            6,
        ),
        (
            "status 500 with a banner",
            answer(500, "text/plain", CANARY.as_bytes()),
            code::VENDOR_ERROR,
            6,
        ),
        (
            "status 404 at the first page",
            answer(404, "text/plain", CANARY.as_bytes()),
            code::VENDOR_ANSWER,
            1,
        ),
    ];
    for (name, bytes, code, calls) in rows {
        let fake = Fake::lists(move |_| Some(bytes.clone())).await;
        let e = rig(&fake).fails(Entity::Asset).await;
        assert!(e.is(code), "{name}: {e:?}");
        assert_eq!(fake.seen().len(), calls + 1, "{name}");
        let shown = format!("{e} {e:?} {:?}", e.problem(None));
        for secret in [CANARY, "r:5f0c", PASSWORD, EMAIL, "orderBy"] {
            assert!(!shown.contains(secret), "{name}: {shown}");
        }
    }
}

#[tokio::test]
async fn compressed_answers_are_read() {
    let body = r#"{"success":true,"results":[{"id":"a","updatedAt":"2026-01-01T00:00:00.000Z"}]}"#;
    let fake = Fake::lists(move |seen| {
        assert!(seen.head.contains("accept-encoding: gzip, deflate"));
        let body = if seen.line.contains("offset=0") {
            body
        } else {
            EMPTY
        };
        Some(with_headers(200, GZIP, &gzip(body.as_bytes())))
    })
    .await;
    let listed = rig(&fake).all(Entity::Asset).await.unwrap();
    assert_eq!(listed.records.len(), 1);
}

#[tokio::test]
async fn connections_that_end_or_hang_are_tried_again() {
    let fake = Fake::lists(|_| None).await;
    let e = rig(&fake).fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_UNREACHABLE), "{e:?}");
    assert_eq!(fake.seen().len(), 7);

    let gone = Rig::new("http://127.0.0.1:1", &[("api_key", "r:1")]);
    let e = gone.fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_UNREACHABLE));
    assert_eq!(gone.clock.sleeps().len(), 5);
    // Somebody waits in front of a screen.
    let gone = Rig::new("http://127.0.0.1:1", &[("api_key", "r:1")]);
    gone.adapter.check(&gone.cx).await.unwrap_err();
    assert_eq!(gone.clock.sleeps().len(), 1);

    // Accepts and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = Rig::with(
        &format!("http://{}", silent.local_addr().unwrap()),
        &[("api_key", "r:1")],
        Arc::new(SteppedClock::default()),
        |b| b.timeout(Duration::from_millis(50)),
    );
    let e = slow.fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_TIMEOUT), "{e:?}");
    assert_eq!(slow.clock.sleeps().len(), 5);
}

#[tokio::test]
async fn redirects_stay_at_their_origin_and_are_few() {
    let other = Fake::lists(|_| Some(json(EMPTY))).await;
    let elsewhere = format!("{}/api/v2/assets", other.origin);
    let rows: Vec<(String, bool, usize)> = vec![
        ("/api/v2/elsewhere".into(), true, 2),
        ("elsewhere".into(), true, 2),
        ("?a=1".into(), false, 4),
        ("/api/v2/assets".into(), false, 4),
        (elsewhere.clone(), false, 1),
        (elsewhere.replace("http", "https"), false, 1),
        ("http://169.254.169.254/latest".into(), false, 1),
        ("http://localhost/".into(), false, 1),
        ("//example.com/".into(), false, 1),
        ("file:///etc/passwd".into(), false, 1),
        ("http://a@127.0.0.1/".into(), false, 1),
        ("http://[::1".into(), false, 1),
    ];
    for (to, good, calls) in rows {
        for status in [301, 302, 303, 307, 308] {
            let to = to.clone();
            let location = to.clone();
            let fake = Fake::lists(move |seen| {
                Some(if seen.line.contains("elsewhere") {
                    json(EMPTY)
                } else {
                    with_headers(status, &[("Location", &location)], b"")
                })
            })
            .await;
            let outcome = rig(&fake).pull(Entity::Asset, None).await;
            assert_eq!(fake.seen().len() - 1, calls, "{to} {status}");
            match outcome {
                Ok(_) => assert!(good, "{to}"),
                Err(e) => {
                    assert!(!good, "{to}: {e:?}");
                    assert!(e.is(code::VENDOR_ANSWER));
                    assert!(!format!("{e:?}").contains("169.254"), "{e:?}");
                }
            }
        }
    }
    assert_eq!(other.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_login_follows_no_redirect() {
    let fake = Fake::start(|_| Some(with_headers(307, &[("Location", "/api/v2/auth")], b""))).await;
    let e = rig(&fake).fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_ANSWER));
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_list_that_does_not_move_on_is_given_up() {
    let pages = [
        // Ignores offset, filter and order.
        r#"{"success":true,"results":[{"id":"b","updatedAt":"2026-01-02T00:00:00Z"},{"id":"a","updatedAt":"2026-01-01T00:00:00Z"}]}"#,
        r#"{"success":true,"results":[{"id":"a","updatedAt":"2026-01-01T00:00:00Z"}]}"#,
        r#"{"success":true,"results":[{"id":"a"},{"id":"b"}]}"#,
        r#"{"success":true,"results":[{}]}"#,
        r#"{"success":true,"results":[null,null]}"#,
    ];
    for page in pages {
        let fake = Fake::lists(move |_| Some(json(page))).await;
        let e = rig(&fake).fails(Entity::Asset).await;
        assert!(e.is(code::VENDOR_ANSWER), "{page}: {e}");
        assert!(fake.seen().len() < 200, "{page}: {}", fake.seen().len());
    }
}

#[tokio::test]
async fn an_answer_that_is_spoilt_on_its_way_is_asked_for_again() {
    let spoilt: [&[u8]; 4] = [
        b"<html>try again</html>",
        br#"{"success":true,"results":[{"id":"#,
        b"{\"success\":true,\"x\":\"\xff\"}",
        b"",
    ];
    for body in spoilt {
        for times in [1, 2] {
            let calls = AtomicUsize::new(0);
            let fake = Fake::lists(move |_| {
                Some(if calls.fetch_add(1, Ordering::SeqCst) < times {
                    answer(200, "application/json", body)
                } else {
                    json(EMPTY)
                })
            })
            .await;
            let rig = rig(&fake);
            assert!(rig.all(Entity::Asset).await.unwrap().records.is_empty());
            assert_eq!(rig.clock.sleeps().len(), times, "each time after a pause");
        }
    }
}

#[tokio::test]
async fn a_404_ends_a_list_only_behind_its_beginning() {
    let fake = Fake::lists(|seen| {
        Some(if seen.line.contains("offset=0") {
            json(r#"{"success":true,"results":[{"id":"a","updatedAt":"2026-01-01T00:00:00Z"}]}"#)
        } else {
            answer(404, "text/plain", b"no more")
        })
    })
    .await;
    assert_eq!(
        rig(&fake).all(Entity::Asset).await.unwrap().records.len(),
        1
    );
}

#[test]
fn connections_are_checked_before_anybody_is_called() {
    let vendors = Rig::new("http://127.0.0.1:9", &[("api_key", "r:1")]);
    let accept = |url: &str, fields: &[(&str, &str)], options: ConnectionOptions| {
        vendors.adapter.accept(url, &credentials(fields), &options)
    };
    let key = &[("api_key", "r:1")];
    let plain = ConnectionOptions::default;
    for (url, normal) in [
        (
            "https://api.onupkeep.com/api/v2",
            "https://api.onupkeep.com/api/v2",
        ),
        ("https://api.upkeep.com", "https://api.upkeep.com"),
        ("https://API.UpKeep.com:443/", "https://api.upkeep.com"),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
    ] {
        assert_eq!(accept(url, key, plain()).unwrap(), normal);
    }
    for (url, code) in [
        ("https://example.com", code::EGRESS_REFUSED),
        ("http://api.upkeep.com", code::EGRESS_REFUSED),
        ("ftp://api.upkeep.com", code::EGRESS_URL),
        ("api.upkeep.com", code::EGRESS_URL),
    ] {
        let e = accept(url, key, plain()).unwrap_err();
        assert!(e.is(code), "{url}");
        assert_eq!(e.first_field(), Some("api_url"));
    }
    let url = "https://api.upkeep.com";
    let sets: &[(&[(&str, &str)], &str)] = &[
        (&[], "credentials"),
        (&[("email", "a@b.c")], "credentials"),
        (&[("password", "p")], "credentials"),
        (&[("email", ""), ("password", "p")], "credentials"),
        (&[("api_key", "")], "credentials"),
        (&[("api_key", "a\r\nb")], "credentials.api_key"),
        (&[("api_key", "k"), ("token", "t")], "credentials.token"),
    ];
    for (fields, field) in sets {
        let e = accept(url, fields, plain()).unwrap_err();
        assert!(e.is(code::CONNECTION_CREDENTIALS));
        assert_eq!(e.first_field(), Some(*field));
        assert!(e.message().contains("email and password"));
    }
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_a_secret() {
    let fake = Fake::lists(|_| Some(json(EMPTY))).await;
    let rig = rig(&fake);
    rig.all(Entity::Asset).await.unwrap();
    let base = url::Url::parse(&fake.origin).unwrap();
    let request = cmms_adapters::http::Request::post(&base, "auth")
        .form(&[("password", PASSWORD)])
        .query("key", PASSWORD)
        .secret_header("session-token", PASSWORD)
        .unwrap();
    let shown = format!("{:?} {:?} {request:?}", rig.adapter, rig.cx);
    for secret in ["r:5f0c", PASSWORD, EMAIL] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn a_list_that_keeps_no_order_is_read_by_offsets() {
    // Honours limit and offset alone: neither order nor filter. Times neither rise nor fall.
    let fake = Fake::lists(|seen| {
        if seen.line.contains("archived") {
            return Some(json(EMPTY));
        }
        let number = |name: &str| -> usize {
            let value = seen.line.split(name).nth(1).unwrap();
            value.split('&').next().unwrap().parse().unwrap()
        };
        let rows: Vec<String> = (number("offset=")..70)
            .take(number("limit="))
            .map(|n| {
                let minute = n * 37 % 60;
                format!(r#"{{"id":"r{n}","updatedAt":"2026-01-01T00:{minute:02}:00.000Z"}}"#)
            })
            .collect();
        let rows = rows.join(",");
        Some(json(&format!(r#"{{"success":true,"results":[{rows}]}}"#)))
    })
    .await;
    for size in [100, 7, 10] {
        let rig = rig(&fake).page_size(size);
        let listed = rig.all(Entity::WorkOrder).await.unwrap();
        assert_eq!(listed.by_id().len(), 70, "{size}");
        let high = "2026-01-01T00:59:00Z".parse().unwrap();
        assert_eq!(listed.high_water, Some(high));
    }
}
