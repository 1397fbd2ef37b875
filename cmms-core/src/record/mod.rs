//! What is stored, described once, as data.
//!
//! One [`record!`](crate::record!) entry gives the struct, its [`Table`] and both directions of conversion.
//! Stores, migrations, audit differences and the memory store read the same description; no repository
//! is written per aggregate and engine.

mod cell;
mod field;
mod limits;
mod macros;
mod raw;
mod row;
mod table;

pub use cell::{Cell, Kind};
pub use field::{Digest, Field, Json};
pub use limits::{INDEXED, LARGEST, Refused, TIMES, large};
pub use raw::{DEPTH, RawJson};
pub use row::{Row, RowSource, RowTarget, Rows, Sink, Source};
pub use table::{Col, Column, Privacy, Record, Role, Table, in_column};
