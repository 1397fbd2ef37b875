//! Logins, sessions, throttling, statuses.

use crate::small;
use crate::support::{EMAIL, PASSWORD, SimRig, credentials};
use cmms_core::clock::Clock as _;
use cmms_core::domain::entity::Entity;
use cmms_core::error::{Code, Retry};
use cmms_core::ports::adapter::Adapter as _;
use cmms_core::{Error, code};
use cmms_sim::Fault;
use cmms_sim::fault::SessionEnd;
use cmms_sim::upkeep::SimEntity;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn one_login_serves_all_calls_also_at_the_same_time() {
    let sim = SimRig::start(small()).await;
    let (a, b) = tokio::join!(sim.rig.all(Entity::Asset), sim.rig.all(Entity::WorkOrder));
    a.unwrap();
    b.unwrap();
    assert_eq!(sim.vendor().logins(), 1);
    assert_eq!(sim.calls("auth"), 1);
}

#[tokio::test]
async fn sessions_are_renewed_five_minutes_before_they_end() {
    let sim = SimRig::start(small().session_minutes(60)).await;
    let minutes = |n: u64| Duration::from_secs(n * 60);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.rig.clock.advance(minutes(54));
    sim.vendor().advance_clock(minutes(54));
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 1);
    sim.rig.clock.advance(minutes(1));
    sim.vendor().advance_clock(minutes(1));
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 2);
    assert!(sim.vendor().requests().iter().all(|r| r.status == 200));
}

#[tokio::test]
async fn a_session_that_ends_early_is_made_anew_once() {
    let sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().expire_sessions();
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 2);
    // Refused again right after the login: no third try.
    sim.vendor().clear_requests();
    sim.vendor().fail_next(2, 401, None);
    let e = sim.rig.fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_LOGIN));
    assert_eq!(sim.calls("assets"), 2);
    assert_eq!(sim.vendor().logins(), 3);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
}

#[tokio::test]
async fn many_callers_share_the_new_session_after_a_401() {
    let sim = Arc::new(SimRig::start(small()).await);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().expire_sessions();
    let (a, b, c) = tokio::join!(
        sim.rig.pull(Entity::Asset, None),
        sim.rig.pull(Entity::WorkOrder, None),
        sim.rig.pull(Entity::Asset, None)
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(sim.vendor().logins(), 2);
}

const ENDS: [SessionEnd; 5] = [
    SessionEnd::Unauthorized,
    SessionEnd::Forbidden,
    SessionEnd::PageExpired,
    SessionEnd::Failure,
    SessionEnd::InvalidToken,
];

#[tokio::test]
async fn whatever_is_refused_to_a_session_that_worked_is_tried_with_a_new_login() {
    for end in ENDS {
        let sim = SimRig::start(small()).await;
        sim.rig.pull(Entity::Asset, None).await.unwrap();
        sim.vendor().set_session_end(end);
        sim.vendor().expire_sessions();
        sim.rig.pull(Entity::Asset, None).await.unwrap();
        assert_eq!(sim.vendor().logins(), 2, "{end:?}");
        // Several at the same time, of which each is refused, share one login.
        sim.vendor().expire_sessions();
        let (a, b, c) = tokio::join!(
            sim.rig.pull(Entity::Asset, None),
            sim.rig.pull(Entity::WorkOrder, None),
            sim.rig.pull(Entity::Asset, None)
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{end:?}");
        assert_eq!(sim.vendor().logins(), 3, "{end:?}");
    }
}

#[tokio::test]
async fn a_login_page_in_place_of_the_list_is_tried_with_a_new_login() {
    let sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().inject(Fault::LoginPage.on("assets").times(3));
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 2);
}

#[tokio::test]
async fn a_refusal_that_a_new_login_does_not_end_counts_after_one_login() {
    for (end, code) in ENDS.into_iter().zip([
        code::VENDOR_LOGIN,
        code::VENDOR_FORBIDDEN,
        code::VENDOR_LOGIN,
        code::VENDOR_ERROR,
        code::VENDOR_LOGIN,
    ]) {
        let sim = SimRig::start(small()).await;
        sim.rig.pull(Entity::Asset, None).await.unwrap();
        sim.vendor()
            .inject(Fault::SessionEnds(end).on("assets").always());
        sim.vendor().clear_requests();
        let e = sim.rig.fails(Entity::Asset).await;
        assert!(e.is(code), "{end:?}: {e}");
        assert_eq!(sim.vendor().logins(), 2, "{end:?}");
        assert_eq!(sim.calls("assets"), 2, "{end:?}");
        sim.vendor().end_faults();
        sim.rig.pull(Entity::Asset, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_kind_that_is_forbidden_does_not_make_a_login_each_time() {
    let sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::WorkOrder, None).await.unwrap();
    sim.vendor().forbid(Some(SimEntity::Asset));
    for _ in 0..5 {
        let e = sim.rig.fails(Entity::Asset).await;
        assert!(e.is(code::VENDOR_FORBIDDEN));
        sim.rig.pull(Entity::WorkOrder, None).await.unwrap();
    }
    assert_eq!(sim.vendor().logins(), 3);
    // It is not for ever: the session may end later, and the right may come back.
    sim.rig.clock.advance(Duration::from_secs(300));
    assert!(
        sim.rig
            .fails(Entity::Asset)
            .await
            .is(code::VENDOR_FORBIDDEN)
    );
    assert_eq!(sim.vendor().logins(), 4);
    sim.vendor().forbid(None);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 5);
}

#[tokio::test]
async fn new_credentials_make_a_new_session() {
    let mut sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.rig.cx.credentials_version = 2;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    assert_eq!(sim.vendor().logins(), 2);
    sim.rig.cx.credentials_version = 3;
    sim.rig.cx.credentials = Arc::new(credentials(&[("email", EMAIL), ("password", "wrong")]));
    assert!(sim.rig.fails(Entity::Asset).await.is(code::VENDOR_LOGIN));
}

#[tokio::test]
async fn logins_as_the_sheet_has_them() {
    let token = "r:5f0c9b1f6f0e4d4a9f7c2b7a6d1e8c33";
    type Row = (
        &'static str,
        &'static [(&'static str, &'static str)],
        Option<&'static Code>,
    );
    let rows: &[Row] = &[
        ("e-mail", &[("email", EMAIL), ("password", PASSWORD)], None),
        (
            "user name",
            &[("username", EMAIL), ("password", PASSWORD)],
            None,
        ),
        (
            "ready token",
            &[("api_key", "r:5f0c9b1f6f0e4d4a9f7c2b7a6d1e8c33")],
            None,
        ),
        (
            "account before token",
            &[("api_key", "r:0"), ("email", EMAIL), ("password", PASSWORD)],
            None,
        ),
        (
            "wrong password",
            &[("email", EMAIL), ("password", "no")],
            Some(code::VENDOR_LOGIN),
        ),
        (
            "unknown e-mail",
            &[("email", "x@y.z"), ("password", PASSWORD)],
            Some(code::VENDOR_LOGIN),
        ),
        (
            "unknown token",
            &[("api_key", "r:0")],
            Some(code::VENDOR_LOGIN),
        ),
    ];
    for (name, fields, refused) in rows {
        let sim = SimRig::login(small().ready_token(token), fields).await;
        let checked = sim.rig.adapter.check(&sim.rig.cx).await;
        let pulled = sim.rig.pull(Entity::Asset, None).await;
        match refused {
            None => {
                checked.unwrap();
                pulled.unwrap();
            }
            Some(code) => {
                assert!(checked.unwrap_err().is(code), "{name}");
                let e: Error = pulled.unwrap_err();
                assert!(e.is(code), "{name}");
                assert!(!format!("{e:?}{e}").contains("no credentials"));
                // Neither the login nor the call is repeated.
                assert!(sim.calls("auth") + sim.calls("assets") + sim.calls("work-orders") <= 2);
            }
        }
    }
}

#[tokio::test]
async fn a_ready_token_that_ended_is_not_asked_for_twice() {
    let fields = &[("api_key", "r:1")];
    let sim = SimRig::login(small().ready_token("r:1"), fields).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().expire_sessions();
    sim.vendor().clear_requests();
    assert!(sim.rig.fails(Entity::Asset).await.is(code::VENDOR_LOGIN));
    assert_eq!(sim.vendor().requests().len(), 1);
}

#[tokio::test]
async fn a_plan_without_api_is_forbidden() {
    let sim = SimRig::start(small().api_plan(false)).await;
    let e = sim.rig.adapter.check(&sim.rig.cx).await.unwrap_err();
    assert!(e.is(code::VENDOR_FORBIDDEN));
    let sim = SimRig::start(small()).await;
    sim.rig.pull(Entity::Asset, None).await.unwrap();
    sim.vendor().set_api_plan(false);
    assert!(
        sim.rig
            .fails(Entity::Asset)
            .await
            .is(code::VENDOR_FORBIDDEN)
    );
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let rows: &[(Option<&str>, u64, u64)] = &[
        (Some("7"), 7000, 7000),
        (Some("0"), 0, 0),
        (Some("900"), 300_000, 300_000),
        (Some("Mon, 01 Jun 2026 08:00:20 GMT"), 0, 20_000),
        (Some("20.5"), 20_500, 20_500),
        (Some("Monday, 01-Jun-26 08:00:20 GMT"), 0, 20_000),
        (Some("Mon Jun  1 08:00:20 2026"), 0, 20_000),
        (Some("rubbish"), 2000, 2500),
        (None, 2000, 2500),
    ];
    for (after, least, most) in rows {
        let sim = SimRig::start(small()).await;
        sim.vendor().fail_next(1, 429, after.map(str::to_owned));
        sim.rig.pull(Entity::Asset, None).await.unwrap();
        let sleeps = sim.rig.clock.sleeps();
        assert_eq!(sleeps.len(), 1, "{after:?}");
        let ms = u64::try_from(sleeps[0].as_millis()).unwrap();
        assert!(ms >= *least && ms <= *most, "{after:?}: {ms}");
    }
}

#[tokio::test]
async fn five_repetitions_then_the_vendors_wish_is_handed_on() {
    let sim = SimRig::start(small()).await;
    sim.vendor().fail_next(6, 429, Some("9".into()));
    let e = sim.rig.fails(Entity::Asset).await;
    assert!(e.is(code::VENDOR_LIMIT));
    assert_eq!(e.retry_hint(), Retry::After(Duration::from_secs(9)));
    assert_eq!(sim.calls("assets"), 6);
    assert_eq!(sim.rig.clock.sleeps(), vec![Duration::from_secs(9); 5]);
    sim.rig.pull(Entity::Asset, None).await.unwrap();
}

#[tokio::test]
async fn a_quota_of_a_minute_is_waited_for_without_a_header() {
    for after in [None, Some("soon"), Some("0")] {
        let sim = SimRig::start(small()).await;
        let begins = sim.rig.clock.elapsed();
        // An outage before does not shorten the wait.
        sim.vendor().fail_next(2, 500, None);
        sim.vendor().fail_next(5, 429, after.map(str::to_owned));
        sim.rig.pull(Entity::Asset, None).await.unwrap();
        let waited = sim.rig.clock.elapsed().saturating_sub(begins);
        assert!(waited >= Duration::from_secs(60), "{after:?}: {waited:?}");
        sim.vendor().fail_next(6, 429, after.map(str::to_owned));
        let began = sim.rig.clock.elapsed();
        let e = sim.rig.fails(Entity::Asset).await;
        assert!(e.is(code::VENDOR_LIMIT));
        let waited = sim.rig.clock.elapsed().saturating_sub(began);
        let least = if after == Some("0") { 58 } else { 60 };
        assert!(
            waited >= Duration::from_secs(least),
            "{after:?}: {waited:?}"
        );
    }
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let rows = [
        (500, 6, code::VENDOR_ERROR),
        (502, 6, code::VENDOR_ERROR),
        (503, 6, code::VENDOR_ERROR),
        (504, 6, code::VENDOR_ERROR),
        (501, 1, code::VENDOR_ERROR),
        (403, 1, code::VENDOR_FORBIDDEN),
        (404, 1, code::VENDOR_ANSWER),
        (409, 1, code::VENDOR_ANSWER),
        (418, 1, code::VENDOR_ANSWER),
    ];
    for (status, calls, code) in rows {
        let sim = SimRig::start(small()).await;
        sim.vendor().fail_next(10, status, None);
        let e = sim.rig.fails(Entity::Asset).await;
        assert!(e.is(code), "{status}: {e}");
        assert_eq!(sim.calls("assets"), calls, "{status}");
        assert_eq!(sim.rig.clock.sleeps().len(), calls - 1, "{status}");
    }
    // Refused as such: tried without filter and order, then given up.
    let sim = SimRig::start(small()).await;
    sim.vendor().fail_next(2, 400, None);
    assert!(sim.rig.fails(Entity::Asset).await.is(code::VENDOR_ANSWER));
    assert_eq!(sim.calls("assets"), 2);
}

#[tokio::test]
async fn requests_are_spaced_where_the_connection_asks_for_it() {
    let mut sim = SimRig::start(small()).await;
    sim.rig.cx.options = Arc::new(cmms_core::domain::connection::ConnectionOptions {
        page_size: Some(10),
        max_requests_per_second: Some(4.0),
        ..Default::default()
    });
    sim.rig.all(Entity::Asset).await.unwrap();
    let sleeps = sim.rig.clock.sleeps();
    assert_eq!(sleeps.len() + 1, sim.vendor().requests().len());
    assert!(sleeps.iter().all(|s| *s == Duration::from_millis(250)));
}

#[tokio::test]
async fn whoever_gives_up_waits_no_longer() {
    let sim = SimRig::start(small().latency(Duration::from_secs(60))).await;
    let cancel = sim.rig.cx.cancel.clone();
    let give_up = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cancel.cancel();
    };
    let (e, ()) = tokio::join!(sim.rig.fails(Entity::Asset), give_up);
    assert!(e.is(code::OP_CANCELLED));
}

#[tokio::test]
async fn base_urls_with_and_without_the_api_path_work() {
    let mut sim = SimRig::start(small()).await;
    let base = sim.sim.base_url();
    for path in ["", "/", "/api/v2", "/api/v2/"] {
        let url = format!("{base}{path}");
        let accepted = sim
            .rig
            .adapter
            .accept(&url, &sim.rig.cx.credentials, &sim.rig.cx.options)
            .unwrap();
        assert_eq!(accepted, url.trim_end_matches('/'));
        sim.rig.cx.api_url = accepted.into();
        sim.rig.adapter.check(&sim.rig.cx).await.unwrap();
    }
}
