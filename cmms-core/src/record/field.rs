//! Types that a column can hold.

use super::{Cell, Kind};
use crate::{Error, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt;
use uuid::Uuid;

/// A type that one column holds.
pub trait Field: Sized {
    /// What the column holds.
    const KIND: Kind;
    /// Whether it may be null.
    const NULLABLE: bool = false;
    /// The value on its way to a store.
    fn cell(&self) -> Cell<'_>;
    /// The value on its way from a store.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for a value of another kind.
    fn from_cell(cell: Cell<'_>) -> Result<Self>;
}

/// The error of a cell that holds another kind than its column.
pub(super) fn wrong(want: Kind, got: &Cell<'_>) -> Error {
    let got = match got {
        Cell::Null => "null".to_owned(),
        other => format!("{other:?}")
            .split('(')
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    Error::internal(format!("a stored value should be {want:?} and is {got}"))
}

macro_rules! fields {
    ($($ty:ty: $kind:ident, $self:ident => $to:expr, $pattern:pat => $from:expr;)*) => { $(
        impl Field for $ty {
            const KIND: Kind = Kind::$kind;
            fn cell(&$self) -> Cell<'_> { $to }
            fn from_cell(cell: Cell<'_>) -> Result<Self> {
                match cell { $pattern => $from, other => Err(wrong(Kind::$kind, &other)) }
            }
        }
    )* };
}

fields! {
    bool: Bool, self => Cell::Bool(*self), Cell::Bool(v) => Ok(v);
    i64: Int, self => Cell::Int(*self), Cell::Int(v) => Ok(v);
    u32: Int, self => Cell::Int(i64::from(*self)), Cell::Int(v) => u32::try_from(v)
        .map_err(|_| Error::internal("a stored number is too large"));
    f64: Real, self => Cell::Real(*self), Cell::Real(v) => Ok(v);
    String: Text, self => Cell::Text(Cow::Borrowed(self)), Cell::Text(v) => Ok(v.into_owned());
    Vec<u8>: Bytes, self => Cell::Bytes(Cow::Borrowed(self)), Cell::Bytes(v) => Ok(v.into_owned());
    Uuid: Id, self => Cell::Id(*self), Cell::Id(v) => Ok(v);
    DateTime<Utc>: Time, self => Cell::Time(self.timestamp_micros()), Cell::Time(v) =>
        DateTime::from_timestamp_micros(v).ok_or_else(|| Error::internal("a stored time is out of range"));
    NaiveDate: Text, self => Cell::Text(Cow::Owned(self.format("%Y-%m-%d").to_string())), Cell::Text(v) =>
        v.parse().map_err(|_| Error::internal("a stored date cannot be read"));
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, Field::cell)
    }
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Null => Ok(None),
            some => T::from_cell(some).map(Some),
        }
    }
}

fn to_json<T: Serialize>(value: &T) -> Cell<'static> {
    // Our JSON columns hold trees of strings and numbers, for which serialising cannot fail.
    Cell::Json(Cow::Owned(
        serde_json::to_string(value).unwrap_or_else(|_| "null".into()),
    ))
}

fn from_json<T: DeserializeOwned>(cell: &Cell<'_>) -> Result<T> {
    match cell {
        Cell::Json(text) => serde_json::from_str(text)
            .map_err(|e| Error::internal("a stored JSON text cannot be read").source(e)),
        other => Err(wrong(Kind::Json, other)),
    }
}

impl Field for Vec<String> {
    const KIND: Kind = Kind::Json;
    fn cell(&self) -> Cell<'_> {
        if self.is_empty() {
            return Cell::Json(Cow::Borrowed("[]"));
        }
        to_json(self)
    }
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        from_json(&cell)
    }
}

impl Field for serde_json::Map<String, serde_json::Value> {
    const KIND: Kind = Kind::Json;
    fn cell(&self) -> Cell<'_> {
        if self.is_empty() {
            return Cell::Json(Cow::Borrowed("{}"));
        }
        to_json(self)
    }
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        from_json(&cell)
    }
}

/// A value that is stored as one JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Field for Json<T> {
    const KIND: Kind = Kind::Json;
    fn cell(&self) -> Cell<'_> {
        to_json(&self.0)
    }
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        from_json(&cell).map(Self)
    }
}

/// The first 16 octets of a SHA-256: tells whether a stored record still equals what a vendor sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of some parts; the length of each part enters it, so parts cannot run into each other.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let full: [u8; 32] = hash.finalize().into();
        let mut short = [0; 16];
        short.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        Self(short)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl Field for Digest {
    const KIND: Kind = Kind::Bytes;
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(Cow::Borrowed(&self.0))
    }
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Bytes(v) => v
                .as_ref()
                .try_into()
                .map(Self)
                .map_err(|_| Error::internal("a stored digest has another length")),
            other => Err(wrong(Kind::Bytes, &other)),
        }
    }
}
