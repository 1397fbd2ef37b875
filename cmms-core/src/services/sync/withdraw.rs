//! Takes back what a mapping set that is gone.

use super::synced::Synced;
use crate::mapping::MappedMember;
use crate::record::{Cell, Field, Row};
use crate::services::snapshot::{self as kept, Pulled};
use serde_json::{Map, Value};

/// Empties the fields that the snapshot has and no rule sets any more, unless somebody here changed them since.
/// A word that cannot be empty stays.
pub(super) fn unmapped<R: Synced>(
    row: &mut Row,
    cells: &[(usize, Cell<'static>)],
    members: &[MappedMember],
    snapshot: &Pulled,
    changed: &mut Vec<String>,
) {
    // Nothing was taken away where as many fields are mapped as before, which is the usual case.
    for (name, pulled) in snapshot.iter().filter(|(_, pulled)| *pulled != "null") {
        let (column, member) = match name.split_once('.') {
            Some((column, member)) => (column, Some(member)),
            None => (name, None),
        };
        let Some(place) = R::TABLE.position(column) else {
            continue;
        };
        if cells.iter().any(|(p, _)| *p == place) || R::refers(column) {
            continue;
        }
        let (Some(described), Some(present)) = (R::TABLE.columns.get(place), row.0.get_mut(place))
        else {
            continue;
        };
        if let Some(member) = member {
            let mapped = |m: &MappedMember| m.place == place && &*m.name == member;
            let mut fields = fields_of(present);
            let stands = |value: &Value| kept::is_same(&kept::of_value(value), pulled);
            if members.iter().any(mapped) || !fields.get(member).is_some_and(stands) {
                continue;
            }
            fields.remove(member);
            *present = fields.cell().into_owned();
        } else {
            let empty = match pulled {
                _ if !kept::is_same(&kept::of_cell(present), pulled) => continue,
                _ if described.nullable => Cell::Null,
                list if list.starts_with('[') => Cell::Json("[]".into()),
                object if object.starts_with('{') => Cell::Json("{}".into()),
                _ => continue,
            };
            if *present == empty {
                continue;
            }
            *present = empty;
        }
        changed.push(name.to_owned());
    }
}

/// The fields of a JSON column.
pub(super) fn fields_of(cell: &Cell<'_>) -> Map<String, Value> {
    match cell {
        Cell::Json(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    }
}
