//! A small HTTP/1.1 server of our own, whose sockets can be misused: a usual
//! server library does not let an answer be broken on purpose.

mod bent;
mod bomb;
mod connection;
mod reply;
mod request;
mod server;

use std::time::Duration;

pub(crate) use reply::Reply;
pub(crate) use request::{Request, decode, pairs};
pub(crate) use server::Server;

use crate::fault::{Faults, SessionEnd};

/// How a vendor's answers look, as far as faults need to know.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What stands before the first record of a list.
    pub(crate) list: &'static str,
    /// What stands behind the last record of a list that is made up.
    pub(crate) list_end: &'static str,
    /// The field of a list that holds the records.
    pub(crate) records: &'static str,
    /// The texts of a record; each kind of record has one of them.
    pub(crate) texts: &'static [&'static str],
    /// The paths of the login and of what tells the account, which faults spare unless they name them.
    pub(crate) spared: &'static [&'static str],
}

/// What a fault asks of the vendor itself, rather than of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twist {
    /// Answer lists as if there were no records.
    Empty,
    /// Answer lists as if there were the first half of the records.
    Short,
    /// Give the records around the end of the page one time.
    Ties,
    /// Forget the client's session first, and answer sessions that have ended so.
    Expired(SessionEnd),
    /// Move the clock by so many days first; change records behind the answer.
    Clock(i64),
    /// Change records behind the answer.
    Moving,
}

/// A vendor behind a [`Server`].
pub(crate) trait Service: Clone + Send + Sync + 'static {
    /// How its answers look.
    const SHAPE: Shape;

    /// The faults that were ordered.
    fn faults(&self) -> &Faults;

    /// How long each answer takes.
    fn latency(&self) -> Duration;

    /// The vendor's time, in epoch milliseconds.
    fn clock(&self) -> i64;

    /// Answers a request.
    fn answer(&self, request: &Request, twist: Option<Twist>) -> Reply;

    /// Keeps a request in the log that a fault answers instead; status 0 is
    /// no answer at all.
    fn refused(&self, request: &Request, status: u16);
}
