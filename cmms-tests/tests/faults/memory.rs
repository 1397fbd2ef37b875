//! Memory stays bounded whatever a vendor sends.
//!
//! The application runs in a process of its own, so that what the simulator needs for its answers does not count.

use cmms::core::memory::MemoryStore;
use cmms::secrets::KeyVault;
use cmms::{Client, Config, ConnectionOptions, CreateConnection};
use cmms_sim::Fault;
use cmms_sim::upkeep::UpkeepConfig;
use cmms_tests::{KEY, Plant, Where};
use std::process::Command;
use std::sync::Arc;

const URL: &str = "CMMS_TEST_FAULT_URL";
/// The answer may be as large as its cap, be copied as its buffer grows, and be parsed.
const MOST_MIB: u64 = 96;

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded_under_the_largest_answers() {
    let sim = UpkeepConfig::default().assets(90).work_orders(200);
    let plant = Plant::with(sim, Where::Memory, ConnectionOptions::default()).await;
    for fault in [Fault::EndlessBody, Fault::GzipBomb, Fault::HugeRecord] {
        plant
            .vendor()
            .inject(fault.on("work-orders").times(1).after(1));
        let program = std::env::current_exe().unwrap();
        let url = plant.sim.base_url();
        let child = tokio::task::spawn_blocking(move || {
            Command::new(program)
                .args(["--exact", "memory::child", "--ignored", "--nocapture"])
                .env(URL, url)
                .output()
                .unwrap()
        });
        let out = child.await.unwrap();
        assert!(plant.vendor().faults_done(), "{fault}: {out:?}");
        plant.vendor().end_faults();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let line = text.lines().find_map(|line| line.split_once("GROWTH "));
        let (_, line) = line.unwrap_or_else(|| panic!("{fault}: {out:?}"));
        println!("{fault}: {line}");
        let kib: u64 = line.split(' ').next().unwrap().parse().unwrap();
        assert!(
            kib < MOST_MIB * 1024,
            "{fault}: the peak grows by {kib} KiB"
        );
    }
}

/// The application: tells by how much its peak of memory grew in a sync.
#[tokio::test]
#[ignore = "the other test starts it"]
async fn child() {
    let url = std::env::var(URL).unwrap();
    let pairs = [("CMMS_EGRESS_ALLOW", url.clone()), ("USER", "x".to_owned())];
    let client = Client::builder(Arc::new(MemoryStore::new()))
        .config(Config::from_pairs(pairs).unwrap())
        .vault(KeyVault::with_key(KEY))
        .build()
        .await
        .unwrap();
    let input = CreateConnection::new("upkeep", url, "Plant")
        .username("integration@example.com")
        .password("upkeep-sim");
    let connection = client.connections().create(input).await.unwrap();
    // 5 sets the peak back to what is used now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmHWM:");
    let run = client.sync().all(connection.id).await.unwrap();
    let after = status("VmHWM:");
    println!(
        "GROWTH {} KiB, from {before} to {after}, {:?} {:?}",
        after - before,
        run.status,
        run.errors.0.first().map(|error| &error.code)
    );
}

/// A figure of this process in KiB.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
