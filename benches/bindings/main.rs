//! Get, create and a list of 50 from every language, on one store in one run: what a binding costs above the core.
//!
//! `cargo bench -p cmms-benches --bench bindings`. It needs `cc`, Go 1.24 and, in `CMMS_BENCH_PYTHON`, an interpreter that has
//! the package `cmms`, pydantic and SQLAlchemy; what is missing is left out and said. Before it: `cargo xtask go` and, for
//! Python, a wheel of `maturin build --release`.

use cmms::{Client, Config, CreateWorkOrder, ListWorkOrders, Priority, WorkOrderStatus};
use cmms_benches::open_store;
use cmms_server::rest::{Access, Server};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// As in the command `cmms`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Work orders in the store.
const STORED: usize = 2_000;
const BLOCKS: usize = 5;

/// Microseconds a call.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
struct Calls {
    get: f64,
    list: f64,
    create: f64,
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bench.db");
    let ids = runtime.block_on(fill(&file));
    let list = folder.path().join("ids.txt");
    std::fs::write(&list, ids.join("\n")).expect("ids");
    let arguments = [file.display().to_string(), list.display().to_string()];
    let core = runtime.block_on(core(&file, &ids));
    let rest = runtime.block_on(rest(&file, &ids));
    println!(
        "  {:<24} {:>10} {:>10} {:>10} {:>14}",
        "microseconds", "get", "list of 50", "create", "get above core"
    );
    show("core", core, core);
    let here = root.join("benches/bindings");
    let program = folder.path().join("bench");
    let compiled = Command::new("cc")
        .args(["-O2", "-I"])
        .arg(root.join("include"))
        .arg("-o")
        .arg(&program)
        .arg(here.join("bench.c"))
        .arg(root.join("target/release/libcmms_ffi.a"))
        .args(["-lpthread", "-ldl", "-lm"])
        .status();
    if compiled.is_ok_and(|status| status.success()) {
        other("C", core, Command::new(&program).args(&arguments));
    } else {
        println!("  no C: cargo build --release -p cmms-ffi makes what it links");
    }
    let program = folder.path().join("go");
    let compiled = Command::new("go")
        .current_dir(here.join("go"))
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .status();
    if compiled.is_ok_and(|status| status.success()) {
        other(
            "Go",
            core,
            Command::new(&program).arg("cmms").args(&arguments),
        );
        other(
            "Go, database/sql",
            core,
            Command::new(&program).arg("sql").args(&arguments),
        );
    } else {
        println!("  no Go: cargo xtask go makes what it links");
    }
    match std::env::var_os("CMMS_BENCH_PYTHON") {
        None => println!("  no Python: CMMS_BENCH_PYTHON is not set"),
        Some(python) => {
            for (name, style) in [
                ("Python", "cmms"),
                ("Python, pydantic", "pydantic"),
                ("Python, SQLAlchemy", "sqlalchemy"),
            ] {
                let mut command = Command::new(&python);
                command.arg(here.join("bench.py")).arg(style);
                other(name, core, command.args(&arguments));
            }
        }
    }
    show("REST", rest, core);
}

fn show(name: &str, calls: Calls, core: Calls) {
    println!(
        "  {name:<24} {:>10.1} {:>10.1} {:>10.1} {:>14.1}",
        calls.get,
        calls.list,
        calls.create,
        calls.get - core.get
    );
}

fn other(name: &str, core: Calls, command: &mut Command) {
    let done = command.output().expect("a program");
    let said = String::from_utf8_lossy(&done.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("RESULT "));
    match line.and_then(|line| serde_json::from_str(line).ok()) {
        Some(calls) => show(name, calls, core),
        None => println!("  {name}: {}", String::from_utf8_lossy(&done.stderr)),
    }
}

async fn open(file: &Path) -> Client {
    let config = Config::from_pairs([("USER", "bench")]).expect("settings");
    let store = open_store(&file.display().to_string()).await;
    let builder = Client::builder(store).config(config);
    builder.build().await.expect("an application")
}

async fn fill(file: &Path) -> Vec<String> {
    let client = open(file).await;
    let mut ids = Vec::with_capacity(STORED);
    for n in 0..STORED {
        let input = CreateWorkOrder::new(format!("Check pump {n}"))
            .description(
                "Vibration above the limit; replace the bearing, check alignment and grease.",
            )
            .priority(Priority::High);
        let order = client.work_orders().create(input).await;
        ids.push(order.expect("a work order").id.0.to_string());
    }
    ids
}

/// The middle of some blocks.
fn middle(mut blocks: Vec<f64>) -> f64 {
    blocks.sort_by(f64::total_cmp);
    blocks[blocks.len() / 2]
}

async fn per_call(count: usize, mut call: impl AsyncFnMut(usize)) -> f64 {
    let mut blocks = Vec::new();
    for block in 0..BLOCKS {
        let start = Instant::now();
        for n in 0..count {
            call(block * count + n).await;
        }
        blocks.push(start.elapsed().as_secs_f64() * 1e6 / count as f64);
    }
    middle(blocks)
}

async fn core(file: &Path, ids: &[String]) -> Calls {
    let client = open(file).await;
    let ids: Vec<cmms::core::ids::WorkOrderId> = ids
        .iter()
        .map(|id| cmms::core::ids::WorkOrderId(id.parse().expect("an id")))
        .collect();
    let orders = client.work_orders();
    Calls {
        get: per_call(4_000, async |n| {
            orders.get(ids[n % ids.len()]).await.expect("a work order");
        })
        .await,
        list: per_call(200, async |_| {
            let input = ListWorkOrders::new().status([WorkOrderStatus::Scheduled]);
            orders.list(input.limit(50_u32)).await.expect("a page");
        })
        .await,
        create: per_call(200, async |_| {
            let input = CreateWorkOrder::new("Check pump").priority(Priority::High);
            orders.create(input).await.expect("a work order");
        })
        .await,
    }
}

async fn rest(file: &Path, ids: &[String]) -> Calls {
    let access = Access::new("127.0.0.1", true).expect("access");
    let server = Server::bind(open(file).await, "127.0.0.1", 0, access);
    let server = server.await.expect("a port");
    let base = server.url();
    let http = reqwest::Client::new();
    let calls = async {
        let text = async |request: reqwest::RequestBuilder| {
            let answer = request.send().await.expect("an answer");
            answer
                .error_for_status()
                .expect("success")
                .text()
                .await
                .expect("a text");
        };
        Calls {
            get: per_call(1_000, async |n| {
                text(http.get(format!("{base}/work-orders/{}", ids[n % ids.len()]))).await;
            })
            .await,
            list: per_call(100, async |_| {
                text(http.get(format!("{base}/work-orders?status=scheduled&limit=50"))).await;
            })
            .await,
            create: per_call(200, async |_| {
                let body = r#"{"title": "Check pump", "priority": "high"}"#;
                let request = http.post(format!("{base}/work-orders")).body(body);
                text(request.header("content-type", "application/json")).await;
            })
            .await,
        }
    };
    tokio::select! {
        calls = calls => calls,
        ended = server.run(std::future::pending::<()>()) => panic!("{ended:?}"),
    }
}
