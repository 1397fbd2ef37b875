//! Why an exchange did not give an answer.

use super::cause::{BadCertificate, NoConnection};
use super::trust::Trust;
use cmms_core::Error;

/// Why an exchange did not give an answer. Its words are ours: no text of the other side is in them.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The policy does not allow the address; nothing was sent there.
    Refused(Error),
    /// No connection could be made, so the request was not sent.
    Unreachable(NoConnection, reqwest::Error),
    /// The certificate of the other side is not accepted by those who are trusted, so the request was not sent.
    Certificate(BadCertificate, Trust),
    /// The certificates that are to be trusted cannot be read.
    Trust(Error),
    /// The connection ended before the answer.
    Interrupted(reqwest::Error),
    /// There was no whole answer in time.
    Timeout,
    /// The answer ended before its end.
    Truncated,
    /// The answer is larger than the caps.
    TooLarge(&'static str),
    /// The answer's compression cannot be undone.
    Unreadable(&'static str),
    /// The answer sends us somewhere that we do not follow.
    Redirect(&'static str),
    /// The request itself cannot be made.
    Request(&'static str),
}
