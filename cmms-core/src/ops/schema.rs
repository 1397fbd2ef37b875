//! What is generated from the table: the manifest and the list of errors, and the schemas of all.

pub use super::openapi::openapi;
use super::table::OPERATIONS;
use crate::error::ALL_CODES;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

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
                "status": code.http_status(),
                "reason": code.reason(),
                "title": code.title(),
                "remedy": code.remedy(),
                "page": format!("docs/errors/{}.md", code.id()),
            })
        })
        .collect();
    json!({ "errors": rows })
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
