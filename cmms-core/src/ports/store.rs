//! The store port: a store is written once, against the description of records.

use super::count::{Count, Group, Values};
use crate::Result;
use crate::context::Scope;
use crate::ids::OrgId;
use crate::record::{Cell, Col, Row, RowSource, RowTarget, Rows, Source, Table};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::fmt::Debug;

/// What a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// The engine: `memory`, `sqlite`, `postgres`.
    pub engine: &'static str,
    /// Where it is, without secrets, for logs.
    pub location: String,
    /// Whether processes of other hosts may use it at the same time.
    pub shared: bool,
}

/// An organization that a store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id, which leads the key of all its rows.
    pub id: OrgId,
    /// Its name, unique in the store.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A step of a store's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStep {
    /// Its number, from 1 without gaps.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// The statements that it runs.
    pub sql: String,
    /// When the database had it; none where it is still to be done.
    pub applied_at: Option<DateTime<Utc>>,
}

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Migrated {
    /// The schema before; 0 for an empty database.
    pub from: u32,
    /// The schema now.
    pub to: u32,
}

/// Whether a store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// The schema in use.
    pub schema: u32,
}

/// How a transaction sees and changes the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TxMode {
    /// Each call stands alone and is atomic.
    #[default]
    Once,
    /// Reads only, all from one state.
    Snapshot,
    /// Reads and writes; all of it or nothing.
    Write,
    /// The same, for work that mostly adds: it reads nothing, counts at most once by
    /// [`upsert_and_get`](Tx::upsert_and_get), and puts its rows off by [`insert_later`](Tx::insert_later).
    ///
    /// A store that is far away may begin it with the first other call, or send all of it with the commit, and then
    /// answers a count from what it knows. Where another writer is there after all, or has counted meanwhile, that call
    /// or the commit fails with `CMMS-STORE-015`, and nothing is stored: what such a transaction does is done again as
    /// a whole, best by [`Write`](Self::Write), which waits. The key of the last row that is put off has to be one that
    /// nobody else makes, such as a fresh id: a lost commit is found out by it.
    Add,
}

/// Which rows a read locks until the end of its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lock {
    /// None.
    #[default]
    None,
    /// All that it finds, waiting for others.
    Wait,
    /// All that it finds and nobody else has locked.
    Skip,
}

/// What a save does when it meets a stored row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveRule {
    /// Only new rows: `Duplicate` for a clash with any unique key.
    Insert,
    /// Only stored rows: `Stale` unless the stored version is one less (or where none is stored).
    Update,
    /// New or stored: an equal digest is `Unchanged`; a version becomes one more than the stored one.
    /// A clash with another row's unique key is `Duplicate`.
    Upsert,
}

/// What a save did with one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Stored as a new row.
    Inserted,
    /// Changed the stored row.
    Updated,
    /// The stored row has the same digest; nothing was written.
    Unchanged,
    /// The stored version is not one less, or there is no stored row.
    Stale,
    /// A unique key is taken.
    Duplicate,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cmp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// Which rows. A comparison with null is never true.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Filter<'a> {
    /// Every row.
    #[default]
    All,
    /// Rows that all of these take.
    And(Vec<Filter<'a>>),
    /// Rows that any of these takes.
    Or(Vec<Filter<'a>>),
    /// Rows whose column is one of these.
    In(Col, Vec<Cell<'a>>),
    /// Rows whose column compares so.
    Is(Col, Cmp, Cell<'a>),
    /// Rows whose column is null.
    Null(Col),
    /// Rows whose text begins so.
    Prefix(Col, Cow<'a, str>),
    /// Rows whose JSON list holds this text, exactly.
    Has(Col, Cow<'a, str>),
    /// Rows that a row of another table names which this filter takes.
    Named(Related, Box<Filter<'a>>),
    /// Rows that no such row names.
    Unnamed(Related, Box<Filter<'a>>),
}

impl<'a> Filter<'a> {
    /// Rows whose column equals the value.
    pub fn eq(col: Col, cell: Cell<'a>) -> Self {
        Self::Is(col, Cmp::Eq, cell)
    }
}

/// The direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dir {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// Which rows, in which order, from where on, how many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query<'a> {
    /// Which rows.
    pub filter: Filter<'a>,
    /// The order; the last columns make it total. Empty: the key, ascending. Rows that have null in a column of
    /// the order have no place in it and are not found: `Null` finds them.
    pub order: Vec<(Col, Dir)>,
    /// Only rows behind this one: a value for each column of the order.
    pub after: Option<Vec<Cell<'a>>>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Which of them to lock.
    pub lock: Lock,
}

impl<'a> Query<'a> {
    /// Every row that the filter takes, by key.
    pub fn filter(filter: Filter<'a>) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }
}

/// Rows of another table that name rows of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Related {
    /// The other table.
    pub table: &'static Table,
    /// Its column, which holds an id.
    pub column: Col,
    /// The column of the query's table with that id.
    pub names: Col,
}

/// A database.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// What it is.
    fn info(&self) -> StoreInfo;

    /// Begins a transaction of one organization.
    ///
    /// # Errors
    /// `CMMS-STORE-002` when another writer does not end in time.
    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>>;

    /// The id of the organization of this name; made at its first use.
    ///
    /// Of the few calls that start without an organization.
    ///
    /// # Errors
    /// Those of a write.
    async fn organization(&self, name: &str, new: OrgId, now: DateTime<Utc>) -> Result<OrgId>;

    /// Every organization, by name. Of the few calls that start without one: for who carries a whole store.
    ///
    /// # Errors
    /// Those of a read.
    async fn organizations(&self) -> Result<Vec<Organization>>;

    /// Every step of this program's schema, and when the database had it. A store without a schema has none.
    ///
    /// # Errors
    /// `CMMS-STORE-006` when the database is newer.
    async fn migrations(&self) -> Result<Vec<MigrationStep>> {
        Ok(Vec::new())
    }

    /// Brings the schema up to this program's.
    ///
    /// # Errors
    /// `CMMS-STORE-006` when the database is newer.
    async fn migrate(&self) -> Result<Migrated>;

    /// Whether it answers.
    ///
    /// # Errors
    /// What keeps it from answering.
    async fn health(&self) -> Result<StoreHealth>;
}

/// A transaction of one organization: no call can name another. Dropping it rolls back.
///
/// A table is the `'static` description of a record; cells of a key and of rows come without the organization.
#[async_trait]
pub trait Tx: Send {
    /// Reads the rows of these keys, in no order; missing ones are left out.
    async fn get(
        &mut self,
        table: &'static Table,
        keys: &[&[Cell<'_>]],
        lock: Lock,
        to: &mut dyn RowTarget,
    ) -> Result<()>;

    /// Saves rows; each has its own answer, in order, and the transaction stays usable.
    /// In [`TxMode::Once`] all rows of a call are saved or, on an error, none.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a key repeated in one call or a write in a snapshot; then the transaction stays
    /// usable. With any other error of a write it has ended, and nothing of it is stored; so it has where the future of
    /// a write was dropped before its end.
    async fn save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>>;

    /// Saves rows by [`SaveRule::Upsert`] and reads them as they are then, in no order.
    async fn upsert_and_get(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        to: &mut dyn RowTarget,
    ) -> Result<Vec<Saved>> {
        let saved = self.save(table, rows, SaveRule::Upsert).await?;
        let keys: Vec<Row> = (0..rows.len())
            .map(|i| Row::of_key(table, rows, i))
            .collect();
        let keys: Vec<&[Cell<'_>]> = keys.iter().map(|key| key.0.as_slice()).collect();
        self.get(table, &keys, Lock::None, to).await?;
        Ok(saved)
    }

    /// Inserts rows that are new, now or at any time up to the commit: together with others where a store is far away.
    /// Reads and writes of this transaction find them at once.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` where one was not new, here or at a later call; then the transaction has ended.
    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()>;

    /// Reads the rows of a query, in its order.
    async fn list(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
    ) -> Result<()>;

    /// Reads the rows of a query, in its order, and the rows of another table that name one of them, in no order.
    ///
    /// A store that serves several writers at once answers both from one state, in [`TxMode::Once`], too, and one that
    /// is far away with one way to it and back. What is provided reads twice.
    async fn list_with(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
        related: &Related,
        of_them: &mut dyn RowTarget,
    ) -> Result<()> {
        let mut named = Named::new(table, related.names, to);
        self.list(table, query, &mut named).await?;
        match named.ids {
            ids if ids.is_empty() => Ok(()),
            ids => {
                let query = Query::filter(Filter::In(related.column, ids));
                self.list(related.table, &query, of_them).await
            }
        }
    }

    /// Counts the rows that a filter takes: all of them in one group, or a group for each value of a column, of the most
    /// rows first, then by value, null before all.
    ///
    /// A database counts by itself. What is provided reads the rows.
    async fn count(&mut self, table: &'static Table, count: &Count<'_>) -> Result<Vec<Group>> {
        // A view counts by any column of its rows, as it filters by any.
        let whole = crate::domain::TABLES
            .iter()
            .find(|whole| whole.name == table.name);
        let table = whole.copied().unwrap_or(table);
        let mut values = Values::new(table, count.place(table)?);
        let query = Query::filter(count.filter.clone());
        self.list(table, &query, &mut values).await?;
        Ok(values.into_groups(count.limit))
    }

    /// Deletes the rows of these keys and says how many there were.
    ///
    /// # Errors
    /// As [`save`](Self::save): with an error the transaction has ended, and nothing of it is stored.
    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64>;

    /// The time by a clock that all programs of this store share; none where each has only its own.
    ///
    /// # Errors
    /// Those of a read.
    async fn time(&mut self) -> Result<Option<DateTime<Utc>>> {
        Ok(None)
    }

    /// Whether another writer, of this process or of another one, waits for this transaction to end. Long work then
    /// ends it at the next place where it may, and the next transaction begins behind that writer's.
    fn others_wait(&self) -> bool;

    /// Makes all of it durable.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Undoes all of it.
    async fn rollback(self: Box<Self>) -> Result<()>;
}

/// The error of a row that was taken for new and is not.
pub fn not_new(table: &Table) -> crate::Error {
    crate::Error::internal(format!(
        "a row of {} was taken for new and is not",
        table.name
    ))
}

/// Hands rows on and keeps the value of one column.
pub struct Named<'t> {
    width: usize,
    place: Option<usize>,
    to: &'t mut dyn RowTarget,
    /// The values, in the order of the rows.
    pub ids: Vec<Cell<'static>>,
}

impl<'t> Named<'t> {
    /// Keeps the values of this column.
    pub fn new(table: &'static Table, column: Col, to: &'t mut dyn RowTarget) -> Self {
        Self {
            width: table.columns.len(),
            place: table.position(column.0),
            to,
            ids: Vec::new(),
        }
    }
}

impl RowTarget for Named<'_> {
    fn row(&mut self, from: &mut dyn Source) -> Result<()> {
        let mut row = Rows::of_width(self.width);
        RowTarget::row(&mut row, from)?;
        for row in row.rows {
            let id = self.place.and_then(|place| row.0.get(place)).cloned();
            self.to.row(&mut row.into_source())?;
            // One that was not taken is no row of the answer.
            self.ids.extend(id.filter(|_| self.to.takes_more()));
        }
        Ok(())
    }

    fn takes_more(&self) -> bool {
        self.to.takes_more()
    }
}
