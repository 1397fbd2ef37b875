//! T-SEC-LEAK: secrets go in and never come out again, whatever happens (security.md, section 3).
//!
//! Every canary is pushed through the client, the REST interface and the command line, with success and with
//! every failure of the vendor, while everything is logged. Then logs, answers, errors and the database files
//! are searched for each canary in all forms in which it could have been written.

#![expect(
    clippy::disallowed_methods,
    reason = "the test has a server and a client of its own"
)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use cmms::core::ops::{Input, OPERATIONS, Verb};
use cmms::core::testing::SteppedClock;
use cmms::store::{SqliteOptions, SqliteStore};
use cmms::{Builder, Client, Config};
use cmms_server::rest::{Access, Server};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;

/// What may not come out, by what it is.
struct Canaries(BTreeMap<&'static str, String>);

/// What each canary is. Those behind `graphic` have only characters that a header or a URL takes.
const NAMES: [&str; 24] = [
    "username",
    "password",
    "email in credentials",
    "password in credentials",
    "wrong password",
    "password after an update",
    "password of a refused duplicate",
    "password in a field of another name",
    "password in a list",
    "credentials as text",
    "credential of an unknown name",
    "password for a refused host",
    "password over REST",
    "password over REST, refused",
    "password on standard input",
    "password in a file",
    "password inline",
    "password that the vendor repeats",
    "graphic: api_key",
    "graphic: UPKEEP_API_KEY",
    "graphic: password in the URL",
    "graphic: token in the URL",
    "graphic: api_key in credentials",
    "graphic: api_key in another type",
];

impl Canaries {
    fn draw(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut draw = |name: &'static str| {
            let word: String = (0..18).map(|_| random.alphanumeric()).collect();
            // Signs that each encoding writes in another way.
            let value = if name.starts_with("graphic") {
                word
            } else {
                format!("{word}\"ü/\\ <&+='{}", random.u32(..))
            };
            (name, value)
        };
        let mut all: BTreeMap<_, _> = NAMES.into_iter().map(&mut draw).collect();
        let key: Vec<u8> = (0..32).map(|_| random.u8(..)).collect();
        all.insert("master key", STANDARD.encode(key));
        Self(all)
    }

    fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// Where which canary stands, in whatever form.
    fn hits(&self, in_what: &str, bytes: &[u8]) -> Vec<String> {
        let mut hits = Vec::new();
        for (name, value) in &self.0 {
            let decoded = (*name == "master key").then(|| STANDARD.decode(value).unwrap());
            let decoded = decoded.iter().flat_map(|bytes| forms(bytes));
            for (form, needle) in forms(value.as_bytes()).into_iter().chain(decoded) {
                if let Some(at) = find(bytes, &needle) {
                    let from = at.saturating_sub(60);
                    let around = &bytes[from..bytes.len().min(at + needle.len() + 20)];
                    let around = String::from_utf8_lossy(around).into_owned();
                    hits.push(format!("{in_what}: {name}, {form}: {around:?}"));
                }
            }
        }
        hits
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

/// The forms in which a value could have been written.
fn forms(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("raw", value.to_vec())];
    for before in 0..3 {
        let mut shifted = vec![0; before];
        shifted.extend(value);
        // Characters at the ends that hold bits of neighbours are left out.
        let from = [0, 2, 3][before];
        let to = shifted.len() * 8 / 6;
        forms.push((
            "base64",
            STANDARD.encode(&shifted).as_bytes()[from..to].to_vec(),
        ));
        forms.push((
            "base64url",
            URL_SAFE.encode(&shifted).as_bytes()[from..to].to_vec(),
        ));
    }
    let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
    forms.push(("HEX", hex.to_uppercase().into_bytes()));
    forms.push(("hex", hex.into_bytes()));
    if let Ok(text) = std::str::from_utf8(value) {
        let url = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        forms.push(("form", url.replace("%20", "+").into_bytes()));
        forms.push(("url", url.to_lowercase().into_bytes()));
        forms.push(("URL", url.into_bytes()));
        let json = Value::from(text).to_string();
        let json = json.trim_matches('"').to_owned();
        forms.push(("JSON, ASCII", json.replace('ü', "\\u00fc").into_bytes()));
        forms.push((
            "JSON in JSON",
            Value::from(json.as_str())
                .to_string()
                .trim_matches('"')
                .into(),
        ));
        forms.push(("JSON", json.into_bytes()));
        forms.push(("Debug", format!("{text:?}").trim_matches('"').into()));
    }
    forms
}

/// Everything that came out.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Out {
    fn add(&self, text: impl AsRef<[u8]>) {
        self.0.lock().unwrap().extend(text.as_ref());
    }

    fn result(&self, result: Result<Value, cmms::Error>) -> Result<Value, cmms::Error> {
        match &result {
            Ok(value) => self.add(value.to_string()),
            Err(e) => {
                self.add(format!(
                    "{e}\n{e:?}\n{e:#?}\n{}\n{:?}\n",
                    e.remedy(),
                    e.violations()
                ));
                let mut source = e.source();
                while let Some(inner) = source {
                    self.add(format!("{inner}\n{inner:?}\n"));
                    source = inner.source();
                }
            }
        }
        result
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Out {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.add(text);
        Ok(text.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A vendor gone mad: it answers every request with the request itself.
struct Echo {
    url: String,
    mode: Arc<Mutex<(&'static str, &'static str, bool)>>,
    stop: CancellationToken,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mode = Arc::new(Mutex::new(("200 OK", "text/html", false)));
        let stop = CancellationToken::new();
        let (present, stopped) = (Arc::clone(&mode), stop.clone());
        let serve = async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (status, kind, json) = *present.lock().unwrap();
                let mut request = Vec::new();
                while !is_whole(&request) && socket.read_buf(&mut request).await.unwrap() > 0 {}
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
        Self { url, mode, stop }
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

/// What all parts of the test share.
struct Scene {
    canaries: Canaries,
    sim: UpkeepSim,
    echo: Echo,
    down: String,
    folder: TempDir,
    out: Out,
}

impl Scene {
    async fn set(seed: u64) -> Self {
        let canaries = Canaries::draw(seed);
        let config = UpkeepConfig::default()
            .assets(5)
            .work_orders(20)
            .email(canaries.get("username"))
            .password(canaries.get("password"))
            .ready_token(canaries.get("graphic: api_key"));
        let sim = UpkeepSim::start(config, 0).await.unwrap();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let down = format!("http://{}", free.local_addr().unwrap());
        Self {
            canaries,
            sim,
            echo: Echo::start().await,
            down,
            folder: tempfile::tempdir().unwrap(),
            out: Out::default(),
        }
    }

    fn allow(&self) -> String {
        format!("{},{},{}", self.sim.base_url(), self.echo.url, self.down)
    }

    async fn client(&self, file: &str) -> Client {
        let config = Config::from_pairs([
            ("CMMS_EGRESS_ALLOW", self.allow().as_str()),
            ("CMMS_MASTER_KEY", self.canaries.get("master key")),
            (
                "UPKEEP_API_KEY",
                self.canaries.get("graphic: UPKEEP_API_KEY"),
            ),
        ])
        .unwrap();
        self.out.add(format!("{config:?}"));
        let path = self.folder.path().join(file);
        let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
        let clock = SteppedClock::new(self.sim.vendor().now());
        let opened = Builder::new(Arc::new(store), config).clock(Arc::new(clock));
        let opened = opened.build().await.unwrap();
        self.out.add(format!("{opened:?}"));
        opened.client
    }

    /// What callers send that holds a secret: whether it is taken, and the body.
    fn bodies(&self) -> Vec<(bool, Value)> {
        let c = |name: &str| self.canaries.get(name);
        let of = |url: &str, more: Value| {
            let mut body = json!({"cmms_type": "upkeep", "api_url": url});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            body
        };
        let (sim, echo, down) = (self.sim.base_url(), &self.echo.url, &self.down);
        let host = sim.trim_start_matches("http://");
        let user_info = format!("http://u:{}@{host}", c("graphic: password in the URL"));
        let query = format!("{sim}/?token={}", c("graphic: token in the URL"));
        let broken = format!("http://u:{}@:x", c("graphic: password in the URL"));
        let (user, good) = (c("username"), c("password"));
        let unknown = json!({"email": "e", "password": c("credential of an unknown name"), c("credential of an unknown name"): "x"});
        vec![
            (true, of(&sim, json!({"username": user, "password": good}))),
            (true, of(&sim, json!({"api_key": c("graphic: api_key")}))),
            (
                true,
                of(
                    &sim,
                    json!({"credentials": {"email": c("email in credentials"), "password": c("password in credentials")}}),
                ),
            ),
            (
                true,
                of(
                    &sim,
                    json!({"credentials": {"api_key": c("graphic: api_key in credentials")}}),
                ),
            ),
            (true, of(&sim, json!({}))),
            (
                true,
                of(
                    &sim,
                    json!({"username": user, "password": c("wrong password")}),
                ),
            ),
            (
                true,
                of(
                    echo,
                    json!({"username": user, "password": c("password that the vendor repeats")}),
                ),
            ),
            (true, of(echo, json!({"api_key": c("graphic: api_key")}))),
            (true, of(down, json!({"username": user, "password": good}))),
            (
                false,
                of(&user_info, json!({"username": user, "password": good})),
            ),
            (
                false,
                of(&query, json!({"username": user, "password": good})),
            ),
            (
                false,
                of(&broken, json!({"username": user, "password": good})),
            ),
            (
                false,
                of(
                    "https://10.1.2.3",
                    json!({"username": user, "password": c("password for a refused host")}),
                ),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"username": user, "passwrd": c("password in a field of another name")}),
                ),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"username": user, "password": [c("password in a list")]}),
                ),
            ),
            (
                false,
                of(&sim, json!({"credentials": c("credentials as text")})),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"credentials": {"email": "e", "password": {"value": c("password in a list")}}}),
                ),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"api_key": {"value": c("graphic: api_key in another type")}}),
                ),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"username": user, "password": good, "api_key": [c("graphic: api_key in another type")]}),
                ),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"username": user, "password": good, "credentials": {"password": good}}),
                ),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"api_key": format!("{} ", c("wrong password"))}),
                ),
            ),
            (
                false,
                of(
                    &sim,
                    json!({"credentials": {"email": "e", "password": "p", "pass": unknown["password"]}}),
                ),
            ),
        ]
    }

    /// Everything that can happen to a connection once it is there.
    async fn ordeal(&self, call: impl AsyncFn(&'static str, Value) -> Option<Value>) {
        let vendor = self.sim.vendor();
        for (i, (taken, mut body)) in self.bodies().into_iter().enumerate() {
            body["connection_name"] = format!("Connection {i}").into();
            let created = call("connections.create", body.clone()).await;
            assert_eq!(created.is_some(), taken, "connection {i}");
            let Some(id) = created.map(|c| c["id"].clone()) else {
                continue;
            };
            let named = || json!({"cmms_connection_id": id});
            body["password"] = self.canaries.get("password of a refused duplicate").into();
            assert!(call("connections.create", body).await.is_none());
            for (status, kind, json) in [
                ("200 OK", "text/html", false),
                ("200 OK", "application/json", true),
                ("400 Bad Request", "application/json", true),
                ("401 Unauthorized", "application/json", true),
                ("403 Forbidden", "text/html", false),
                ("429 Too Many Requests", "application/json", true),
                ("500 Internal Server Error", "text/html", false),
                ("302 Found", "text/html", false),
            ] {
                *self.echo.mode.lock().unwrap() = (status, kind, json);
                call("connections.test", named()).await;
                call("sync.all", named()).await;
                if i != 6 && i != 7 {
                    break;
                }
            }
            for status in [401, 403, 429, 500, 404] {
                vendor.fail_next(2, status, Some("1".to_owned()));
                call("connections.test", named()).await;
                vendor.fail_next(2, status, None);
                call("sync.work_orders", named()).await;
            }
            vendor.expire_sessions();
            vendor.set_api_plan(false);
            call("sync.assets", named()).await;
            vendor.set_api_plan(true);
            call("connections.get", named()).await;
            let with = |more: Value| {
                let mut body = named();
                body.as_object_mut()
                    .unwrap()
                    .extend(more.as_object().unwrap().clone());
                body
            };
            let other = self.canaries.get("password after an update");
            for change in [
                json!({"username": "e", "password": other}),
                json!({"credentials": {"email": "e", "password": other}}),
                json!({"credentials": {"email": "e", "pass": other}}),
                json!({"password": {"new": other}}),
                json!({"passwords": other}),
                json!({"api_url": format!("http://{other}@127.0.0.1")}),
                json!({"api_url": "https://api.onupkeep.com"}),
            ] {
                call("connections.update", with(change)).await;
            }
            call("sync.all", named()).await;
        }
        for list in ["connections.list", "runs.list", "quarantine.list"] {
            assert!(call(list, json!({})).await.is_some());
        }
    }

    /// Ends the test if anything that came out or is stored holds a canary.
    fn is_clean(&self) {
        let mut hits = self.canaries.hits("what came out", &self.out.bytes());
        hits.extend(self.canaries.hits("the log", &LOG.bytes()));
        let mut files = 0;
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().contains(".db") {
                files += 1;
                let bytes = std::fs::read(&path).unwrap();
                hits.extend(self.canaries.hits(&path.display().to_string(), &bytes));
            }
        }
        assert!(files > 0 && self.out.bytes().len() > 10_000);
        let shown: Vec<_> = hits.iter().take(30).collect();
        assert!(hits.is_empty(), "{} hits: {shown:#?}", hits.len());
    }
}

static LOG: LazyLock<Out> = LazyLock::new(Out::default);

/// Everything is logged from now on.
fn log_everything() {
    // Of several tests the first one succeeds.
    let _ = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(|| LOG.clone())
        .try_init();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_the_client() {
    log_everything();
    let scene = Scene::set(1).await;
    let client = scene.client("cmms.db").await;
    scene
        .ordeal(async |name, body| {
            let input = Input::parse(body.to_string().as_bytes()).unwrap();
            scene.out.add(format!("{input:?}"));
            scene.out.result(client.call(name, input).await).ok()
        })
        .await;
    scene.out.add(format!("{client:?}"));
    assert!(LOG.bytes().len() > 100_000, "the log is captured");
    scene.is_clean();
    drop(client);
    scene.is_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_the_rest_interface() {
    log_everything();
    let scene = Scene::set(2).await;
    let client = scene.client("cmms.db").await;
    let server = Server::bind(client, "127.0.0.1", 0, Access::NoAuth)
        .await
        .unwrap();
    let url = server.url();
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone().cancelled_owned()));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    scene
        .ordeal(async |name, mut body| {
            let meta = &OPERATIONS
                .iter()
                .find(|op| op.meta.name == name)
                .unwrap()
                .meta;
            let id = body.get("cmms_connection_id").cloned().unwrap_or_default();
            let path = meta
                .path
                .replace("{cmms_connection_id}", id.as_str().unwrap_or_default());
            if path != meta.path {
                body.as_object_mut().unwrap().remove("cmms_connection_id");
            }
            let url = format!("{url}{path}");
            let request = match meta.verb {
                Verb::Get => http.get(url),
                Verb::Patch => http.patch(url).json(&body),
                _ => http.post(url).json(&body),
            };
            let answer = request.send().await.unwrap();
            let good = answer.status().is_success();
            scene.out.add(format!("{answer:?}"));
            let text = answer.text().await.unwrap();
            scene.out.add(&text);
            good.then(|| serde_json::from_str(&text).unwrap())
        })
        .await;
    // Bodies that are no JSON, a secret in the path, in the query and in a header.
    let secret = scene.canaries.get("password over REST");
    let other = scene.canaries.get("password over REST, refused");
    let graphic = scene.canaries.get("graphic: token in the URL");
    let cut = json!({"cmms_type": "upkeep", "password": secret}).to_string();
    let posts = format!("{url}/cmms/connections");
    for request in [
        http.post(&posts).header("content-type", "application/json").body(cut[..cut.len() - 1].to_owned()),
        http.post(&posts).header("content-type", "text/plain").body(cut.clone()),
        http.post(&posts).header("content-type", "application/json").body(format!("[{cut}]")),
        http.post(&posts).json(&json!({"password": other, "username": other})),
        http.post(&posts).json(&json!({"cmms_type": "upkeep", "api_url": "x", "connection_name": "x", "password": other, "username": secret})),
        http.get(&posts).header("authorization", format!("Bearer {graphic}")),
    ] {
        let answer = request.send().await.unwrap();
        scene.out.add(format!("{answer:?}"));
        scene.out.add(answer.text().await.unwrap());
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    scene.is_clean();
}

/// The program `cmms` of the same build.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().and_then(Path::parent).unwrap().join("cmms");
    if !path.exists() {
        let built = Command::new("cargo")
            .args(["build", "-p", "cmms-server"])
            .status();
        assert!(built.is_ok_and(|status| status.success()));
    }
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_the_command() {
    let scene = Scene::set(3).await;
    let folder = scene.folder.path().to_owned();
    let run = |args: &[&str], stdin: &str| {
        let mut child = Command::new(program())
            .args(args)
            .current_dir(&folder)
            .env_clear()
            .env("HOME", &folder)
            .env("CMMS_LOG", "trace")
            .env("CMMS_EGRESS_ALLOW", scene.allow())
            .env("CMMS_MASTER_KEY", scene.canaries.get("master key"))
            .env(
                "UPKEEP_API_KEY",
                scene.canaries.get("graphic: UPKEEP_API_KEY"),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        scene.out.add(&output.stdout);
        scene.out.add(&output.stderr);
        output.status.success()
    };
    let c = |name: &str| scene.canaries.get(name);
    let (sim, echo) = (scene.sim.base_url(), scene.echo.url.clone());
    let (user, good) = (c("username"), c("password"));
    let add = |name: &'static str, url: &str, more: &[&str], stdin: &str| {
        let mut args = vec!["connections", "add", "upkeep", url, "--name", name];
        args.extend(more);
        run(&args, stdin)
    };
    let stdin = ["--username", user, "--secret-stdin"];
    tokio::task::block_in_place(|| {
        assert!(add("good", &sim, &stdin, good));
        assert!(run(&["connections", "test", "good"], ""));
        assert!(run(&["sync", "good"], ""));
        assert!(add("bad", &sim, &stdin, c("password on standard input")));
        assert!(!run(&["connections", "test", "bad"], ""));
        assert!(!run(&["sync", "bad"], ""));
        assert!(!add(
            "bad",
            &sim,
            &stdin,
            c("password of a refused duplicate")
        ));
        let file = folder.join("input.secret");
        std::fs::write(&file, c("password in a file")).unwrap();
        let path = file.to_str().unwrap();
        assert!(add(
            "file",
            &sim,
            &["--username", user, "--secret-file", path],
            ""
        ));
        let all =
            json!({"email": c("email in credentials"), "password": c("password in credentials")});
        std::fs::write(&file, all.to_string()).unwrap();
        assert!(add("all", &sim, &["--credentials-file", path], ""));
        std::fs::write(&file, format!("{all}}}")).unwrap();
        assert!(!add("broken", &sim, &["--credentials-file", path], ""));
        assert!(!add("key", &sim, &["--secret-stdin"], c("wrong password")));
        let info = format!("http://u:{}@127.0.0.1", c("graphic: password in the URL"));
        assert!(!add("info", &info, &stdin, good));
        assert!(add(
            "echo",
            &echo,
            &stdin,
            c("password that the vendor repeats")
        ));
        for (status, json) in [
            ("200 OK", true),
            ("401 Unauthorized", true),
            ("403 Forbidden", false),
        ] {
            *scene.echo.mode.lock().unwrap() = (status, "text/html", json);
            assert!(!run(&["connections", "test", "echo"], ""));
        }
        let mut bodies = scene.bodies();
        for (i, (taken, body)) in bodies.iter_mut().enumerate() {
            body["connection_name"] = format!("Connection {i}").into();
            assert_eq!(
                run(&["op", "connections.create", "-"], &body.to_string()),
                *taken
            );
        }
        let inline = json!({"cmms_type": "upkeep", "password": c("password inline")}).to_string();
        assert!(!run(&["op", "connections.create", &inline], ""));
        assert!(run(&["connections", "list"], ""));
        assert!(run(&["op", "connections.list", "{}"], ""));
    });
    scene.is_clean();
}

/// Text that is stored as it is, with a canary in each form: all are found, so the search is worth something.
#[tokio::test(flavor = "multi_thread")]
async fn twin_a_planted_canary_is_found_in_each_form() {
    let scene = Scene::set(4).await;
    let client = scene.client("cmms.db").await;
    let value = scene.canaries.get("password").to_owned();
    for (form, needle) in forms(value.as_bytes()) {
        let mut text = b"in the middle ".to_vec();
        text.extend(&needle);
        text.extend(b" of something");
        assert!(!scene.canaries.hits(form, &text).is_empty(), "{form}");
    }
    // Base64 of a text that holds it somewhere.
    for before in ["", "a", "ab", "abc", "abcd"] {
        let text = STANDARD.encode(format!("{before}{value} and more"));
        assert!(
            !scene.canaries.hits("base64", text.as_bytes()).is_empty(),
            "{text}"
        );
    }
    let order = cmms::CreateWorkOrder::new("Check pump").description(value);
    client.work_orders().create(order).await.unwrap();
    let files =
        ["cmms.db", "cmms.db-wal"].map(|f| std::fs::read(scene.folder.path().join(f)).unwrap());
    let hits = files
        .iter()
        .flat_map(|bytes| scene.canaries.hits("page", bytes));
    assert!(hits.count() > 0);
}
