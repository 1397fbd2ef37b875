//! Single operations on a database with 100,000 work orders, beside plain sqlx that only runs the SQL.
//!
//! `cargo bench -p cmms-benches --bench operations`, on SQLite; with `CMMS_BENCH_POSTGRES=URL`, the URL of an empty
//! database, on PostgreSQL, too (what `cargo xtask postgres` prints as CMMS_TEST_POSTGRES; plain sqlx then logs in
//! with CMMS_TEST_POSTGRES_ADMIN, a superuser, so that row-level security costs it nothing; without one it ends at once
//! and says so). Ours goes through `Client`: checked, authorised, audited and
//! durable. Plain sqlx works on the same file with the same durability and does nothing of that. After the
//! measurements a table shows both and their ratio.

mod plain;
mod plain_postgres;
mod plain_sqlite;

use cmms::core::ids::WorkOrderId;
use cmms::{Client, Config, CreateWorkOrder, ListWorkOrders, Priority, WorkOrderStatus};
use cmms_benches::open_store;
use criterion::Criterion;
use plain::Plain;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// As in the command `cmms`; plain sqlx has it, too.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Work orders in the file.
const STORED: usize = 100_000;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("operations.db").display().to_string();
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    let mut engines = vec![("sqlite", file)];
    engines.extend(std::env::var("CMMS_BENCH_POSTGRES").map(|url| ("postgres", url)));
    for (_, url) in engines.iter().filter(|(engine, _)| *engine == "postgres") {
        runtime.block_on(plain_postgres::Postgres::check(url));
    }
    for (engine, db) in &engines {
        let ids = runtime.block_on(fill(db));
        let client = runtime.block_on(open(db));
        ours(&mut criterion, engine, &runtime, &client, &ids);
        drop(client);
        let plain = runtime.block_on(Plain::open(db));
        theirs(&mut criterion, engine, &runtime, &plain, &ids);
    }
    criterion.final_summary();
    for (engine, _) in &engines {
        show(engine);
    }
}

async fn open(db: &str) -> Client {
    let config = Config::from_pairs([("USER", "bench")]).expect("settings");
    let builder = Client::builder(open_store(db).await).config(config);
    builder.build().await.expect("an application")
}

/// Fills the file through the store's bulk path, by a sync from a simulated vendor.
async fn fill(db: &str) -> Vec<WorkOrderId> {
    use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
    let config = UpkeepConfig::default()
        .assets(100)
        .work_orders(STORED)
        .ready_token("r:bench");
    let sim = UpkeepSim::start(config, 0).await.expect("a vendor");
    let pairs = [
        ("CMMS_EGRESS_ALLOW", sim.base_url()),
        (
            "CMMS_MASTER_KEY",
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned(),
        ),
        ("USER", "bench".to_owned()),
    ];
    let config = Config::from_pairs(pairs).expect("settings");
    let builder = Client::builder(open_store(db).await).config(config);
    let client = builder.build().await.expect("an application");
    let input = cmms::CreateConnection::new("upkeep", sim.base_url(), "Bench").api_key("r:bench");
    let connection = client
        .connections()
        .create(input)
        .await
        .expect("a connection");
    let run = client.sync().all(connection.id).await.expect("a run");
    assert_eq!(run.status, cmms::SyncStatus::Ok);
    sim.stop().await;
    // Records of one's own have no counterpart at a vendor; they are what is got and created.
    let mut ids = Vec::new();
    for n in 0..2_000 {
        let input = CreateWorkOrder::new(format!("Check pump {n}")).priority(Priority::High);
        ids.push(
            client
                .work_orders()
                .create(input)
                .await
                .expect("a work order")
                .id,
        );
    }
    ids
}

fn ours(
    criterion: &mut Criterion,
    engine: &str,
    runtime: &Runtime,
    client: &Client,
    ids: &[WorkOrderId],
) {
    let next = AtomicUsize::new(0);
    let mut group = criterion.benchmark_group(format!("cmms-{engine}"));
    group.bench_function("get", |b| {
        b.to_async(runtime).iter(|| async {
            let id = ids[next.fetch_add(1, Ordering::Relaxed) % ids.len()];
            client.work_orders().get(id).await.expect("a work order")
        });
    });
    group.bench_function("list", |b| {
        b.to_async(runtime).iter(|| async {
            let input = ListWorkOrders::new()
                .status([WorkOrderStatus::InProgress])
                .limit(50u32);
            client.work_orders().list(input).await.expect("a page")
        });
    });
    group.bench_function("create", |b| {
        b.to_async(runtime).iter(|| async {
            let input = CreateWorkOrder::new("Check pump").priority(Priority::High);
            client
                .work_orders()
                .create(input)
                .await
                .expect("a work order")
        });
    });
    group.finish();
}

fn theirs(
    criterion: &mut Criterion,
    engine: &str,
    runtime: &Runtime,
    plain: &Plain,
    ids: &[WorkOrderId],
) {
    let next = AtomicUsize::new(0);
    let mut group = criterion.benchmark_group(format!("sqlx-{engine}"));
    group.bench_function("get", |b| {
        b.to_async(runtime).iter(|| async {
            let id = ids[next.fetch_add(1, Ordering::Relaxed) % ids.len()];
            plain.get(id.0).await
        });
    });
    group.bench_function("list", |b| {
        b.to_async(runtime).iter(|| plain.list("in_progress"));
    });
    group.bench_function("create", |b| {
        b.to_async(runtime)
            .iter(|| plain.create(next.fetch_add(1, Ordering::Relaxed)));
    });
    group.bench_function("list with links", |b| {
        b.to_async(runtime)
            .iter(|| plain.list_linked("in_progress"));
    });
    group.bench_function("create with audit", |b| {
        b.to_async(runtime).iter(|| plain.create_audited());
    });
    group.finish();
}

/// The medians that criterion has written, side by side.
fn show(engine: &str) {
    println!(
        "\n  {:<18} {:>10} {:>10} {:>7}",
        engine, "cmms, us", "sqlx, us", "ratio"
    );
    // Ours lists with each record what its vendor calls it, and creates with a number and an entry of the audit. Plain sqlx
    // once does the same, and once only reads or writes the record.
    let pairs = [
        ("get", "get"),
        ("list", "list"),
        ("list", "list with links"),
        ("create", "create"),
        ("create", "create with audit"),
    ];
    for (name, plain) in pairs {
        let (Some(ours), Some(theirs)) = (
            micros(&format!("cmms-{engine}"), name),
            micros(&format!("sqlx-{engine}"), plain),
        ) else {
            continue;
        };
        println!(
            "  {plain:<18} {ours:>10.1} {theirs:>10.1} {:>7.2}",
            ours / theirs
        );
    }
}

fn micros(group: &str, name: &str) -> Option<f64> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target")
            .into_os_string()
    });
    let file = Path::new(&target)
        .join("criterion")
        .join(group)
        .join(name)
        .join("new/estimates.json");
    let estimates: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    estimates["median"]["point_estimate"]
        .as_f64()
        .map(|nanos| nanos / 1000.0)
}
