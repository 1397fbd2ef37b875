//! Sending: limits, retries and the meaning of outcomes.

use super::answer::{Answer, misunderstood};
use super::limiter::Limiter;
use super::request::Request;
use super::retry::{Backoff, retry_after};
use crate::egress::{EgressClient, EgressReply, Failure};
use chrono::{DateTime, Utc};
use cmms_core::error::Retry;
use cmms_core::ports::adapter::AdapterCx;
use cmms_core::{Error, Result, code};
use reqwest::header::{DATE, HeaderMap};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;
use url::Url;

/// How often an answer that cannot be read is asked for again.
const UNREAD_RETRIES: u32 = 2;

/// HTTP for one adapter: its hosts, its retries, its limits. One object serves all its connections.
#[derive(Debug)]
pub struct HttpLayer {
    client: Arc<EgressClient>,
    patterns: &'static [&'static str],
    limiter: Limiter,
    backoff: Backoff,
}

/// An outcome that is no answer.
struct Failed {
    error: Error,
    /// Whether the same request can succeed in a moment.
    may_pass: bool,
    /// Whether the vendor cannot have acted on the request.
    unsent: bool,
    /// How long the vendor asks to wait.
    after: Option<Duration>,
    /// Whether the vendor asks to call less often.
    limited: bool,
}

impl HttpLayer {
    /// A layer for the hosts of a vendor: exact names, or with one leading `*.`.
    pub fn new(client: Arc<EgressClient>, patterns: &'static [&'static str]) -> Self {
        Self {
            client,
            patterns,
            limiter: Limiter::default(),
            backoff: Backoff::new(fastrand::Rng::new()),
        }
    }

    /// The same layer with waits that follow from a seed.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.backoff = Backoff::new(fastrand::Rng::with_seed(seed));
        self
    }

    /// Checks a base URL against the vendor's hosts and the egress policy, without calling anybody.
    ///
    /// # Errors
    /// `CMMS-EGRESS-001`, `CMMS-EGRESS-002`.
    pub fn check_url(&self, url: &str) -> Result<Url> {
        self.client.policy().check_url(url, self.patterns)
    }

    /// Sends a request, again where that is safe and may help: with growing waits, or as long as the vendor
    /// asks. Where it asks to call less often and does not say for how long, five repetitions wait a minute in all. Statuses below 500 other than 408 and 429 are answers. A success that was spoilt on its way, such
    /// as the page of something in between or JSON that is cut, is asked for again twice.
    ///
    /// # Errors
    /// `CMMS-VENDOR-001` unreachable, `-004` cut or unreadable, `-005` rate limit, `-006` failed,
    /// `-007` too large, `-008` too slow; `CMMS-EGRESS-…`; `CMMS-OP-003` when the caller gave up.
    pub async fn send(&self, cx: &AdapterCx, request: &Request) -> Result<Answer> {
        self.attempts(cx, request, &Ok).await
    }

    /// Sends a request and reads its answer as JSON.
    ///
    /// # Errors
    /// Those of [`send`](Self::send), [`Answer::success`] and [`Answer::json`].
    pub async fn send_json<T: DeserializeOwned + Send>(
        &self,
        cx: &AdapterCx,
        request: &Request,
    ) -> Result<T> {
        self.send_read(cx, request, |answer| answer.success()?.json())
            .await
    }

    /// The same with a reading of the adapter's own. Where [`Answer::json`] finds in a success what
    /// [`send`](Self::send) does not see, such as a broken text in the middle, that is asked for again, too.
    ///
    /// # Errors
    /// Those of [`send`](Self::send) and of the reading.
    pub async fn send_read<T: Send>(
        &self,
        cx: &AdapterCx,
        request: &Request,
        read: impl Fn(Answer) -> Result<T> + Sync,
    ) -> Result<T> {
        self.attempts(cx, request, &read).await
    }

    async fn attempts<T: Send>(
        &self,
        cx: &AdapterCx,
        request: &Request,
        read: &(impl Fn(Answer) -> Result<T> + Sync),
    ) -> Result<T> {
        let span = tracing::debug_span!(
            "cmms.http.send",
            connection = %cx.connection,
            method = %request.method(),
            path = request.path(),
        );
        self.send_again(cx, request, read).instrument(span).await
    }

    async fn send_again<T: Send>(
        &self,
        cx: &AdapterCx,
        request: &Request,
        read: &(impl Fn(Answer) -> Result<T> + Sync),
    ) -> Result<T> {
        let mut repetition = 0;
        let mut unread = 0;
        let mut limited = 0;
        loop {
            self.limiter.wait(cx).await?;
            let sent = self.client.send(request.egress(), self.patterns);
            let outcome = cx
                .cancel
                .run_until_cancelled(sent)
                .await
                .ok_or_else(gave_up)?;
            let failed = match judge(outcome, cx) {
                Ok(answer) => {
                    tracing::debug!(status = answer.status(), bytes = answer.body().len());
                    let says_success = (200..300).contains(&answer.status());
                    let again = request.is_repeatable()
                        && unread < UNREAD_RETRIES
                        && repetition < request.max_retries();
                    // Where it cannot be asked for again, the reading says what is wrong.
                    let spoilt = answer.spoilt().filter(|_| again && says_success);
                    let error = match spoilt {
                        Some(error) => error,
                        None => match read(answer) {
                            Err(error) if again && says_success && is_garbled(&error) => error,
                            read => return read,
                        },
                    };
                    unread += 1;
                    Failed {
                        error,
                        may_pass: true,
                        unsent: false,
                        after: None,
                        limited: false,
                    }
                }
                Err(failed) => failed,
            };
            // Requests to wait are counted by themselves: a run that met an outage still waits for a quota's minute.
            let before = if failed.limited { limited } else { repetition };
            let again = failed.may_pass
                && before < request.max_retries()
                && (request.is_repeatable() || failed.unsent);
            if !again {
                tracing::debug!(code = failed.error.code().id(), repetition, "gives up");
                return Err(failed.error);
            }
            let wait = match failed.after {
                // At once is not repeated at once for ever.
                Some(after) if !(failed.limited && after.is_zero() && limited > 0) => after,
                _ if failed.limited => self.backoff.quota(limited),
                _ => self.backoff.wait(repetition),
            };
            tracing::debug!(
                code = failed.error.code().id(),
                repetition,
                wait_ms = wait.as_millis(),
                "tries again"
            );
            pause(cx, wait).await?;
            if failed.limited {
                limited += 1;
            } else {
                repetition += 1;
            }
        }
    }
}

/// Whether an answer was spoilt on its way.
fn is_garbled(error: &Error) -> bool {
    error.is(code::VENDOR_ANSWER) && error.retry_hint() == Retry::Later
}

/// Waits, unless the caller gives up.
pub(crate) async fn pause(cx: &AdapterCx, wait: Duration) -> Result<()> {
    cx.cancel
        .run_until_cancelled(cx.clock.sleep(wait))
        .await
        .ok_or_else(gave_up)
}

fn gave_up() -> Error {
    Error::new(code::OP_CANCELLED, "the caller gave up")
}

fn judge(outcome: Result<EgressReply, Failure>, cx: &AdapterCx) -> Result<Answer, Failed> {
    let reply = outcome.map_err(of_failure)?;
    let status = reply.status.as_u16();
    let after = retry_after(&reply.headers, cx.clock.now());
    match status {
        429 => {
            let error = Error::new(code::VENDOR_LIMIT, "the vendor asks to call less often");
            Err(Failed {
                error: match after {
                    Some(wait) => error.retry(Retry::After(wait)),
                    None => error,
                },
                may_pass: true,
                unsent: true,
                after,
                limited: true,
            })
        }
        408 | 500..=599 => {
            let error = Error::new(
                code::VENDOR_ERROR,
                format!("the vendor's system failed (status {status})"),
            );
            let may_pass = matches!(status, 408 | 500 | 502 | 503 | 504);
            Err(Failed {
                error: match after {
                    Some(wait) => error.retry(Retry::After(wait)),
                    None if may_pass => error.retry(Retry::Later),
                    None => error,
                },
                may_pass,
                unsent: false,
                after,
                limited: false,
            })
        }
        _ => {
            if reply.status.is_success()
                && let Some(at) = dated(&reply.headers)
            {
                cx.vendor_clock.note(at);
            }
            Ok(Answer::new(reply))
        }
    }
}

/// When an answer was made, by the clock of who made it.
fn dated(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let at = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(at.with_timezone(&Utc))
}

fn of_failure(failure: Failure) -> Failed {
    let passing = |error, unsent| Failed {
        error,
        may_pass: true,
        unsent,
        after: None,
        limited: false,
    };
    let lasting = |error| Failed {
        error,
        may_pass: false,
        unsent: false,
        after: None,
        limited: false,
    };
    let unreachable = |e: reqwest::Error, what: &str| {
        Error::new(code::VENDOR_UNREACHABLE, what).source(e.without_url())
    };
    match failure {
        Failure::Refused(e) => lasting(e),
        Failure::Unreachable(e) => passing(
            unreachable(e, "the vendor's system cannot be reached"),
            true,
        ),
        Failure::Interrupted(e) => passing(
            unreachable(e, "the vendor's system ended the connection"),
            false,
        ),
        Failure::Timeout => passing(
            Error::new(code::VENDOR_TIMEOUT, "the vendor did not answer in time"),
            false,
        ),
        Failure::Truncated => passing(misunderstood("the vendor's answer is cut off"), false),
        Failure::TooLarge(why) => lasting(Error::new(
            code::VENDOR_TOO_LARGE,
            format!("the vendor's answer is refused: {why}"),
        )),
        Failure::Unreadable(why) => lasting(misunderstood(format!(
            "the vendor's answer cannot be read: {why}"
        ))),
        Failure::Redirect(why) => lasting(misunderstood(format!(
            "the vendor's answer is not followed: {why}"
        ))),
        Failure::Request(why) => {
            lasting(Error::internal(format!("a request cannot be sent: {why}")))
        }
    }
}
