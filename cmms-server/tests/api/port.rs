//! The server on a real port.

use crate::calls::ended;
use crate::fixture::Fixture;
use crate::odd::odd;
use cmms::{Error, ListRuns, SyncStatus, code};
use cmms_server::rest::{Access, Server};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A server that runs until it is told to stop.
struct Running {
    api: Fixture,
    port: u16,
    stop: oneshot::Sender<()>,
    task: JoinSet<Result<(), Error>>,
}

impl Running {
    async fn start() -> Self {
        Self::over(Fixture::new().await).await
    }

    async fn over(api: Fixture) -> Self {
        let server = Server::bind(api.client.clone(), "127.0.0.1", 0, Access::NoAuth)
            .await
            .unwrap();
        assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.port()));
        let port = server.port();
        let (stop, stopped) = oneshot::channel::<()>();
        let mut task = JoinSet::new();
        task.spawn(server.run(stopped));
        Self {
            api,
            port,
            stop,
            task,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Sends a request as it stands and reads to the end.
    async fn raw(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(20), read)
            .await
            .unwrap()
            .unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn stop(mut self) {
        self.stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(30), self.task.join_next()).await;
        ended.unwrap().unwrap().unwrap().unwrap();
    }
}

fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .parse()
        .unwrap_or_else(|_| panic!("{answer:?}"))
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
}

#[tokio::test]
async fn it_serves_and_stops() {
    let server = Running::start().await;
    let host = format!("127.0.0.1:{}", server.port);
    let json = r#"{"title":"Over a port"}"#;
    let made = server
        .raw(&format!(
            "POST /work-orders HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{json}",
            json.len()
        ))
        .await;
    assert_eq!(status(&made), 201, "{made}");
    assert!(!made.to_lowercase().contains("\r\nserver:"), "{made}");
    let listed = server
        .raw(&format!(
            "GET /work-orders HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
        .await;
    assert_eq!(body(&listed)["items"][0]["title"], "Over a port");
    let port = server.port;
    server.stop().await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn the_real_port_is_the_host() {
    let server = Running::start().await;
    for (host, wanted) in [
        (format!("localhost:{}", server.port), 200),
        (format!("127.0.0.1:{}", server.port.wrapping_add(1)), 403),
        (format!("rebound.example:{}", server.port), 403),
    ] {
        let answer = server
            .raw(&format!(
                "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            ))
            .await;
        assert_eq!(status(&answer), wanted, "{host}");
    }
    let old = server.raw("GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&old), 403, "{old}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_and_not_cut() {
    let server = Running::start().await;
    let host = format!("127.0.0.1:{}", server.port);
    let size = 3 * 1024 * 1024;
    let answer = server
        .raw(&format!(
            "POST /work-orders HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {size}\r\nConnection: close\r\n\r\n{}",
            "x".repeat(size)
        ))
        .await;
    assert_eq!(status(&answer), 413, "{answer}");
    assert_eq!(body(&answer)["status"], 413);
    server.stop().await;
}

#[tokio::test]
async fn nonsense_and_idle_callers_hurt_nobody() {
    let server = Running::start().await;
    let answer = server.raw("\u{1}\u{2}nonsense\r\n\r\n").await;
    assert!(answer.is_empty() || status(&answer) == 400, "{answer}");
    let heavy = format!(
        "GET /health HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nA: {}\r\nConnection: close\r\n\r\n",
        server.port,
        "a".repeat(20 * 1024)
    );
    let answer = server.raw(&heavy).await;
    assert_eq!(body(&answer)["status"], 431);
    let _idle = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"POST /work-orders HTTP/1.1\r\nHost: ")
        .await
        .unwrap();
    drop(half);
    server.api.order("meanwhile").await;
    // An idle connection does not keep the server from stopping.
    server.stop().await;
}

fn sync(server: &Running, connection: &str) -> String {
    let json = json!({ "cmms_connection_id": connection }).to_string();
    format!(
        "POST /cmms/sync/work-orders HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{json}",
        server.port,
        json.len()
    )
}

#[tokio::test]
async fn a_connection_that_is_cut_ends_its_sync_in_order() {
    let (api, odd, id) = odd().await;
    let server = Running::over(api).await;
    let mut stream = server.connect().await;
    stream
        .write_all(sync(&server, &id).as_bytes())
        .await
        .unwrap();
    odd.pulling.notified().await;
    drop(stream);
    assert_eq!(ended(&server.api).await, "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_ends_syncs_in_order_and_says_so() {
    let (api, odd, id) = odd().await;
    let server = Running::over(api).await;
    let mut stream = server.connect().await;
    stream
        .write_all(sync(&server, &id).as_bytes())
        .await
        .unwrap();
    odd.pulling.notified().await;
    let client = server.api.client.clone();
    server.stop().await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), 503, "{answer}");
    assert_eq!(body(&answer)["code"], "CMMS-SYNC-006");
    let runs = client.runs().list(ListRuns::new()).await.unwrap();
    assert_eq!(runs.items[0].status, SyncStatus::Cancelled);
}

#[tokio::test]
async fn a_server_that_stops_ends_runs_whose_callers_were_answered() {
    let (api, odd, id) = odd().await;
    let server = Running::over(api).await;
    let body = json!({ "cmms_connection_id": id, "wait": false });
    server
        .api
        .post("/cmms/sync/work-orders", body)
        .await
        .is(202);
    odd.pulling.notified().await;
    let client = server.api.client.clone();
    server.stop().await;
    let runs = client.runs().list(ListRuns::new()).await.unwrap();
    assert_eq!(runs.items[0].status, SyncStatus::Cancelled);
    assert!(runs.items[0].finished_at.is_some());
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let api = Fixture::new().await;
    let e = Server::bind(api.client.clone(), "127.0.0.1", port, Access::NoAuth)
        .await
        .unwrap_err();
    assert!(e.is(code::SERVE_PORT), "{e}");
    assert!(e.message().contains(&port.to_string()), "{e}");
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_only_without_authentication() {
    let api = Fixture::new().await;
    for host in [
        "0.0.0.0",
        "::",
        "192.168.1.1",
        "example.com",
        "",
        "localhost.evil.example",
    ] {
        let e = Server::bind(api.client.clone(), host, 0, Access::NoAuth)
            .await
            .unwrap_err();
        assert!(
            e.is(code::SERVE_HOST) && e.remedy().contains("127.0.0.1"),
            "{host}: {e}"
        );
        assert!(Access::new(host, true).unwrap_err().is(code::SERVE_HOST));
    }
    let e = Server::bind(api.client.clone(), "127.0.0.1", 0, Access::Authenticated)
        .await
        .unwrap_err();
    assert!(
        e.is(code::SERVE_NO_AUTH) && e.remedy().contains("--no-auth"),
        "{e}"
    );
    assert!(
        Access::new("localhost", false)
            .unwrap_err()
            .is(code::SERVE_NO_AUTH)
    );
    assert_eq!(Access::new("localhost", true).unwrap(), Access::NoAuth);
    let server = Server::bind(api.client.clone(), "localhost", 0, Access::NoAuth)
        .await
        .unwrap();
    assert!(server.url().starts_with("http://127.0.0.1:"));
}
