//! HTTP as adapters use it: requests, retries, limits and the meaning of outcomes.
//!
//! An adapter builds a [`Request`], sends it through its [`HttpLayer`] and reads an [`Answer`]. Errors
//! carry a `CMMS-VENDOR-…` code and never a body, a query or a secret.

mod answer;
mod depth;
mod layer;
mod limiter;
mod numbered;
mod record;
mod request;
mod retry;

pub use answer::Answer;
pub(crate) use answer::misunderstood;
pub use layer::HttpLayer;
pub(crate) use layer::pause;
pub use numbered::NumberedPages;
pub use record::record;
pub(crate) use record::time;
pub use request::Request;
