//! A vendor that answers what a test says, byte for byte.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a request was.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `GET /path?query`.
    pub(crate) line: String,
    /// The head, as it was sent.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

/// A server on loopback that answers with bytes.
pub(crate) struct Fake {
    pub(crate) origin: String,
    pub(crate) connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a body of this type.
pub(crate) fn answer(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    with_headers(status, &[("Content-Type", content_type)], body)
}

/// A JSON answer.
pub(crate) fn json(body: &str) -> Vec<u8> {
    answer(200, "application/json; charset=utf-8", body.as_bytes())
}

pub(crate) fn with_headers(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} x\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(n, _)| *n == "Content-Length") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut bytes = format!("{head}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Fake {
    /// Answers each request with what `say` gives for it; None: closes without a word.
    pub(crate) async fn start(
        say: impl Fn(&Seen) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (count, log) = (Arc::clone(&connections), Arc::clone(&seen));
        let serve = async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let Some(request) = read(&mut stream).await else {
                    continue;
                };
                log.lock().unwrap().push(request.clone());
                if let Some(bytes) = say(&request) {
                    let _ = stream.write_all(&bytes).await;
                    let _ = stream.shutdown().await;
                }
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the fake's task, ended when it is dropped"
        )]
        let task = tokio::spawn(serve);
        Self {
            origin,
            connections,
            seen,
            task,
        }
    }

    /// A vendor that lets everybody in and answers lists with this.
    pub(crate) async fn lists(
        say: impl Fn(&Seen) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |seen| {
            if seen.line.starts_with("POST /api/v2/auth") {
                return Some(json(LOGIN));
            }
            say(seen)
        })
        .await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// The login's answer as the fact sheet prints it.
pub(crate) const LOGIN: &str = r#"{"success":true,"result":{"sessionToken":"r:5f0c9b1f6f0e4d4a9f7c2b7a6d1e8c33","expiresAt":"2027-03-01T00:00:00.000Z"}}"#;

async fn read(stream: &mut tokio::net::TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let n = stream.read(&mut piece).await.ok()?;
        if n == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .filter_map(|l| l.split_once(':'))
            .find(|(n, _)| n.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, v)| v.trim().parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            let line = head
                .lines()
                .next()?
                .trim_end_matches(" HTTP/1.1")
                .to_owned();
            return Some(Seen {
                line,
                head: head.to_owned(),
                body: body.to_owned(),
            });
        }
    }
}
