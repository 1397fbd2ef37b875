//! Pure data and rules of maintenance: no I/O, no clock, no async.

pub mod asset;
pub mod audit;
pub mod check;
pub mod connection;
pub mod entity;
pub mod numbering;
pub mod secret;
pub mod setting;
pub mod sync_run;
pub mod sync_state;
pub mod vocabulary;
pub mod work_order;
