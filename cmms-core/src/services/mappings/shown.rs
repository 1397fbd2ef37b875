//! What a preview shows of a record: fields as answers have them.

use super::preview::PreviewedField;
use super::tried::Tried;
use crate::mapping::{Compiled, Custom, Mapped, MappedMember, Shape, cell_json};
use crate::money::Money;
use crate::record::{Cell, Field};
use chrono::DateTime;
use serde_json::Value;

/// The fields that are shown: those of the mappings, or else all that are set; with the place of the mapping.
pub(super) fn shown_fields(tried: &[Tried<'_>], after: &Compiled) -> Vec<(String, Option<usize>)> {
    let of_mapping = |(i, t): (usize, &Tried<'_>)| {
        let custom = t.custom.as_ref()?;
        Some((custom.target(), Some(i)))
    };
    if tried.is_empty() {
        after
            .columns()
            .map(|(_, name, _)| (name.to_owned(), None))
            .collect()
    } else {
        tried.iter().enumerate().filter_map(of_mapping).collect()
    }
}

pub(super) fn fields(
    shown: &[(String, Option<usize>)],
    tried: &[Tried<'_>],
    record: &Value,
    before: (&Compiled, &Mapped),
    after: (&Compiled, &Mapped),
) -> Vec<PreviewedField> {
    shown
        .iter()
        .map(|(target, mapping)| {
            let of = mapping.and_then(|i| tried.get(i));
            let path = of.and_then(|t| t.custom.as_ref()).map(Custom::source);
            PreviewedField {
                target_field: target.clone(),
                source_field: of.map(|t| t.source.to_owned()),
                source_value: path.and_then(|path| path.find(record)).cloned(),
                before: value_of(before, target),
                after: value_of(after, target),
            }
        })
        .collect()
}

/// The value of a field as answers show it.
fn value_of((rules, mapped): (&Compiled, &Mapped), target: &str) -> Option<Value> {
    let (column, member) = match target.split_once('.') {
        Some((column, member)) => (column, Some(member)),
        None => (target, None),
    };
    if let Some(reference) = mapped.references.iter().find(|r| r.column == column) {
        return reference.external_id.clone().map(Value::String);
    }
    let (place, _, shape) = rules.columns().find(|(_, name, _)| *name == column)?;
    if let Some(member) = member {
        let own = |m: &&MappedMember| m.place == place && &*m.name == member;
        if let Some(found) = mapped.members.iter().find(own) {
            return (!found.value.is_null()).then(|| found.value.clone());
        }
    }
    let (_, cell) = mapped.cells.iter().find(|(p, _)| *p == place)?;
    let value = match (cell, shape) {
        (Cell::Null, _) => return None,
        (Cell::Time(at), _) => {
            Value::from(DateTime::from_timestamp_micros(*at).map(|t| t.to_rfc3339()))
        }
        (cell, Some(Shape::Money)) => Value::from(
            Money::from_cell(cell.borrowed())
                .ok()
                .map(|m| m.to_string()),
        ),
        (cell, _) => cell_json(cell),
    };
    match member {
        Some(member) => value.get(member).cloned(),
        None => Some(value),
    }
}
