//! Without authentication: only programs of this machine get in, and no page of another site.

use crate::fixture::{Fixture, HOST, request};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request};
use cmms_server::rest::{Access, router};
use tower::ServiceExt;

fn with(mut request: Request<Body>, headers: &[(&'static str, &'static str)]) -> Request<Body> {
    for (name, value) in headers {
        request.headers_mut().append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    request
}

fn bare(method: &str, path: &str, body: &'static str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body))
        .unwrap()
}

#[tokio::test]
async fn only_loopback_names_with_the_port_are_hosts() {
    let api = Fixture::new().await;
    for host in [
        "127.0.0.1:8003",
        "localhost:8003",
        "LOCALHOST:8003",
        "[::1]:8003",
    ] {
        api.send(with(bare("GET", "/assets", ""), &[("host", host)]))
            .await
            .is(200);
    }
    for host in [
        "evil.example",
        "evil.example:8003",
        "127.0.0.1",
        "127.0.0.1:8004",
        "localhost",
        "localhost.:8003",
        "localhost.evil.example:8003",
        "127.0.0.1.evil.example:8003",
        "a@127.0.0.1:8003",
        "[::1]",
        "[::2]:8003",
        "0.0.0.0:8003",
        "127.0.0.1:8003:1",
        "127.0.0.1:+8003",
        "",
        ":8003",
        "192.168.0.1:8003",
    ] {
        let reply = api
            .send(with(bare("GET", "/assets", ""), &[("host", host)]))
            .await;
        assert_eq!(reply.status, 403, "{host:?}");
        reply.problem(403, "CMMS-SERVE-004");
    }
    api.send(bare("GET", "/assets", ""))
        .await
        .problem(403, "CMMS-SERVE-004");
    let two = with(
        bare("GET", "/assets", ""),
        &[("host", HOST), ("host", "evil.example")],
    );
    api.send(two).await.problem(403, "CMMS-SERVE-004");
    let target = with(
        bare("GET", "http://evil.example/assets", ""),
        &[("host", HOST)],
    );
    api.send(target).await.problem(403, "CMMS-SERVE-004");
    let target = with(
        bare("GET", "http://127.0.0.1:8003/assets", ""),
        &[("host", HOST)],
    );
    api.send(target).await.is(200);
}

#[tokio::test]
async fn foreign_origins_and_fetches_are_refused_on_every_method() {
    let api = Fixture::new().await;
    let order = api.order("t").await;
    let before = api.dump().await;
    let path = format!("/work-orders/{order}");
    let status = format!("{path}/status");
    let requests = || {
        [
            request("GET", "/assets", Body::empty()),
            request("GET", "/health", Body::empty()),
            with(
                request("POST", "/work-orders", r#"{"title":"x"}"#.into()),
                &[("content-type", "application/json")],
            ),
            with(
                request("PUT", &status, r#"{"status":"in_progress"}"#.into()),
                &[("content-type", "application/json")],
            ),
            with(
                request("PATCH", &path, r#"{"title":"x"}"#.into()),
                &[("content-type", "application/json")],
            ),
            // Without a body a browser asks nobody before it sends.
            request(
                "POST",
                "/cmms/connections/018f0000-0000-7000-8000-000000000000/test",
                Body::empty(),
            ),
            request(
                "DELETE",
                "/cmms/connections/018f0000-0000-7000-8000-000000000000",
                Body::empty(),
            ),
            with(
                request("OPTIONS", "/work-orders", Body::empty()),
                &[("access-control-request-method", "POST")],
            ),
        ]
    };
    let foreign: [&[(&str, &str)]; 10] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost:8003")],
        &[("origin", "https://127.0.0.1:8003")],
        &[("origin", "http://127.0.0.1:8004")],
        &[
            ("origin", "http://127.0.0.1:8003"),
            ("origin", "http://evil.example"),
        ],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "something-new")],
        &[
            ("origin", "http://127.0.0.1:8003"),
            ("sec-fetch-site", "cross-site"),
        ],
    ];
    for headers in foreign {
        for request in requests() {
            let (method, path) = (request.method().clone(), request.uri().clone());
            let reply = api.send(with(request, headers)).await;
            assert_eq!(reply.status, 403, "{method} {path} {headers:?}");
            assert!(!reply.headers.contains_key("access-control-allow-origin"));
            reply.problem(403, "CMMS-SERVE-004");
        }
    }
    assert_eq!(api.dump().await, before);
    let own: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", "http://127.0.0.1:8003")],
        &[
            ("origin", "http://127.0.0.1:8003"),
            ("sec-fetch-site", "same-origin"),
        ],
        &[("sec-fetch-site", "none")],
    ];
    for headers in own {
        for request in requests() {
            let (method, path) = (request.method().clone(), request.uri().clone());
            let reply = api.send(with(request, headers)).await;
            assert_ne!(reply.status, 403, "{method} {path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_body_is_json_or_refused() {
    let api = Fixture::new().await;
    let before = api.dump().await;
    let body = r#"{"title":"x"}"#;
    let kinds: [&[(&str, &str)]; 8] = [
        &[],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/merge-patch+json")],
        &[
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ],
        &[
            ("content-type", "application/json"),
            ("content-type", "text/plain"),
        ],
    ];
    for headers in kinds {
        let reply = api
            .send(with(request("POST", "/work-orders", body.into()), headers))
            .await;
        assert_eq!(reply.status, 415, "{headers:?}");
        reply.problem(415, "CMMS-SERVE-005");
    }
    assert_eq!(api.dump().await, before);
    for kind in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
        "application/json; charset=utf8",
    ] {
        let request = with(
            request("POST", "/work-orders", body.into()),
            &[("content-type", kind), ("content-encoding", "identity")],
        );
        api.send(request).await.is(201);
    }
    let get = with(
        request("GET", "/work-orders", body.into()),
        &[("content-type", "application/json")],
    );
    api.send(get).await.problem(400, "CMMS-INPUT-001");
}

#[tokio::test]
async fn a_router_that_has_to_tell_callers_apart_lets_nobody_in() {
    let api = Fixture::new().await;
    let routes = router(api.client.clone(), Access::Authenticated);
    let response = routes
        .oneshot(request("GET", "/assets", Body::empty()))
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}
