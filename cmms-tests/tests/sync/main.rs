//! How a sync behaves, seen through the client, the store and the vendor's own log.

mod absent;
mod account;
mod archived;
mod beginning;
mod clocks;
mod connection;
mod incremental;
mod kinds;
mod local;
mod outcomes;
mod parents;
mod pieces;
mod poison;
mod quarantine;
mod texts;
mod twins;
mod vendor;
