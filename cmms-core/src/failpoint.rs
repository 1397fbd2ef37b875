//! Switches that break one guarantee at a time, so that its test can be seen to fail.
//!
//! Built only with the feature `failpoints`, which is never in what ships. Without it every switch is off
//! and costs nothing.

/// A guarantee that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Failpoint {
    /// The checkpoint is committed before the rows that it covers.
    CheckpointFirst = 1,
    /// A pull overwrites local edits of fields that the vendor did not change.
    IgnoreSnapshot = 2,
    /// A run takes a lease whose owner lives.
    StealLease = 4,
    /// A whole list is believed to have every record that there is.
    BelieveLists = 8,
    /// A run writes without asking whether its lease was taken from it.
    SkipFence = 16,
    /// A store forgets to ask for rows of its own organization only: the database has to keep them apart alone.
    ForgetOrganization = 32,
    /// A store believes that nobody has counted since it did.
    BelieveCounts = 64,
    /// What was to be written counts as written, also what was refused meanwhile.
    BelieveWrites = 1024,
    /// A record that the store refuses stops the run.
    StopAtPoison = 2048,
    /// What was pulled last is compared without the last digit of its long numbers.
    RoundSnapshots = 8192,
    /// A record's time is believed, however far the vendor's clock is from it.
    BelieveTimes = 256,
    /// Offsets are believed among records of one time, though their order changes.
    BelieveOffsets = 512,
    /// A store believes that a connection is set as it was before a call on it was dropped.
    BelieveDropped = 262144,
    /// Whether a lease has run out is measured by the clock of each host.
    TrustHostClocks = 524288,
    /// A run begins with the connection as it was when the run was planned.
    BelievePlan = 1048576,
    /// Whatever account a login leads to is taken for the connection's.
    BelieveAccount = 2097152,
    /// A field that a record does not name is taken for empty.
    ClearAbsent = 4194304,
    /// Numbered pages are read once: records that go between two of them are not noticed.
    BelievePageNumbers = 67108864,
    /// Any row that was inserted alone is taken for the proof of a commit whose answer was lost.
    BelieveAnyRow = 33554432,
    /// A vendor's assets are put below their parents whatever is below them.
    BelieveParents = 134217728,
}

#[cfg(feature = "failpoints")]
mod switches {
    use super::Failpoint;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ON: AtomicU32 = AtomicU32::new(0);

    /// Switches it on or off for the whole process.
    pub fn set(point: Failpoint, on: bool) {
        if on {
            ON.fetch_or(point as u32, Ordering::SeqCst);
        } else {
            ON.fetch_and(!(point as u32), Ordering::SeqCst);
        }
    }

    /// Whether it is switched on.
    pub fn is_on(point: Failpoint) -> bool {
        ON.load(Ordering::SeqCst) & (point as u32) != 0
    }
}

#[cfg(feature = "failpoints")]
pub use switches::{is_on, set};

/// Whether it is switched on: never.
#[cfg(not(feature = "failpoints"))]
pub fn is_on(_: Failpoint) -> bool {
    false
}
