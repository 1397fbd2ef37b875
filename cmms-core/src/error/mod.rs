//! The one error type of every public call.
//!
//! An [`Error`] always carries a [`Code`]: a stable `CMMS-AREA-NNN` with its kind, its reason slug, a
//! title and a remedy. Modules keep private enums and convert at their border. Public text never holds
//! SQL, paths of the host, type names or secrets.

mod codes;
mod kind;

pub use codes::{ALL as ALL_CODES, Code};
/// Every code of the product, by name.
pub mod code {
    pub use super::codes::rows::*;
}
pub use kind::ErrorKind;

use std::fmt;
use std::time::Duration;

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A boxed cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// One field of an input that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Violation {
    /// Dotted path of the field, such as `options.page_size`.
    pub field: String,
    /// Stable slug of the rule that it breaks, such as `out_of_range`.
    pub reason: String,
    /// What is wrong and what would be right, for a person.
    pub detail: String,
}

/// Whether the same call can succeed later without a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retry {
    /// Repeating it changes nothing.
    #[default]
    Never,
    /// It may succeed later.
    Later,
    /// It may succeed after this time.
    After(Duration),
}

/// What went wrong, with the code, the field and the remedy.
///
/// ```
/// use cmms_core::{Error, code};
/// let e = Error::new(code::INPUT_VALUE, "a work order cannot take -2 hours")
///     .field("estimated_hours", "out_of_range", "must be 0 or more");
/// assert_eq!(e.code().id(), "CMMS-INPUT-003");
/// assert_eq!(e.first_field(), Some("estimated_hours"));
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: &'static Code,
    message: String,
    violations: Vec<Violation>,
    retry: Option<Retry>,
    remedy: Option<String>,
    subject: Option<(&'static str, String)>,
    source: Option<BoxError>,
}

impl Error {
    /// Makes an error of this code. The message names the object and says what happened.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            violations: Vec::new(),
            retry: None,
            remedy: None,
            subject: None,
            source: None,
        }))
    }

    /// Makes an error of a defect of ours; the message is not for the public and is logged by the surface.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(codes::rows::INTERNAL, message)
    }

    /// Adds a field that cannot be accepted.
    #[must_use]
    pub fn field(
        mut self,
        field: impl Into<String>,
        reason: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        self.0.violations.push(Violation {
            field: field.into(),
            reason: reason.into(),
            detail: detail.into(),
        });
        self
    }

    /// Adds several fields that cannot be accepted.
    #[must_use]
    pub fn violations_from(mut self, violations: Vec<Violation>) -> Self {
        self.0.violations.extend(violations);
        self
    }

    /// Keeps the cause, for logs only.
    #[must_use]
    pub fn source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says when the call may succeed, where the code's own answer is not exact enough.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.0.retry = Some(retry);
        self
    }

    /// Says what to do, where the code's own remedy is not exact enough.
    #[must_use]
    pub fn remedy_is(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Names the object that stands in the way, such as the running run (`run_id`).
    #[must_use]
    pub fn subject(mut self, name: &'static str, id: impl fmt::Display) -> Self {
        self.0.subject = Some((name, id.to_string()));
        self
    }

    /// The kind, which decides status numbers on every surface.
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind
    }

    /// The code row.
    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    /// Whether it carries this code.
    pub fn is(&self, code: &'static Code) -> bool {
        self.0.code.id == code.id
    }

    /// What happened, for a person.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The stable slug of the reason, such as `illegal_transition`.
    pub fn reason(&self) -> &'static str {
        self.0.code.reason
    }

    /// The fields that cannot be accepted.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The first field that cannot be accepted.
    pub fn first_field(&self) -> Option<&str> {
        self.0.violations.first().map(|v| v.field.as_str())
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        self.0.remedy.as_deref().unwrap_or(self.0.code.remedy)
    }

    /// The object that stands in the way: its name on the wire and its id.
    pub fn subject_of(&self) -> Option<(&'static str, &str)> {
        self.0.subject.as_ref().map(|(n, id)| (*n, id.as_str()))
    }

    /// Whether and when the same call can succeed.
    pub fn retry_hint(&self) -> Retry {
        self.0.retry.unwrap_or(if self.0.code.kind.is_transient() {
            Retry::Later
        } else {
            Retry::Never
        })
    }

    /// The outer form of the error in every language: a problem document (RFC 9457).
    pub fn problem(&self, request_id: Option<&str>) -> Problem {
        let code = self.0.code;
        let internal = code.kind == ErrorKind::Internal;
        let retry = self.retry_hint();
        Problem {
            kind: format!("urn:cmms:error:{}", code.id),
            title: code.title.to_owned(),
            status: code.http_status(),
            detail: if internal {
                "The program met a state that it does not expect; its log says more.".to_owned()
            } else {
                self.0.message.clone()
            },
            code: code.id.to_owned(),
            reason: code.reason.to_owned(),
            field: self.first_field().map(str::to_owned),
            violations: self.0.violations.clone(),
            remedy: self.remedy().to_owned(),
            retryable: retry != Retry::Never,
            retry_after: match retry {
                Retry::After(d) => Some(d.as_secs().max(1)),
                _ => None,
            },
            subject: self.subject_of().map(|(n, id)| Subject {
                name: n.to_owned(),
                id: id.to_owned(),
            }),
            request_id: request_id.map(str::to_owned),
        }
    }
}

/// An error as every surface shows it (RFC 9457, extended).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Problem {
    /// A URI of the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What this code means.
    pub title: String,
    /// The HTTP status of its kind.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// `CMMS-AREA-NNN`.
    pub code: String,
    /// Stable slug, such as `illegal_transition`.
    pub reason: String,
    /// The first field that cannot be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// All fields that cannot be accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// What to do.
    pub remedy: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// Seconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The object that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The id of the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An object that stands in the way of a call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Subject {
    /// What it is, such as `run_id`.
    pub name: String,
    /// Its id.
    pub id: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for v in &self.0.violations {
            write!(f, "; {}: {}", v.field, v.detail)?;
        }
        write!(f, " [{}]", self.0.code.id)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code.id)
            .field("message", &self.0.message)
            .field("violations", &self.0.violations)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}
