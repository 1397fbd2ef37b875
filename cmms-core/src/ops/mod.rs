//! Operations: one table, every surface.
//!
//! A row names the operation, its path, what it needs to be allowed, its input and output, and the service
//! that does it. From the table come the methods of [`Client`](crate::client::Client), the REST routes, OpenAPI
//! and `cmms op`.

mod complaint;
mod decode;
mod describe;
pub mod examples;
mod input;
mod limits;
mod openapi;
mod operation;
pub mod pages;
mod refusals;
mod run;
pub mod schema;
mod strict;
mod table;

pub use decode::decode;
pub use describe::FieldHelp;
pub use input::Input;
pub use operation::{Answer, Answered, Call, Effect, OpDef, OpMeta, Operation, Verb};
pub use run::{call, find, run};
pub(crate) use table::operations_with;
pub use table::{OPERATIONS, types};
