//! What the values of inputs may be, as schemas say it: lengths, patterns, ranges, and what may not be null.
//!
//! The services check these things themselves; a step of `cargo xtask test` sends what the schemas allow and what they
//! forbid, so that both say the same.

use crate::domain::check::{LINE, MAX_HOURS, TEXT, WORDS};
use crate::page::MAX_LIMIT;
use serde_json::{Map, Value, json};

/// One line with something in it: no control characters, and not spaces alone.
const ONE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000-\u001f\u007f-\u009f]*$";
/// No text of an input holds U+0000.
const NO_NUL: &str = r"^[^\u0000]*$";
/// The caller's own name of an asset: visible characters, no spaces, no marks that nobody sees.
const TAG: &str = r"^[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]{1,128}$";
/// Such names that routes need for themselves.
const RESERVED: &[&str] = crate::domain::asset::RESERVED;
/// Who acted: a kind and a name.
const ACTOR: &str = r"^(user|service|local-process|system):[^\u0000]*$";
/// A kind of object, or one object.
const OBJECT: &str = r"^(asset|connection|mapping|quarantine|run|work_order)(:[^\u0000]*)?$";
/// Money as text: as many digits as are kept.
const MONEY: &str = r"^[0-9]{1,14}(\.[0-9]{1,4})?$";
/// The most money that is kept: less than 900 million million.
const MOST_MONEY: f64 = 899_999_999_999_999.0;

/// What a value may be.
#[derive(Clone, Copy)]
enum Limit {
    /// One line that is not empty.
    Line,
    /// Text of several lines.
    Text,
    /// A list of lines.
    Words,
    /// Any text.
    Any,
    /// A name of an asset.
    Tag,
    /// A name for a new asset.
    NewTag,
    /// A whole number.
    Whole(i64, i64),
    /// A number.
    Number(f64, f64),
    /// A number that is this or more.
    Least(f64),
    /// Text of this form.
    Form(&'static str),
    /// An amount.
    Amount,
}

/// The limits of fields, whatever the input.
const FIELDS: &[(&str, Limit)] = &[
    ("title", Limit::Line),
    ("name", Limit::Line),
    ("location", Limit::Line),
    ("assigned_to", Limit::Line),
    ("assigned_team", Limit::Line),
    ("requested_by", Limit::Line),
    ("reason", Limit::Line),
    ("manufacturer", Limit::Line),
    ("model", Limit::Line),
    ("serial_number", Limit::Line),
    ("department", Limit::Line),
    ("responsible_person", Limit::Line),
    ("connection_name", Limit::Line),
    ("description", Limit::Text),
    ("safety_notes", Limit::Text),
    ("tags", Limit::Words),
    ("asset_id", Limit::Tag),
    ("parent_asset_id", Limit::Any),
    ("estimated_hours", Limit::Number(0.0, MAX_HOURS)),
    ("actual_hours", Limit::Number(0.0, MAX_HOURS)),
    ("expected_lifespan", Limit::Number(0.0, 1_000.0)),
    ("estimated_cost", Limit::Amount),
    ("actual_cost", Limit::Amount),
    ("replacement_value", Limit::Amount),
    ("limit", Limit::Whole(1, MAX_LIMIT as i64)),
    ("version", Limit::Whole(1, i64::MAX)),
    ("batch_records", Limit::Whole(1, 10_000)),
    ("pages_in_flight", Limit::Whole(1, 16)),
    ("page_size", Limit::Whole(1, u32::MAX as i64)),
    ("count", Limit::Whole(1, 100)),
    ("max_requests_per_second", Limit::Least(0.001)),
    ("actor", Limit::Form(ACTOR)),
    ("object", Limit::Form(OBJECT)),
    ("sync_interval", Limit::Whole(10, 31_536_000)),
];

/// Fields of a change that cannot be emptied.
const NEVER_EMPTY: &[(&str, &[&str])] = &[
    ("UpdateWorkOrder", &["title", "priority", "work_order_type"]),
    ("UpdateAsset", &["name", "asset_type", "status"]),
    (
        "UpdateConnection",
        &["api_url", "connection_name", "enabled"],
    ),
];

/// Inputs that hold inputs.
pub(super) const NESTED: &[&str] = &["ConnectionOptions", "MappingDraft"];

/// Adds to the schema of an input what its fields may be.
pub(super) fn describe(input: &str, schema: &mut Value) {
    // What is looked for may be anything.
    let looks = input.starts_with("List") || input.starts_with("Count") || input.starts_with("Get");
    let never_empty = NEVER_EMPTY.iter().find(|(name, _)| *name == input);
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in fields.into_iter().flatten() {
        let limit = match (input, name.as_str()) {
            ("RegisterAsset", "asset_id") => Some(Limit::NewTag),
            // Of all statuses, those that a new one may have.
            ("CreateWorkOrder", "status") => {
                if let Some(status) = field.as_object_mut() {
                    let may = json!(["draft", "requested", "scheduled", null]);
                    put(status, &[("enum", may)]);
                }
                None
            }
            _ => FIELDS
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, limit)| *limit),
        };
        let is_text =
            |limit: &Limit| !matches!(limit, Limit::Whole(..) | Limit::Number(..) | Limit::Form(_));
        match limit {
            Some(limit) if looks && is_text(&limit) => narrow(field, Limit::Any),
            Some(limit) => narrow(field, limit),
            None => narrow(field, Limit::Any),
        }
        if never_empty.is_some_and(|(_, fields)| fields.contains(&name.as_str())) {
            without_null(field);
        }
    }
}

fn narrow(field: &mut Value, limit: Limit) {
    let Some(schema) = field.as_object_mut() else {
        return;
    };
    let plain_text = is(schema, "string") && !schema.contains_key("format");
    match limit {
        Limit::Any if plain_text => put(schema, &[("pattern", json!(NO_NUL))]),
        Limit::Line if plain_text => put(
            schema,
            &[
                ("minLength", json!(1)),
                ("maxLength", json!(LINE)),
                ("pattern", json!(ONE_LINE)),
            ],
        ),
        Limit::Text if plain_text => put(
            schema,
            &[("maxLength", json!(TEXT)), ("pattern", json!(NO_NUL))],
        ),
        Limit::Tag | Limit::NewTag if plain_text => {
            put(
                schema,
                &[
                    ("minLength", json!(1)),
                    ("maxLength", json!(128)),
                    ("pattern", json!(TAG)),
                ],
            );
            if matches!(limit, Limit::NewTag) {
                put(schema, &[("not", json!({ "enum": RESERVED }))]);
            }
        }
        Limit::Words => {
            put(schema, &[("maxItems", json!(WORDS))]);
            if let Some(items) = schema.get_mut("items") {
                narrow(items, Limit::Line);
            }
        }
        Limit::Whole(least, most) => put(
            schema,
            &[("minimum", json!(least)), ("maximum", json!(most))],
        ),
        Limit::Number(least, most) => put(
            schema,
            &[("minimum", json!(least)), ("maximum", json!(most))],
        ),
        Limit::Least(least) => put(schema, &[("minimum", json!(least))]),
        Limit::Form(pattern) if plain_text => put(schema, &[("pattern", json!(pattern))]),
        Limit::Amount => {
            let description = schema.get("description").cloned();
            *field = json!({
                "description": description,
                "anyOf": [
                    { "type": "string", "pattern": MONEY },
                    { "type": "number", "minimum": 0, "maximum": MOST_MONEY, "multipleOf": 0.0001 },
                    { "type": "null" },
                ],
            });
        }
        _ => {}
    }
}

fn put(schema: &mut Map<String, Value>, keywords: &[(&str, Value)]) {
    for (name, value) in keywords {
        schema.insert((*name).to_owned(), value.clone());
    }
}

/// Whether a schema is of this type, or of it and null.
fn is(schema: &Map<String, Value>, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|k| k == kind),
        _ => false,
    }
}

/// The same schema for a value that is there: in a path or a query nothing is null.
pub(super) fn without_null(field: &mut Value) {
    let Some(schema) = field.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            schema.extend(only);
        }
    }
}
