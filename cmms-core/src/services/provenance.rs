//! Who wrote each field of a synced record: the vendor, the mapping or a person.

use super::snapshot::{self as kept, Pulled};
use crate::Result;
use crate::domain::entity::Entity;
use crate::domain::sync_state::{External, LinkDigest, LinkFields, Origin, PendingRef};
use crate::ids::{AssetId, ConnectionId};
use crate::mapping::{cell_json, targets};
use crate::ports::repository::TxExt;
use crate::ports::store::Tx;
use crate::record::{Cell, Field, Record, Row};
use serde_json::Value;
use std::collections::BTreeMap;

/// The reference that a record makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<'a> {
    /// Its column.
    pub(super) column: &'static str,
    /// What it leads to.
    pub(super) to: Option<AssetId>,
    /// What it waits for.
    pub(super) pending: Option<&'a str>,
}

/// Says for each counterpart of a record who wrote which field. `fresh` is a new record of the kind: a value that
/// equals its default was written by nobody and counts as the mapping's.
pub(super) async fn fill<R: Record>(
    tx: &mut Box<dyn Tx>,
    entity: Entity,
    record: &R,
    fresh: &R,
    reference: Reference<'_>,
    external: &mut [External],
) -> Result<()> {
    if external.is_empty() {
        return Ok(());
    }
    let (row, fresh) = (Row::of(record), Row::of(fresh));
    for external in external {
        let connection = external.cmms_connection_id;
        let key = [
            connection.cell(),
            entity.cell(),
            external.external_id.cell(),
        ];
        let Some(link) = tx.of::<LinkFields>().get(&key).await? else {
            continue;
        };
        let snapshot = Pulled::read(&link.snapshot).unwrap_or_default();
        let supplied = link.supplied.map(|s| s.0).unwrap_or_default();
        let view = View {
            snapshot: &snapshot,
            supplied: &supplied,
        };
        let mut fields = BTreeMap::new();
        for target in targets(entity) {
            let Some(place) = R::TABLE.position(target.column) else {
                continue;
            };
            let (Some(present), Some(fresh)) = (row.0.get(place), fresh.0.get(place)) else {
                continue;
            };
            if target.column == reference.column {
                let pulled = snapshot.word(target.column);
                let is_vendors = leads(tx, connection, reference, pulled.as_deref()).await?;
                if !present.is_null() {
                    let origin = if is_vendors {
                        Origin::Vendor
                    } else {
                        Origin::Person
                    };
                    fields.insert(target.column.to_owned(), origin);
                }
            } else if matches!(present, Cell::Json(_)) && view.has_members(target.column) {
                view.members(target.column, present, &mut fields);
            } else if let Some(origin) = view.origin(target.column, present, fresh) {
                fields.insert(target.column.to_owned(), origin);
            }
        }
        external.fields = Some(fields);
    }
    Ok(())
}

/// What was pulled last.
struct View<'a> {
    snapshot: &'a Pulled,
    supplied: &'a [String],
}

impl View<'_> {
    fn of(&self, name: &str, present: &str) -> Origin {
        match self.snapshot.get(name) {
            Some(pulled) if !kept::is_same(pulled, present) => Origin::Person,
            Some(_) if self.supplied.iter().any(|s| s == name) => Origin::Mapping,
            Some(_) => Origin::Vendor,
            None => Origin::Person,
        }
    }

    /// Who wrote a column; None: it has no value.
    fn origin(&self, name: &str, present: &Cell<'_>, fresh: &Cell<'_>) -> Option<Origin> {
        let is_empty = matches!(present, Cell::Json(text) if matches!(&**text, "[]" | "{}"));
        if present.is_null() || is_empty {
            return None;
        }
        let unset = self
            .snapshot
            .get(name)
            .is_none_or(|pulled| pulled == "null");
        if unset && present == fresh {
            return Some(Origin::Mapping);
        }
        Some(self.of(name, &kept::of_cell(present)))
    }

    fn has_members(&self, column: &str) -> bool {
        let is_member = |name: &str| {
            name.strip_prefix(column)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        self.snapshot.iter().any(|(name, _)| is_member(name))
    }

    /// Who wrote each field of a JSON column.
    fn members(&self, column: &str, present: &Cell<'_>, to: &mut BTreeMap<String, Origin>) {
        if let Value::Object(fields) = cell_json(present) {
            for (name, value) in fields {
                let name = format!("{column}.{name}");
                let origin = self.of(&name, &kept::of_value(&value));
                to.insert(name, origin);
            }
        }
    }
}

/// Whether a reference leads where the vendor's does.
async fn leads(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    reference: Reference<'_>,
    pulled: Option<&str>,
) -> Result<bool> {
    let Some(pulled) = pulled else {
        return Ok(false);
    };
    let waited = PendingRef::External(connection, pulled.to_owned()).key();
    if reference.pending == Some(waited.as_str()) {
        return Ok(true);
    }
    let key = [connection.cell(), Entity::Asset.cell(), Cell::text(pulled)];
    let link = tx.of::<LinkDigest>().get(&key).await?;
    Ok(link
        .map(|l| AssetId(l.record_id))
        .is_some_and(|id| Some(id) == reference.to))
}
