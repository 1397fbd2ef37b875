//! How many records are written at a time, so that who waits for the writer waits a short time, however slow the store
//! is: each piece of a bulk write is as large as the measured time of the one before allows.

use std::time::Duration;

/// How long a piece is to take. What ends its transaction comes on top, and who waits is to have its turn within twice
/// as long.
const AIM: Duration = Duration::from_millis(40);
/// The records of the first piece, of whose time nothing is known.
const FIRST: usize = 64;

/// The size of the pieces of a bulk write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    size: usize,
    most: usize,
}

impl Pace {
    /// One that begins small and never has more than so many records.
    pub(super) fn up_to(most: usize) -> Self {
        Self {
            size: FIRST.min(most).max(1),
            most: most.max(1),
        }
    }

    /// How many records the next piece may have.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Notes how long a piece of so many records took.
    pub(super) fn took(&mut self, records: usize, time: Duration) {
        if records == 0 {
            return;
        }
        let fit = AIM.as_nanos().saturating_mul(records as u128) / time.as_nanos().max(1);
        let fit = usize::try_from(fit).unwrap_or(usize::MAX);
        if time > AIM {
            self.size = self.size.min(fit).max(1);
        } else if records >= self.size {
            // A piece that was less than full says little of what a full one takes. Growing by steps, since one quick
            // piece says nothing certain of the next.
            self.size = self.size.saturating_mul(2).min(fit).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock as _;
    use crate::testing::SteppedClock;

    /// Writes so many pieces on a store that takes so long for each record, and answers the last piece's size and the
    /// longest time of a piece but the first.
    fn written(
        pace: &mut Pace,
        clock: &SteppedClock,
        pieces: usize,
        each: Duration,
    ) -> (usize, Duration) {
        let (mut size, mut longest) = (0, Duration::ZERO);
        for piece in 0..pieces {
            let began = clock.elapsed();
            size = pace.size();
            clock.advance(each * u32::try_from(size).unwrap());
            let took = clock.elapsed() - began;
            pace.took(size, took);
            if piece > 0 {
                longest = longest.max(took);
            }
        }
        (size, longest)
    }

    #[test]
    fn pieces_shrink_when_the_store_is_slow_and_grow_again() {
        let clock = SteppedClock::default();
        let mut pace = Pace::up_to(500);
        let micros = Duration::from_micros;
        let (size, longest) = written(&mut pace, &clock, 8, micros(30));
        assert_eq!(size, 500, "a quick store takes the most at a time");
        assert!(longest <= AIM);
        let (size, longest) = written(&mut pace, &clock, 8, micros(1_000));
        assert_eq!(size, 40);
        assert!(
            longest <= AIM,
            "only the first piece found out: {longest:?}"
        );
        let (size, _) = written(&mut pace, &clock, 8, micros(200_000));
        assert_eq!(size, 1, "never less than one");
        let (size, longest) = written(&mut pace, &clock, 12, micros(30));
        assert_eq!(size, 500);
        assert!(longest <= AIM);
    }

    #[test]
    fn a_piece_that_is_not_full_tells_only_that_it_was_too_slow() {
        let mut pace = Pace::up_to(500);
        pace.took(1, Duration::from_millis(30));
        assert_eq!(pace.size(), FIRST);
        pace.took(2, Duration::from_millis(80));
        assert_eq!(pace.size(), 1);
        pace.took(0, Duration::from_secs(1));
        assert_eq!(pace.size(), 1);
        pace.took(1, Duration::ZERO);
        assert_eq!(pace.size(), 2);
    }
}
