//! The golden scripts of `api/vectors`: calls and the answers that every language gets. Here from Rust and through REST;
//! the bindings run the same files.
//!
//! `CMMS_VECTORS=record` writes the answers anew, for a person to read and commit.

use chrono::DateTime;
use cmms::core::ids::{IdGen as _, SystemIds};
use cmms::core::ops::{self, Input, OPERATIONS};
use cmms::{Client, Config};
use cmms_server::rest::{Access, Server};
use cmms_tests::desk::program;
use cmms_tests::postgres;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use uuid::Uuid;

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

/// What calls: the client of a Rust program, HTTP, or a C program that is told what to call.
enum Caller {
    Rust(Client),
    Rest(reqwest::Client, String),
    C(Mutex<Lines>),
}

/// A C program that reads a call from each line and writes its status and answer.
struct Lines {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Lines {
    fn start(program: &Path, url: &str, simulator: Option<&Simulator>) -> Self {
        let allow = simulator.map(|s| s.url.clone()).unwrap_or_default();
        let config = json!({ "url": url, "settings": { "CMMS_EGRESS_ALLOW": allow } });
        let mut child = Command::new(program)
            .arg(config.to_string())
            .env("USER", "tester")
            .env("CMMS_MASTER_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn call(&mut self, name: &str, input: &Value) -> Result<Value, Value> {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{name} {input}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let (status, answer) = line.split_once(' ').unwrap();
        let answer = serde_json::from_str(answer).unwrap();
        if status == "0" {
            Ok(answer)
        } else {
            Err(answer)
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// Compiles a C program against the header and the archive.
fn compiled(source: &str, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = folder.join("program");
    let archive = std::env::current_exe().unwrap();
    let archive = archive.with_file_name("libcmms_ffi.a");
    assert!(
        archive.exists(),
        "{} is missing: cargo build --workspace --all-targets",
        archive.display()
    );
    let more: &[&str] = if cfg!(target_os = "macos") {
        &["-framework", "CoreFoundation", "-framework", "Security"]
    } else {
        &["-lpthread", "-ldl", "-lm"]
    };
    let done = Command::new("cc")
        .arg("-I")
        .arg(root.join("include"))
        .arg("-o")
        .arg(&program)
        .arg(root.join(source))
        .arg(archive)
        .args(more)
        .status();
    assert!(done.unwrap().success());
    program
}

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

impl Caller {
    #[expect(clippy::disallowed_methods, reason = "the server is the test's own")]
    fn rest(base: String) -> Self {
        Self::Rest(reqwest::Client::new(), base)
    }

    /// What was answered, or the problem.
    async fn call(&self, name: &str, input: &Value) -> Result<Value, Value> {
        match self {
            Self::Rust(client) => {
                let input = Input::of(input.clone()).unwrap();
                let answer = client.call(name, input).await;
                answer.map_err(|e| serde_json::to_value(e.problem(None)).unwrap())
            }
            Self::Rest(http, base) => {
                let meta = ops::find(name).unwrap().meta;
                let mut body = input.as_object().unwrap().clone();
                let mut path = meta.path.to_owned();
                for field in meta.path_fields() {
                    let value = body.remove(field).unwrap();
                    path = path.replace(&format!("{{{field}}}"), value.as_str().unwrap());
                }
                let method = meta.verb.as_str().parse().unwrap();
                let mut request = http.request(method, format!("{base}{path}"));
                request = if meta.verb == ops::Verb::Get {
                    request.query(&query(&body))
                } else {
                    request.json(&body)
                };
                let answer = request.send().await.unwrap();
                let good = answer.status().is_success();
                let answer: Value = answer.json().await.unwrap();
                if good { Ok(answer) } else { Err(answer) }
            }
            Self::C(lines) => lines.lock().unwrap().call(name, input),
        }
    }
}

fn query(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    fields
        .iter()
        .flat_map(|(name, value)| {
            let values = value.as_array().cloned();
            let values = values.unwrap_or_else(|| vec![value.clone()]);
            values
                .into_iter()
                .map(|v| (name.clone(), text(&v)))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Names and what they are bound to.
type Bound = BTreeMap<String, String>;

/// An input with its names filled in.
fn filled(value: &Value, bound: &Bound) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) => json!(bound[name]),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(|v| filled(v, bound)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(k, v)| (k.clone(), filled(v, bound)))
            .collect::<Map<_, _>>()
            .into(),
        plain => plain.clone(),
    }
}

/// The form in which an answer is kept: what differs from run to run is told by its type.
fn kept(name: &str, value: &Value, bound: &Bound) -> Value {
    match value {
        Value::String(text) => json!(kept_text(name, text, bound)),
        Value::Array(items) => items.iter().map(|v| kept(name, v, bound)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(k, v)| (k.clone(), kept(k, v, bound)))
            .collect::<Map<_, _>>()
            .into(),
        plain => plain.clone(),
    }
}

fn kept_text(name: &str, text: &str, bound: &Bound) -> String {
    if let Some((name, _)) = bound.iter().find(|(_, value)| *value == text) {
        return format!("${name}");
    }
    if matches!(name, "fingerprint" | "next") {
        return "<text>".to_owned();
    }
    if Uuid::parse_str(text).is_ok() {
        return "<id>".to_owned();
    }
    if text.starts_with("local-process:") {
        return "<actor>".to_owned();
    }
    if is_number(text) {
        return "<number>".to_owned();
    }
    // Times of the script are whole seconds; those of the run and of a simulated vendor depend on the day.
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) if at.timestamp_subsec_nanos() != 0 => "<time>".to_owned(),
        _ => text.to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    let mut parts = text.split('-');
    parts.next() == Some("WO")
        && parts.clone().count() == 2
        && parts.all(|part| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_digit()))
}

/// What does not match, with its place.
fn differences(at: &str, expected: &Value, found: &Value, bound: &Bound) -> Vec<String> {
    let same = match (expected, found) {
        (Value::String(expected), Value::String(found)) => match expected.as_str() {
            "<text>" => true,
            "<id>" => Uuid::parse_str(found).is_ok(),
            "<actor>" => found.starts_with("local-process:"),
            "<number>" => is_number(found),
            "<time>" => DateTime::parse_from_rfc3339(found).is_ok(),
            name if name.starts_with('$') => bound.get(&name[1..]) == Some(found),
            plain => plain == found,
        },
        (Value::Number(expected), Value::Number(found)) => expected.as_f64() == found.as_f64(),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let pairs = expected.iter().zip(found).enumerate();
            return pairs
                .flat_map(|(n, (e, f))| differences(&format!("{at}/{n}"), e, f, bound))
                .collect();
        }
        (Value::Object(expected), Value::Object(found)) => {
            let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            return names
                .into_iter()
                .flat_map(|name| {
                    let at = format!("{at}/{name}");
                    match (expected.get(name), found.get(name)) {
                        (Some(e), Some(f)) => differences(&at, e, f, bound),
                        (e, f) => vec![format!("{at}: expected {e:?}, found {f:?}")],
                    }
                })
                .collect();
        }
        (expected, found) => expected == found,
    };
    if same {
        Vec::new()
    } else {
        vec![format!("{at}: expected {expected}, found {found}")]
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
    let done = Command::new(program)
        .arg(&simulator.url)
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    assert!(
        said.contains("\"synced_count\":80") && said.contains("\"WO-"),
        "{said}"
    );
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
    let called: BTreeSet<&str> = steps
        .filter(|step| step.get("answer").is_some() || step["call"] == "runs.cancel")
        .filter_map(|step| step["call"].as_str())
        .collect();
    let missing: Vec<&str> = OPERATIONS
        .iter()
        .map(|op| op.meta.name)
        .filter(|name| !called.contains(name))
        .collect();
    assert!(missing.is_empty(), "no script has an answer of {missing:?}");
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
