//! A user's mappings laid over a default mapping.

use super::apply::{Compiled, SourceField};
use super::canonical::canonical;
use super::column::{Bound, Column, Member};
use super::custom::{Custom, Place};
use super::reader::Reader;
use super::rule::{EntityMapping, FieldRule};
use super::shape::Shape;
use super::targets::shape_of;
use super::transform::{Transform, Words};
use crate::domain::field_mapping::WhenAbsent;
use crate::record::{Digest, Table};
use crate::{Error, Result};

/// Binds the default rules and the user's mappings: each of these takes the place of the rules for its target.
pub(super) fn compile(
    mapping: &EntityMapping,
    table: &'static Table,
    custom: &[Custom],
) -> Result<Compiled> {
    let mut columns = Vec::new();
    for rule in &mapping.rules {
        let replaced = custom
            .iter()
            .any(|c| c.place() == Place::Column(rule.target));
        let column = column(mapping, table, &mut columns, rule.target)?;
        if !replaced {
            column.rules.push(default_rule(rule));
        }
    }
    for (i, custom) in custom.iter().enumerate() {
        match custom.place() {
            Place::Column(name) => {
                let column = column(mapping, table, &mut columns, name)?;
                let shape = column.shape.unwrap_or(Shape::Any);
                let known = known_words(mapping, name);
                let rule = custom_rule(mapping, custom, i, &shape, &known);
                column.rules.push(rule);
            }
            Place::Member(name, member) => {
                let column = column(mapping, table, &mut columns, name)?;
                let rule = custom_rule(mapping, custom, i, &Shape::Any, &[]);
                column.members.push(Member {
                    name: member.into(),
                    target: custom.target().into(),
                    rule,
                    field: 0,
                });
            }
        }
    }
    for column in &mut columns {
        column.members.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(Compiled {
        revision: revision(mapping, custom),
        number: mapping.number.clone(),
        archived: mapping.archived.clone(),
        fields: numbered(&mut columns),
        columns,
    })
}

/// Numbers what the columns and their members are set from.
fn numbered(columns: &mut [Column]) -> Vec<SourceField> {
    let mut fields = Vec::new();
    let mut add = |target: &str, rule: &Bound| {
        fields.push(SourceField::new(target, &rule.sources));
        fields.len() - 1
    };
    for column in columns {
        // Where none of several rules gives a value, the last one has the say.
        if let Some(rule) = column.rules.last() {
            column.field = add(column.name, rule);
        }
        for member in &mut column.members {
            member.field = add(&member.target, &member.rule);
        }
    }
    fields
}

/// The column of this name among those that are set, added if it is not there.
fn column<'c>(
    mapping: &EntityMapping,
    table: &'static Table,
    columns: &'c mut Vec<Column>,
    name: &'static str,
) -> Result<&'c mut Column> {
    let place = table
        .position(name)
        .ok_or_else(|| Error::internal(format!("{} has no column {name}", table.name)))?;
    let at = columns
        .iter()
        .position(|c| c.place == place)
        .unwrap_or_else(|| {
            columns.push(Column {
                place,
                name,
                shape: shape_of(mapping.entity, name),
                rules: Vec::new(),
                members: Vec::new(),
                field: 0,
            });
            columns.len() - 1
        });
    columns
        .get_mut(at)
        .ok_or_else(|| Error::internal("a column that was found is gone"))
}

fn default_rule(rule: &FieldRule) -> Bound {
    Bound {
        sources: rule.sources.clone(),
        rule: None,
        reader: Reader::new(&rule.transform),
        required: rule.required,
        clears: rule.clears,
        custom: None,
    }
}

fn custom_rule(
    mapping: &EntityMapping,
    custom: &Custom,
    place: usize,
    shape: &Shape,
    known: &[&Words],
) -> Bound {
    // What the vendor means by leaving a field out does not depend on where the field goes.
    let leaves_out = |rule: &FieldRule| rule.clears && rule.sources.contains(custom.source());
    let clears = match custom.when_absent() {
        Some(said) => said == WhenAbsent::Clear,
        None => mapping.rules.iter().any(leaves_out),
    };
    let reader = match custom.rule() {
        Some(_) => Reader::exact(shape),
        None => Reader::of(shape, known),
    };
    Bound {
        sources: vec![custom.source().clone()],
        rule: custom.rule().cloned(),
        reader,
        required: custom.is_required(),
        clears,
        custom: Some(place),
    }
}

/// The tables of words that the default mapping has for a column.
fn known_words<'m>(mapping: &'m EntityMapping, column: &str) -> Vec<&'m Words> {
    mapping
        .rules
        .iter()
        .filter(|rule| rule.target == column)
        .filter_map(|rule| match &rule.transform {
            Transform::Words(words) => Some(words),
            _ => None,
        })
        .collect()
}

/// The name of the rules as a whole: that of the default mapping and a digest of the user's, in canonical order.
fn revision(mapping: &EntityMapping, custom: &[Custom]) -> String {
    if custom.is_empty() {
        return mapping.revision.to_owned();
    }
    let mut lines: Vec<String> = custom
        .iter()
        .map(|c| {
            let parts = serde_json::json!([
                c.target(),
                c.source().to_string(),
                c.is_required(),
                c.written(),
                c.when_absent(),
            ]);
            canonical(&parts)
        })
        .collect();
    lines.sort_unstable();
    let parts: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    format!("{}+{}", mapping.revision, Digest::of(&parts))
}
