//! How fast the simulators are: start-up with 120,000 records, and requests
//! per second of a client that only reads bytes. Run it in release:
//!
//! ```text
//! cargo run --release -p cmms-sim --example throughput
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use cmms_sim::paged::{PagedConfig, PagedSim};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ASSETS: usize = 20_000;
const WORK_ORDERS: usize = 100_000;
const SIZE: usize = 100;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let config = UpkeepConfig::default()
        .assets(ASSETS)
        .work_orders(WORK_ORDERS)
        .ready_token("r:bench");
    let start = now();
    let sim = UpkeepSim::start(config, 0).await?;
    println!(
        "upkeep: {} records in {:.2?}",
        ASSETS + WORK_ORDERS,
        start.elapsed()
    );
    for round in ["first", "second"] {
        let mut client = Client::connect(sim.port(), "session-token: r:bench").await?;
        let start = now();
        for (list, records) in [("assets", ASSETS), ("work-orders", WORK_ORDERS)] {
            for offset in (0..records).step_by(SIZE) {
                let path =
                    format!("/api/v2/{list}?limit={SIZE}&offset={offset}&orderBy=updatedAt%20ASC");
                client.get(&path).await?;
            }
        }
        client.report(&format!("upkeep, {round} time"), start.elapsed());
    }
    sim.stop().await;

    let config = PagedConfig::default()
        .assets(ASSETS)
        .work_orders(WORK_ORDERS);
    let start = now();
    let sim = PagedSim::start(config, 0).await?;
    println!(
        "paged: {} records in {:.2?}",
        ASSETS + WORK_ORDERS,
        start.elapsed()
    );
    for size in [100, 250, 1000] {
        let mut client = Client::connect(sim.port(), "authorization: Bearer test-token").await?;
        let start = now();
        for (list, records) in [("assets", ASSETS), ("work-orders", WORK_ORDERS)] {
            for page in 1..=records.div_ceil(size) {
                let path = format!("/api/v1/{list}?page={page}&pageSize={size}");
                client.get(&path).await?;
            }
        }
        client.report(&format!("paged, pages of {size}"), start.elapsed());
    }
    sim.stop().await;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement is about real time"
)]
fn now() -> Instant {
    Instant::now()
}

/// One connection, kept alive.
struct Client {
    stream: TcpStream,
    header: &'static str,
    buffer: Vec<u8>,
    requests: u32,
    bytes: usize,
}

impl Client {
    async fn connect(port: u16, header: &'static str) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            header,
            buffer: vec![0; 1 << 20],
            requests: 0,
            bytes: 0,
        })
    }

    async fn get(&mut self, path: &str) -> Outcome<()> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: sim\r\n{}\r\n\r\n",
            self.header
        );
        self.stream.write_all(request.as_bytes()).await?;
        let read = self.stream.read(&mut self.buffer).await?;
        let first = self.buffer.get(..read).ok_or("no answer")?;
        let head = first
            .windows(4)
            .position(|part| part == b"\r\n\r\n")
            .ok_or("no head")?;
        let text = std::str::from_utf8(first.get(..head).unwrap_or_default())?;
        if !text.starts_with("HTTP/1.1 200") {
            return Err(text.into());
        }
        let length: usize = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .ok_or("no length")?
            .parse()?;
        let mut left = (head + 4 + length).saturating_sub(read);
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                return Err("the answer is cut off".into());
            }
            left = left.saturating_sub(read);
        }
        self.requests += 1;
        self.bytes += length;
        Ok(())
    }

    fn report(&self, what: &str, took: Duration) {
        let each = took / self.requests.max(1);
        println!(
            "{what}: {} requests, {} MB in {took:.2?}: {:.0} requests/s, {each:.1?} each",
            self.requests,
            self.bytes / 1_000_000,
            f64::from(self.requests) / took.as_secs_f64()
        );
    }
}
