//! Sending: limits, retries and the meaning of outcomes.

use super::answer::Answer;
use super::limiter::Limiter;
use super::outcome::{Failed, judge};
use super::request::Request;
use super::retry::Backoff;
use crate::egress::EgressClient;
use cmms_core::domain::connection::ConnectionOptions;
use cmms_core::error::Retry;
use cmms_core::ports::adapter::AdapterCx;
use cmms_core::{Error, Result, code};
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

    /// Checks what a connection's options say about calls, without calling anybody: its file of certificates.
    ///
    /// # Errors
    /// `CMMS-EGRESS-003`.
    pub fn check_options(&self, options: &ConnectionOptions) -> Result<()> {
        match &options.ca_file {
            Some(file) => self.client.check_ca_file(file.into()),
            None => Ok(()),
        }
    }

    /// Sends a request, again where that is safe and may help: with growing waits, or as long as the vendor
    /// asks. Where it asks to call less often and does not say for how long, five repetitions wait a minute in all. Statuses below 500 other than 408 and 429 are answers. A success that was spoilt on its way, such
    /// as the page of something in between or JSON that is cut, is asked for again twice.
    ///
    /// # Errors
    /// `CMMS-VENDOR-001` unreachable, `-004` cut or unreadable, `-005` rate limit, `-006` failed,
    /// `-007` too large, `-008` too slow, `-012` certificate; `CMMS-EGRESS-…`; `CMMS-OP-003` when the caller gave up.
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
            let sent = self.client.send(request.egress(&cx.options), self.patterns);
            let outcome = cx
                .cancel
                .run_until_cancelled(sent)
                .await
                .ok_or_else(gave_up)?;
            let failed = match judge(outcome, cx, &request.place()) {
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
