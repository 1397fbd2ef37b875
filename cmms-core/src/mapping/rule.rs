//! Rules: from which field of the vendor to which of ours, and how.

use super::transform::Transform;
use crate::domain::entity::Entity;
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

/// One rule. Of several rules for one target, the first that gives a value wins.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRule {
    /// Where the value is: the first path that holds one.
    pub sources: Vec<Path>,
    /// The column of our record.
    pub target: &'static str,
    /// How the value is read.
    pub transform: Transform,
    /// Whether a record without it is refused.
    pub required: bool,
}

impl FieldRule {
    /// A rule for a value that may be missing.
    pub fn new(sources: &[&str], target: &'static str, transform: Transform) -> Self {
        Self {
            sources: sources.iter().map(|s| Path::new(s)).collect(),
            target,
            transform,
            required: false,
        }
    }

    /// The same rule for a value that must be there.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// All rules for one kind of record.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityMapping {
    /// The kind of record.
    pub entity: Entity,
    /// Names this version of the rules; it enters the digest of each link, so that records are mapped again
    /// after the rules have changed.
    pub revision: &'static str,
    /// Where the vendor's number for people is.
    pub number: Option<Path>,
    /// The rules.
    pub rules: Vec<FieldRule>,
}
