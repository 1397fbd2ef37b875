//! Log in, sessions, log out.

use cmms_sim::upkeep::UpkeepConfig;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

use crate::bench::{Bench, field, reply};

#[tokio::test]
async fn form_login_answers_token_and_expiry() {
    let bench = Bench::logged_out(UpkeepConfig::default().work_orders(1).session_minutes(90)).await;
    let answer = bench.auth("integration@example.com", "upkeep-sim").await;
    let token = field(answer.result(), "sessionToken");
    let hex = token.strip_prefix("r:").unwrap();
    assert_eq!(hex.len(), 32);
    assert!(hex.chars().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(
        field(answer.result(), "expiresAt"),
        "2026-06-01T09:30:00.000Z"
    );
    assert_eq!(bench.vendor().logins(), 1);
}

#[tokio::test]
async fn json_login_is_accepted() {
    let bench = Bench::logged_out(UpkeepConfig::default().work_orders(1)).await;
    let body = json!({"email": "integration@example.com", "password": "upkeep-sim"});
    let answer = reply(bench.http.post(bench.url("/auth")).json(&body)).await;
    assert!(answer.result()["sessionToken"].is_string());
}

#[tokio::test]
async fn form_login_decodes_special_characters() {
    let config = UpkeepConfig::default()
        .work_orders(1)
        .email("a+b@example.com")
        .password("p&ß =%41+");
    let bench = Bench::logged_out(config).await;
    bench.auth("a+b@example.com", "p&ß =%41+").await.result();
}

#[tokio::test]
async fn sim_wrong_password_is_401_invalid_login_credentials() {
    let bench = Bench::small().await;
    for (email, password) in [
        ("integration@example.com", "no"),
        ("x@example.com", "upkeep-sim"),
    ] {
        let answer = bench.auth(email, password).await;
        assert_eq!(answer.refused(401), "Invalid login credentials");
    }
    assert_eq!(bench.vendor().logins(), 1);
}

#[tokio::test]
async fn login_without_password_is_400() {
    let bench = Bench::small().await;
    reply(bench.http.post(bench.url("/auth")).form(&[("email", "a")]))
        .await
        .refused(400);
    reply(
        bench
            .http
            .post(bench.url("/auth"))
            .header("content-type", "application/json")
            .body("["),
    )
    .await
    .refused(400);
}

#[tokio::test]
async fn sim_missing_token_is_401_unauthorized() {
    let bench = Bench::small().await;
    let answer = reply(bench.http.get(bench.url("/assets"))).await;
    assert_eq!(answer.refused(401), "Unauthorized");
}

#[tokio::test]
async fn sim_unknown_token_is_401_unauthorized() {
    let mut bench = Bench::small().await;
    bench.token = "r:00000000000000000000000000000000".to_owned();
    assert_eq!(bench.get("/work-orders").await.refused(401), "Unauthorized");
}

#[tokio::test]
async fn sim_expired_token_is_401_unauthorized() {
    let mut bench = Bench::small().await;
    bench
        .vendor()
        .advance_clock(Duration::from_secs(60 * 60 - 1));
    bench.get("/assets").await.results();
    bench.vendor().advance_clock(Duration::from_secs(1));
    assert_eq!(bench.get("/assets").await.refused(401), "Unauthorized");
    bench.log_in().await;
    bench.get("/assets").await.results();
}

#[tokio::test]
async fn sim_plan_without_api_is_403() {
    let bench = Bench::small().await;
    bench.vendor().set_api_plan(false);
    bench.get("/assets").await.refused(403);
    bench
        .auth("integration@example.com", "upkeep-sim")
        .await
        .refused(403);
    bench
        .auth("integration@example.com", "no")
        .await
        .refused(401);
}

#[tokio::test]
async fn log_out_ends_the_session() {
    let bench = Bench::small().await;
    let answer = reply(bench.request(Method::DELETE, "/auth")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({"success": true, "message": "session deleted"})
    );
    bench.get("/assets").await.refused(401);
    reply(bench.request(Method::DELETE, "/auth"))
        .await
        .refused(401);
}

#[tokio::test]
async fn sessions_live_side_by_side() {
    let mut bench = Bench::small().await;
    let first = bench.token.clone();
    bench.log_in().await;
    assert_ne!(first, bench.token);
    bench.get("/assets").await.results();
    bench.token = first;
    bench.get("/assets").await.results();
}

#[tokio::test]
async fn expire_sessions_ends_them_all() {
    let mut bench = Bench::start(UpkeepConfig::default().work_orders(1).ready_token("ready")).await;
    bench.vendor().expire_sessions();
    bench.get("/assets").await.refused(401);
    bench.token = "ready".to_owned();
    bench.get("/assets").await.refused(401);
}

#[tokio::test]
async fn ready_token_is_valid_without_login() {
    let mut bench =
        Bench::logged_out(UpkeepConfig::default().work_orders(1).ready_token("ready")).await;
    bench.token = "ready".to_owned();
    bench
        .vendor()
        .advance_clock(Duration::from_secs(86_400 * 365));
    bench.get("/assets").await.results();
    assert_eq!(bench.vendor().logins(), 0);
}

#[tokio::test]
async fn set_password_keeps_sessions_and_refuses_the_old_one() {
    let bench = Bench::small().await;
    bench.vendor().set_password("new");
    bench.get("/assets").await.results();
    bench
        .auth("integration@example.com", "upkeep-sim")
        .await
        .refused(401);
    bench.auth("integration@example.com", "new").await.result();
}

#[tokio::test]
async fn log_keeps_no_secret_of_a_login() {
    let bench = Bench::small().await;
    let request = bench
        .http
        .post(bench.url("/auth?password=upkeep-sim&email=x"));
    reply(request.body("password=upkeep-sim"))
        .await
        .refused(400);
    let log = format!("{:?}", bench.vendor().requests());
    assert!(log.contains("/api/v2/auth"));
    assert!(!log.contains("upkeep-sim"));
    assert!(!log.contains(&bench.token));
}
