//! Ids that are the same in every run of a test.

use crate::ids::IdGen;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Ids that follow from a seed: shaped as UUID v7, each behind the one before it.
///
/// ```
/// use cmms_core::ids::IdGen;
/// use cmms_core::testing::SeededIds;
///
/// let (a, b) = (SeededIds::new(1), SeededIds::new(1));
/// let first = a.next();
/// assert_eq!(first, b.next());
/// assert!(first < a.next());
/// assert_eq!(first.get_version_num(), 7);
/// ```
#[derive(Debug, Default)]
pub struct SeededIds {
    seed: u64,
    made: AtomicU64,
}

impl SeededIds {
    /// The ids of this seed, from the first on.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            made: AtomicU64::new(0),
        }
    }
}

impl IdGen for SeededIds {
    fn next(&self) -> Uuid {
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        let mut random = fastrand::Rng::with_seed(self.seed.rotate_left(32) ^ n);
        // 2024-01-15T09:00:00Z; a counter runs through the milliseconds and the 12 bits behind them.
        let millis = u128::from(1_705_309_200_000 + (n >> 12)) & ((1 << 48) - 1);
        let counter = u128::from(n & 0xfff);
        let tail = u128::from(random.u64(0..1 << 62));
        Uuid::from_u128((millis << 80) | (7 << 76) | (counter << 64) | (2 << 62) | tail)
    }
}
