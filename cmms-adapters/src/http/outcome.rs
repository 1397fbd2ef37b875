//! What an exchange that gave no answer means.

use super::answer::{Answer, misunderstood};
use super::retry::{http_date, retry_after};
use crate::egress::{BadCertificate, EgressReply, Failure, Trust};
use chrono::{DateTime, Utc};
use cmms_core::error::Retry;
use cmms_core::ports::adapter::AdapterCx;
use cmms_core::{Error, Result, code};
use reqwest::header::{DATE, HeaderMap};
use std::time::Duration;

/// An outcome that is no answer.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Whether the same request can succeed in a moment.
    pub(super) may_pass: bool,
    /// Whether the vendor cannot have acted on the request.
    pub(super) unsent: bool,
    /// How long the vendor asks to wait.
    pub(super) after: Option<Duration>,
    /// Whether the vendor asks to call less often.
    pub(super) limited: bool,
}

/// Tells answers from failures. `place` is whom the request was for.
pub(super) fn judge(
    outcome: Result<EgressReply, Failure>,
    cx: &AdapterCx,
    place: &str,
) -> Result<Answer, Failed> {
    let reply = outcome.map_err(|failure| of_failure(failure, place))?;
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
    http_date(text.trim())
}

fn of_failure(failure: Failure, place: &str) -> Failed {
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
    let unreachable = |e: reqwest::Error, what: String| {
        Error::new(code::VENDOR_UNREACHABLE, what).source(e.without_url())
    };
    match failure {
        Failure::Refused(e) | Failure::Trust(e) => lasting(e),
        Failure::Unreachable(why, e) => passing(
            unreachable(e, format!("{place} cannot be reached: {why}")),
            true,
        ),
        Failure::Certificate(fault, trust) => lasting(certificate(fault, &trust, place)),
        Failure::Interrupted(e) => passing(
            unreachable(e, format!("{place} ended the connection before its answer")),
            false,
        ),
        Failure::Timeout => passing(
            Error::new(
                code::VENDOR_TIMEOUT,
                format!("{place} did not answer in time"),
            ),
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

/// What is wrong with a certificate, and what to do about it.
fn certificate(fault: BadCertificate, trust: &Trust, place: &str) -> Error {
    let why = match (fault, trust) {
        (BadCertificate::Untrusted, Trust::File { .. }) => {
            format!(": no authority in {trust} has signed it")
        }
        (BadCertificate::Untrusted, _) => {
            format!(": no authority that {trust} trusts has signed it")
        }
        _ => String::new(),
    };
    let remedy = match fault {
        BadCertificate::Untrusted => format!(
            "If {place} is a server of your own, name the certificate of the authority that signed its certificate in \
             options.ca_file of the connection, or for the whole program in SSL_CERT_FILE. If it is not, something \
             between you and the vendor answers in its place: ask whoever runs your network."
        ),
        BadCertificate::Expired => format!(
            "Whoever runs {place} has to renew its certificate. If other hosts are refused for this, too, set this \
             machine's clock."
        ),
        BadCertificate::NotYetValid => {
            "Set this machine's clock; if it is right, the certificate has to be made anew."
                .to_owned()
        }
        BadCertificate::WrongName => {
            "Write api_url with the name for which the certificate was made.".to_owned()
        }
        BadCertificate::Authority => format!(
            "Give {place} a certificate of its own, which its authority has signed, and name the authority's in \
             options.ca_file."
        ),
        _ => format!("Whoever runs {place} has to replace its certificate."),
    };
    Error::new(
        code::VENDOR_CERTIFICATE,
        format!("the certificate of {place} {fault}{why}"),
    )
    .remedy_is(remedy)
}
