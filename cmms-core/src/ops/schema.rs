//! What is generated from the table: the manifest and the list of errors, and the schemas of all.

use super::limits;
pub use super::openapi::openapi;
use super::table::{GROUPS, OPERATIONS};
use crate::error::ALL_CODES;
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
    let mut schemas = generator.take_definitions(true);
    describe_inputs(&mut schemas);
    let groups: Value = GROUPS.iter().map(|(name, about)| (*name, *about)).collect();
    json!({ "version": env!("CARGO_PKG_VERSION"), "groups": groups, "operations": rows, "components": { "schemas": schemas } })
}

/// Adds to the schemas of inputs what their fields may be.
pub(super) fn describe_inputs(schemas: &mut Map<String, Value>) {
    let mut generator = generator();
    let inputs: Vec<String> = OPERATIONS
        .iter()
        .filter_map(|op| name(&(op.input)(&mut generator)))
        .chain(limits::NESTED.iter().map(|name| (*name).to_owned()))
        .collect();
    for (name, schema) in schemas.iter_mut() {
        if inputs.contains(name) {
            limits::describe(name, schema);
        }
    }
}

/// The name of the schema that this one points at.
pub(super) fn name(schema: &schemars::Schema) -> Option<String> {
    let reference = schema.as_value().get("$ref")?.as_str()?;
    reference.rsplit('/').next().map(str::to_owned)
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
    match name(schema) {
        Some(name) => generator
            .definitions()
            .get(&name)
            .cloned()
            .unwrap_or_default(),
        None => schema.as_value().clone(),
    }
}
