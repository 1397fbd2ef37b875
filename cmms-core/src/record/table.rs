//! The description of a kind of record.

use super::{Kind, Sink, Source};
use crate::{Error, Result};

/// The name of a column; the constants that `record!` makes are the only ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Col(pub &'static str);

/// What a column does when a row meets a stored one with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A part of the key (the store puts the organization before it).
    Key,
    /// Counts changes: an update is `Stale` unless the stored value is one less.
    Version,
    /// Equal means that nothing has changed, so nothing is written.
    Digest,
    /// The stored value stays.
    Once,
    /// The stored value and the given one are added.
    Sum,
    /// The given value replaces the stored one.
    Plain,
}

/// Who may see a column's values outside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Anybody.
    Public,
    /// People of the organization.
    Internal,
    /// About a person: exported and erased on request.
    Personal,
    /// Nobody; sealed.
    Secret,
}

/// One column.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the database and on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it does when rows meet.
    pub role: Role,
    /// Who may see it.
    pub privacy: Privacy,
}

/// A kind of record.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in the database.
    pub name: &'static str,
    /// Its columns, in the order of its rows.
    pub columns: &'static [Column],
    /// Sets of columns that are unique within the organization, beside the key. Null equals nothing.
    pub unique: &'static [&'static [&'static str]],
    /// Sets of columns that are looked up.
    pub index: &'static [&'static [&'static str]],
    /// Whether it is a narrower view of another table of the same name.
    pub projection: bool,
}

impl Table {
    /// The columns of the key, in order, with their places in the row.
    pub fn key(&self) -> impl Iterator<Item = (usize, &'static Column)> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.role == Role::Key)
    }

    /// The place of a column in the row.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// The place of the first column with this role.
    pub fn role(&self, role: Role) -> Option<usize> {
        self.columns.iter().position(|c| c.role == role)
    }
}

/// A struct that `record!` described.
pub trait Record: Sized + Send + Sync + 'static {
    /// The description.
    const TABLE: &'static Table;
    /// Writes the cells, in the order of the columns.
    fn write<'a>(&'a self, to: &mut dyn Sink<'a>);
    /// Writes the cells of the key, in order.
    fn write_key<'a>(&'a self, to: &mut dyn Sink<'a>);
    /// Reads the cells, in the order of the columns.
    ///
    /// # Errors
    /// Names the column whose cell does not fit.
    fn read(from: &mut dyn Source) -> Result<Self>;
}

/// Names the table and column in an error of a cell.
pub fn in_column(table: &str, column: &str, e: Error) -> Error {
    Error::internal(format!("{table}.{column}: {}", e.message())).source(e)
}
