//! The state: organizations and, for each, the rows of its tables.

use super::layout::Layout;
use super::query::Plan;
use crate::ids::OrgId;
use crate::ports::count::{Count, Group, grouped, together};
use crate::ports::store::{Filter, Organization, Query, Related, SaveRule, Saved};
use crate::record::{Cell, Role, Table};
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use imbl::OrdMap;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// A stored row.
pub(super) type Stored = Arc<[Cell<'static>]>;

/// Some cells of a row, ordered as every store orders them.
#[derive(Debug, Clone)]
pub(super) struct Key(Vec<Cell<'static>>);

impl Key {
    pub(super) fn of<'c>(cells: impl Iterator<Item = &'c Cell<'c>>) -> Self {
        Self(cells.map(|c| c.clone().into_owned()).collect())
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .iter()
            .zip(&other.0)
            .map(|(a, b)| a.compare(b))
            .find(|o| o.is_ne())
            .unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// All that is stored. Copying it copies two roots.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    organizations: OrdMap<String, (OrgId, DateTime<Utc>)>,
    tables: OrdMap<(OrgId, &'static str), Data>,
}

impl State {
    pub(super) fn organization(&self, name: &str) -> Option<OrgId> {
        self.organizations.get(name).map(|(id, _)| *id)
    }

    pub(super) fn organizations(&self) -> Vec<Organization> {
        let known = self.organizations.iter();
        known
            .map(|(name, (id, created_at))| Organization {
                id: *id,
                name: name.clone(),
                created_at: *created_at,
            })
            .collect()
    }

    pub(super) fn make_organization(
        &mut self,
        name: &str,
        new: OrgId,
        now: DateTime<Utc>,
    ) -> OrgId {
        self.organizations
            .entry(name.to_owned())
            .or_insert((new, now))
            .0
    }

    pub(super) fn get(
        &self,
        org: OrgId,
        layout: &Layout,
        keys: &[&[Cell<'_>]],
    ) -> Result<Vec<Stored>> {
        let keys = keys_of(layout, keys)?;
        let Some(data) = self.tables.get(&(org, layout.base.name)) else {
            return Ok(Vec::new());
        };
        Ok(keys
            .iter()
            .filter_map(|key| data.rows.get(key).cloned())
            .collect())
    }

    pub(super) fn list(
        &self,
        org: OrgId,
        layout: &Layout,
        query: &Query<'_>,
    ) -> Result<Vec<Stored>> {
        let others = |by: &Related, rows: &Filter<'_>| self.names(org, by, rows);
        let plan = Plan::of(layout, query, &others)?;
        let Some(data) = self.tables.get(&(org, layout.base.name)) else {
            return Ok(Vec::new());
        };
        Ok(plan.run(data.rows.values()))
    }

    /// The ids by which rows of a table name rows of another one, of those that a filter takes.
    fn names(&self, org: OrgId, by: &Related, rows: &Filter<'_>) -> Result<BTreeSet<Uuid>> {
        let layout = Layout::of(by.table)?;
        let (place, _) = layout.column(by.column.0)?;
        let found = self.list(org, &layout, &Query::filter(rows.clone()))?;
        let ids = found.iter().filter_map(|row| match row.get(place) {
            Some(Cell::Id(id)) => Some(*id),
            _ => None,
        });
        Ok(ids.collect())
    }

    pub(super) fn count(
        &self,
        org: OrgId,
        layout: &Layout,
        count: &Count<'_>,
    ) -> Result<Vec<Group>> {
        let place = count.place(layout.base)?;
        let query = Query::filter(count.filter.clone());
        let rows = self.list(org, layout, &query)?;
        let Some(place) = place else {
            return Ok(together(rows.len() as u64));
        };
        let values = rows.iter().filter_map(|row| row.get(place).cloned());
        Ok(grouped(values.collect(), count.limit))
    }

    pub(super) fn save(
        &mut self,
        org: OrgId,
        layout: &Layout,
        rows: Vec<Vec<Cell<'static>>>,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        let name = layout.base.name;
        let mut data = self.tables.get(&(org, name)).cloned().unwrap_or_default();
        let mut answers = Vec::with_capacity(rows.len());
        for given in rows {
            let given = Given::of(layout, given);
            answers.push(data.save(layout, given, rule)?);
        }
        self.tables.insert((org, name), data);
        Ok(answers)
    }

    pub(super) fn delete(
        &mut self,
        org: OrgId,
        layout: &Layout,
        keys: &[&[Cell<'_>]],
    ) -> Result<u64> {
        let keys = keys_of(layout, keys)?;
        let Some(data) = self.tables.get_mut(&(org, layout.base.name)) else {
            return Ok(0);
        };
        let mut deleted = 0;
        for key in keys {
            if let Some(row) = data.rows.remove(&key) {
                data.forget(layout.base, &row);
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

/// The keys that a caller names, each once.
fn keys_of(layout: &Layout, keys: &[&[Cell<'_>]]) -> Result<BTreeSet<Key>> {
    keys.iter().map(|key| layout.key(key)).collect()
}

/// A row to be saved: its key, and its cells in the order of its table or projection.
struct Given {
    key: Key,
    cells: Vec<Cell<'static>>,
}

impl Given {
    fn of(layout: &Layout, cells: Vec<Cell<'static>>) -> Self {
        let key = layout
            .places
            .iter()
            .zip(&cells)
            .filter(|(place, _)| role(layout.base, **place) == Some(Role::Key))
            .map(|(_, cell)| cell);
        Self {
            key: Key::of(key),
            cells,
        }
    }
}

fn role(table: &Table, place: usize) -> Option<Role> {
    table.columns.get(place).map(|c| c.role)
}

/// The rows of one table of one organization, and which of them holds each unique value.
#[derive(Debug, Clone, Default)]
struct Data {
    rows: OrdMap<Key, Stored>,
    unique: OrdMap<(usize, Key), Key>,
}

impl Data {
    fn save(&mut self, layout: &Layout, given: Given, rule: SaveRule) -> Result<Saved> {
        let base = layout.base;
        let (old, row) = match (self.rows.get(&given.key).cloned(), rule) {
            (Some(_), SaveRule::Insert) => return Ok(Saved::Duplicate),
            (None, SaveRule::Update) => return Ok(Saved::Stale),
            (None, SaveRule::Insert | SaveRule::Upsert) => (None, layout.widen(given.cells)?),
            (Some(old), SaveRule::Update | SaveRule::Upsert) => {
                let mut row = old.to_vec();
                for (place, cell) in layout.places.iter().zip(given.cells) {
                    let (Some(role), Some(slot)) = (role(base, *place), row.get_mut(*place)) else {
                        return Err(Error::internal("a stored row is too short"));
                    };
                    match meet(role, rule, slot, cell)? {
                        Met::Goes => {}
                        Met::Ends(answer) => return Ok(answer),
                    }
                }
                (Some(old), row)
            }
        };
        let row: Stored = row.into();
        let taken = unique_keys(base, &row);
        let clash = |at: &(usize, Key)| self.unique.get(at).is_some_and(|key| *key != given.key);
        if taken.iter().any(clash) {
            return Ok(Saved::Duplicate);
        }
        if let Some(old) = &old {
            self.forget(base, old);
        }
        for at in taken {
            self.unique.insert(at, given.key.clone());
        }
        self.rows.insert(given.key, row);
        Ok(old.map_or(Saved::Inserted, |_| Saved::Updated))
    }

    /// Frees the unique values of a row.
    fn forget(&mut self, base: &Table, row: &Stored) {
        for at in unique_keys(base, row) {
            self.unique.remove(&at);
        }
    }
}

/// The unique values of a row; those with a null are none.
fn unique_keys(base: &Table, row: &Stored) -> Vec<(usize, Key)> {
    base.unique
        .iter()
        .enumerate()
        .filter_map(|(i, set)| {
            let cells: Option<Vec<&Cell<'static>>> = set
                .iter()
                .map(|name| row.get(base.position(name)?).filter(|c| !c.is_null()))
                .collect();
            Some((i, Key::of(cells?.into_iter())))
        })
        .collect()
}

/// Whether a row is still to be written after one of its cells met the stored one.
enum Met {
    Goes,
    Ends(Saved),
}

/// Changes a stored cell as its role and the rule say.
fn meet(
    role: Role,
    rule: SaveRule,
    stored: &mut Cell<'static>,
    given: Cell<'static>,
) -> Result<Met> {
    match role {
        Role::Key | Role::Once => {}
        Role::Plain => *stored = given,
        Role::Digest => {
            if rule == SaveRule::Upsert && !given.is_null() && *stored == given {
                return Ok(Met::Ends(Saved::Unchanged));
            }
            *stored = given;
        }
        Role::Version => {
            let Cell::Int(version) = *stored else {
                return Err(Error::internal("a version is no number"));
            };
            let next = version
                .checked_add(1)
                .ok_or_else(|| Error::internal("a version is too large"))?;
            if rule == SaveRule::Update && given != Cell::Int(next) {
                return Ok(Met::Ends(Saved::Stale));
            }
            *stored = Cell::Int(next);
        }
        Role::Sum => match (&*stored, given) {
            (Cell::Int(a), Cell::Int(b)) => {
                let sum = a
                    .checked_add(b)
                    .ok_or_else(|| Error::internal("a sum is too large"))?;
                *stored = Cell::Int(sum);
            }
            (Cell::Real(a), Cell::Real(b)) => *stored = Cell::Real(a + b),
            _ => return Err(Error::internal("what is summed up must be numbers")),
        },
    }
    Ok(Met::Goes)
}
