//! The SQL of a query: its filter, order, position and limit, as bound parameters.

use super::{Dialect, Statements, fit, quoted};
use cmms_core::ports::count::Count;
use cmms_core::ports::store::{Dir, Filter, Query};
use cmms_core::record::{Cell, Col, Column, Kind, Role, Table};
use cmms_core::{Error, Result};
use std::borrow::Cow;
#[cfg(feature = "postgres")]
use std::fmt::Write as _;

/// A value of a query.
#[derive(Debug)]
pub(crate) enum Param<'q> {
    /// A cell.
    Cell(&'q Cell<'q>),
    /// A text of the builder's own.
    Text(Cow<'q, str>),
    /// A number of the builder's own.
    #[cfg(feature = "sqlite")]
    Number(i64),
    /// Many cells of one kind, as a table of one column or as an array.
    Many(
        #[cfg_attr(
            not(feature = "postgres"),
            expect(dead_code, reason = "SQLite needs no type for them")
        )]
        Kind,
        &'q [Cell<'q>],
    ),
}

/// A text that is being made.
pub(super) struct Builder<'q, 's> {
    pub(super) table: &'static Table,
    pub(super) dialect: &'s Dialect,
    pub(super) sql: String,
    params: Vec<Param<'q>>,
}

/// The text of a query and its parameters, from number 2 on.
pub(crate) fn select<'q>(
    statements: &Statements,
    query: &'q Query<'q>,
) -> Result<(String, Vec<Param<'q>>)> {
    // A query may name every stored column, whether the rows that are read have it or not.
    let table = statements.base;
    let mut sql = String::with_capacity(statements.select.len() + 256);
    sql.push_str(&statements.select);
    let mut builder = Builder {
        table,
        dialect: &statements.dialect,
        sql,
        params: Vec::new(),
    };
    if query.filter != Filter::All {
        builder.sql.push_str(" AND ");
        builder.filter(&query.filter)?;
    }
    builder.some(query)?;
    let order = whole_order(table, query);
    if let Some(after) = &query.after {
        builder.after(&order, after)?;
    }
    builder.order(&order, "")?;
    if let Some(limit) = query.limit {
        builder.limit(limit);
    }
    Ok((builder.sql, builder.params))
}

/// The text of a count: a row for each value with the value and its count, or one row with the count alone.
pub(crate) fn count<'q>(
    statements: &Statements,
    count: &'q Count<'q>,
) -> Result<(String, Vec<Param<'q>>)> {
    let (table, dialect) = (statements.base, &statements.dialect);
    let by = count.place(table)?.and_then(|i| table.columns.get(i));
    let by = by.map(|column| quoted(column.name));
    let value = by.as_ref().map(|by| format!("{by}, "));
    let mut builder = Builder {
        table,
        dialect,
        sql: format!(
            "SELECT {}count(*) FROM {} WHERE {}",
            value.unwrap_or_default(),
            dialect.table(table.name),
            dialect.of_org("")
        ),
        params: Vec::new(),
    };
    if count.filter != Filter::All {
        builder.sql.push_str(" AND ");
        builder.filter(&count.filter)?;
    }
    if let Some(by) = by {
        let first = dialect.nulls_first();
        builder.sql.push_str(&format!(
            " GROUP BY {by} ORDER BY count(*) DESC, {by}{first}"
        ));
        if let Some(limit) = count.limit {
            builder.limit(limit);
        }
    }
    Ok((builder.sql, builder.params))
}

/// The order of a query, or that of the key.
fn whole_order(table: &Table, query: &Query<'_>) -> Vec<(Col, Dir)> {
    match query.order.as_slice() {
        [] => table.key().map(|(_, c)| (Col(c.name), Dir::Asc)).collect(),
        order => order.to_vec(),
    }
}

/// One text for a query and for the rows of another table that name one of its rows: the columns of the one and of
/// the other. The rows come in the query's order, each once for each row that names it, or once beside nothing but NULL;
/// the query orders by columns that are read.
#[cfg(feature = "postgres")]
pub(crate) fn select_with<'q>(
    statements: &Statements,
    query: &'q Query<'q>,
    others: &Statements,
    column: Col,
    names: Col,
) -> Result<(String, Vec<Param<'q>>)> {
    let known = |of: &Statements, col: Col| match of.table.position(col.0) {
        Some(_) => Ok(quoted(col.0)),
        None => Err(Error::internal(format!(
            "{} has no column {}",
            of.table.name, col.0
        ))),
    };
    let (column, names) = (known(others, column)?, known(statements, names)?);
    let (listed, params) = select(statements, query)?;
    let sql = format!(
        "SELECT {}, {} FROM ({listed}) AS page \
         LEFT JOIN {} AS other ON {} AND other.{column} = page.{names}",
        statements.bulk()?.of_page,
        others.bulk()?.of_other,
        others.dialect.table(others.table.name),
        others.dialect.of_org_within("other."),
    );
    let mut builder = Builder {
        table: statements.table,
        dialect: &statements.dialect,
        sql,
        params,
    };
    builder.order(&whole_order(statements.base, query), "page.")?;
    Ok((builder.sql, builder.params))
}

impl<'q> Builder<'q, '_> {
    pub(super) fn param(&mut self, param: Param<'q>) {
        let number = self.number(param);
        self.sql.push_str(&self.dialect.param(number));
    }

    /// At most so many rows.
    fn limit(&mut self, limit: u32) {
        match self.dialect {
            #[cfg(feature = "sqlite")]
            Dialect::Sqlite => {
                self.sql.push_str(" LIMIT ");
                self.param(Param::Number(i64::from(limit)));
            }
            // A plan that is kept has to know that a page is short. As a parameter it is known only to one that is made
            // anew for each call, which the server then does, for as long as the list itself takes. Programs ask for
            // pages of a few lengths.
            #[cfg(feature = "postgres")]
            Dialect::Postgres { .. } => {
                // Writing into a String cannot fail.
                let _ = write!(self.sql, " LIMIT {limit}");
            }
        }
    }

    /// Adds a parameter and answers its number.
    pub(super) fn number(&mut self, param: Param<'q>) -> usize {
        self.params.push(param);
        self.params.len() + 1
    }

    pub(super) fn find(&self, col: Col) -> Result<&'static Column> {
        let column = self.table.columns.iter().find(|c| c.name == col.0);
        column
            .ok_or_else(|| Error::internal(format!("{} has no column {}", self.table.name, col.0)))
    }

    /// Writes the name of a column.
    pub(super) fn column(&mut self, col: Col) -> Result<&'static Column> {
        let column = self.find(col)?;
        self.sql.push_str(&quoted(column.name));
        Ok(column)
    }

    /// Writes a value of a column.
    pub(super) fn cell(
        &mut self,
        column: &Column,
        cell: &'q Cell<'q>,
        nullable: bool,
    ) -> Result<()> {
        fit(self.table, column, cell, nullable)?;
        self.param(Param::Cell(cell));
        Ok(())
    }

    /// Rows without a place in the order are not found. A position says so by itself; as the lower end of a range
    /// it must not have to share the index with this.
    fn some(&mut self, query: &Query<'_>) -> Result<()> {
        for (col, dir) in &query.order {
            let column = self.table.columns.iter().find(|c| c.name == col.0);
            let implied = query.after.is_some() && *dir == Dir::Asc;
            if !implied && column.is_some_and(|c| c.nullable) {
                self.sql.push_str(" AND ");
                self.column(*col)?;
                self.sql.push_str(" IS NOT NULL");
            }
        }
        Ok(())
    }

    fn after(&mut self, order: &[(Col, Dir)], after: &'q [Cell<'q>]) -> Result<()> {
        if order.len() != after.len() {
            return Err(Error::internal(format!(
                "a position in {} has {} values for {} columns of the order",
                self.table.name,
                after.len(),
                order.len()
            )));
        }
        self.sql.push_str(" AND ");
        let same = order.windows(2).all(|w| matches!(w, [a, b] if a.1 == b.1));
        if same {
            self.tuple(order, after)
        } else {
            self.step(order, after)
        }
    }

    /// One direction: `(a, b) > (?, ?)`, which an index can answer.
    fn tuple(&mut self, order: &[(Col, Dir)], after: &'q [Cell<'q>]) -> Result<()> {
        let mut columns = Vec::with_capacity(order.len());
        self.sql.push('(');
        for (i, (col, _)) in order.iter().enumerate() {
            if i > 0 {
                self.sql.push_str(", ");
            }
            columns.push(self.column(*col)?);
        }
        self.sql.push_str(match order.first() {
            Some((_, Dir::Desc)) => ") < (",
            _ => ") > (",
        });
        for (i, (column, cell)) in columns.into_iter().zip(after).enumerate() {
            if i > 0 {
                self.sql.push_str(", ");
            }
            self.cell(column, cell, false)?;
        }
        self.sql.push(')');
        Ok(())
    }

    /// Several directions: `(a > ? OR (a = ? AND (b < ?)))`.
    fn step(&mut self, order: &[(Col, Dir)], after: &'q [Cell<'q>]) -> Result<()> {
        let (Some(((col, dir), order)), Some((cell, after))) =
            (order.split_first(), after.split_first())
        else {
            self.sql.push_str(self.dialect.truth(false));
            return Ok(());
        };
        self.sql.push('(');
        let column = self.column(*col)?;
        self.sql.push_str(match dir {
            Dir::Asc => " > ",
            Dir::Desc => " < ",
        });
        self.cell(column, cell, false)?;
        if !order.is_empty() {
            self.sql.push_str(" OR (");
            self.column(*col)?;
            self.sql.push_str(" = ");
            self.cell(column, cell, false)?;
            self.sql.push_str(" AND ");
            self.step(order, after)?;
            self.sql.push(')');
        }
        self.sql.push(')');
        Ok(())
    }

    /// The order, with what is missing of the key behind it, so that it is always the same. Before each column stands whose
    /// it is, with its dot, or nothing.
    fn order(&mut self, order: &[(Col, Dir)], of: &str) -> Result<()> {
        self.sql.push_str(" ORDER BY ");
        for (i, (col, dir)) in order.iter().enumerate() {
            if i > 0 {
                self.sql.push_str(", ");
            }
            self.sql.push_str(of);
            self.column(*col)?;
            if *dir == Dir::Desc {
                self.sql.push_str(" DESC");
            }
        }
        let table = self.table;
        let key = table.columns.iter().filter(|c| c.role == Role::Key);
        for column in key.filter(|c| !order.iter().any(|(o, _)| o.0 == c.name)) {
            self.sql.push_str(", ");
            self.sql.push_str(of);
            self.sql.push_str(&quoted(column.name));
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "postgres"))]
mod postgres {
    use super::*;
    use cmms_core::domain::work_order::WorkOrder;
    use cmms_core::record::Record as _;

    /// Found by measuring: PostgreSQL planned each page anew, since its length was a parameter.
    #[test]
    fn the_plan_of_a_page_knows_how_long_it_is() {
        let dialect = Dialect::Postgres {
            schema: "cmms".to_owned(),
        };
        let statements = Statements::of(WorkOrder::TABLE, &dialect, 0);
        let status = Cell::text("in_progress");
        let query = Query {
            limit: Some(51),
            ..Query::filter(Filter::eq(WorkOrder::STATUS, status))
        };
        let (sql, params) = select(&statements, &query).unwrap();
        assert!(sql.ends_with("ORDER BY \"id\" LIMIT 51"), "{sql}");
        assert_eq!(params.len(), 1);
    }
}
