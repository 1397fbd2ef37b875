//! One value on its way between a record and a store.

use std::borrow::Cow;
use uuid::Uuid;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// true or false
    Bool,
    /// A whole number of 64 bits; money is one, scaled by 10,000.
    Int,
    /// A floating number, never NaN.
    Real,
    /// UTF-8 without U+0000.
    Text,
    /// Octets.
    Bytes,
    /// A UUID, 16 octets.
    Id,
    /// Microseconds since 1970-01-01T00:00:00Z.
    Time,
    /// A JSON text, kept byte for byte.
    Json,
}

/// One value. Borrowed where it can be, owned (`Cell<'static>`) where it must stay.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// See [`Kind::Bool`].
    Bool(bool),
    /// See [`Kind::Int`].
    Int(i64),
    /// See [`Kind::Real`].
    Real(f64),
    /// See [`Kind::Text`].
    Text(Cow<'a, str>),
    /// See [`Kind::Bytes`].
    Bytes(Cow<'a, [u8]>),
    /// See [`Kind::Id`].
    Id(Uuid),
    /// See [`Kind::Time`].
    Time(i64),
    /// See [`Kind::Json`].
    Json(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// A text.
    pub fn text(s: &'a str) -> Self {
        Self::Text(Cow::Borrowed(s))
    }

    /// The same value, owned.
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Cell::Null => Cell::Null,
            Cell::Bool(v) => Cell::Bool(v),
            Cell::Int(v) => Cell::Int(v),
            Cell::Real(v) => Cell::Real(v),
            Cell::Text(v) => Cell::Text(Cow::Owned(v.into_owned())),
            Cell::Bytes(v) => Cell::Bytes(Cow::Owned(v.into_owned())),
            Cell::Id(v) => Cell::Id(v),
            Cell::Time(v) => Cell::Time(v),
            Cell::Json(v) => Cell::Json(Cow::Owned(v.into_owned())),
        }
    }

    /// The same value, borrowed from this one.
    pub fn borrowed(&self) -> Cell<'_> {
        match self {
            Cell::Null => Cell::Null,
            Cell::Bool(v) => Cell::Bool(*v),
            Cell::Int(v) => Cell::Int(*v),
            Cell::Real(v) => Cell::Real(*v),
            Cell::Text(v) => Cell::Text(Cow::Borrowed(v)),
            Cell::Bytes(v) => Cell::Bytes(Cow::Borrowed(v)),
            Cell::Id(v) => Cell::Id(*v),
            Cell::Time(v) => Cell::Time(*v),
            Cell::Json(v) => Cell::Json(Cow::Borrowed(v)),
        }
    }

    /// Whether it is [`Cell::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Cell::Null)
    }

    /// The order of every store: by value; text by code point; null before all (order columns have none).
    pub fn compare(&self, other: &Cell<'_>) -> std::cmp::Ordering {
        use std::cmp::Ordering;
        match (self, other) {
            (Cell::Null, Cell::Null) => Ordering::Equal,
            (Cell::Null, _) => Ordering::Less,
            (_, Cell::Null) => Ordering::Greater,
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
            (Cell::Int(a), Cell::Int(b)) | (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
            (Cell::Real(a), Cell::Real(b)) => a.total_cmp(b),
            (Cell::Text(a), Cell::Text(b)) | (Cell::Json(a), Cell::Json(b)) => {
                a.as_bytes().cmp(b.as_bytes())
            }
            (Cell::Bytes(a), Cell::Bytes(b)) => a.cmp(b),
            (Cell::Id(a), Cell::Id(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Cell::Null => 0,
            Cell::Bool(_) => 1,
            Cell::Int(_) => 2,
            Cell::Real(_) => 3,
            Cell::Text(_) => 4,
            Cell::Bytes(_) => 5,
            Cell::Id(_) => 6,
            Cell::Time(_) => 7,
            Cell::Json(_) => 8,
        }
    }
}
