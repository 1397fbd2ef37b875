//! Rules: from which field of the vendor to which of ours, and how.

use super::path::Path;
use super::transform::Transform;
use crate::domain::entity::Entity;

/// One rule. Of several rules for one target, the first that gives a value wins; where none does, the last one says
/// whether the record is silent about the target.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRule {
    /// Where the value is: the first path that holds one.
    pub sources: Vec<Path>,
    /// The column of our record.
    pub target: &'static str,
    /// How the value is read.
    pub transform: Transform,
    /// Whether a new record without it is refused. A record that is here already keeps what it has, unless the vendor
    /// says that there is none.
    pub required: bool,
    /// Whether a record that does not name it has none, as for vendors that leave out what is empty. Else what was
    /// pulled before stays, and only null empties it.
    pub clears: bool,
}

impl FieldRule {
    /// A rule for a value that may be missing.
    pub fn new(sources: &[&str], target: &'static str, transform: Transform) -> Self {
        Self {
            sources: sources.iter().map(|s| Path::new(s)).collect(),
            target,
            transform,
            required: false,
            clears: false,
        }
    }

    /// The same rule for a field that the vendor leaves out where it is empty.
    #[must_use]
    pub fn clears(mut self) -> Self {
        self.clears = true;
        self
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
    /// Where the vendor says whether a record is archived: true or false.
    pub archived: Option<Path>,
    /// The rules.
    pub rules: Vec<FieldRule>,
}

impl EntityMapping {
    /// A mapping without a number for people, of a vendor that archives nothing.
    pub fn new(entity: Entity, revision: &'static str, rules: Vec<FieldRule>) -> Self {
        Self {
            entity,
            revision,
            number: None,
            archived: None,
            rules,
        }
    }

    /// The same with the vendor's number for people at this path.
    #[must_use]
    pub fn number(mut self, source: &str) -> Self {
        self.number = Some(Path::new(source));
        self
    }

    /// The same with the vendor's word on whether a record is archived at this path. It is kept with the record's link;
    /// a rule for the same path may make a status of it, too.
    #[must_use]
    pub fn archived(mut self, source: &str) -> Self {
        self.archived = Some(Path::new(source));
        self
    }
}

/// Rules, one after the other: source, column, transform, and `required` for a value that must be there or `clears` for
/// one that the vendor leaves out where it is empty.
///
/// ```
/// use cmms_core::mapping::{Transform, rules};
/// let rules = rules! {
///     "title" => title: Transform::Text, required;
///     "assignee.name" => assigned_to: Transform::Text, clears;
/// };
/// assert!(rules[0].required);
/// assert_eq!(rules[1].target, "assigned_to");
/// assert!(rules[1].clears);
/// ```
#[macro_export]
macro_rules! rules {
    ($($source:literal => $target:ident: $transform:expr $(, $said:ident)?);* $(;)?) => {
        vec![$(
            $crate::mapping::FieldRule::new(&[$source], stringify!($target), $transform)$(.$said())?
        ),*]
    };
}
