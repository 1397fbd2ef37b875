//! SQL texts, built once per table from its description.
//!
//! Of every statement on a row, parameter 1 is the organization and parameter `i + 2` is column `i`, or the `i`-th of
//! those that are used where an engine takes no gaps; of statements on a key, parameter `n + 2` is the `n`-th column of
//! the key.

#[cfg(feature = "postgres")]
mod bulk;
mod dialect;
mod filter;
mod fit;
mod query;
#[cfg(feature = "postgres")]
mod whole;

#[cfg(feature = "postgres")]
pub(crate) use bulk::{Bulk, Source};
#[cfg(feature = "postgres")]
pub(crate) use dialect::type_name;
pub(crate) use dialect::{Dialect, quoted};
pub(crate) use fit::fit;
#[cfg(feature = "postgres")]
pub(crate) use query::select_with;
pub(crate) use query::{Param, count, select};
#[cfg(feature = "postgres")]
pub(crate) use whole::{insert_each, whole};

use cmms_core::record::{Column, Role, Table};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

/// A statement on a row, and which columns of the row it takes.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) sql: String,
    pub(crate) uses: Vec<bool>,
}

/// The statements of one table.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) table: &'static Table,
    /// Which of its catalogue it is.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "SQLite has no temporary tables of them")
    )]
    pub(crate) number: usize,
    /// How the engine writes.
    pub(crate) dialect: Dialect,
    /// The table whose rows are stored; another one where `table` is a projection.
    pub(crate) base: &'static Table,
    /// The columns of the key.
    pub(crate) key: Vec<&'static Column>,
    /// `SELECT` of all columns, open for conditions behind the organization's.
    pub(crate) select: String,
    /// The row of a key.
    pub(crate) get: String,
    /// Deletes the row of a key.
    pub(crate) delete: String,
    /// Inserts a row unless any unique key is taken.
    pub(crate) insert: Action,
    /// Updates the row whose version is one less.
    pub(crate) update: Action,
    /// Tells of each column that is part of an index whether the stored row has the same value; none where an
    /// update changes no index.
    #[cfg(feature = "sqlite")]
    pub(crate) same: Option<Action>,
    /// Updates the row unless its digest is the same.
    #[cfg(feature = "sqlite")]
    pub(crate) merge: Action,
    /// Finds whether the key of a row is stored.
    #[cfg(feature = "sqlite")]
    pub(crate) exists: Action,
    /// Statements on many rows, where the engine has them.
    #[cfg(feature = "postgres")]
    pub(crate) bulk: Option<Bulk>,
}

fn comma<T>(items: impl Iterator<Item = T>, mut write: impl FnMut(T) -> String) -> String {
    let mut out = String::new();
    for item in items {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&write(item));
    }
    out
}

impl Statements {
    /// Builds the statements of a table.
    /// The `number` tells those of one catalogue apart.
    pub(crate) fn of(table: &'static Table, dialect: &Dialect, number: usize) -> Self {
        let name = dialect.table(table.name);
        let org = dialect.of_org("");
        let columns = comma(table.columns.iter(), |c| quoted(c.name));
        let select = format!("SELECT {columns} FROM {name} WHERE {org}");
        let mut by_key = String::new();
        for (n, (_, column)) in table.key().enumerate() {
            let param = dialect.param(n + 2);
            // Writing into a String cannot fail.
            let _ = write!(by_key, " AND {} = {param}", quoted(column.name));
        }
        Self {
            table,
            dialect: dialect.clone(),
            base: fit::base(table),
            key: table.key().map(|(_, c)| c).collect(),
            get: format!("{select}{by_key}"),
            delete: format!("DELETE FROM {name} WHERE {org}{by_key}"),
            select,
            insert: insert(table, dialect),
            update: update(table, dialect, Meeting::Update, &[]),
            #[cfg(feature = "sqlite")]
            same: same(table, dialect),
            #[cfg(feature = "sqlite")]
            merge: update(table, dialect, Meeting::Merge, &[]),
            #[cfg(feature = "sqlite")]
            exists: exists(table, dialect),
            number,
            #[cfg(feature = "postgres")]
            bulk: dialect.has_bulk().then(|| Bulk::of(table, dialect, number)),
        }
    }

    /// The update of a row whose columns of indexes have these values already, in the order of `same`. An engine
    /// writes each index that has a column which is set, whether or not that changes its value.
    #[cfg(feature = "sqlite")]
    pub(crate) fn update_but(&self, is_same: &[bool]) -> Action {
        let unchanged = indexed(self.table).zip(is_same);
        let unchanged: Vec<usize> = unchanged
            .filter_map(|((i, _), same)| same.then_some(i))
            .collect();
        update(self.table, &self.dialect, Meeting::Update, &unchanged)
    }

    /// The statements on many rows.
    #[cfg(feature = "postgres")]
    pub(crate) fn bulk(&self) -> cmms_core::Result<&Bulk> {
        self.bulk
            .as_ref()
            .ok_or_else(|| cmms_core::Error::internal("this engine has no statements on many rows"))
    }

    /// Whether the table has unique keys beside its own.
    pub(crate) fn has_unique(&self) -> bool {
        !self.base.unique.is_empty()
    }
}

fn insert(table: &Table, dialect: &Dialect) -> Action {
    let columns = comma(table.columns.iter(), |c| quoted(c.name));
    let values = comma(0..=table.columns.len(), |i| dialect.param(i + 1));
    Action {
        sql: format!(
            "INSERT INTO {} (\"org_id\", {columns}) VALUES ({values}) ON CONFLICT DO NOTHING",
            dialect.table(table.name)
        ),
        uses: vec![true; table.columns.len()],
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Update,
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "PostgreSQL merges in the insert")
    )]
    Merge,
}

/// The columns that an update sets and that are part of an index.
#[cfg(feature = "sqlite")]
fn indexed(table: &'static Table) -> impl Iterator<Item = (usize, &'static Column)> {
    let base = fit::base(table);
    let of_index = move |name| {
        let sets = base.unique.iter().chain(base.index);
        sets.copied().flatten().any(|column| *column == name)
    };
    let columns = table.columns.iter().enumerate();
    columns.filter(move |(_, c)| c.role == Role::Plain && of_index(c.name))
}

/// Of SQLite: other engines find out by themselves which indexes an update changes.
#[cfg(feature = "sqlite")]
fn same(table: &'static Table, dialect: &Dialect) -> Option<Action> {
    let mut uses: Vec<bool> = table.columns.iter().map(|c| c.role == Role::Key).collect();
    let mut compared = Vec::new();
    for (i, column) in indexed(table) {
        compared.push(format!("{} IS ?{}", quoted(column.name), i + 2));
        if let Some(used) = uses.get_mut(i) {
            *used = true;
        }
    }
    let compared = (!compared.is_empty()).then(|| compared.join(", "))?;
    Some(Action {
        sql: of_key(table, dialect, &compared),
        uses,
    })
}

/// Updates a row, but for these columns.
fn update(table: &Table, dialect: &Dialect, meeting: Meeting, unchanged: &[usize]) -> Action {
    let mut set: Vec<String> = Vec::new();
    let mut conditions = String::new();
    let mut uses = Vec::with_capacity(table.columns.len());
    let mut used_before = 0;
    for (i, column) in table.columns.iter().enumerate() {
        if unchanged.contains(&i) {
            uses.push(false);
            continue;
        }
        let place = if dialect.may_skip_params() {
            i
        } else {
            used_before
        };
        let (name, param) = (quoted(column.name), dialect.param(place + 2));
        let used = match (column.role, meeting) {
            (Role::Key, _) => {
                let _ = write!(conditions, " AND {name} = {param}");
                true
            }
            (Role::Once, _) => false,
            (Role::Version, Meeting::Merge) => {
                set.push(format!("{name} = {name} + 1"));
                false
            }
            (Role::Version, Meeting::Update) => {
                set.push(format!("{name} = {param}"));
                let _ = write!(conditions, " AND {name} + 1 = {param}");
                true
            }
            (Role::Sum, _) => {
                set.push(format!("{name} = {name} + {param}"));
                true
            }
            (Role::Digest, Meeting::Merge) => {
                set.push(format!("{name} = {param}"));
                // No digest never tells that nothing has changed.
                let differ = dialect.differ(&name, &param);
                let _ = write!(conditions, " AND ({differ} OR {param} IS NULL)");
                true
            }
            (Role::Digest | Role::Plain, _) => {
                set.push(format!("{name} = {param}"));
                true
            }
        };
        uses.push(used);
        used_before += usize::from(used);
    }
    if set.is_empty() {
        // Nothing can change; the statement still tells whether the row is stored.
        set.push(format!("\"org_id\" = {}", dialect.param(1)));
    }
    Action {
        sql: format!(
            "UPDATE {} SET {} WHERE {}{conditions}",
            dialect.table(table.name),
            set.join(", "),
            dialect.of_org("")
        ),
        uses,
    }
}

#[cfg(feature = "sqlite")]
fn exists(table: &Table, dialect: &Dialect) -> Action {
    Action {
        sql: of_key(table, dialect, "1"),
        uses: table.columns.iter().map(|c| c.role == Role::Key).collect(),
    }
}

/// Selects something of the row with the key of a row.
#[cfg(feature = "sqlite")]
fn of_key(table: &Table, dialect: &Dialect, what: &str) -> String {
    let mut sql = format!(
        "SELECT {what} FROM {} WHERE {}",
        dialect.table(table.name),
        dialect.of_org("")
    );
    for (n, (i, column)) in table.key().enumerate() {
        let place = if dialect.may_skip_params() { i } else { n };
        let param = dialect.param(place + 2);
        let _ = write!(sql, " AND {} = {param}", quoted(column.name));
    }
    sql
}

/// The statements of the tables that were used so far.
#[derive(Debug)]
pub(crate) struct Catalogue {
    dialect: Dialect,
    known: RwLock<HashMap<usize, Arc<Statements>>>,
}

impl Catalogue {
    /// None used so far.
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            known: RwLock::default(),
        }
    }

    /// How the engine writes.
    #[cfg(feature = "postgres")]
    pub(crate) fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// The statements of a table, built at its first use. A description is known by its address: it is
    /// `'static`, so an address never means two of them.
    pub(crate) fn of(&self, table: &'static Table) -> Arc<Statements> {
        let address = std::ptr::from_ref(table).addr();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&address) {
            return Arc::clone(found);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let number = known.len();
        let made = known
            .entry(address)
            .or_insert_with(|| Arc::new(Statements::of(table, &self.dialect, number)));
        Arc::clone(made)
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use cmms_core::domain::numbering::DailyNumber;
    use cmms_core::domain::sync_state::{Checkpoint, SyncLease};
    use cmms_core::domain::work_order::WorkOrder;
    use cmms_core::record::Record;

    fn of<R: Record>() -> Statements {
        Statements::of(R::TABLE, &Dialect::Sqlite, 0)
    }

    #[test]
    fn each_role_has_its_own_place_in_an_update() {
        let lease = of::<SyncLease>();
        assert_eq!(
            lease.update.sql,
            "UPDATE \"sync_leases\" SET \"version\" = ?4, \"run_id\" = ?5, \"owner\" = ?6, \"fence\" = ?7, \
             \"expires_at\" = ?8 WHERE \"org_id\" = ?1 \
             AND \"connection_id\" = ?2 AND \"entity\" = ?3 AND \"version\" + 1 = ?4"
        );
        assert!(lease.merge.sql.contains("\"version\" = \"version\" + 1"));
        let numbers = of::<DailyNumber>();
        assert!(numbers.update.sql.contains("SET \"last\" = \"last\" + ?4"));
    }

    #[test]
    fn an_update_leaves_columns_of_indexes_alone_that_stay_the_same() {
        let orders = of::<WorkOrder>();
        let same = orders.same.as_ref().unwrap();
        let columns = "SELECT \"updated_at\" IS ?6, \"asset_id\" IS ?10, ";
        assert!(same.sql.starts_with(columns), "{}", same.sql);
        let count = same.sql.matches(" IS ?").count();
        let mut unchanged = vec![true; count];
        unchanged[0] = false;
        let update = orders.update_but(&unchanged);
        assert!(
            update.sql.contains("\"updated_at\" = ?6, \"title\" = ?8"),
            "{}",
            update.sql
        );
        assert!(!update.sql.contains("\"status\""), "{}", update.sql);
        assert_eq!(
            orders.update_but(&vec![false; count]).sql,
            orders.update.sql
        );
        assert!(of::<DailyNumber>().same.is_none());
    }

    #[test]
    fn statements_are_built_once() {
        let catalogue = Catalogue::new(Dialect::Sqlite);
        let table = Checkpoint::TABLE;
        assert!(Arc::ptr_eq(&catalogue.of(table), &catalogue.of(table)));
    }
}
