//! Applying rules to a record.

use super::MapError;
use super::column::{Column, Failed, Member, first};
use super::custom::Custom;
use super::overlay;
use super::path::Path;
use super::reader::Made;
use super::rule::EntityMapping;
use super::shape::Shape;
use super::source::VendorRecord;
use super::transform::scalar;
use crate::Result;
use crate::domain::check::NUMBER;
use crate::domain::entity::Entity;
use crate::record::{Cell, DEPTH, Field, Table};
use memchr::memmem::Finder;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Rules bound to the columns of a record.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub(super) revision: String,
    pub(super) number: Option<Path>,
    pub(super) archived: Option<Path>,
    pub(super) columns: Vec<Column>,
    /// What the columns and their members are set from.
    pub(super) fields: Vec<SourceField>,
}

/// What a target is set from.
#[derive(Debug, Clone)]
pub(super) struct SourceField {
    target: Box<str>,
    /// Where it may be, and what finds the names of the path in the text of a record.
    paths: Vec<(Path, Vec<Finder<'static>>)>,
}

impl SourceField {
    pub(super) fn new(target: &str, sources: &[Path]) -> Self {
        let finder = |key: String| Finder::new(&key).into_owned();
        let paths = sources
            .iter()
            .map(|path| (path.clone(), path.keys().map(finder).collect()));
        Self {
            target: target.into(),
            paths: paths.collect(),
        }
    }
}

/// A field that a record does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentField {
    /// Our field, such as `due_at` or `custom_fields.shift`.
    pub target: Cow<'static, str>,
    /// Its place among the fields of the mapping.
    pub field: usize,
    /// Whether that means that there is none; else what was pulled before stays.
    pub clears: bool,
    /// Whether the column also has rules for single fields of it.
    pub is_shared: bool,
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

/// A single field of a JSON column, such as `custom_fields.shift`.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedMember {
    /// The place of the column in the row.
    pub place: usize,
    /// The field.
    pub name: Box<str>,
    /// Its value; null: the vendor has none.
    pub value: Value,
}

/// A record as the rules read it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapped {
    /// Columns with their values. Columns of a `Reference` are not among them.
    pub cells: Vec<(usize, Cell<'static>)>,
    /// References.
    pub references: Vec<MappedRef>,
    /// Single fields of JSON columns.
    pub members: Vec<MappedMember>,
    /// The fields that the mapping supplied rather than the vendor.
    pub supplied: Vec<Cow<'static, str>>,
    /// Values that have no word here, by column.
    pub vendor_values: Map<String, Value>,
    /// The vendor's number for people.
    pub number: Option<String>,
    /// Whether the record does not name that number.
    pub is_number_absent: bool,
    /// Whether it is archived at the vendor, where it says so.
    pub archived: Option<bool>,
    /// The fields that the record does not name. Of all else the record has, for them, what a new record takes.
    pub absent: Vec<AbsentField>,
    /// Why it can be no new record: it does not name what that needs.
    pub lacking: Option<MapError>,
}

/// A rule that cannot map a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The place of the rule among the user's mappings; None: a rule of the vendor's default mapping.
    pub mapping: Option<usize>,
    /// The value, short; None: the vendor has none.
    pub value: Option<String>,
    /// What is wrong, without field, value and rule.
    pub why: String,
    /// The field, the reason and the whole sentence.
    pub error: MapError,
}

/// Binds rules to the columns of their record.
///
/// # Errors
/// `CMMS-INTERNAL-001` for a rule whose target is no column.
pub fn compile(mapping: &EntityMapping, table: &'static Table) -> Result<Compiled> {
    overlay::compile(mapping, table, &[])
}

/// The same with a user's mappings laid over it: each takes the place of the rules for its target.
///
/// # Errors
/// Those of [`compile`].
pub fn compile_with(
    mapping: &EntityMapping,
    table: &'static Table,
    custom: &[Custom],
) -> Result<Compiled> {
    overlay::compile(mapping, table, custom)
}

impl Compiled {
    /// Names this version of the rules.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Maps a record.
    ///
    /// # Errors
    /// The first field that cannot be mapped.
    pub fn apply(&self, record: &VendorRecord) -> Result<Mapped, MapError> {
        let mut mapped = Mapped::default();
        mapped.cells.reserve(self.columns.len());
        let (mut worst, mut lacking) = (None, None);
        let done = self.run(record, &mut mapped, &mut |failed| {
            if failed.of_new_records {
                lacking.get_or_insert(failed.error);
                return true;
            }
            worst = Some(failed.error);
            false
        });
        mapped.lacking = lacking;
        match worst {
            Some(e) if !done => Err(e),
            _ => Ok(mapped),
        }
    }

    /// Maps a record and names every rule that cannot, instead of stopping at the first.
    pub fn examine(&self, record: &VendorRecord) -> (Mapped, Vec<Finding>) {
        let mut mapped = Mapped::default();
        let mut findings = Vec::new();
        self.run(record, &mut mapped, &mut |failed| {
            findings.push(Finding {
                mapping: failed.custom,
                value: failed.value,
                why: failed.bare,
                error: failed.error,
            });
            true
        });
        (mapped, findings)
    }

    /// The columns that it sets, with what each takes.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &'static str, Option<Shape>)> {
        self.columns.iter().map(|c| (c.place, c.name, c.shape))
    }

    /// How many fields of the vendor it reads.
    pub fn field_count(&self) -> usize {
        self.fields.len()
    }

    /// Whether a record names one of them, if only to say that it is empty.
    pub fn names(&self, field: usize, record: &Value) -> bool {
        let paths = self.fields.get(field).map(|f| &*f.paths);
        let mut paths = paths.unwrap_or_default().iter();
        paths.any(|(path, _)| !path.is_absent(record))
    }

    /// Whether the text of a record may name one of them.
    pub fn may_name(&self, field: usize, raw: &str) -> bool {
        let paths = self.fields.get(field).map(|f| &*f.paths);
        let mut paths = paths.unwrap_or_default().iter();
        let has = |key: &Finder<'_>| key.find(raw.as_bytes()).is_some();
        paths.any(|(_, keys)| keys.iter().all(has))
    }

    /// One of them and what it sets, as messages name them.
    pub fn field(&self, field: usize) -> Option<(String, &str)> {
        let field = self.fields.get(field)?;
        let paths: Vec<_> = field.paths.iter().map(|(p, _)| p.to_string()).collect();
        Some((paths.join(" or "), &field.target))
    }

    fn long_number(&self, octets: usize) -> Failed {
        let field = self.number.as_ref().map(Path::to_string);
        let bare = format!("has {octets} octets; at most {NUMBER} are kept");
        let field = field.unwrap_or_default();
        Failed {
            custom: None,
            value: None,
            of_new_records: false,
            error: MapError {
                reason: "too_long",
                detail: format!("{field} {bare}"),
                field,
            },
            bare,
        }
    }

    /// Runs all rules until `failed` says no, and says whether it got to the end.
    fn run(
        &self,
        record: &VendorRecord,
        to: &mut Mapped,
        failed: &mut dyn FnMut(Failed) -> bool,
    ) -> bool {
        if let Some(error) = unfit(record.value()) {
            // No value of it can be kept, so no rule needs to look at it.
            failed(Failed {
                custom: None,
                value: None,
                bare: error.detail.clone(),
                of_new_records: false,
                error,
            });
            return false;
        }
        for column in &self.columns {
            if let Err(e) = column.map(record, to)
                && !failed(*e)
            {
                return false;
            }
            for member in &column.members {
                if let Err(e) = column.member(member, record, to)
                    && !failed(*e)
                {
                    return false;
                }
            }
        }
        let number = self.number.as_ref();
        to.is_number_absent = number.is_some_and(|path| path.is_absent(record.value()));
        to.number = self
            .number
            .as_ref()
            .and_then(|path| path.find(record.value()))
            .and_then(scalar)
            .map(Cow::into_owned)
            .filter(|s| !s.trim().is_empty());
        let archived = self.archived.as_ref();
        to.archived = archived.and_then(|path| truth(path.find(record.value())?));
        let octets = to.number.as_deref().map_or(0, str::len);
        let is_long = octets > NUMBER;
        !is_long || failed(self.long_number(octets))
    }
}

/// A truth, also as a text.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

impl Column {
    fn map(&self, record: &VendorRecord, to: &mut Mapped) -> Result<(), Box<Failed>> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let given = first(self.rules.iter(), self.name, self.shape, record)?;
        if let Some(clears) = given.absent {
            to.absent.push(AbsentField {
                target: Cow::Borrowed(self.name),
                field: self.field,
                clears,
                is_shared: !self.members.is_empty(),
            });
        }
        if let Some(entity) = self.refers_to() {
            let external_id = match given.made {
                Made::Reference(id) => Some(id),
                _ => None,
            };
            to.references.push(MappedRef {
                column: self.name,
                to: entity,
                external_id,
            });
            return Ok(());
        }
        if given.supplied {
            to.supplied.push(Cow::Borrowed(self.name));
        }
        if let Some(value) = given.beside {
            to.vendor_values.insert(self.name.to_owned(), value);
        }
        to.cells.push((
            self.place,
            match given.made {
                Made::Cell(cell) | Made::Beside(cell) | Made::Adapted(cell) => cell,
                // Nothing is null: a value that the vendor took away goes away here too. A column that
                // cannot be null keeps what it has, which for a new record is its default.
                Made::Nothing | Made::Reference(_) | Made::Member(_) => Cell::Null,
            },
        ));
        given.lacking.map_or(Ok(()), Err)
    }

    fn refers_to(&self) -> Option<Entity> {
        use super::transform::Transform;
        self.rules.iter().find_map(|rule| match rule.reader {
            super::reader::Reader::Plain(Transform::Reference(entity)) => Some(entity),
            _ => None,
        })
    }

    /// Maps a single field: into the column's own value where a rule sets that, else for itself.
    fn member(
        &self,
        member: &Member,
        record: &VendorRecord,
        to: &mut Mapped,
    ) -> Result<(), Box<Failed>> {
        let name = &*member.name;
        let rule = std::iter::once(&member.rule);
        let given = first(rule, &member.target, None, record)?;
        let value = match given.made {
            Made::Member(value) => value,
            _ => Value::Null,
        };
        if given.supplied {
            to.supplied.push(Cow::Owned(member.target.to_string()));
        }
        if let Some(clears) = given.absent {
            to.absent.push(AbsentField {
                target: Cow::Owned(member.target.to_string()),
                field: member.field,
                clears,
                is_shared: !self.rules.is_empty(),
            });
        }
        if self.rules.is_empty() {
            to.members.push(MappedMember {
                place: self.place,
                name: name.into(),
                value,
            });
            return Ok(());
        }
        if let Some((_, cell)) = to.cells.iter_mut().find(|(place, _)| *place == self.place) {
            let mut fields = match &*cell {
                Cell::Json(text) => serde_json::from_str(text).unwrap_or_default(),
                _ => Map::new(),
            };
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.to_owned(), value);
            }
            *cell = fields.cell().into_owned();
        }
        Ok(())
    }
}

/// Why no value of a record can be kept: it holds U+0000, which not every store keeps, or is nested too deep.
pub(super) fn unfit(record: &Value) -> Option<MapError> {
    if is_fit(record, DEPTH) {
        return None;
    }
    let found = refuse(record, &mut String::new(), DEPTH);
    Some(found.unwrap_or_else(|| MapError {
        field: String::new(),
        reason: "invalid_value",
        detail: "the record cannot be kept".to_owned(),
    }))
}

/// Whether neither a name nor a text in it holds U+0000 and it has no more levels than these.
fn is_fit(value: &Value, levels: usize) -> bool {
    match value {
        Value::String(s) => !s.contains('\0'),
        Value::Array(items) => levels > 0 && items.iter().all(|v| is_fit(v, levels - 1)),
        Value::Object(fields) => {
            let fits = |(name, v): (&String, &Value)| !name.contains('\0') && is_fit(v, levels - 1);
            levels > 0 && fields.iter().all(fits)
        }
        _ => true,
    }
}

/// The first value that cannot be kept, with the path of its field.
fn refuse(value: &Value, at: &mut String, levels: usize) -> Option<MapError> {
    let nul = |at: &str, what: &str| MapError {
        field: at.to_owned(),
        reason: "nul_character",
        detail: format!("{at} {what} the character U+0000"),
    };
    match value {
        Value::String(s) => s.contains('\0').then(|| nul(at, "holds")),
        Value::Array(_) | Value::Object(_) if levels == 0 => Some(MapError {
            field: at.clone(),
            reason: "too_deep",
            detail: format!("the record is nested deeper than {DEPTH} levels"),
        }),
        Value::Array(items) => items.iter().find_map(|v| refuse(v, at, levels - 1)),
        Value::Object(fields) => fields.iter().find_map(|(name, v)| {
            let length = at.len();
            if !at.is_empty() {
                at.push('.');
            }
            at.push_str(name);
            let found = if name.contains('\0') {
                Some(nul(at, "has in its name"))
            } else {
                refuse(v, at, levels - 1)
            };
            at.truncate(length);
            found
        }),
        _ => None,
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
