//! UpKeep, API v2.

mod adapter;
mod cursor;
mod map;
mod refusal;
mod session;
mod settings;
mod wire;

pub use adapter::UpkeepAdapter;
