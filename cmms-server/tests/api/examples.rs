//! The examples of all operations: each is sent to a real server over a simulated vendor, and answers as recorded.

use crate::fixture::{Fixture, Reply, request};
use async_trait::async_trait;
use axum::body::Body;
use chrono::{DateTime, Utc};
use cmms::core::clock::Clock;
use cmms::core::domain::TABLES;
use cmms::core::ops::examples::{Answers, FILES, Step, steps};
use cmms::core::ops::{Effect, OPERATIONS, OpMeta, Verb, find, schema};
use cmms::core::record::Privacy;
use cmms::core::services::audit::OBJECTS;
use cmms::core::testing::{SeededIds, SteppedClock};
use cmms_sim::upkeep::{SimEntity, UpkeepConfig, UpkeepSim};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The address that stands in the examples for the simulated vendor.
const VENDOR: &str = "https://api.onupkeep.com";
/// How an answer is recorded.
const RECORD: &str =
    "CMMS_EXAMPLES=record cargo test -p cmms-server --all-features --test api examples";

/// Times as on a day of the documentation; waits are real, since the calls of the vendor are.
#[derive(Debug)]
struct StoryClock(SteppedClock);

#[async_trait]
impl Clock for StoryClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct Story {
    api: Fixture,
    sim: UpkeepSim,
    answers: Answers,
    sent: usize,
    /// Each operation with the id of its request.
    requests: Vec<(OpMeta, String)>,
}

impl Story {
    async fn begin() -> Self {
        let config = UpkeepConfig::default()
            .assets(3)
            .work_orders(5)
            .ready_token("your_api_key");
        let sim = UpkeepSim::start(config, 0).await.unwrap();
        // One work order cannot be stored, so that there is a quarantine to tell of.
        let oracle = sim.vendor().oracle();
        let (id, record) = oracle.work_orders.iter().next().unwrap();
        let mut record = record.clone();
        record["title"] = json!(null);
        sim.vendor().set_raw(SimEntity::WorkOrder, id, record);
        let pairs = [
            ("CMMS_EGRESS_ALLOW", sim.base_url()),
            ("USER", "planner".to_owned()),
        ];
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let clock = StoryClock(SteppedClock::default().ticking(1_000));
        let api = Fixture::built(&pairs, |builder| {
            builder
                .clock(Arc::new(clock))
                .ids(Arc::new(SeededIds::new(1)))
        })
        .await;
        Self {
            api,
            sim,
            answers: Answers::default(),
            sent: 0,
            requests: Vec::new(),
        }
    }

    /// Text of an example as the real vendor's, and back.
    fn here(&self, value: &Value) -> Value {
        let base = self.sim.base_url();
        serde_json::from_str(&value.to_string().replace(VENDOR, &base)).unwrap()
    }

    fn shown(&self, value: &Value) -> Value {
        let base = self.sim.base_url();
        serde_json::from_str(&value.to_string().replace(&base, VENDOR)).unwrap()
    }

    /// Sends a step and answers what came back, as it is shown.
    async fn tell(&mut self, step: &Step) -> Value {
        let meta = find(&step.operation).unwrap().meta;
        let latency = Duration::from_millis(step.vendor_latency_ms.unwrap_or_default());
        self.sim.vendor().set_latency(latency);
        let filled = self.answers.fill(&Value::Object(step.request.clone()));
        let Value::Object(input) = self.here(&filled) else {
            panic!("a request is an object")
        };
        self.sent += 1;
        let key = format!("story-{}", self.sent);
        let reply = self.send(&meta, &input, &key).await;
        let id = reply.header("x-request-id").to_owned();
        self.requests.push((meta, id));
        let goes_on = reply.status == 202 && reply.json["status"] == "running";
        assert!(
            reply.status == meta.success || goes_on,
            "{} {input:?}: {} {}",
            meta.name,
            reply.status,
            reply.text
        );
        if meta.takes_key() && !goes_on {
            // Every post with an effect can be repeated.
            let again = self.send(&meta, &input, &key).await;
            assert_eq!(
                again.header("idempotency-replayed"),
                "true",
                "{}",
                meta.name
            );
            assert_eq!((again.status, &again.text), (reply.status, &reply.text));
        }
        let answer = self.shown(&reply.json);
        self.answers.note(step.name(), answer.clone());
        answer
    }

    async fn send(&self, meta: &OpMeta, input: &Map<String, Value>, key: &str) -> Reply {
        let mut path = meta.path.to_owned();
        let (mut query, mut body) = (Vec::new(), Map::new());
        for (name, value) in input {
            let place = format!("{{{name}}}");
            if path.contains(&place) {
                path = path.replace(&place, value.as_str().unwrap());
            } else if meta.verb == Verb::Get {
                let values = value
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![value.clone()]);
                for value in values {
                    let text = value.as_str().map_or(value.to_string(), str::to_owned);
                    query.push(format!("{name}={}", text.replace('+', "%2B")));
                }
            } else {
                body.insert(name.clone(), value.clone());
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let sent = if body.is_empty() {
            Body::empty()
        } else {
            Body::from(Value::Object(body).to_string())
        };
        let mut request = request(meta.verb.as_str(), &path, sent);
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.insert("idempotency-key", key.parse().unwrap());
        self.api.send(request).await
    }
}

/// Where two answers differ; ids, times, numbers of work orders and cursors differ from run to run.
fn differs(place: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            names
                .into_iter()
                .find_map(|name| match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => differs(&format!("{place}.{name}"), a, b),
                    _ => Some(format!("{place}.{name} is in one of them only")),
                })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(i, (a, b))| differs(&format!("{place}[{i}]"), a, b)),
        (Value::String(a), Value::String(b))
            if a == b || kind(a).is_some_and(|k| Some(k) == kind(b)) =>
        {
            None
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{place}: {a} and {b}")),
    }
}

fn kind(text: &str) -> Option<&'static str> {
    let hex = |text: &str| text.len() >= 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if text.parse::<cmms::core::ids::RunId>().is_ok() {
        Some("id")
    } else if DateTime::parse_from_rfc3339(text).is_ok() {
        Some("time")
    } else if text.starts_with("WO-") && text.len() == "WO-20240115-0001".len() {
        Some("number")
    } else {
        hex(text).then_some("cursor")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one who records says so in the environment"
)]
fn recording() -> bool {
    std::env::var("CMMS_EXAMPLES").is_ok_and(|word| word == "record")
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_answer_as_recorded() {
    let mut story = Story::begin().await;
    let mut wrong = Vec::new();
    for (file, json) in FILES {
        let mut told = steps(json).unwrap_or_else(|e| panic!("{file}.json: {e}"));
        for step in &mut told {
            let answer = story.tell(step).await;
            if let Some(difference) = differs("", &step.response, &answer) {
                wrong.push(format!("{file}.json, {}{difference}", step.operation));
                step.response = answer;
            }
        }
        if recording() {
            let path = format!(
                "{}/../cmms-core/src/ops/examples/{file}.json",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = serde_json::to_string_pretty(&told).unwrap() + "\n";
            std::fs::write(path, text).unwrap();
        }
    }
    story.api.client.stop().await;
    story.sim.stop().await;
    let wrong = wrong.join("\n");
    assert!(
        recording() || wrong.is_empty(),
        "answers differ from what is recorded; where the new ones are right: {RECORD}\n{wrong}"
    );
}

/// What only reads leaves nothing in the audit; what writes leaves one entry, committed with its change; what calls a
/// vendor or starts a run leaves one for each thing that it committed. Values of personal fields are in none.
#[tokio::test(flavor = "multi_thread")]
async fn every_change_has_its_audit_entry() {
    let mut story = Story::begin().await;
    for (file, json) in FILES {
        for step in steps(json).unwrap_or_else(|e| panic!("{file}.json: {e}")) {
            story.tell(&step).await;
        }
    }
    story.api.client.settled().await;
    let entries = story.api.audit().await;
    for (meta, request) in &story.requests {
        let made = entries.iter().filter(|e| e.request_id == *request).count();
        let right = match meta.effect {
            Effect::Read | Effect::Ask => made == 0,
            // An equal connection is answered as it was.
            Effect::Write if meta.name == "connections.ensure" => made <= 1,
            Effect::Write => made == 1,
            Effect::Run => made >= 1,
            Effect::Long => true,
        };
        assert!(right, "{} has {made} entries", meta.name);
    }
    let columns = TABLES.iter().flat_map(|table| table.columns.iter());
    let personal: Vec<&str> = columns
        .filter(|column| matches!(column.privacy, Privacy::Personal | Privacy::Secret))
        .map(|column| column.name)
        .collect();
    for entry in &entries {
        assert!(OBJECTS.contains(&entry.object_type.as_str()), "{entry:?}");
        for change in entry.change.iter().flat_map(|changes| &changes.0) {
            let told = change.before.is_some() || change.after.is_some();
            let field = change.field.as_str();
            assert!(!told || !personal.contains(&field), "{entry:?}");
        }
    }
    story.api.client.stop().await;
    story.sim.stop().await;
}

#[test]
fn every_operation_has_an_example() {
    let told: Vec<Step> = FILES
        .iter()
        .flat_map(|(_, json)| steps(json).unwrap())
        .collect();
    for op in OPERATIONS {
        let (name, group) = (op.meta.name, op.meta.resource());
        assert!(
            told.iter().any(|step| step.operation == name),
            "{name} has no example: add {{ \"operation\": \"{name}\", \"request\": {{ … }} }} to \
             cmms-core/src/ops/examples/{group}.json (a new file also needs its line in ops/examples.rs), \
             then record its answer: {RECORD}"
        );
    }
}

#[test]
fn openapi_shows_every_example_with_its_names_filled_in() {
    let openapi = schema::openapi();
    for op in OPERATIONS {
        let (meta, verb) = (&op.meta, op.meta.verb.as_str().to_lowercase());
        let shown = &openapi["paths"][meta.path][&verb];
        let answer = &shown["responses"][meta.success.to_string()]["content"]["application/json"];
        assert!(answer["example"].is_object(), "{}", meta.name);
        let open = shown.to_string().replace("\"$ref\"", "");
        assert!(!open.contains("\"$"), "{}: {shown}", meta.name);
        for parameter in shown["parameters"].as_array().unwrap() {
            let needed = parameter["required"] == true;
            assert!(
                !needed || !parameter["example"].is_null(),
                "{}: {parameter}",
                meta.name
            );
        }
        if let Some(body) = shown["requestBody"].as_object() {
            let content = &body["content"]["application/json"];
            let needed = content["schema"]["required"].as_array().map_or(0, Vec::len);
            assert!(
                needed == 0 || content["example"].is_object(),
                "{}",
                meta.name
            );
        }
    }
    // What the server answers by itself is described, too.
    for path in [
        "/health",
        "/livez",
        "/readyz",
        "/openapi.json",
        "/errors/{code}",
    ] {
        assert!(
            openapi["paths"][path]["get"]["responses"]["200"].is_object(),
            "{path}"
        );
    }
}
