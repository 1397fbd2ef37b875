//! Puts what a vendor changed into a record, and nothing else.

use super::absent;
use super::references::Known;
use super::synced::Synced;
use super::withdraw;
use crate::Error;
use crate::domain::audit::FieldChange;
use crate::domain::check::FIELDS;
use crate::failpoint::{Failpoint, is_on};
use crate::ids::ConnectionId;
use crate::mapping::{MapError, Mapped, MappedRef, cell_json};
use crate::record::large;
use crate::record::{Cell, Column, Field, Privacy, RawJson, Row};
use crate::services::snapshot::{self as kept, Pulled};
use serde_json::Value;
use std::borrow::Cow;

/// What the mapping made of a record, as the link keeps it: mapped columns and references.
pub(super) fn snapshot<R: Synced>(mapped: &Mapped) -> Result<RawJson, MapError> {
    let mut fields = Fields(Vec::with_capacity(1024));
    for (place, cell) in &mapped.cells {
        if let Some(column) = R::TABLE.columns.get(*place) {
            kept::put(fields.name(column.name), cell);
        }
    }
    for reference in &mapped.references {
        kept::put_json(fields.name(reference.column), &reference.external_id);
    }
    for member in &mapped.members {
        if let Some(column) = R::TABLE.columns.get(member.place) {
            let name = format!("{}.{}", column.name, member.name);
            let value = kept::of_value(&member.value);
            fields.name(&name).extend_from_slice(value.as_bytes());
        }
    }
    fields.end()
}

/// A JSON object that is written field by field, since one is made for each record.
struct Fields(Vec<u8>);

impl Fields {
    /// Writes a name; the value is written behind it.
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        kept::put_json(&mut self.0, &name);
        self.0.push(b':');
        &mut self.0
    }

    fn end(mut self) -> Result<RawJson, MapError> {
        self.0
            .extend_from_slice(if self.0.is_empty() { b"{}" } else { b"}" });
        let text = String::from_utf8(self.0).map_err(|e| MapError {
            field: String::new(),
            reason: "invalid_value",
            detail: e.to_string(),
        })?;
        Ok(RawJson(text.into()))
    }
}

/// The record as the mapping alone makes it.
pub(super) fn fresh<R: Synced>(mapped: &mut Mapped) -> Result<R, MapError> {
    if let Some(lacking) = mapped.lacking.take() {
        return Err(lacking);
    }
    let mut record = R::blank();
    if !mapped.members.is_empty() {
        merge(&mut record, mapped, None, &[])?;
        return Ok(record);
    }
    let mut row = Row::of(&record);
    for (place, cell) in std::mem::take(&mut mapped.cells) {
        let nullable = R::TABLE.columns.get(place).is_some_and(|c| c.nullable);
        if let Some(present) = row.0.get_mut(place).filter(|_| nullable || !cell.is_null()) {
            *present = cell;
        }
    }
    check_size::<R>(&row)?;
    row.into_record().map_err(refused)
}

/// What a merge did.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The fields that changed.
    pub(super) fields: Vec<String>,
    /// Values of people here that the vendor's took the place of.
    pub(super) overwritten: Vec<FieldChange>,
}

/// Puts the fields that the vendor changed since the snapshot into a record, but for those that stay. Without a
/// snapshot, all of them.
pub(super) fn merge<R: Synced>(
    record: &mut R,
    mapped: &mut Mapped,
    snapshot: Option<&Pulled>,
    stays: &[Cow<'static, str>],
) -> Result<Merged, MapError> {
    let cells = std::mem::take(&mut mapped.cells);
    let members = std::mem::take(&mut mapped.members);
    let snapshot = snapshot.filter(|_| !is_on(Failpoint::IgnoreSnapshot));
    let mut row = Row::of(record);
    let mut merged = Merged::default();
    if let Some(snapshot) = snapshot {
        withdraw::unmapped::<R>(&mut row, &cells, &members, snapshot, &mut merged.fields);
    }
    for (place, cell) in cells {
        let (Some(column), Some(present)) = (R::TABLE.columns.get(place), row.0.get_mut(place))
        else {
            continue;
        };
        if absent::stays(stays, column.name) || (cell.is_null() && !column.nullable) {
            continue;
        }
        let before = snapshot.and_then(|s| s.get(column.name));
        let vendor_changed = !before.is_some_and(|b| kept::is_same(b, &kept::of_cell(&cell)));
        if !vendor_changed || *present == cell {
            continue;
        }
        merged.note(column, present, before);
        *present = cell;
    }
    for member in members {
        let (Some(column), Some(present)) = (
            R::TABLE.columns.get(member.place),
            row.0.get_mut(member.place),
        ) else {
            continue;
        };
        let name = format!("{}.{}", column.name, member.name);
        if absent::stays(stays, &name) {
            continue;
        }
        let before = snapshot.and_then(|s| s.get(&name));
        let mut fields = withdraw::fields_of(present);
        let stored = fields.get(&*member.name).unwrap_or(&Value::Null);
        let unchanged = before.is_some_and(|b| kept::is_same(b, &kept::of_value(&member.value)));
        if unchanged || *stored == member.value {
            continue;
        }
        merged.note_value(&name, column.privacy, stored, before);
        if member.value.is_null() {
            fields.remove(&*member.name);
        } else {
            fields.insert(member.name.into_string(), member.value);
        }
        *present = fields.cell().into_owned();
    }
    check_size::<R>(&row)?;
    *record = row.into_record().map_err(refused)?;
    Ok(merged)
}

/// Refuses free fields that are larger than people may make them.
fn check_size<R: Synced>(row: &Row) -> Result<(), MapError> {
    for (cell, column) in row.0.iter().zip(R::TABLE.columns) {
        if let Cell::Json(text) = cell
            && let Some((reason, detail)) = large(text.len(), FIELDS)
        {
            return Err(MapError {
                field: column.name.to_owned(),
                reason,
                detail,
            });
        }
    }
    Ok(())
}

fn refused(e: Error) -> MapError {
    MapError {
        field: String::new(),
        reason: "invalid_value",
        detail: e.message().to_owned(),
    }
}

/// Points a record at what the vendor's references lead to, where the vendor changed them.
pub(super) fn refer<R: Synced>(
    record: &mut R,
    references: &[MappedRef],
    snapshot: Option<&Pulled>,
    known: &Known,
    connection: ConnectionId,
    merged: &mut Merged,
) {
    for reference in references {
        if refers_as_before(reference, snapshot) {
            continue;
        }
        let target = known.target(connection, reference.external_id.as_deref());
        if record.refer(reference.column, target) {
            merged.fields.push(reference.column.to_owned());
        }
    }
}

/// Whether the vendor's reference is the one that was pulled last.
pub(super) fn refers_as_before(reference: &MappedRef, snapshot: Option<&Pulled>) -> bool {
    let Some(snapshot) = snapshot else {
        return false;
    };
    match &reference.external_id {
        Some(id) => snapshot.word(reference.column).as_ref() == Some(id),
        None => snapshot.get(reference.column) == Some("null"),
    }
}

impl Merged {
    fn note(&mut self, column: &Column, present: &Cell<'_>, before: Option<&str>) {
        if before.is_none() {
            self.fields.push(column.name.to_owned());
        } else {
            self.note_value(column.name, column.privacy, &cell_json(present), before);
        }
    }

    fn note_value(&mut self, name: &str, privacy: Privacy, present: &Value, before: Option<&str>) {
        self.fields.push(name.to_owned());
        // Somebody here had changed what the vendor changes now.
        if before.is_some_and(|pulled| !kept::is_same(pulled, &kept::of_value(present))) {
            tracing::debug!(field = name, "a local value gives way to the vendor's");
            let shown = matches!(privacy, Privacy::Public | Privacy::Internal);
            self.overwritten.push(FieldChange {
                field: name.to_owned(),
                before: shown.then(|| present.clone()),
                after: None,
            });
        }
    }
}
