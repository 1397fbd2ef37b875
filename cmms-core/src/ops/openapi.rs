//! The description of the REST interface, OpenAPI 3.1: `api/openapi.json`.

use super::examples;
use super::limits;
use super::operation::{Effect, OpDef, Verb};
use super::pages;
use super::refusals;
use super::schema::{describe_inputs, generator, name, resolved};
use super::table::OPERATIONS;
use crate::error::{Problem, code};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// The whole description.
pub fn openapi() -> Value {
    let mut generator = generator();
    let problem = generator.subschema_for::<Problem>();
    let examples = examples::filled();
    let mut paths: Map<String, Value> = Map::new();
    for op in OPERATIONS {
        let example = examples.iter().find(|(name, ..)| name == op.meta.name);
        let example = example.map(|(_, request, response)| (request, response));
        let described = operation(op, &mut generator, problem.as_value(), example);
        let path = paths.entry(op.meta.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(op.meta.verb.as_str().to_lowercase(), described);
        }
    }
    paths.extend(system(problem.as_value()));
    let mut schemas = generator.take_definitions(true);
    describe_inputs(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "CMMS Integration API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8003" }],
        "paths": paths,
        "components": { "schemas": schemas, "headers": headers(), "parameters": parameters(), "responses": refusals::shared(problem.as_value()) },
    })
}

/// Headers of answers, described once.
fn headers() -> Value {
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "X-Request-Id": text("The id of the request in log and audit: the caller's own, or a new one."),
        "ETag": text("The version of the entity, for `If-Match`."),
        "Location": text("The path of the new entity, or of the run to poll."),
        "Idempotency-Replayed": text("`true`: this is the answer to the first call with the same key."),
        "Link": text("The page of the error code."),
    })
}

/// Headers of requests, described once.
fn parameters() -> Value {
    let header = |name: &str, description: &str, schema: Value| {
        json!({
            "name": name, "in": "header", "required": false, "description": description, "schema": schema,
        })
    };
    let text = json!({ "type": "string" });
    let key =
        json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$" });
    let tag = json!({ "type": "string", "pattern": "^(\"[0-9]{1,18}\"|[0-9]{1,18}|\\*)$" });
    json!({
        "X-Request-Id": header("X-Request-Id", "An id of the caller's own for the request: 1 to 128 visible ASCII characters, else it gets a new one.", text),
        "Idempotency-Key": header(
            "Idempotency-Key",
            "Names one wish: for a day, repeating the call with the same key and input answers what the first call \
             answered and has no other effect. 1 to 255 visible ASCII characters, such as a UUID.",
            key,
        ),
        "If-Match": header("If-Match", "Refuses the change unless this is the entity's `ETag`; the same as the field `version`.", tag),
    })
}

pub(super) fn header_refs(names: &[&str]) -> Value {
    let all = names.iter().chain(&["X-Request-Id"]).map(|name| {
        let place = json!({ "$ref": format!("#/components/headers/{name}") });
        ((*name).to_owned(), place)
    });
    Value::Object(all.collect())
}

type Example<'e> = Option<(&'e Map<String, Value>, &'e Value)>;

/// Where the fields of an input go.
#[derive(Default)]
struct Places {
    parameters: Vec<Value>,
    body: Map<String, Value>,
    example: Map<String, Value>,
}

fn places(op: &OpDef, input: &Value, required: &[&str], example: Example<'_>) -> Places {
    let in_path: Vec<&str> = op.meta.path_fields().collect();
    let mut places = Places::default();
    let fields = input.get("properties").and_then(Value::as_object);
    for (field, schema) in fields.into_iter().flatten() {
        let shown = example.and_then(|(request, _)| request.get(field));
        let place = if in_path.contains(&field.as_str()) {
            "path"
        } else if matches!(op.meta.verb, Verb::Get | Verb::Delete) {
            "query"
        } else {
            places.body.insert(field.clone(), schema.clone());
            let shown = shown.map(|shown| (field.clone(), shown.clone()));
            places.example.extend(shown);
            continue;
        };
        let mut schema = schema.clone();
        // Nothing is null there, and what is left away has no default to be read.
        limits::without_null(&mut schema);
        let mut parameter = json!({
            "name": field,
            "in": place,
            "required": place == "path" || required.contains(&field.as_str()),
            "description": schema.get("description").cloned().unwrap_or_default(),
            "schema": schema,
        });
        if let (Some(shown), Some(parameter)) = (shown, parameter.as_object_mut()) {
            parameter.insert("example".to_owned(), shown.clone());
        }
        places.parameters.push(parameter);
    }
    let mut header = |name: &str| {
        let place = format!("#/components/parameters/{name}");
        places.parameters.push(json!({ "$ref": place }));
    };
    header("X-Request-Id");
    if op.meta.takes_key() {
        header("Idempotency-Key");
    }
    if matches!(op.meta.verb, Verb::Patch | Verb::Put | Verb::Delete) {
        header("If-Match");
    }
    places
}

fn operation(
    op: &OpDef,
    generator: &mut SchemaGenerator,
    problem: &Value,
    example: Example<'_>,
) -> Value {
    let input = (op.input)(generator);
    let named = name(&input).unwrap_or_default();
    let mut input = resolved(&input, generator);
    limits::describe(&named, &mut input);
    // The route says it already.
    if op.meta.resource() == "sync"
        && let Some(sync_type) = input.pointer_mut("/properties/sync_type")
        && let Some(sync_type) = sync_type.as_object_mut()
    {
        let route = op.meta.name.strip_prefix("sync.");
        sync_type.insert("enum".to_owned(), json!([route, null]));
    }
    let required: Vec<&str> = input
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Places {
        parameters,
        body,
        example: sent,
    } = places(op, &input, &required, example);
    let mut described = json!({
        "operationId": op.meta.name,
        "summary": op.meta.title.trim(),
        "tags": [op.meta.resource()],
        "x-permission": op.meta.permission,
        "parameters": parameters,
        "responses": responses(op, generator, problem, example),
    });
    if !body.is_empty() {
        let needed: Vec<&&str> = required.iter().filter(|r| body.contains_key(**r)).collect();
        let mut content = json!({ "schema": {
            "type": "object",
            "properties": body,
            "required": needed,
            "additionalProperties": false,
        } });
        if let Some(content) = content.as_object_mut().filter(|_| !sent.is_empty()) {
            content.insert("example".to_owned(), Value::Object(sent));
        }
        if let Some(described) = described.as_object_mut() {
            let needed = !needed.is_empty();
            let content = json!({ "required": needed, "content": { "application/json": content } });
            described.insert("requestBody".to_owned(), content);
        }
    }
    described
}

fn responses(
    op: &OpDef,
    generator: &mut SchemaGenerator,
    problem: &Value,
    example: Example<'_>,
) -> Value {
    let output = (op.output)(generator);
    let versioned = resolved(&output, generator)
        .pointer("/properties/version")
        .is_some();
    let mut names = Vec::new();
    if versioned {
        names.push("ETag");
    }
    if op.meta.takes_key() {
        names.push("Idempotency-Replayed");
    }
    let mut content = json!({ "schema": output });
    if let (Some((_, answer)), Some(content)) = (example, content.as_object_mut()) {
        content.insert("example".to_owned(), answer.clone());
    }
    let mut responses = Map::new();
    let mut add = |status: u16, description: &str, names: &[&str], content: Value| {
        let described = json!({
            "description": description,
            "headers": header_refs(names),
            "content": { "application/json": content },
        });
        responses.insert(status.to_string(), described);
    };
    if op.meta.effect == Effect::Run {
        let mut names = names.clone();
        names.push("Location");
        let goes_on = "The run goes on; poll it.";
        add(202, goes_on, &names, json!({ "schema": output }));
    }
    if op.meta.success == 201 {
        names.push("Location");
    }
    add(op.meta.success, "Done.", &names, content);
    let keyed = [code::OP_KEY, code::OP_KEY_REUSED, code::OP_KEY_IN_USE];
    let keyed = keyed.iter().filter(|_| op.meta.takes_key()).copied();
    let own = op.meta.errors.iter().filter_map(|id| pages::code(id));
    responses.extend(refusals::of(op, own.chain(keyed), problem));
    Value::Object(responses)
}

/// What the server answers by itself.
fn system(problem: &Value) -> Map<String, Value> {
    let get = |id: &str, summary: &str, media: &str, schema: Value, example: Value| {
        json!({ "get": {
            "operationId": id,
            "summary": summary,
            "tags": ["system"],
            "parameters": [{ "$ref": "#/components/parameters/X-Request-Id" }],
            "responses": {
                "200": {
                    "description": "Done.",
                    "headers": header_refs(&[]),
                    "content": { media: { "schema": schema, "example": example } },
                },
                "default": refusals::any(problem),
            },
        } })
    };
    let json = "application/json";
    let status = json!({
        "type": "object", "required": ["status"], "properties": { "status": { "type": "string" } },
    });
    let ok = json!({ "status": "ok" });
    let health = json!({
        "type": "object",
        "required": ["status", "service", "version", "timestamp"],
        "properties": {
            "status": { "type": "string", "enum": ["healthy", "unhealthy"] },
            "service": { "type": "string" },
            "version": { "type": "string" },
            "timestamp": { "type": "string", "format": "date-time" },
        },
    });
    let healthy = json!({
        "status": "healthy",
        "service": "CMMS Integration API",
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp": "2024-01-15T09:00:00Z",
    });
    let unavailable = |mut path: Value, schema: &Value| {
        if let Some(responses) = path
            .pointer_mut("/get/responses")
            .and_then(Value::as_object_mut)
        {
            let answer = json!({
                "description": "The database does not answer.",
                "headers": header_refs(&[]),
                "content": { "application/json": { "schema": schema } },
            });
            responses.insert("503".to_owned(), answer);
        }
        path
    };
    let page = pages::page(code::WORK_ORDER_NOT_FOUND);
    let mut error = get(
        "error_page",
        "Says what an error code means and what to do.",
        "text/markdown",
        json!({ "type": "string" }),
        Value::String(page),
    );
    if let Some(Value::Array(parameters)) = error.pointer_mut("/get/parameters") {
        parameters.push(json!({
            "name": "code", "in": "path", "required": true, "description": "The code.",
            "schema": { "type": "string" }, "example": code::WORK_ORDER_NOT_FOUND.id(),
        }));
    }
    let described = get(
        "health",
        "Says whether the service and its database work.",
        json,
        health.clone(),
        healthy,
    );
    let ready = get(
        "readyz",
        "Says whether the database answers.",
        json,
        status.clone(),
        ok.clone(),
    );
    let lives = get(
        "livez",
        "Says that the process answers.",
        json,
        status.clone(),
        ok,
    );
    let itself = get(
        "openapi",
        "Answers this description.",
        json,
        json!({ "type": "object" }),
        json!({ "openapi": "3.1.0" }),
    );
    [
        ("/health", unavailable(described, &health)),
        ("/readyz", unavailable(ready, &status)),
        ("/livez", lives),
        ("/openapi.json", itself),
        ("/errors/{code}", error),
    ]
    .into_iter()
    .map(|(path, described)| (path.to_owned(), described))
    .collect()
}
