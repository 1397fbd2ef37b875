//! What can go wrong with a vendor: the fault table, on the wire.
//!
//! A fault is ordered with a [`FaultPlan`]: which requests it hits, from
//! which on, and how many.
//!
//! ```
//! use cmms_sim::Fault;
//! use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let sim = UpkeepSim::start(UpkeepConfig::default(), 0).await?;
//! let vendor = sim.vendor();
//! vendor.inject(Fault::ResetMidBody.on("work-orders").times(1).after(2));
//! vendor.inject(Fault::LoginPage);
//! assert!(!vendor.faults_done());
//! # Ok::<(), cmms_sim::SimError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod alter;
mod orders;
mod plan;

use std::fmt;

pub(crate) use orders::{Faults, Hit};
pub use plan::FaultPlan;

/// What a `429` says about when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u32),
    /// An HTTP date that is so many seconds later on the vendor's clock.
    Date(u32),
    /// A text that is neither.
    Garbage,
    /// Nothing.
    Missing,
}

/// How a vendor answers a session that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SessionEnd {
    /// Status 401.
    #[default]
    Unauthorized,
    /// Status 403, as if the account were not allowed to ask.
    Forbidden,
    /// Status 419, as some web frameworks do.
    PageExpired,
    /// Status 200 whose body says that the call failed.
    Failure,
    /// Status 400 with the error code 209, an invalid session token at Parse.
    InvalidToken,
}

/// A way in which a vendor fails. Each is seen on the socket as described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Status 429.
    TooManyRequests(RetryAfter),
    /// Status 500, for so many requests in a row unless the plan says
    /// otherwise.
    ServerErrors(u32),
    /// Status 403: the account may not read that. Unless the plan says
    /// otherwise it stays so until the faults are ended.
    Forbidden,
    /// The connection is reset before the first byte of an answer.
    ResetBeforeHeaders,
    /// The connection is reset behind a third of the body.
    ResetMidBody,
    /// The body is half of the JSON, with the length that it says.
    TruncatedJson,
    /// The body ends before the length that the head says.
    LengthTooLong,
    /// The body goes on behind the length that the head says.
    LengthTooShort,
    /// An HTML page with a login form and status 200.
    LoginPage,
    /// A list without records. Unless the plan says otherwise it stays so
    /// until the faults are ended.
    EmptyList,
    /// A list of the first half of its records. Unless the plan says
    /// otherwise it stays so until the faults are ended.
    ShortList,
    /// A third of the body, then nothing until the client goes away or
    /// `release`.
    SlowBody,
    /// Nothing until the client goes away or `release`.
    NoAnswer,
    /// Records without an end, until the client goes away or `release`.
    EndlessBody,
    /// A body that is 1 MiB compressed and 1 GiB not: an empty list.
    GzipBomb,
    /// A text of 10 MB in the record in the middle of a page.
    HugeRecord,
    /// Arrays in arrays in the first record, 10,000 deep.
    DeepJson,
    /// Bytes in a text of the first record that are no UTF-8.
    InvalidUtf8,
    /// The page before once more, in place of the next.
    DuplicatePage,
    /// A page whose record in the middle is there twice.
    RecordTwice,
    /// Records that change while the list is read: some behind each page.
    MovingRecords,
    /// Records on both sides of the page's end that have one `updatedAt`.
    TiesAtBorder,
    /// A session that ends before its time.
    ExpiredToken,
    /// A session that ends before its time, and is answered so.
    SessionEnds(SessionEnd),
    /// The vendor's clock jumps a day ahead, and records change by it.
    ClockAhead,
    /// The vendor's clock jumps a day back, and records change by it: their
    /// `updatedAt` can be earlier than it was.
    ClockBehind,
    /// A page whose records have title or name under another name.
    RenamedField,
    /// A page whose records have an object as title or name.
    RetypedField,
    /// A page whose records have no title or name.
    MissingField,
    /// A page whose records have a status that nobody knows.
    UnknownEnum,
    /// A redirect to plain `http` at the port of the web.
    RedirectToHttp,
    /// A redirect to another host, `localhost`, below `/elsewhere`; there
    /// the simulator listens, and has the request in its log if it comes.
    RedirectElsewhere,
}

impl Fault {
    /// The whole table, one entry a line.
    pub const ALL: [Self; 40] = [
        Self::TooManyRequests(RetryAfter::Seconds(7)),
        Self::TooManyRequests(RetryAfter::Date(30)),
        Self::TooManyRequests(RetryAfter::Garbage),
        Self::TooManyRequests(RetryAfter::Missing),
        Self::ServerErrors(1),
        Self::ServerErrors(4),
        Self::ServerErrors(50),
        Self::Forbidden,
        Self::ResetBeforeHeaders,
        Self::ResetMidBody,
        Self::TruncatedJson,
        Self::LengthTooLong,
        Self::LengthTooShort,
        Self::LoginPage,
        Self::EmptyList,
        Self::ShortList,
        Self::SlowBody,
        Self::NoAnswer,
        Self::EndlessBody,
        Self::GzipBomb,
        Self::HugeRecord,
        Self::DeepJson,
        Self::InvalidUtf8,
        Self::DuplicatePage,
        Self::RecordTwice,
        Self::MovingRecords,
        Self::TiesAtBorder,
        Self::ExpiredToken,
        Self::SessionEnds(SessionEnd::Forbidden),
        Self::SessionEnds(SessionEnd::PageExpired),
        Self::SessionEnds(SessionEnd::Failure),
        Self::SessionEnds(SessionEnd::InvalidToken),
        Self::ClockAhead,
        Self::ClockBehind,
        Self::RenamedField,
        Self::RetypedField,
        Self::MissingField,
        Self::UnknownEnum,
        Self::RedirectToHttp,
        Self::RedirectElsewhere,
    ];

    /// Whether the answer is held back until the client goes away or
    /// `release`.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, Self::SlowBody | Self::NoAnswer | Self::EndlessBody)
    }

    /// Whether records come with wrong content, as opposed to not at all.
    ///
    /// Their `updatedAt` is as it was, so that a client which only asks for
    /// changes does not see them again by itself.
    #[must_use]
    pub fn changes_content(self) -> bool {
        matches!(
            self,
            Self::HugeRecord
                | Self::RenamedField
                | Self::RetypedField
                | Self::MissingField
                | Self::UnknownEnum
        )
    }

    /// A plan that hits only requests with this part in their path.
    pub fn on(self, segment: impl Into<String>) -> FaultPlan {
        FaultPlan::from(self).on(segment)
    }

    /// A plan that hits this many requests.
    pub fn times(self, requests: u32) -> FaultPlan {
        FaultPlan::from(self).times(requests)
    }

    /// A plan that lets this many requests pass first.
    pub fn after(self, requests: u32) -> FaultPlan {
        FaultPlan::from(self).after(requests)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRequests(wait) => match wait {
                RetryAfter::Seconds(n) => write!(f, "429, Retry-After {n} s"),
                RetryAfter::Date(_) => f.write_str("429, Retry-After an HTTP date"),
                RetryAfter::Garbage => f.write_str("429, Retry-After garbage"),
                RetryAfter::Missing => f.write_str("429 without Retry-After"),
            },
            Self::ServerErrors(n) => write!(f, "500 x {n}"),
            Self::Forbidden => f.write_str("403"),
            Self::ResetBeforeHeaders => f.write_str("reset before headers"),
            Self::ResetMidBody => f.write_str("reset mid-body"),
            Self::TruncatedJson => f.write_str("truncated JSON"),
            Self::LengthTooLong => f.write_str("content-length too long"),
            Self::LengthTooShort => f.write_str("content-length too short"),
            Self::LoginPage => f.write_str("HTML login page with 200"),
            Self::EmptyList => f.write_str("empty list"),
            Self::ShortList => f.write_str("suddenly short list"),
            Self::SlowBody => f.write_str("slow body"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::EndlessBody => f.write_str("endless body"),
            Self::GzipBomb => f.write_str("gzip bomb"),
            Self::HugeRecord => f.write_str("10 MB record"),
            Self::DeepJson => f.write_str("JSON depth 10,000"),
            Self::InvalidUtf8 => f.write_str("invalid UTF-8"),
            Self::DuplicatePage => f.write_str("duplicate page"),
            Self::RecordTwice => f.write_str("same record twice"),
            Self::MovingRecords => f.write_str("moving records"),
            Self::TiesAtBorder => f.write_str("ties at the border"),
            Self::ExpiredToken => f.write_str("expired token"),
            Self::SessionEnds(end) => f.write_str(match end {
                SessionEnd::Unauthorized => "session ends with 401",
                SessionEnd::Forbidden => "session ends with 403",
                SessionEnd::PageExpired => "session ends with 419",
                SessionEnd::Failure => "session ends with 200 that says failure",
                SessionEnd::InvalidToken => "session ends with 400, code 209",
            }),
            Self::ClockAhead => f.write_str("clock a day ahead"),
            Self::ClockBehind => f.write_str("clock a day behind"),
            Self::RenamedField => f.write_str("renamed field"),
            Self::RetypedField => f.write_str("retyped field"),
            Self::MissingField => f.write_str("missing field"),
            Self::UnknownEnum => f.write_str("unknown enum"),
            Self::RedirectToHttp => f.write_str("redirect to http"),
            Self::RedirectElsewhere => f.write_str("redirect to another host"),
        }
    }
}
