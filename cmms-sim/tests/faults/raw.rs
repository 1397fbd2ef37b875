//! A client that looks at the bytes on the socket.

use std::io::{self, ErrorKind};

use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim, UpkeepVendor};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came until the connection ended or the answer was whole.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// How reading ended: `None` for an orderly end of the connection.
    pub(crate) error: Option<ErrorKind>,
}

impl Raw {
    pub(crate) fn status(&self) -> u16 {
        self.head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no status: {:?}", self.head))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn length(&self) -> usize {
        self.header("content-length").unwrap().parse().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.error, None);
        assert_eq!(self.length(), self.body.len());
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn records(&self) -> Vec<Value> {
        self.json()["results"].as_array().unwrap().clone()
    }
}

/// A simulator with a session.
pub(crate) struct Bench {
    pub(crate) sim: UpkeepSim,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let config = UpkeepConfig::default()
            .assets(40)
            .work_orders(60)
            .ready_token("r:raw");
        Self {
            sim: UpkeepSim::start(config, 0).await.unwrap(),
        }
    }

    pub(crate) fn vendor(&self) -> &UpkeepVendor {
        self.sim.vendor()
    }

    /// Sends a request and leaves the answer to be read.
    pub(crate) async fn open(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.sim.port()))
            .await
            .unwrap();
        let port = self.sim.port();
        let request = format!(
            "GET /api/v2/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nSession-Token: r:raw\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    pub(crate) async fn get(&self, path: &str) -> Raw {
        rest(self.open(path).await).await
    }

    /// Ten work orders by their last change.
    pub(crate) async fn page(&self, offset: usize) -> Raw {
        self.get(&format!(
            "work-orders?limit=10&offset={offset}&orderBy=updatedAt+ASC"
        ))
        .await
    }
}

/// Reads to the end of the connection.
pub(crate) async fn rest(mut stream: TcpStream) -> Raw {
    let mut all = Vec::new();
    let error = read_all(&mut stream, &mut all).await.err();
    split(all, error.map(|error| error.kind()))
}

async fn read_all(stream: &mut TcpStream, all: &mut Vec<u8>) -> io::Result<()> {
    while stream.read_buf(all).await? > 0 {}
    Ok(())
}

pub(crate) fn split(all: Vec<u8>, error: Option<ErrorKind>) -> Raw {
    let end = all.windows(4).position(|part| part == b"\r\n\r\n");
    let end = end.map_or(all.len(), |end| end + 4);
    Raw {
        head: String::from_utf8(all[..end].to_vec()).unwrap(),
        body: all[end..].to_vec(),
        error,
    }
}

/// Reads until this many bytes are there.
pub(crate) async fn at_least(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < bytes {
        assert_ne!(stream.read_buf(&mut all).await.unwrap(), 0);
    }
    all
}
