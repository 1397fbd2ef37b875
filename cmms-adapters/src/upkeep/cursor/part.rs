//! The parts of a listing, and what is known of each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A part of a listing: work orders may need two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) of: Of,
    /// The lower bound that every part begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<i64>,
    /// The latest time seen in the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<DateTime<Utc>>,
    /// Whether the part before was asked for changes only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) after_changes: bool,
    /// The first row of the list as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<String>,
    /// Whether the list was asked for archived ones and gave others.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) ignores_archived: bool,
    /// Whether a block of equal times could not be read whole.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) has_gap: bool,
}

impl Part {
    /// One that begins there.
    pub(super) fn new(of: Of, from: Option<i64>) -> Self {
        Self {
            of,
            from,
            before: None,
            after_changes: false,
            first: None,
            ignores_archived: false,
            has_gap: false,
        }
    }
}

/// Whether a list holds archived work orders unless they are asked for is not known: where it showed none
/// they are asked for. It is not asked for those that are not archived, since a filter may pass over records
/// that do not have the field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Of {
    /// Everything: there are no archived ones, or they were seen.
    Whole,
    /// The list as it is, which has shown no archived ones.
    Plain,
    /// The archived ones.
    Archived,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
