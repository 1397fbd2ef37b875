//! Who calls: Rust, REST and C.

use super::Simulator;
use cmms::Client;
use cmms::core::ops::{self, Input};
use serde_json::{Map, Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// What calls: the client of a Rust program, HTTP, or a C program that is told what to call.
pub(crate) enum Caller {
    Rust(Client),
    Rest(reqwest::Client, String),
    C(Mutex<Lines>),
}

/// A C program that reads a call from each line and writes its status and answer.
pub(crate) struct Lines {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Lines {
    pub(crate) fn start(program: &Path, url: &str, simulator: Option<&Simulator>) -> Self {
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
pub(crate) fn compiled(source: &str, folder: &Path) -> PathBuf {
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

pub(crate) const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

impl Caller {
    #[expect(clippy::disallowed_methods, reason = "the server is the test's own")]
    pub(crate) fn rest(base: String) -> Self {
        Self::Rest(reqwest::Client::new(), base)
    }

    /// What was answered, or the problem.
    pub(crate) async fn call(&self, name: &str, input: &Value) -> Result<Value, Value> {
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
