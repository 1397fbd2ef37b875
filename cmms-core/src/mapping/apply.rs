//! Applying rules to a record.

use super::MapError;
use super::rule::{EntityMapping, FieldRule};
use super::transform::{Made, Transform};
use crate::domain::entity::Entity;
use crate::record::{Cell, Table};
use crate::{Error, Result};
use serde_json::{Map, Value};

/// Rules bound to the columns of a record.
#[derive(Debug, Clone)]
pub struct Compiled {
    mapping: EntityMapping,
    /// For each rule, the place of its target in the row.
    places: Vec<usize>,
    /// Every column that a rule sets, once, in order.
    columns: Vec<usize>,
}

/// A reference that a record makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedRef {
    /// The column of the reference.
    pub column: &'static str,
    /// The kind of record that it refers to.
    pub to: Entity,
    /// The vendor's id of that record; none where the record makes no reference.
    pub external_id: Option<String>,
}

/// A record as the rules read it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapped {
    /// Columns with their values. Columns of a `Reference` are not among them.
    pub cells: Vec<(usize, Cell<'static>)>,
    /// References.
    pub references: Vec<MappedRef>,
    /// Values that have no word here, by column.
    pub vendor_values: Map<String, Value>,
    /// The vendor's number for people.
    pub number: Option<String>,
}

/// Binds rules to the columns of their record.
///
/// # Errors
/// `CMMS-INTERNAL-001` for a rule whose target is no column.
pub fn compile(mapping: &EntityMapping, table: &'static Table) -> Result<Compiled> {
    let mut places = Vec::new();
    let mut columns = Vec::new();
    for rule in &mapping.rules {
        let place = table.position(rule.target).ok_or_else(|| {
            Error::internal(format!("{} has no column {}", table.name, rule.target))
        })?;
        places.push(place);
        if !columns.contains(&place) {
            columns.push(place);
        }
    }
    Ok(Compiled {
        mapping: mapping.clone(),
        places,
        columns,
    })
}

impl Compiled {
    /// Names this version of the rules.
    pub fn revision(&self) -> &'static str {
        self.mapping.revision
    }

    /// Maps a record.
    ///
    /// # Errors
    /// The first field that cannot be mapped.
    pub fn apply(&self, record: &Value) -> Result<Mapped, MapError> {
        refuse_nul(record, "")?;
        let mut mapped = Mapped::default();
        for column in &self.columns {
            self.column(*column, record, &mut mapped)?;
        }
        mapped.number = self
            .mapping
            .number
            .as_ref()
            .and_then(|path| path.find(record))
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .filter(|s| !s.trim().is_empty());
        Ok(mapped)
    }

    fn column(&self, column: usize, record: &Value, to: &mut Mapped) -> Result<(), MapError> {
        let rules = || {
            self.places
                .iter()
                .zip(&self.mapping.rules)
                .filter(|(p, _)| **p == column)
                .map(|(_, r)| r)
        };
        for rule in rules() {
            match first(rule, record)? {
                Made::Nothing => {}
                made => {
                    put(made, column, rule, record, to);
                    return Ok(());
                }
            }
        }
        for rule in rules() {
            match rule.transform.missing() {
                Made::Nothing if rule.required => {
                    let field = rule
                        .sources
                        .first()
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    let detail = format!("{field} is missing; {} needs it", rule.target);
                    return Err(MapError {
                        field,
                        reason: "missing_field",
                        detail,
                    });
                }
                Made::Nothing => {}
                made => {
                    put(made, column, rule, record, to);
                    return Ok(());
                }
            }
        }
        if let Some(rule) = rules().next() {
            put(Made::Nothing, column, rule, record, to);
        }
        Ok(())
    }
}

fn first(rule: &FieldRule, record: &Value) -> Result<Made, MapError> {
    for source in &rule.sources {
        if let Some(value) = source.find(record) {
            match rule.transform.make(source, value)? {
                Made::Nothing => {}
                made => return Ok(made),
            }
        }
    }
    Ok(Made::Nothing)
}

fn put(made: Made, column: usize, rule: &FieldRule, record: &Value, to: &mut Mapped) {
    if let Transform::Reference(entity) = rule.transform {
        let external_id = match made {
            Made::Reference(id) => Some(id),
            _ => None,
        };
        to.references.push(MappedRef {
            column: rule.target,
            to: entity,
            external_id,
        });
        return;
    }
    match made {
        Made::Cell(cell) => to.cells.push((column, cell)),
        Made::Beside(cell) => {
            if let Some(value) = rule.sources.iter().find_map(|s| s.find(record)) {
                to.vendor_values
                    .insert(rule.target.to_owned(), value.clone());
            }
            to.cells.push((column, cell));
        }
        // Nothing is null: a value that the vendor took away goes away here too. A column that cannot be
        // null keeps what it has, which for a new record is its default.
        Made::Nothing | Made::Reference(_) => to.cells.push((column, Cell::Null)),
    }
}

/// U+0000 is refused at the border: not every store keeps it.
fn refuse_nul(value: &Value, at: &str) -> Result<(), MapError> {
    let below = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    match value {
        Value::String(s) if s.contains('\0') => Err(MapError {
            field: at.to_owned(),
            reason: "nul_character",
            detail: format!("{at} holds the character U+0000"),
        }),
        Value::Array(items) => items.iter().try_for_each(|v| refuse_nul(v, at)),
        Value::Object(fields) => fields
            .iter()
            .try_for_each(|(name, v)| refuse_nul(v, &below(name))),
        _ => Ok(()),
    }
}

/// A cell as JSON, for snapshots and audit: text as text, money and times as their stored numbers.
pub fn cell_json(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Null | Cell::Bytes(_) => Value::Null,
        Cell::Bool(v) => Value::Bool(*v),
        Cell::Int(v) | Cell::Time(v) => Value::from(*v),
        Cell::Real(v) => Value::from(*v),
        Cell::Text(v) => Value::String(v.clone().into_owned()),
        Cell::Id(v) => Value::String(v.to_string()),
        Cell::Json(v) => serde_json::from_str(v).unwrap_or(Value::Null),
    }
}
