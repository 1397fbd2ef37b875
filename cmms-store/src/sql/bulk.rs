//! Statements of PostgreSQL on many rows or keys at once.
//!
//! The rows come from a [`Source`] `s`, whose column `i` counts them. Parameter 1 is the organization; the columns
//! of arrays follow from parameter 2 on.

use super::{Dialect, comma, fit, quoted, type_name};
use cmms_core::record::{Column, Role, Table};
use std::fmt::Write as _;

/// Where the rows of a statement come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Arrays, one for each column.
    Arrays,
    /// A temporary table that was filled by COPY.
    Stage,
}

/// The statements of one table for many rows.
#[derive(Debug)]
pub(crate) struct Bulk {
    /// Inserts rows, none of which may meet a taken unique key: in about two thirds of the time.
    pub(crate) insert_new: [String; 2],
    /// Inserts rows and answers the numbers of those that met a taken unique key.
    pub(crate) insert: [String; 2],
    /// Updates rows whose version is one less and answers their numbers.
    pub(crate) update: [String; 2],
    /// Inserts rows or updates them unless their digest is the same, and answers number and whether it is new.
    pub(crate) upsert: [String; 2],
    /// The same for one row, from parameters as of a statement on a row; answers whether it is new.
    pub(crate) upsert_one: String,
    /// So, and answers the row as it is then behind that.
    pub(crate) upsert_and_get: String,
    /// The rows of keys, in no order.
    pub(crate) get: String,
    /// So, in one order, which a lock needs: two writers must never wait for each other.
    pub(crate) get_locked: String,
    /// Deletes the rows of keys.
    pub(crate) delete: String,
    /// Its columns where it is read with another table as `page`.
    pub(crate) of_page: String,
    /// Its columns where it is read with another table as `other`.
    pub(crate) of_other: String,
    /// Makes the temporary table for the rows.
    pub(crate) make_stage: String,
    /// Fills it, in binary.
    pub(crate) fill_stage: String,
    /// Empties it.
    pub(crate) empty_stage: String,
    /// Whether a stored row can change a value that is unique, so that the order of the rows of a call counts.
    pub(crate) moves_unique: bool,
}

impl Bulk {
    /// The statements of a table; `number` tells temporary tables of views of one table apart.
    pub(crate) fn of(table: &'static Table, dialect: &Dialect, number: usize) -> Self {
        let stage = quoted(&format!("cmms_stage_{number}_{}", table.name));
        let stage = format!("pg_temp.{stage}");
        let parts = Parts {
            table,
            dialect,
            name: dialect.table(table.name),
        };
        let both =
            |make: &dyn Fn(&str) -> String| [make(&parts.arrays()), make(&format!("{stage} AS s"))];
        let base = fit::base(table);
        let moves = |name: &str| {
            let column = base.columns.iter().find(|c| c.name == name);
            column.is_some_and(|c| !matches!(c.role, Role::Key | Role::Once))
        };
        let typed = comma(table.columns.iter(), |c| {
            let collation = if type_name(c.kind) == "text" {
                " COLLATE \"C\""
            } else {
                ""
            };
            format!("{} {}{collation}", quoted(c.name), type_name(c.kind))
        });
        Self {
            insert_new: both(&|source| parts.insert_new(source)),
            insert: both(&|source| parts.insert(source)),
            update: both(&|source| parts.update(source)),
            upsert: both(&|source| parts.upsert(source)),
            upsert_one: parts.upsert_one(),
            upsert_and_get: format!("{}, {}", parts.upsert_one(), parts.columns_of("t")),
            get: parts.get(),
            get_locked: parts.get_locked(),
            delete: parts.delete(),
            of_page: parts.columns_of("page"),
            of_other: parts.columns_of("other"),
            make_stage: format!(
                "CREATE TEMPORARY TABLE IF NOT EXISTS {stage} (i bigint, {typed}) ON COMMIT DELETE ROWS"
            ),
            fill_stage: format!("COPY {stage} FROM STDIN (FORMAT binary)"),
            empty_stage: format!("TRUNCATE {stage}"),
            moves_unique: base
                .unique
                .iter()
                .copied()
                .flatten()
                .any(|name| moves(name)),
        }
    }
}

struct Parts<'t> {
    table: &'static Table,
    dialect: &'t Dialect,
    name: String,
}

impl Parts<'_> {
    fn columns(&self) -> String {
        comma(self.table.columns.iter(), |c| quoted(c.name))
    }

    fn values(&self) -> String {
        comma(self.table.columns.iter(), |c| {
            format!("s.{}", quoted(c.name))
        })
    }

    /// The columns of arrays from parameter 2 on, as rows that are counted.
    fn arrays(&self) -> String {
        let arrays = comma(self.table.columns.iter().enumerate(), |(n, c)| {
            format!("${}::{}[]", n + 2, type_name(c.kind))
        });
        format!(
            "unnest({arrays}) WITH ORDINALITY AS s({}, i)",
            self.columns()
        )
    }

    /// Whether the keys of two rows are the same.
    fn same_key(&self, a: &str, b: &str) -> String {
        let mut all = String::new();
        for (_, column) in self.table.key() {
            if !all.is_empty() {
                all.push_str(" AND ");
            }
            let name = quoted(column.name);
            // Writing into a String cannot fail.
            let _ = write!(all, "{a}.{name} = {b}.{name}");
        }
        all
    }

    fn keys(&self, of: &str) -> String {
        comma(self.table.key(), |(_, c)| {
            format!("{of}.{}", quoted(c.name))
        })
    }

    fn insert_new(&self, source: &str) -> String {
        format!(
            "INSERT INTO {} (org_id, {}) SELECT $1::uuid, {} FROM {source}",
            self.name,
            self.columns(),
            self.values(),
        )
    }

    fn insert(&self, source: &str) -> String {
        format!(
            "WITH done AS (INSERT INTO {name} AS t (org_id, {columns}) SELECT $1::uuid, {values} FROM {source} \
             ORDER BY s.i ON CONFLICT DO NOTHING RETURNING {keys}) \
             SELECT s.i FROM {source} WHERE NOT EXISTS (SELECT 1 FROM done WHERE {same})",
            name = self.name,
            columns = self.columns(),
            values = self.values(),
            keys = self.keys("t"),
            same = self.same_key("done", "s"),
        )
    }

    fn update(&self, source: &str) -> String {
        let mut set = Vec::new();
        let mut conditions = String::new();
        for column in self.table.columns {
            let name = quoted(column.name);
            match column.role {
                Role::Key | Role::Once => {}
                Role::Version => {
                    set.push(format!("{name} = s.{name}"));
                    let _ = write!(conditions, " AND t.{name} = s.{name} - 1");
                }
                Role::Sum => set.push(format!("{name} = t.{name} + s.{name}")),
                Role::Digest | Role::Plain => set.push(format!("{name} = s.{name}")),
            }
        }
        if set.is_empty() {
            // Nothing can change; the statement still tells which rows are stored.
            set.push("org_id = t.org_id".to_owned());
        }
        format!(
            "UPDATE {name} AS t SET {set} FROM {source} WHERE {org} AND {same}{conditions} RETURNING s.i",
            name = self.name,
            set = set.join(", "),
            org = self.dialect.of_org("t."),
            same = self.same_key("t", "s"),
        )
    }

    /// What an upsert does with a stored row.
    fn merge(&self) -> String {
        let mut set = Vec::new();
        let mut differs = String::new();
        for column in self.table.columns {
            let name = quoted(column.name);
            match column.role {
                Role::Key | Role::Once => continue,
                Role::Version => set.push(format!("{name} = t.{name} + 1")),
                Role::Sum => set.push(format!("{name} = t.{name} + excluded.{name}")),
                Role::Digest => {
                    set.push(format!("{name} = excluded.{name}"));
                    // No digest never tells that nothing has changed.
                    differs = format!(
                        " WHERE t.{name} IS DISTINCT FROM excluded.{name} OR excluded.{name} IS NULL"
                    );
                }
                Role::Plain => set.push(format!("{name} = excluded.{name}")),
            }
        }
        if set.is_empty() {
            set.push("org_id = t.org_id".to_owned());
        }
        let keys = comma(self.table.key(), |(_, c)| quoted(c.name));
        format!(
            "ON CONFLICT (org_id, {keys}) DO UPDATE SET {}{differs}",
            set.join(", ")
        )
    }

    /// Only a row that was there before has been locked, which its `xmax` shows.
    fn upsert(&self, source: &str) -> String {
        format!(
            "WITH done AS (INSERT INTO {name} AS t (org_id, {columns}) SELECT $1::uuid, {values} FROM {source} \
             ORDER BY s.i {merge} RETURNING {keys}, t.xmax = 0 AS is_new) \
             SELECT s.i, done.is_new FROM {source} JOIN done ON {same}",
            name = self.name,
            columns = self.columns(),
            values = self.values(),
            merge = self.merge(),
            keys = self.keys("t"),
            same = self.same_key("done", "s"),
        )
    }

    fn upsert_one(&self) -> String {
        let values = comma(0..=self.table.columns.len(), |i| self.dialect.param(i + 1));
        format!(
            "INSERT INTO {} AS t (org_id, {}) VALUES ({values}) {} RETURNING t.xmax = 0",
            self.name,
            self.columns(),
            self.merge()
        )
    }

    /// The keys of arrays from parameter 2 on.
    fn key_arrays(&self) -> String {
        let arrays = comma(self.table.key().enumerate(), |(n, (_, c))| {
            format!("${}::{}[]", n + 2, type_name(c.kind))
        });
        format!(
            "unnest({arrays}) AS s({})",
            comma(self.table.key(), |(_, c)| quoted(c.name))
        )
    }

    fn columns_of(&self, alias: &str) -> String {
        comma(self.table.columns.iter(), |c: &Column| {
            format!("{alias}.{}", quoted(c.name))
        })
    }

    /// Key by key through the index. A join could be planned as a walk through the whole table, as long as little is known
    /// of it, and stay so when it is large; nothing is joined to what is cut off by LIMIT.
    fn get(&self) -> String {
        format!(
            "SELECT {columns} FROM {keys} CROSS JOIN LATERAL (SELECT {inner} FROM {name} AS r WHERE {of_org} AND {same} \
             LIMIT 1) AS t",
            columns = self.columns_of("t"),
            keys = self.key_arrays(),
            inner = self.columns_of("r"),
            name = self.name,
            of_org = self.dialect.of_org_within("r."),
            same = self.same_key("r", "s"),
        )
    }

    fn get_locked(&self) -> String {
        format!(
            "SELECT {columns} FROM {name} AS t JOIN {keys} ON {same} WHERE {of_org} ORDER BY {order}",
            columns = self.columns_of("t"),
            name = self.name,
            keys = self.key_arrays(),
            same = self.same_key("t", "s"),
            of_org = self.dialect.of_org("t."),
            order = self.keys("t"),
        )
    }

    fn delete(&self) -> String {
        format!(
            "DELETE FROM {} AS t USING {} WHERE {} AND {}",
            self.name,
            self.key_arrays(),
            self.dialect.of_org("t."),
            self.same_key("t", "s")
        )
    }
}
