//! What is generated from the table: the manifest, OpenAPI 3.1 and the list of errors.

use super::operation::{OpDef, Verb};
use super::table::OPERATIONS;
use crate::error::{ALL_CODES, Problem};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

const REFERENCES: &str = "/components/schemas";

/// Makes schemas whose shared parts are where OpenAPI looks for them.
pub(super) fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with(|s| s.definitions_path = REFERENCES.into())
        .into_generator()
}

/// The manifest of operations: `api/operations.json`.
pub fn operations() -> Value {
    let mut generator = generator();
    let rows: Vec<Value> = OPERATIONS
        .iter()
        .map(|op| {
            json!({
                "name": op.meta.name,
                "title": op.meta.title.trim(),
                "verb": op.meta.verb.as_str(),
                "path": op.meta.path,
                "permission": op.meta.permission,
                "effect": op.meta.effect,
                "success": op.meta.success,
                "errors": op.meta.errors,
                "input": (op.input)(&mut generator),
                "output": (op.output)(&mut generator),
            })
        })
        .collect();
    let schemas = generator.take_definitions(true);
    json!({ "version": env!("CARGO_PKG_VERSION"), "operations": rows, "components": { "schemas": schemas } })
}

/// The errors: `api/errors.json`.
pub fn errors() -> Value {
    let rows: Vec<Value> = ALL_CODES
        .iter()
        .map(|code| {
            json!({
                "code": code.id(),
                "kind": code.kind().name(),
                "number": code.kind() as i32,
                "status": code.kind().http_status(),
                "reason": code.reason(),
                "title": code.title(),
                "remedy": code.remedy(),
            })
        })
        .collect();
    json!({ "errors": rows })
}

/// The description of the REST interface: `api/openapi.json`.
pub fn openapi() -> Value {
    let mut generator = generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for op in OPERATIONS {
        let described = operation(op, &mut generator, problem.as_value());
        if let Some(path) = paths
            .entry(op.meta.path)
            .or_insert_with(|| json!({}))
            .as_object_mut()
        {
            path.insert(op.meta.verb.as_str().to_lowercase(), described);
        }
    }
    paths.insert("/health".to_owned(), health());
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "CMMS Integration API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8003" }],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn health() -> Value {
    json!({ "get": {
        "operationId": "health",
        "summary": "Says whether the service works.",
        "tags": ["system"],
        "responses": { "200": { "description": "It works.", "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["status", "service", "version", "timestamp"],
            "properties": {
                "status": { "type": "string", "enum": ["healthy", "unhealthy"] },
                "service": { "type": "string" },
                "version": { "type": "string" },
                "timestamp": { "type": "string", "format": "date-time" },
            },
        } } } } },
    } })
}

/// The schema itself, where this one only points at it.
pub(super) fn resolved(schema: &schemars::Schema, generator: &SchemaGenerator) -> Value {
    let target = schema
        .as_value()
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| r.rsplit('/').next());
    match target {
        Some(name) => generator
            .definitions()
            .get(name)
            .cloned()
            .unwrap_or_default(),
        None => schema.as_value().clone(),
    }
}

fn operation(op: &OpDef, generator: &mut SchemaGenerator, problem: &Value) -> Value {
    let input = (op.input)(generator);
    let input = resolved(&input, generator);
    let in_path: Vec<&str> = op.meta.path_fields().collect();
    let required: Vec<&str> = input
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let empty = Map::new();
    let fields = input
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut parameters = Vec::new();
    let mut body = Map::new();
    for (field, schema) in fields {
        let place = if in_path.contains(&field.as_str()) {
            "path"
        } else if op.meta.verb == Verb::Get {
            "query"
        } else {
            body.insert(field.clone(), schema.clone());
            continue;
        };
        parameters.push(json!({
            "name": field,
            "in": place,
            "required": place == "path" || required.contains(&field.as_str()),
            "description": schema.get("description").cloned().unwrap_or_default(),
            "schema": schema,
        }));
    }
    let output = (op.output)(generator);
    let mut responses = Map::new();
    let json_body = |schema: &Value| json!({ "application/json": { "schema": schema } });
    responses.insert(
        op.meta.success.to_string(),
        json!({ "description": "Done.", "content": json_body(output.as_value()) }),
    );
    responses.insert(
        "default".to_owned(),
        json!({
            "description": format!("A problem. Codes of its own: {}.", op.meta.errors.join(", ")),
            "content": { "application/problem+json": { "schema": problem } },
        }),
    );
    let mut described = json!({
        "operationId": op.meta.name,
        "summary": op.meta.title.trim(),
        "tags": [op.meta.resource()],
        "x-permission": op.meta.permission,
        "parameters": parameters,
        "responses": responses,
    });
    if !body.is_empty() {
        let needed: Vec<&&str> = required.iter().filter(|r| body.contains_key(**r)).collect();
        let schema = json!({
            "type": "object",
            "properties": body,
            "required": needed,
            "additionalProperties": false,
        });
        if let Some(described) = described.as_object_mut() {
            let content = json_body(&schema);
            described.insert(
                "requestBody".to_owned(),
                json!({ "required": true, "content": content }),
            );
        }
    }
    described
}
