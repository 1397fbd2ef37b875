//! What secrets go through.

use super::canaries::Canaries;
use super::echo::Echo;
use super::out::{LOG, Out};
use cmms::core::testing::SteppedClock;
use cmms::store::{SqliteOptions, SqliteStore};
use cmms::{Client, Config};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// What all parts of the test share.
pub(crate) struct Scene {
    pub(crate) canaries: Canaries,
    pub(crate) sim: UpkeepSim,
    pub(crate) echo: Echo,
    down: String,
    pub(crate) folder: TempDir,
    pub(crate) out: Out,
}

impl Scene {
    pub(crate) async fn set(seed: u64) -> Self {
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

    pub(crate) fn allow(&self) -> String {
        format!("{},{},{}", self.sim.base_url(), self.echo.url, self.down)
    }

    pub(crate) async fn client(&self, file: &str) -> Client {
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
        let opened = Client::builder(Arc::new(store))
            .config(config)
            .clock(Arc::new(clock));
        let opened = opened.build().await.unwrap();
        self.out.add(format!("{opened:?}"));
        opened
    }

    /// What callers send that holds a secret: whether it is taken, and the body.
    pub(crate) fn bodies(&self) -> Vec<(bool, Value)> {
        let c = |name: &str| self.canaries.get(name);
        let of = |url: &str, more: Value| {
            let mut body =
                json!({"cmms_type": "upkeep", "api_url": url, "allow_same_account": true});
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
    pub(crate) async fn ordeal(&self, call: impl AsyncFn(&'static str, Value) -> Option<Value>) {
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
    pub(crate) fn is_clean(&self) {
        let heard = self.canaries.hits("heard", &self.echo.heard.bytes());
        assert!(!heard.is_empty(), "the vendor heard the secrets it repeats");
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
