//! Queries: which rows, in which order.

use super::layout::Layout;
use super::state::Stored;
use crate::ports::store::{Cmp, Dir, Filter, Query, Related};
use crate::record::{Cell, Col, Kind};
use crate::{Error, Result};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A query whose columns are places in the stored rows.
pub(super) struct Plan<'q> {
    test: Test<'q>,
    order: Vec<(usize, Dir)>,
    after: Option<&'q [Cell<'q>]>,
    limit: usize,
    /// Whether rows come in this order already.
    by_key: bool,
}

impl<'q> Plan<'q> {
    pub(super) fn of(layout: &Layout, query: &'q Query<'q>, others: Others<'_>) -> Result<Self> {
        let key: Vec<_> = layout.base.key().map(|(i, _)| (i, Dir::Asc)).collect();
        let order = if query.order.is_empty() {
            key.clone()
        } else {
            order(layout, &query.order)?
        };
        let mut test = Test::of(layout, &query.filter, others)?;
        let mut places = order.iter().map(|(place, _)| *place);
        if places.any(|place| layout.base.columns.get(place).is_some_and(|c| c.nullable)) {
            let ordered = Test::Some(order.iter().map(|(place, _)| *place).collect());
            test = Test::And(vec![ordered, test]);
        }
        let after = query.after.as_deref();
        if let Some(after) = after {
            if after.len() != order.len() {
                return Err(Error::internal("a position does not fit its order"));
            }
            for ((place, _), cell) in order.iter().zip(after) {
                if let Some(column) = layout.base.columns.get(*place) {
                    layout.check(column, cell, false)?;
                }
            }
        }
        Ok(Self {
            test,
            by_key: order == key,
            order,
            after,
            limit: query
                .limit
                .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
        })
    }

    /// The rows that it finds among all, which come by key.
    pub(super) fn run<'r>(&self, all: impl Iterator<Item = &'r Stored>) -> Vec<Stored> {
        let found = all.filter(|row| self.test.takes(row) && self.is_behind(row));
        if self.by_key {
            return found.take(self.limit).cloned().collect();
        }
        let mut found: Vec<Stored> = found.cloned().collect();
        // Stable: rows that the order leaves equal stay by key.
        found.sort_by(|a, b| self.compare(a, |place, _| b.get(place)));
        found.truncate(self.limit);
        found
    }

    fn is_behind(&self, row: &Stored) -> bool {
        self.after
            .is_none_or(|after| self.compare(row, |_, i| after.get(i)).is_gt())
    }

    /// Compares a row with the values that `other` has for each column of the order.
    fn compare<'c>(
        &self,
        row: &Stored,
        other: impl Fn(usize, usize) -> Option<&'c Cell<'c>>,
    ) -> Ordering {
        let by_column = |(i, (place, dir)): (usize, &(usize, Dir))| {
            let ordering = match (row.get(*place), other(*place, i)) {
                (Some(a), Some(b)) => a.compare(b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            match dir {
                Dir::Asc => ordering,
                Dir::Desc => ordering.reverse(),
            }
        };
        self.order
            .iter()
            .enumerate()
            .map(by_column)
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

fn order(layout: &Layout, order: &[(Col, Dir)]) -> Result<Vec<(usize, Dir)>> {
    order
        .iter()
        .map(|(col, dir)| {
            let (place, _) = layout.column(col.0)?;
            Ok((place, *dir))
        })
        .collect()
}

/// Finds the ids by which the rows of another table name rows, of those that a filter takes.
pub(super) type Others<'o> = &'o dyn Fn(&Related, &Filter<'_>) -> Result<BTreeSet<Uuid>>;

/// A filter whose columns are places in the stored rows.
enum Test<'q> {
    All,
    And(Vec<Test<'q>>),
    Or(Vec<Test<'q>>),
    In(usize, &'q [Cell<'q>]),
    Is(usize, Cmp, &'q Cell<'q>),
    Null(usize),
    /// None of these is null.
    Some(Vec<usize>),
    Prefix(usize, &'q str),
    Has(usize, &'q str),
    /// Whether the id is among these.
    Among(usize, BTreeSet<Uuid>, bool),
}

impl<'q> Test<'q> {
    fn of(layout: &Layout, filter: &'q Filter<'q>, others: Others<'_>) -> Result<Self> {
        let all = |filters: &'q [Filter<'q>]| -> Result<Vec<Self>> {
            filters
                .iter()
                .map(|f| Self::of(layout, f, others))
                .collect()
        };
        let place = |col: &Col, cells: &[Cell<'_>]| -> Result<usize> {
            let (place, column) = layout.column(col.0)?;
            for cell in cells {
                layout.check(column, cell, true)?;
            }
            Ok(place)
        };
        Ok(match filter {
            Filter::All => Self::All,
            Filter::And(filters) => Self::And(all(filters)?),
            Filter::Or(filters) => Self::Or(all(filters)?),
            Filter::In(col, cells) => Self::In(place(col, cells)?, cells),
            Filter::Is(col, cmp, cell) => {
                Self::Is(place(col, std::slice::from_ref(cell))?, *cmp, cell)
            }
            Filter::Null(col) => Self::Null(place(col, &[])?),
            Filter::Prefix(col, prefix) => {
                let (place, column) = layout.column(col.0)?;
                if column.kind != Kind::Text {
                    return Err(Error::internal(format!(
                        "{}.{} is no text and has no beginning",
                        layout.base.name, column.name
                    )));
                }
                Self::Prefix(place, prefix)
            }
            Filter::Has(col, text) => {
                let (place, column) = layout.column(col.0)?;
                if column.kind != Kind::Json {
                    return Err(Error::internal(format!(
                        "{}.{} is no JSON and holds no list",
                        layout.base.name, column.name
                    )));
                }
                Self::Has(place, text)
            }
            Filter::Named(by, rows) => Self::Among(place(&by.names, &[])?, others(by, rows)?, true),
            Filter::Unnamed(by, rows) => {
                Self::Among(place(&by.names, &[])?, others(by, rows)?, false)
            }
        })
    }

    fn takes(&self, row: &Stored) -> bool {
        let compared = |place: usize, cell: &Cell<'_>| {
            row.get(place)
                .filter(|stored| !stored.is_null() && !cell.is_null())
                .map(|stored| stored.compare(cell))
        };
        match self {
            Self::All => true,
            Self::And(tests) => tests.iter().all(|t| t.takes(row)),
            Self::Or(tests) => tests.iter().any(|t| t.takes(row)),
            Self::In(place, cells) => cells
                .iter()
                .any(|cell| compared(*place, cell).is_some_and(Ordering::is_eq)),
            Self::Is(place, cmp, cell) => compared(*place, cell).is_some_and(|o| match cmp {
                Cmp::Eq => o.is_eq(),
                Cmp::Ne => o.is_ne(),
                Cmp::Lt => o.is_lt(),
                Cmp::Le => o.is_le(),
                Cmp::Gt => o.is_gt(),
                Cmp::Ge => o.is_ge(),
            }),
            Self::Null(place) => row.get(*place).is_some_and(Cell::is_null),
            Self::Prefix(place, prefix) => matches!(
                row.get(*place),
                Some(Cell::Text(text)) if text.starts_with(prefix)
            ),
            Self::Some(places) => places
                .iter()
                .all(|place| row.get(*place).is_some_and(|cell| !cell.is_null())),
            Self::Has(place, text) => matches!(
                row.get(*place),
                Some(Cell::Json(json)) if holds(json, text)
            ),
            Self::Among(place, ids, wanted) => {
                let is_among = matches!(row.get(*place), Some(Cell::Id(id)) if ids.contains(id));
                is_among == *wanted
            }
        }
    }
}

/// Whether a JSON text is a list that holds this text.
fn holds(json: &str, text: &str) -> bool {
    let list: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    list.iter().any(|item| item.as_str() == Some(text))
}
