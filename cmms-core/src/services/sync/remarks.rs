//! What is said of a listing besides its records.

use super::run::error_of;
use crate::domain::entity::Entity;
use crate::domain::sync_run::{RunError, SyncRun};
use crate::ports::adapter::Remark;
use crate::{Error, code};

/// Tells them in the run, each once.
pub(super) fn tell(remarks: &[Remark], entity: Entity, run: &mut SyncRun) {
    for remark in remarks {
        let (code, detail) = match remark {
            Remark::Gap(detail) => (code::VENDOR_LIST, detail),
            Remark::Ignored(detail) => (code::VENDOR_IGNORES, detail),
        };
        let why = error_of(&Error::new(code, detail.clone()), Some(entity), None);
        if !run.errors.0.contains(&why) {
            run.add_error(why);
        }
    }
}

/// Whether an entry of a run tells something of which nothing is missing.
pub(super) fn is_notice(error: &RunError) -> bool {
    let notices = [
        code::RECORDS_AHEAD,
        code::RECORDS_GONE,
        code::FIELD_GONE,
        code::PARENT_CYCLE,
        code::VENDOR_IGNORES,
    ];
    notices.iter().any(|code| error.code == code.id())
}

/// Whether the run tells that records are missing.
pub(super) fn is_incomplete(run: &SyncRun) -> bool {
    let missing = [code::RECORDS_UNLISTED, code::VENDOR_LIST];
    let mut errors = run.errors.0.iter();
    errors.any(|e| missing.iter().any(|code| e.code == code.id()))
}
