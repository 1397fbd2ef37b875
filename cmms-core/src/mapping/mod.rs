//! How a vendor's record becomes ours: rules as data, each a closed transform.
//!
//! An adapter ships an [`EntityMapping`]; [`compile`] binds it to the columns of its record once, and the
//! result maps raw JSON to cells. What cannot be mapped is reported with field and reason; it is never 0,
//! "" or silently left out.

mod apply;
mod path;
mod rule;
mod transform;

pub use crate::rules;
pub use apply::{Compiled, Mapped, MappedRef, cell_json, compile};
pub use path::Path;
pub use rule::{EntityMapping, FieldRule};
pub use transform::{Transform, Words, normal};

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
