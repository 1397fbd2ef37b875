//! An operation in words, for people who call it by name.

use super::operation::OpDef;
use super::schema;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

/// A field of an operation's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldHelp {
    /// Its name.
    pub name: String,
    /// What it takes, in a few words.
    pub takes: String,
    /// Whether it has to be there.
    pub required: bool,
    /// Whether it holds a secret, which may not stand on a command line.
    pub secret: bool,
    /// What it is for.
    pub about: String,
}

impl OpDef {
    /// The fields of its input: those that have to be there first.
    pub fn fields(&self) -> Vec<FieldHelp> {
        let mut generator = schema::generator();
        let input = (self.input)(&mut generator);
        let input = schema::resolved(&input, &generator);
        let list = |name: &str| input.get(name).and_then(Value::as_array);
        let required: Vec<&str> = list("required")
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let fields = input.get("properties").and_then(Value::as_object);
        let mut fields: Vec<FieldHelp> = fields
            .into_iter()
            .flatten()
            .map(|(name, schema)| FieldHelp {
                name: name.clone(),
                takes: takes(schema, &generator),
                required: required.contains(&name.as_str()),
                secret: schema.to_string().contains("/SecretText\""),
                about: text(schema, "description").replace('\n', " "),
            })
            .collect();
        fields.sort_by_key(|field| !field.required);
        fields
    }

    /// The fields of the input that hold a secret, which may not stand on a command line.
    pub fn secret_fields(&self) -> Vec<String> {
        let fields = self.fields().into_iter().filter(|field| field.secret);
        fields.map(|field| field.name).collect()
    }
}

fn text(schema: &Value, name: &str) -> String {
    let text = schema.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// What a schema takes, in a few words; null goes without saying.
fn takes(schema: &Value, generator: &SchemaGenerator) -> String {
    let Some(schema) = schema.as_object() else {
        return "any value".to_owned();
    };
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        let target = generator.definitions().get(name);
        return target.map_or_else(|| name.to_owned(), |target| takes(target, generator));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        return words.join(" | ");
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return word.to_owned();
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(choice).and_then(Value::as_array) {
            let mut words: Vec<_> = choices
                .iter()
                .filter(|one| one.get("type").and_then(Value::as_str) != Some("null"))
                .map(|one| takes(one, generator))
                .collect();
            words.dedup();
            return words.join(" | ");
        }
    }
    of_type(schema, generator)
}

fn of_type(schema: &Map<String, Value>, generator: &SchemaGenerator) -> String {
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null")
        }
        Some(kind) => kind.as_str(),
        None => None,
    };
    let format = schema.get("format").and_then(Value::as_str);
    match (kind, format) {
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some("string"), Some("date")) => "date".to_owned(),
        (Some("string"), Some("uuid")) => "id".to_owned(),
        (Some("string"), _) => "text".to_owned(),
        (Some("integer"), _) => "whole number".to_owned(),
        (Some("number"), _) => "number".to_owned(),
        (Some("boolean"), _) => "true | false".to_owned(),
        (Some("array"), _) => match schema.get("items") {
            Some(items) => format!("list of {}", takes(items, generator)),
            None => "list".to_owned(),
        },
        (Some("object"), _) => "object".to_owned(),
        _ => "any value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::ops;

    #[test]
    fn every_field_of_every_operation_is_told_in_words() {
        for op in ops::OPERATIONS {
            for field in op.fields() {
                let place = format!("{}.{}", op.meta.name, field.name);
                assert!(!field.about.is_empty(), "{place}");
                assert!(!field.takes.is_empty(), "{place}");
            }
        }
        let update =
            ops::find("work_orders.update_status").or_else(|_| ops::find("work_orders.update"));
        let fields = update.unwrap().fields();
        assert!(fields.first().unwrap().required);
        assert!(
            fields.iter().any(|field| field.takes.contains(" | ")),
            "{fields:?}"
        );
    }

    #[test]
    fn fields_that_hold_a_secret_are_known() {
        let create = ops::find("connections.create").unwrap();
        let secret = create.secret_fields();
        for name in ["api_key", "password", "credentials"] {
            assert!(secret.iter().any(|s| s == name), "{secret:?}");
        }
        assert!(!secret.iter().any(|s| s == "username"));
    }
}
