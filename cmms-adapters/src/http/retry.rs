//! How long to wait before a request is repeated.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest wait that a vendor can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
/// The first wait, before chance shortens it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait of our own.
const LONGEST: Duration = Duration::from_secs(30);

/// Waits that grow twofold, of which chance picks a part, so that clients do not come back all at once.
#[derive(Debug)]
pub(super) struct Backoff {
    chance: Mutex<fastrand::Rng>,
}

impl Backoff {
    pub(super) fn new(chance: fastrand::Rng) -> Self {
        Self {
            chance: Mutex::new(chance),
        }
    }

    /// The wait before this repetition, counted from 0.
    pub(super) fn wait(&self, repetition: u32) -> Duration {
        let most = FIRST
            .saturating_mul(2_u32.saturating_pow(repetition))
            .min(LONGEST);
        let part = self
            .chance
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64();
        most.mul_f64(part)
    }
}

/// What `Retry-After` asks for: seconds or an HTTP date, at most five minutes. Anything else asks for
/// nothing.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds are still a wish to wait long.
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let at = DateTime::parse_from_rfc2822(text).ok()?;
        (at.with_timezone(&Utc) - now).to_std().unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_half_a_minute_and_differ() {
        let backoff = Backoff::new(fastrand::Rng::with_seed(7));
        for (repetition, most) in [1, 2, 4, 8, 16, 30, 30, 30].into_iter().enumerate() {
            let repetition = u32::try_from(repetition).unwrap();
            let waits: Vec<_> = (0..200).map(|_| backoff.wait(repetition)).collect();
            let longest = waits.iter().max().unwrap();
            assert!(*longest <= Duration::from_secs(most));
            assert!(*longest > Duration::from_secs(most).mul_f64(0.9));
            assert!(waits.iter().min().unwrap() < &Duration::from_secs(most).mul_f64(0.1));
        }
        assert!(backoff.wait(u32::MAX) <= LONGEST);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_garbage_is_nothing() {
        let now: DateTime<Utc> = "2026-11-24T10:00:00Z".parse().unwrap();
        let rows: &[(&str, Option<u64>)] = &[
            ("0", Some(0)),
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("301", Some(300)),
            ("99999999999999999999999", Some(300)),
            ("Tue, 24 Nov 2026 10:00:30 GMT", Some(30)),
            ("Tue, 24 Nov 2026 09:00:00 GMT", Some(0)),
            ("Wed, 25 Nov 2026 10:00:00 GMT", Some(300)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("7 seconds", None),
        ];
        for (text, wait) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(
                retry_after(&headers, now),
                wait.map(Duration::from_secs),
                "{text}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
