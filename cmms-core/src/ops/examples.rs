//! An example of every operation, as data beside the table: one story, told file by file.
//!
//! A step says what is sent; what is answered was recorded from a real server over a simulated vendor. A test of the
//! server tells the story again and compares. To add an example, add a step to the file of its group,
//! `{ "operation": "things.create", "request": { … } }`, and record its answer:
//! `CMMS_EXAMPLES=record cargo test -p cmms-server --all-features --test api examples`.
//! A text `$name.field` in a request stands for a field of the answer to the step of that name, which is its `as` or
//! else its operation: `$work_orders.create.id`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The files of the story, in its order.
pub const FILES: &[(&str, &str)] = &[
    ("connections", include_str!("examples/connections.json")),
    ("mappings", include_str!("examples/mappings.json")),
    ("assets", include_str!("examples/assets.json")),
    ("work_orders", include_str!("examples/work_orders.json")),
    ("sync", include_str!("examples/sync.json")),
    ("quarantine", include_str!("examples/quarantine.json")),
    ("runs", include_str!("examples/runs.json")),
    ("audit", include_str!("examples/audit.json")),
];

/// One step of the story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The operation.
    pub operation: String,
    /// Another name for its answer.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Milliseconds that the vendor takes for each answer from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_latency_ms: Option<u64>,
    /// What is sent.
    #[serde(default)]
    pub request: Map<String, Value>,
    /// What is answered.
    #[serde(default)]
    pub response: Value,
}

impl Step {
    /// The name of its answer.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.operation)
    }
}

/// The steps of a file.
///
/// # Errors
/// What is wrong with its JSON.
pub fn steps(json: &str) -> serde_json::Result<Vec<Step>> {
    serde_json::from_str(json)
}

/// The answers so far, by name.
#[derive(Debug, Default)]
pub struct Answers(Vec<(String, Value)>);

impl Answers {
    /// Notes the answer of a step.
    pub fn note(&mut self, name: &str, answer: Value) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), answer));
    }

    /// A request with the values that its names stand for; a name that stands for nothing stays.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.lookup(text).unwrap_or_else(|| value.clone()),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| (name.clone(), self.fill(field)))
                .collect(),
            plain => plain.clone(),
        }
    }

    fn lookup(&self, text: &str) -> Option<Value> {
        let path = text.strip_prefix('$')?;
        let (name, answer) = self.0.iter().find(|(name, _)| {
            path.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        })?;
        let fields = path.get(name.len()..)?.replace('.', "/");
        answer.pointer(&fields).cloned()
    }
}

/// The first example of each operation, with all names filled in.
pub(super) fn filled() -> Vec<(String, Map<String, Value>, Value)> {
    let mut answers = Answers::default();
    let mut examples: Vec<(String, Map<String, Value>, Value)> = Vec::new();
    let files = FILES.iter().filter_map(|(_, json)| steps(json).ok());
    for step in files.flatten() {
        let request = match answers.fill(&Value::Object(step.request.clone())) {
            Value::Object(request) => request,
            _ => Map::new(),
        };
        answers.note(step.name(), step.response.clone());
        if examples.iter().all(|(name, ..)| *name != step.operation) {
            examples.push((step.operation, request, step.response));
        }
    }
    examples
}
