//! One connection and what is known about it.

use super::errors::Fault;
use super::pool::Pool;
use cmms_core::{Error, Result};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

/// How long a connection may take to undo what was left open; then it is closed.
const CLEANING: Duration = Duration::from_secs(5);

/// A connection of ours, or one that a host program lends.
pub(super) enum Link {
    /// Ours: what is set on it stays.
    Own(Box<PgConnection>),
    /// A host program's: what is set on it ends with each transaction.
    Lent(PoolConnection<Postgres>),
}

/// A connection with what is set on it.
pub(super) struct Kept {
    pub(super) link: Link,
    /// The organization that it is set to.
    org: Option<Uuid>,
    /// The one before the transaction that is open: to undo a transaction sets it back.
    before: Option<Uuid>,
    /// Whether the role may make temporary tables, as far as is known.
    pub(super) may_stage: bool,
    /// The temporary tables that it has, by the number of their statements.
    stages: HashSet<usize>,
    /// Those of them that were made in the transaction that is open, and go with it.
    fresh: HashSet<usize>,
    /// Those that have rows of the transaction that is open.
    filled: HashSet<usize>,
    /// When it was last given back.
    pub(super) used: Instant,
}

impl Kept {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            org: None,
            before: None,
            may_stage: true,
            stages: HashSet::new(),
            fresh: HashSet::new(),
            filled: HashSet::new(),
            used: Instant::now(),
        }
    }

    /// Whether it is set to this organization for longer than a transaction.
    pub(super) fn is_set_to(&self, org: Uuid) -> bool {
        self.org == Some(org)
    }

    /// Notes that it was set to an organization, inside of a transaction or not.
    pub(super) fn was_set_to(&mut self, org: Uuid, in_transaction: bool) {
        self.before = if in_transaction { self.org } else { Some(org) };
        self.org = Some(org);
    }

    pub(super) fn has_stage(&self, number: usize) -> bool {
        self.stages.contains(&number)
    }

    pub(super) fn made_stage(&mut self, number: usize) {
        self.stages.insert(number);
        self.fresh.insert(number);
    }

    /// Notes that the table may have gone with a part of the transaction that was undone: it is made if it has.
    pub(super) fn doubts_stage(&mut self, number: usize) {
        self.stages.remove(&number);
    }

    /// Notes that rows come into a temporary table, and says whether others are in it.
    pub(super) fn fills_stage(&mut self, number: usize) -> bool {
        !self.filled.insert(number)
    }

    /// Notes the end of a transaction.
    fn ended(&mut self, committed: bool) {
        if !committed {
            self.org = self.before;
            self.stages.retain(|number| !self.fresh.contains(number));
        }
        self.before = self.org;
        self.fresh.clear();
        self.filled.clear();
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match &mut self.link {
            Link::Own(connection) => connection,
            Link::Lent(connection) => connection,
        }
    }

    pub(super) fn is_lent(&self) -> bool {
        matches!(self.link, Link::Lent(_))
    }

    /// Runs statements without parameters, in one round trip.
    pub(super) async fn run(&mut self, sql: String) -> Result<(), Fault> {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// What has to be done before the connection can be used by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing.
    Clean,
    /// Its transaction has to be undone.
    Open,
    /// So, and nothing more can be done in it: a statement failed.
    Failed,
    /// It has to be closed.
    Cut,
}

/// A connection that nobody else uses; dropping it undoes its transaction.
pub(super) struct Session {
    pool: Arc<Pool>,
    kept: Option<Box<Kept>>,
    permit: Option<OwnedSemaphorePermit>,
    state: State,
    /// A statement is under way: a caller that leaves meanwhile leaves its answer behind.
    busy: bool,
    /// It was used before, so the server may have gone since.
    pub(super) is_used: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(
        pool: Arc<Pool>,
        kept: Kept,
        permit: OwnedSemaphorePermit,
        is_used: bool,
    ) -> Self {
        Self {
            pool,
            kept: Some(Box::new(kept)),
            permit: Some(permit),
            state: State::Clean,
            busy: false,
            is_used,
        }
    }

    /// The connection, for one call; [`left`](Self::left) ends it.
    pub(super) fn enter(&mut self) -> Result<&mut Kept> {
        if matches!(self.state, State::Failed | State::Cut) || self.busy {
            return Err(Error::internal(
                "the transaction has ended with an earlier failure; nothing of it was stored",
            ));
        }
        self.busy = true;
        self.kept
            .as_deref_mut()
            .ok_or_else(|| Error::internal("a session has no connection"))
    }

    /// Notes how a call ended.
    pub(super) fn left<T>(&mut self, ended: &Result<T, Fault>) {
        self.busy = false;
        self.is_used = false;
        if let Err(fault) = ended {
            if fault.is_cut() {
                self.state = State::Cut;
            } else if fault.is_refusal() && self.state == State::Open {
                self.state = State::Failed;
            }
        }
    }

    /// Notes that a transaction is open.
    pub(super) fn opened(&mut self) {
        if self.state == State::Clean {
            self.state = State::Open;
        }
    }

    /// Notes that the transaction was committed.
    pub(super) fn committed(&mut self) {
        if self.state == State::Open {
            self.state = State::Clean;
        }
        if let Some(kept) = &mut self.kept {
            kept.ended(true);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut kept) = self.kept.take() else {
            return;
        };
        let permit = self.permit.take();
        match (self.state, self.busy) {
            (State::Cut, _) => {}
            (State::Clean, false) => self.pool.keep(*kept),
            _ => {
                let pool = Arc::clone(&self.pool);
                // Undoing asks the server; whoever drops a transaction does not wait for it. A connection that does
                // not answer in time is closed, and the server undoes then.
                self.pool.runtime.spawn(async move {
                    let undone =
                        tokio::time::timeout(CLEANING, kept.run("ROLLBACK".to_owned())).await;
                    if matches!(undone, Ok(Ok(()))) {
                        kept.ended(false);
                        pool.keep(*kept);
                    }
                    drop(permit);
                });
            }
        }
    }
}
