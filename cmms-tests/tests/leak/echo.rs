//! A vendor that repeats what it is told.

use super::canaries::find;
use super::out::Out;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A vendor gone mad: it answers every request with the request itself.
pub(crate) struct Echo {
    pub(crate) url: String,
    /// Every request.
    pub(crate) heard: Out,
    pub(crate) mode: Arc<Mutex<(&'static str, &'static str, bool)>>,
    stop: CancellationToken,
}

impl Echo {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mode = Arc::new(Mutex::new(("200 OK", "text/html", false)));
        let (heard, stop) = (Out::default(), CancellationToken::new());
        let hears = heard.clone();
        let (present, stopped) = (Arc::clone(&mode), stop.clone());
        let serve = async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (status, kind, json) = *present.lock().unwrap();
                let mut request = Vec::new();
                while !is_whole(&request) && socket.read_buf(&mut request).await.unwrap() > 0 {}
                hears.add(&request);
                let said = String::from_utf8_lossy(&request).into_owned();
                let decoded = percent_encoding::percent_decode_str(&said).decode_utf8_lossy();
                let body = if json {
                    json!({"success": false, "message": format!("{said} {decoded}")}).to_string()
                } else {
                    format!("<html>{said} {decoded}</html>")
                };
                let line = said.lines().next().unwrap_or_default();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nlocation: /again?{}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    utf8_percent_encode(line, NON_ALPHANUMERIC),
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        };
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move {
            tokio::select! {
                () = serve => {}
                () = stopped.cancelled() => {}
            }
        });
        Self {
            url,
            heard,
            mode,
            stop,
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Whether these bytes are a request with its body.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = find(request, b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.split("content-length:").nth(1);
    let length = length.and_then(|l| l.lines().next()?.trim().parse().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}
