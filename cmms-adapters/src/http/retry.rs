//! How long to wait before a request is repeated.

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest wait that a vendor can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
/// The first wait, before chance shortens it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait of our own.
const LONGEST: Duration = Duration::from_secs(30);
/// The first wait for a quota that does not say when it is there again. Five that grow twofold are 62 seconds: a quota
/// is mostly one of a minute.
const FIRST_OF_QUOTA: Duration = Duration::from_secs(2);

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
        grown(FIRST, repetition).min(LONGEST).mul_f64(self.part())
    }

    /// The wait before this repetition, counted from 0, of a request for which the vendor has no quota left and does
    /// not say when it has. Chance makes it longer, never shorter.
    pub(super) fn quota(&self, repetition: u32) -> Duration {
        let least = grown(FIRST_OF_QUOTA, repetition).min(MAX_RETRY_AFTER);
        least.mul_f64(1.0 + self.part() / 4.0)
    }

    fn part(&self) -> f64 {
        self.chance
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64()
    }
}

fn grown(first: Duration, repetition: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(repetition))
}

/// What `Retry-After` asks for: seconds, also broken ones, or an HTTP date in one of its three forms; at most five
/// minutes. Anything else asks for nothing. A date is the vendor's, so it is compared with the `Date` of the same
/// answer, and with our time where there is none.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = text_of(headers, RETRY_AFTER)?;
    let wait = match seconds(text) {
        Some(wait) => wait,
        None => {
            let theirs = text_of(headers, DATE).and_then(http_date);
            (http_date(text)? - theirs.unwrap_or(now))
                .to_std()
                .unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// `20` or `20.5`.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    // More digits than a number holds are still a wish to wait long.
    let wait = text
        .parse()
        .ok()
        .and_then(|n| Duration::try_from_secs_f64(n).ok());
    Some(wait.unwrap_or(MAX_RETRY_AFTER))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`; a zone in numbers
/// is read, too.
pub(super) fn http_date(text: &str) -> Option<DateTime<Utc>> {
    let standard = httpdate::parse_http_date(text).ok().map(DateTime::from);
    standard.or_else(|| {
        DateTime::parse_from_rfc2822(text)
            .ok()
            .map(|at| at.to_utc())
    })
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
        let rows: &[(&str, Option<f64>)] = &[
            ("0", Some(0.0)),
            ("7", Some(7.0)),
            (" 7 ", Some(7.0)),
            ("20.5", Some(20.5)),
            ("0.25", Some(0.25)),
            ("301", Some(300.0)),
            ("300.1", Some(300.0)),
            ("99999999999999999999999", Some(300.0)),
            ("Tue, 24 Nov 2026 10:00:30 GMT", Some(30.0)),
            ("Tuesday, 24-Nov-26 10:00:31 GMT", Some(31.0)),
            ("Tue Nov 24 10:00:32 2026", Some(32.0)),
            ("Tue, 24 Nov 2026 11:00:33 +0100", Some(33.0)),
            ("Tue, 24 Nov 2026 09:00:00 GMT", Some(0.0)),
            ("Wed, 25 Nov 2026 10:00:00 GMT", Some(300.0)),
            ("-1", None),
            ("-1.5", None),
            ("1.", None),
            (".5", None),
            ("1.5.2", None),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
            ("7 seconds", None),
        ];
        for (text, wait) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(
                retry_after(&headers, now),
                wait.map(Duration::from_secs_f64),
                "{text}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_date_to_come_back_is_read_by_the_vendors_clock() {
        let now: DateTime<Utc> = "2026-11-24T12:34:56Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        let date = |text: &str| text.parse().unwrap();
        headers.insert(RETRY_AFTER, date("Tue, 24 Nov 2026 10:00:30 GMT"));
        headers.insert(DATE, date("Tue, 24 Nov 2026 10:00:10 GMT"));
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(20)));
    }

    #[test]
    fn five_waits_for_a_quota_are_more_than_its_minute() {
        for seed in 0..50 {
            let backoff = Backoff::new(fastrand::Rng::with_seed(seed));
            let all: Duration = (0..5).map(|n| backoff.quota(n)).sum();
            assert!(all > Duration::from_secs(60), "{all:?}");
            assert!(all < Duration::from_secs(80), "{all:?}");
        }
    }
}
