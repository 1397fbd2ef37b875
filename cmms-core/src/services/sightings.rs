//! How long each lease of another process has been seen as it is.
//!
//! Clocks of hosts differ and are set, so a time that another host wrote says nothing here. Where the store has no clock
//! that all of its programs share, whoever looks at a lease measures by a clock of its own that never goes back: from
//! its first look at this state of the lease on, which its owner would have changed by renewing it.

use crate::domain::entity::Entity;
use crate::domain::sync_state::SyncLease;
use crate::ids::ConnectionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A state of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    fence: i64,
    version: i64,
    since: Duration,
}

/// The last state of each lease that was looked at, and when it was first seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Sightings(Arc<Mutex<BTreeMap<(ConnectionId, Entity), Seen>>>);

impl Sightings {
    /// For how long the lease has been seen unchanged, at this moment of the observer's clock.
    pub(super) fn unchanged_for(&self, lease: &SyncLease, now: Duration) -> Duration {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Seen {
            fence: lease.fence,
            version: lease.version,
            since: now,
        };
        let known = seen
            .entry((lease.connection_id, lease.entity))
            .or_insert(new);
        if (known.fence, known.version) != (new.fence, new.version) {
            *known = new;
        }
        now.saturating_sub(known.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::samples;

    #[test]
    fn a_lease_counts_from_the_first_look_at_its_state() {
        let sightings = Sightings::default();
        let mut lease = samples::sync_lease(samples::connection_id(1), Entity::Asset, 1);
        let at = |lease: &SyncLease, seconds| {
            let now = Duration::from_secs(seconds);
            sightings.unchanged_for(lease, now).as_secs()
        };
        assert_eq!((at(&lease, 100), at(&lease, 107)), (0, 7));
        lease.version += 1;
        assert_eq!((at(&lease, 111), at(&lease, 115)), (0, 4), "renewed");
        lease.fence += 1;
        assert_eq!(at(&lease, 116), 0, "taken");
        lease.entity = Entity::WorkOrder;
        assert_eq!(at(&lease, 120), 0, "another one");
    }
}
