//! Which requests a fault hits.

use super::Fault;

/// A fault with the requests that it hits.
///
/// Unless it says otherwise it hits every path but those of the login and of the
/// vendor's users, from the first
/// request that suits it on, and as many as the fault usually takes: one,
/// the length of a burst, five where records move or the clock is off, and
/// no end where a list is empty or short.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a plan does nothing until it is injected"]
pub struct FaultPlan {
    pub(crate) fault: Fault,
    pub(crate) segment: Option<String>,
    pub(crate) times: u32,
    pub(crate) after: u32,
}

impl FaultPlan {
    /// Hits only requests that have this as a part of their path, such as
    /// `work-orders`. Login and users are hit only if they are named.
    pub fn on(mut self, segment: impl Into<String>) -> Self {
        self.segment = Some(segment.into());
        self
    }

    /// Hits this many requests.
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }

    /// Hits requests until the faults are ended.
    pub fn always(mut self) -> Self {
        self.times = u32::MAX;
        self
    }

    /// Lets this many requests of these paths pass first.
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// The fault.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

impl From<Fault> for FaultPlan {
    fn from(fault: Fault) -> Self {
        let times = match fault {
            Fault::ServerErrors(burst) => burst,
            Fault::EmptyList | Fault::ShortList | Fault::Forbidden => u32::MAX,
            Fault::MovingRecords | Fault::ClockAhead | Fault::ClockBehind => 5,
            _ => 1,
        };
        Self {
            fault,
            segment: None,
            times,
            after: 0,
        }
    }
}
