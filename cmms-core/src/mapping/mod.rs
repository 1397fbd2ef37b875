//! How a vendor's record becomes ours: rules as data, each a closed transform.
//!
//! An adapter ships an [`EntityMapping`]; a user's mappings ([`Custom`]) are laid over it. [`compile_with`] binds
//! both to the columns of the record once, and the result maps raw JSON to cells. What cannot be mapped is
//! reported with field and reason; it is never 0, "" or silently left out.

mod apply;
mod canonical;
mod column;
mod custom;
mod moment;
mod overlay;
mod path;
mod reader;
mod rule;
mod rules;
mod shape;
mod source;
mod targets;
mod transform;
mod words;

pub use crate::rules;
pub use apply::{
    AbsentField, Compiled, Finding, Mapped, MappedMember, MappedRef, cell_json, compile,
    compile_with,
};
pub use canonical::canonical;
pub use custom::{Custom, Written};
pub use moment::time_of;
pub use path::Path;
pub use rule::{EntityMapping, FieldRule};
pub use rules::{Changed, Rule};
pub use shape::Shape;
pub use source::VendorRecord;
pub use targets::{Target, targets};
pub use transform::{Transform, Words};
pub use words::normal;

use crate::Error;

/// Why a record cannot be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapError {
    /// The vendor's field.
    pub field: String,
    /// The stable slug of the rule that it breaks.
    pub reason: &'static str,
    /// What is wrong, for a person.
    pub detail: String,
}

impl From<MapError> for Error {
    fn from(e: MapError) -> Self {
        Error::new(crate::code::RECORD_REFUSED, e.detail.clone()).field(e.field, e.reason, e.detail)
    }
}
