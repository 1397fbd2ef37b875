//! Paths into a vendor's record.

use serde_json::Value;
use std::fmt;

/// A dotted path into a vendor's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// A path such as `location.name`.
    pub fn new(dotted: &str) -> Self {
        Self(dotted.to_owned())
    }

    /// The value at the path. `null` and a missing field are the same: nothing.
    pub fn find<'v>(&self, record: &'v Value) -> Option<&'v Value> {
        let found = self
            .0
            .split('.')
            .try_fold(record, |value, name| value.get(name))?;
        (!found.is_null()).then_some(found)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
