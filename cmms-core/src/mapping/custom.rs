//! A user's mapping: one field of the vendor to one of ours.

use super::path::Path;
use super::rules::Rule;
use super::shape::Shape;
use super::targets::{shape_of, targets};
use crate::domain::check::nearest;
use crate::domain::entity::Entity;
use crate::domain::field_mapping::WhenAbsent;
use crate::error::Violation;
use crate::{Error, code};
use serde_json::Value;

/// The columns whose fields can be mapped one by one.
const OPEN: &[&str] = &["custom_fields", "specifications"];
/// The longest name of such a field, in characters.
const MEMBER: usize = 100;

/// A user's mapping as it was written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The kind of record; None: the target says it.
    pub entity: Option<Entity>,
    /// The vendor's field.
    pub source: &'a str,
    /// Our field, such as `title` or `asset.name`.
    pub target: &'a str,
    /// The rule.
    pub rule: Option<&'a Value>,
    /// Whether a record without the field is refused.
    pub required: bool,
    /// Whether it must be possible to go the other way.
    pub outward: bool,
    /// What a record means that does not name the field; None: what the vendor's default mapping says of it.
    pub when_absent: Option<WhenAbsent>,
}

/// A user's mapping, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom {
    entity: Entity,
    source: Path,
    column: &'static str,
    member: Option<Box<str>>,
    rule: Option<Rule>,
    written: Option<Value>,
    required: bool,
    when_absent: Option<WhenAbsent>,
}

/// Where a mapping writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A column.
    Column(&'static str),
    /// A single field of a JSON column.
    Member(&'static str, &'a str),
}

impl Custom {
    /// Checks a mapping that somebody wrote.
    ///
    /// # Errors
    /// `CMMS-MAP-003` for a rule, `CMMS-MAP-004` for a rule that is not supported yet, `CMMS-MAP-005` for a
    /// target, `CMMS-INPUT-003`, `CMMS-INPUT-004`; with all that is wrong.
    pub fn check(written: &Written<'_>) -> Result<Self, Error> {
        let mut wrong = Vec::new();
        let source = Path::parse(written.source)
            .map_err(|why| refuse(&mut wrong, "source_field", "invalid_value", why))
            .ok();
        let place = place(written, &mut wrong);
        let rule_text = written.rule.map(unfold);
        let shape = match &place {
            Some((_, _, Some(_))) => Some(Shape::Any),
            Some((entity, column, None)) => shape_of(*entity, column),
            None => None,
        };
        let mut rule = None;
        match &rule_text {
            None => {}
            Some(Ok(value)) => {
                // Without a target, what the rule gives cannot be checked, but the rule itself can.
                let found = Rule::parse(value, shape.unwrap_or(Shape::Any), &mut wrong);
                rule = found;
            }
            Some(Err(why)) => {
                refuse(
                    &mut wrong,
                    "transformation_rule",
                    "mapping_rule",
                    why.clone(),
                );
            }
        }
        if written.outward
            && let Some(Err(why)) = rule.as_ref().map(Rule::inverse)
        {
            let detail =
                format!("needs a rule that can be turned round, and this one cannot: {why}");
            refuse(&mut wrong, "direction", "no_inverse", detail);
        }
        match (source, place) {
            (Some(source), Some((entity, column, member))) if wrong.is_empty() => Ok(Self {
                entity,
                source,
                column,
                member,
                rule,
                written: rule_text.and_then(Result::ok),
                required: written.required,
                when_absent: written.when_absent,
            }),
            _ => Err(refused(written, wrong)),
        }
    }

    /// The kind of record.
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// The vendor's field.
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// Our field, without the kind of record.
    pub fn target(&self) -> String {
        match &self.member {
            Some(member) => format!("{}.{member}", self.column),
            None => self.column.to_owned(),
        }
    }

    /// The rule.
    pub fn rule(&self) -> Option<&Rule> {
        self.rule.as_ref()
    }

    /// The rule as it was written.
    pub fn written(&self) -> Option<&Value> {
        self.written.as_ref()
    }

    /// Whether a record without the field is refused.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// What a record means that does not name the field; None: what the vendor's default mapping says of it.
    pub fn when_absent(&self) -> Option<WhenAbsent> {
        self.when_absent
    }

    pub(super) fn place(&self) -> Place<'_> {
        match &self.member {
            Some(member) => Place::Member(self.column, member),
            None => Place::Column(self.column),
        }
    }
}

fn refuse(wrong: &mut Vec<Violation>, field: &str, reason: &str, detail: String) {
    wrong.push(Violation {
        field: field.to_owned(),
        reason: reason.to_owned(),
        detail,
    });
}

/// A rule may also come as a text that holds its JSON.
fn unfold(rule: &Value) -> Result<Value, String> {
    match rule {
        Value::String(text) => serde_json::from_str(text)
            .map_err(|_| "is a text that is no JSON: write {\"type\": …}".to_owned()),
        other => Ok(other.clone()),
    }
}

type Found = (Entity, &'static str, Option<Box<str>>);

fn place(written: &Written<'_>, wrong: &mut Vec<Violation>) -> Option<Found> {
    let mut name = written.target;
    let mut said = None;
    if let Some((first, rest)) = name.split_once('.')
        && let Some(entity) = Entity::from_word(first)
    {
        said = Some(entity);
        name = rest;
    }
    let entity = match (written.entity, said) {
        (Some(a), Some(b)) if a != b => {
            let detail = format!("is {a}, and target_field says {b}");
            refuse(wrong, "entity", "invalid_value", detail);
            return None;
        }
        (a, b) => a.or(b),
    };
    let Some(entity) = entity else {
        let detail = format!(
            "is missing: name it, or write target_field as asset.{name} or work_order.{name}"
        );
        refuse(wrong, "entity", "missing_field", detail);
        return None;
    };
    let (column, member) = match name.split_once('.') {
        Some((column, member)) => (column, Some(member)),
        None => (name, None),
    };
    let all = || targets(entity).iter().map(|t| t.column);
    let Some(column) = all().find(|c| *c == column) else {
        let hint = nearest(column, all())
            .map(|near| format!("; did you mean {near}?"))
            .unwrap_or_default();
        let names: Vec<_> = all().collect();
        let detail = format!(
            "{column:?} is no field of {entity} that a mapping may set{hint} Allowed are: {}, \
             and single fields such as custom_fields.shift",
            names.join(", ")
        );
        refuse(wrong, "target_field", "mapping_target", detail);
        return None;
    };
    if let Some(member) = member {
        if !OPEN.contains(&column) {
            let detail = format!(
                "{column} has no fields of its own; those of custom_fields and specifications can be set"
            );
            refuse(wrong, "target_field", "mapping_target", detail);
            return None;
        }
        let fits = !member.trim().is_empty()
            && member.chars().count() <= MEMBER
            && !member.chars().any(|c| c == '.' || c.is_control());
        if !fits {
            let detail = format!(
                "the name behind {column}. must have from 1 to {MEMBER} characters, without dots and line breaks"
            );
            refuse(wrong, "target_field", "mapping_target", detail);
            return None;
        }
    }
    Some((entity, column, member.map(Into::into)))
}

fn refused(written: &Written<'_>, wrong: Vec<Violation>) -> Error {
    let row = match wrong.first().map(|v| v.reason.as_str()) {
        Some("mapping_target") => code::MAPPING_TARGET,
        Some("rule_not_supported") => code::MAPPING_UNSUPPORTED,
        Some("missing_field") if wrong.first().is_some_and(|v| v.field == "entity") => {
            code::INPUT_MISSING
        }
        _ if wrong.first().is_some_and(|v| {
            v.field.starts_with("transformation_rule") || v.field == "direction"
        }) =>
        {
            code::MAPPING_RULE
        }
        _ => code::INPUT_VALUE,
    };
    let (field, detail) = wrong
        .first()
        .map(|v| (v.field.clone(), v.detail.clone()))
        .unwrap_or_default();
    let message = format!(
        "the mapping of {:?} to {:?} cannot be used: {field} {detail}",
        cut(written.source),
        cut(written.target)
    );
    Error::new(row, message).violations_from(wrong)
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
