//! The operations and their types, as the generators of other languages need them: read from `api/operations.json`'s
//! value, so that a generator knows no more than what is published.

use crate::fail::{Failure, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The type of a value, without whether it may be null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Uuid,
    Time,
    Date,
    /// What a filter compares with a time.
    TimeOrDate,
    Money,
    Int,
    Float,
    Bool,
    Any,
    List(Box<Type>),
    Map(Box<Type>),
    /// One of the [`Api::enums`].
    Enum(String),
    /// One of the [`Api::objects`].
    Object(String),
}

/// A field of an object.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) nullable: bool,
    pub(super) required: bool,
    pub(super) doc: String,
}

/// An object with named fields: in the order of the input's needs, else by name.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) doc: String,
    pub(super) fields: Vec<Field>,
}

/// What an operation answers.
#[derive(Debug, Clone)]
pub(super) enum Output {
    One(String),
    Page(String),
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) struct Op {
    pub(super) name: String,
    pub(super) group: String,
    pub(super) method: String,
    pub(super) doc: String,
    pub(super) input: Object,
    pub(super) output: Output,
    /// Whether it can be done once for each idempotency key.
    pub(super) takes_key: bool,
    /// Whether it starts a sync and answers its run, which can have failed.
    pub(super) syncs: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Api {
    /// What each group is about.
    about: BTreeMap<String, String>,
    pub(super) ops: Vec<Op>,
    pub(super) enums: BTreeMap<String, Vec<String>>,
    /// Those that answers or inputs hold, without the inputs themselves.
    pub(super) objects: BTreeMap<String, Object>,
}

impl Api {
    /// The groups in the order of the table, each with its operations.
    pub(super) fn groups(&self) -> Vec<(&str, Vec<&Op>)> {
        let mut groups: Vec<(&str, Vec<&Op>)> = Vec::new();
        for op in &self.ops {
            match groups.iter_mut().find(|(name, _)| *name == op.group) {
                Some((_, ops)) => ops.push(op),
                None => groups.push((&op.group, vec![op])),
            }
        }
        groups
    }

    /// What a group is about.
    pub(super) fn about(&self, group: &str) -> &str {
        self.about.get(group).map_or("", String::as_str)
    }

    /// Reads what `api/operations.json` holds.
    ///
    /// # Errors
    /// A schema that the generators do not know how to read: teach them, or describe the type another way.
    pub(super) fn read(value: &Value) -> Result<Self> {
        let schemas = value
            .pointer("/components/schemas")
            .and_then(Value::as_object)
            .ok_or_else(|| Failure::new("operations.json has no schemas"))?;
        let mut reader = Reader {
            schemas,
            enums: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        let rows = value.get("operations").and_then(Value::as_array);
        let mut ops = Vec::new();
        for row in rows.into_iter().flatten() {
            ops.push(reader.op(row)?);
        }
        let about = value.get("groups").and_then(Value::as_object);
        let about = about.into_iter().flatten();
        Ok(Self {
            about: about
                .map(|(group, _)| (group.clone(), text(&value["groups"], group)))
                .collect(),
            ops,
            enums: reader.enums,
            objects: reader.objects,
        })
    }
}

struct Reader<'a> {
    schemas: &'a Map<String, Value>,
    enums: BTreeMap<String, Vec<String>>,
    objects: BTreeMap<String, Object>,
}

impl<'a> Reader<'a> {
    fn op(&mut self, row: &Value) -> Result<Op> {
        let name = text(row, "name");
        let (group, method) = name
            .split_once('.')
            .ok_or_else(|| Failure::new(format!("{name}: no resource.verb")))?;
        let path = text(row, "path");
        let in_path = |field: &Field| path.contains(&format!("{{{}}}", field.name));
        let input = self.target(&row["input"])?.1;
        let mut input = self.object(input)?;
        // What names the object comes first, then what is needed, then the rest.
        input.fields.sort_by_key(|f| (!in_path(f), !f.required));
        let (output, schema) = self.target(&row["output"])?;
        let items = schema.pointer("/properties/items/items");
        let output = match items.filter(|_| output.starts_with("Page")) {
            Some(items) => match self.of(items)?.0 {
                Type::Object(of) => Output::Page(of),
                other => return Err(Failure::new(format!("{name}: a page of {other:?}"))),
            },
            None => match self.of(&row["output"])?.0 {
                Type::Object(of) => Output::One(of),
                other => return Err(Failure::new(format!("{name}: answers {other:?}"))),
            },
        };
        let effect = text(row, "effect");
        Ok(Op {
            group: group.to_owned(),
            method: method.to_owned(),
            doc: text(row, "title"),
            takes_key: text(row, "verb") == "POST" && effect != "read" && effect != "ask",
            syncs: effect == "run",
            name,
            input,
            output,
        })
    }

    /// The schema that a reference names, with its name.
    fn target<'s>(&self, schema: &'s Value) -> Result<(String, &'s Value)>
    where
        'a: 's,
    {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
            return Ok((String::new(), schema));
        };
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let schemas: &'a Map<String, Value> = self.schemas;
        schemas
            .get(name)
            .map(|found| (name.to_owned(), found))
            .ok_or_else(|| Failure::new(format!("there is no schema {name}")))
    }

    fn object(&mut self, schema: &Value) -> Result<Object> {
        let mut fields = Vec::new();
        let required = schema.get("required").and_then(Value::as_array);
        let required: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let (ty, nullable) = self.of(property)?;
            fields.push(Field {
                name: name.clone(),
                ty,
                nullable,
                required: required.contains(&name.as_str()),
                doc: text(property, "description"),
            });
        }
        fields.sort_by_key(|f| {
            let place = required.iter().position(|r| *r == f.name);
            (place.unwrap_or(usize::MAX), f.name.clone())
        });
        Ok(Object {
            doc: text(schema, "description"),
            fields,
        })
    }

    /// The type that a schema describes, and whether it may be null.
    fn of(&mut self, schema: &Value) -> Result<(Type, bool)> {
        if let Some(known) = known(schema) {
            return Ok((known, false));
        }
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            let is_null = |s: &&Value| s.get("type").and_then(Value::as_str) == Some("null");
            let nullable = choices.iter().any(|s| is_null(&s));
            let mut others = choices.iter().filter(|s| !is_null(s));
            // An amount that is taken: as text or as a number.
            let kinds = others.clone().map(|s| text(s, "type"));
            if kinds.eq(["string", "number"]) {
                return Ok((Type::Money, nullable));
            }
            let (Some(only), None) = (others.next(), others.next()) else {
                return Err(Failure::new(format!("a choice of types: {schema}")));
            };
            return Ok((self.of(only)?.0, nullable));
        }
        let (name, resolved) = self.target(schema)?;
        let resolved = resolved.clone();
        if let Some(words) = resolved.get("enum").and_then(Value::as_array) {
            let words = words.iter().filter_map(Value::as_str).map(str::to_owned);
            self.enums.insert(name.clone(), words.collect());
            return Ok((Type::Enum(name), false));
        }
        if resolved.get("$ref").is_some() {
            return self.of(&resolved);
        }
        let kinds: Vec<&str> = match resolved.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return Ok((Type::Any, true)),
        };
        let nullable = kinds.contains(&"null");
        let kind = kinds.iter().find(|kind| **kind != "null").copied();
        let ty = match (kind, text(&resolved, "format").as_str()) {
            (Some("string"), "date-time") => Type::Time,
            (Some("string"), "date") => Type::Date,
            (Some("string"), "uuid") => Type::Uuid,
            (Some("string"), _) => Type::Text,
            (Some("integer"), _) => Type::Int,
            (Some("number"), _) => Type::Float,
            (Some("boolean"), _) => Type::Bool,
            (Some("array"), _) => {
                let items = resolved.get("items").cloned().unwrap_or(Value::Bool(true));
                Type::List(Box::new(self.of(&items)?.0))
            }
            (Some("object"), _) if resolved.get("properties").is_some() => {
                if name.is_empty() {
                    return Err(Failure::new(format!("an object without a name: {schema}")));
                }
                if !self.objects.contains_key(&name) {
                    let object = self.object(&resolved)?;
                    self.objects.insert(name.clone(), object);
                }
                Type::Object(name)
            }
            (Some("object"), _) => {
                let values = resolved.get("additionalProperties");
                let values = values.cloned().unwrap_or(Value::Bool(true));
                Type::Map(Box::new(self.of(&values)?.0))
            }
            other => return Err(Failure::new(format!("a type {other:?}: {schema}"))),
        };
        Ok((ty, nullable))
    }
}

/// The types that languages have words of their own for.
fn known(schema: &Value) -> Option<Type> {
    let reference = schema.get("$ref").and_then(Value::as_str)?;
    match reference.rsplit('/').next()? {
        "Money" => Some(Type::Money),
        "TimeOrDate" => Some(Type::TimeOrDate),
        // Its number is a text beside what an id is.
        "WorkOrderRef" => Some(Type::Uuid),
        _ => None,
    }
}

fn text(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
    text.trim().to_owned()
}
