//! The REST interface: the documented paths over the table of operations.
//!
//! [`router`] serves any listener, [`Server`] brings its own. What a route does is in the core; here a
//! request becomes an input and a result becomes an answer, and nothing else.

mod access;
mod answer;
mod bind;
mod body;
mod calls;
mod headers;
mod limits;
mod listen;
mod paths;
mod problem;
mod request_id;
mod router;
mod server;
mod system;

pub use access::Access;
pub use router::{router, router_on_port};
pub use server::Server;
