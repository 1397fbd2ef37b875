//! The golden scripts of `api/vectors`: calls and the answers that every language gets. Here from Rust and through REST;
//! the bindings run the same files.
//!
//! `CMMS_VECTORS=record` writes the answers anew, for a person to read and commit.

mod callers;
mod matching;

use callers::{Caller, KEY, Lines, compiled};
use cmms::core::ids::{IdGen as _, SystemIds};
use cmms::core::ops::OPERATIONS;
use cmms::{Client, Config};
use cmms_server::rest::{Access, Server};
use cmms_tests::desk::program;
use cmms_tests::postgres;
use matching::{Bound, differences, filled, kept};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/vectors")
}

fn scripts() -> Vec<(PathBuf, Value)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let script = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path, script)
        })
        .collect()
}

/// A simulated vendor, as the command of the product runs it.
struct Simulator {
    child: Child,
    url: String,
    /// Kept open, since it ends when nobody can read what it says.
    _says: Box<dyn BufRead + Send + Sync>,
}

impl Simulator {
    fn start(script: &Value) -> Option<Self> {
        let wanted = script.get("simulator")?;
        let mut child = Command::new(program("cmms"))
            .args(["simulate", wanted["vendor"].as_str()?, "--port", "0"])
            .args(["--assets", &wanted["assets"].to_string()])
            .args(["--work-orders", &wanted["work_orders"].to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut says = Box::new(BufReader::new(child.stdout.take().unwrap()));
        let lines = says.by_ref().lines().map_while(Result::ok);
        let address = lines
            .into_iter()
            .find_map(|line| Some(line.trim().strip_prefix("address")?.trim().to_owned()));
        Some(Self {
            child,
            url: address.unwrap(),
            _says: says,
        })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The part of a problem that is the same everywhere.
fn problem(problem: &Value) -> Value {
    let known = ["code", "reason", "status", "field"];
    known
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), problem.get(name)?.clone())))
        .collect::<Map<_, _>>()
        .into()
}

/// Runs a script; with `record` writes into it what was answered.
async fn run(script: &mut Value, caller: &Caller, simulator: Option<&Simulator>, record: bool) {
    let mut bound = Bound::new();
    if let Some(simulator) = simulator {
        bound.insert("simulator".into(), simulator.url.clone());
    }
    let title = script["title"].clone();
    let steps = script["steps"].as_array_mut().unwrap();
    for (n, step) in steps.iter_mut().enumerate() {
        let name = step["call"].as_str().unwrap().to_owned();
        let input = filled(&step["input"], &bound);
        let (key, answer) = match caller.call(&name, &input).await {
            Ok(answer) => ("answer", answer),
            Err(e) => ("error", problem(&e)),
        };
        for (name, pointer) in step["bind"].as_object().into_iter().flatten() {
            let value = answer.pointer(pointer.as_str().unwrap());
            let value = value.unwrap_or_else(|| panic!("{title} {n} {name}: nothing in {answer}"));
            bound.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
        if record {
            let step = step.as_object_mut().unwrap();
            step.retain(|name, _| !matches!(name.as_str(), "answer" | "error"));
            step.insert(key.to_owned(), kept("", &answer, &bound));
            continue;
        }
        let expected = step.get(key).unwrap_or(&Value::Null);
        let differences = differences("", expected, &answer, &bound);
        assert!(
            differences.is_empty(),
            "{title}, step {n}, {name}:\n{}\n{answer:#}",
            differences.join("\n")
        );
    }
}

async fn client(url: &str, simulator: Option<&Simulator>) -> Client {
    let allow = simulator.map(|s| s.url.clone()).unwrap_or_default();
    let pairs = [
        ("CMMS_EGRESS_ALLOW", allow.as_str()),
        ("CMMS_MASTER_KEY", KEY),
        ("CMMS_DATABASE_URL", url),
        ("USER", "tester"),
    ];
    let config = Config::from_pairs(pairs).unwrap();
    let store = config.database().unwrap().open().await.unwrap();
    let client = Client::builder(store).config(config).build().await;
    client.unwrap()
}

async fn all(url: impl AsyncFn() -> String, rest: bool, record: bool) {
    for (path, mut script) in scripts() {
        let simulator = Simulator::start(&script);
        let client = client(&url().await, simulator.as_ref()).await;
        if rest {
            let access = Access::new("127.0.0.1", true).unwrap();
            let server = Server::bind(client, "127.0.0.1", 0, access).await.unwrap();
            let caller = Caller::rest(server.url());
            tokio::select! {
                () = run(&mut script, &caller, simulator.as_ref(), false) => {}
                ended = server.run(std::future::pending::<()>()) => panic!("{ended:?}"),
            }
        } else {
            let caller = Caller::Rust(client);
            run(&mut script, &caller, simulator.as_ref(), record).await;
        }
        if record {
            let text = serde_json::to_string_pretty(&script).unwrap();
            std::fs::write(path, text + "\n").unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_have_their_answers_in_rust() {
    #[expect(clippy::disallowed_methods, reason = "the person who records says so")]
    let record = std::env::var("CMMS_VECTORS").is_ok_and(|v| v == "record");
    let folder = tempfile::tempdir().unwrap();
    let file = || async {
        let name = folder.path().join(format!("{}.db", SystemIds.next()));
        format!("sqlite://{}", name.display())
    };
    all(file, false, record).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_have_their_answers_through_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = || async {
        let name = folder.path().join(format!("{}.db", SystemIds.next()));
        format!("sqlite://{}", name.display())
    };
    all(file, true, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_have_their_answers_on_postgresql() {
    all(async || postgres::fresh().await, false, false).await;
    all(async || postgres::fresh().await, true, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_have_their_answers_in_c() {
    let folder = tempfile::tempdir().unwrap();
    let program = compiled("cmms-ffi/tests/c/caller.c", folder.path());
    let file = folder.path().join("cmms.db");
    for url in [
        format!("sqlite://{}", file.display()),
        postgres::fresh().await,
    ] {
        for (n, (_, mut script)) in scripts().into_iter().enumerate() {
            let simulator = Simulator::start(&script);
            // Scripts begin with an empty database.
            let url = if url.starts_with("sqlite") {
                format!("{url}.{n}")
            } else {
                postgres::fresh().await
            };
            let caller = Caller::C(Mutex::new(Lines::start(&program, &url, simulator.as_ref())));
            run(&mut script, &caller, simulator.as_ref(), false).await;
        }
    }
}

#[test]
fn the_example_in_c_syncs_and_lists() {
    let folder = tempfile::tempdir().unwrap();
    let program = compiled("examples/c/sync.c", folder.path());
    let script = json!({ "simulator": { "vendor": "upkeep", "assets": 20, "work_orders": 60 } });
    let simulator = Simulator::start(&script).unwrap();
    // Again it takes the connection that is there and asks for what changed.
    for told in ["\"synced_count\":80", "\"status\":\"ok\""] {
        let done = Command::new(&program)
            .arg(&simulator.url)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}");
        assert!(said.contains(told) && said.contains("\"WO-"), "{said}");
    }
}

/// All work orders of a store, page by page.
async fn listed(caller: &Caller) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut input = json!({ "limit": 500 });
        if !cursor.is_null() {
            input["cursor"] = cursor;
        }
        let page = caller.call("work_orders.list", &input).await.unwrap();
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        cursor = page["next"].clone();
        if cursor.is_null() {
            return all;
        }
    }
}

/// The Python and Go packages compare theirs with what the command lists.
#[tokio::test(flavor = "multi_thread")]
async fn the_demos_store_lists_the_same_in_rust_through_rest_and_in_c() {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(program("cmms"))
        .args(["demo", "--no-serve"])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("CMMS_MASTER_KEY", KEY)
        .output();
    assert!(done.unwrap().status.success());
    let url = format!("sqlite://{}", folder.path().join("cmms-demo.db").display());
    let client = client(&url, None).await;
    let rust = listed(&Caller::Rust(client.clone())).await;
    assert!(rust.len() > 1_000, "{}", rust.len());
    let access = Access::new("127.0.0.1", true).unwrap();
    let server = Server::bind(client, "127.0.0.1", 0, access).await.unwrap();
    let caller = Caller::rest(server.url());
    tokio::select! {
        rest = listed(&caller) => assert_eq!(rest, rust),
        ended = server.run(std::future::pending::<()>()) => panic!("{ended:?}"),
    }
    let program = compiled("cmms-ffi/tests/c/caller.c", folder.path());
    let caller = Caller::C(Mutex::new(Lines::start(&program, &url, None)));
    assert_eq!(listed(&caller).await, rust);
}

#[test]
fn every_operation_is_in_a_script() {
    let scripts = scripts();
    let steps = scripts
        .iter()
        .filter_map(|(_, s)| s["steps"].as_array())
        .flatten();
    let called: BTreeSet<&str> = steps.filter_map(|step| step["call"].as_str()).collect();
    let missing: Vec<&str> = OPERATIONS
        .iter()
        .map(|op| op.meta.name)
        .filter(|name| !called.contains(name))
        .collect();
    assert!(missing.is_empty(), "no script calls {missing:?}");
}

/// Each kind of difference is found: a script that matches anything would show nothing.
#[test]
fn twin_what_differs_is_found() {
    let bound = Bound::from([("a".to_owned(), "1".to_owned())]);
    let expected =
        json!({ "id": "<id>", "at": "<time>", "n": 1, "a": "$a", "list": [1, 2], "text": "x" });
    let good = json!({ "id": "018f0000-0000-7000-8000-000000000001", "at": "2026-01-01T00:00:00Z", "n": 1.0,
        "a": "1", "list": [1, 2], "text": "x" });
    assert!(differences("", &expected, &good, &bound).is_empty());
    for (name, bad) in [
        ("id", json!("1")),
        ("at", json!("today")),
        ("n", json!(2)),
        ("a", json!("2")),
        ("list", json!([1])),
        ("text", json!(null)),
        ("more", json!(1)),
    ] {
        let mut found = good.clone();
        found[name] = bad;
        assert_eq!(
            differences("", &expected, &found, &bound).len(),
            1,
            "{name}"
        );
    }
}
