//! A simulated vendor with a small API of numbered pages.
//!
//! It serves what the program `vendor_sim` beside the peers serves, with an
//! oracle, edits and faults:
//!
//! - `GET /api/v1/{work-orders,assets}?page=1&pageSize=100[&updatedSince=ISO]`
//!   answers `{"data":[…],"meta":{"page","pageSize","totalPages","total"},
//!   "links":{"next":path|null}}` and needs `Authorization: Bearer …`. With
//!   `updatedSince` the records are those changed after that time, in the
//!   order of `(updatedAt, position)`.
//! - `POST /admin/touch?percent=1&stamp=ISO` gives every (100 / percent)-th
//!   record a new `updatedAt`; `POST /admin/reset` brings the records of the
//!   start back.
//! - `GET /health`.

mod collection;
mod config;
mod routes;
mod seed;
mod server;
mod state;
mod vendor;

pub use config::PagedConfig;
pub use server::PagedSim;
pub use vendor::{PagedEdited, PagedEntity, PagedOracle, PagedRequest, PagedVendor};
