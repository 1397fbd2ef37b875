//! Long calls step aside, so that other tasks of the runtime go on meanwhile.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Up to so many rows a call is short enough to run in place.
pub(super) const SHORT: usize = 64;

/// Runs it; where it is long, other tasks of a multi-thread runtime move to another thread first.
pub(super) fn step_aside<T>(long: bool, work: impl FnOnce() -> T) -> T {
    let several =
        || Handle::try_current().is_ok_and(|h| h.runtime_flavor() == RuntimeFlavor::MultiThread);
    if long && several() {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
