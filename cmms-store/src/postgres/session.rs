//! One connection and what is known about it.

use super::errors::Fault;
use super::pool::Pool;
use cmms_core::failpoint::{Failpoint, is_on};
use cmms_core::{Error, Result};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    Lent(Lent),
}

/// A connection of a host program's pool. It goes back there only once it is known to be as it came; else it is closed,
/// so that the host never finds our transaction, role or organization on it.
pub(super) struct Lent {
    connection: PoolConnection<Postgres>,
    is_clean: bool,
}

impl Lent {
    pub(super) fn new(connection: PoolConnection<Postgres>) -> Self {
        Self {
            connection,
            is_clean: false,
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_clean {
            self.connection.close_on_drop();
        }
    }
}

/// Tells the questions apart that ask whether a connection answers what it is asked.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// A connection with what is set on it.
pub(super) struct Kept {
    pub(super) link: Link,
    /// The organization that it is set to; none where that is not known.
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

    /// Notes, before it is told so, that it is to be set to an organization, inside of a transaction or not: until it
    /// has answered nobody knows what it is set to.
    pub(super) fn will_be_set(&mut self, in_transaction: bool) {
        self.before = self.org.filter(|_| in_transaction);
        self.org = None;
    }

    /// Notes that it was set to it.
    pub(super) fn was_set_to(&mut self, org: Uuid, in_transaction: bool) {
        self.org = Some(org);
        if !in_transaction {
            self.before = self.org;
        }
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
            Link::Lent(lent) => &mut lent.connection,
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

    /// Undoes the transaction that may be open. Where a call was broken off, answers may still be on their way, and the
    /// call may have ended the transaction itself: so the connection has to answer what it is asked now, and what it is
    /// set to is not known any more.
    async fn undo(&mut self, broken_off: bool) -> Result<(), Fault> {
        if !broken_off {
            self.run("ROLLBACK".to_owned()).await?;
            self.ended(false);
            return Ok(());
        }
        let question = format!("cmms {}", ASKED.fetch_add(1, Ordering::Relaxed));
        let sql = format!("ROLLBACK; SELECT '{question}'");
        let answers = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(self.connection())
            .await?;
        let answer: Option<String> = match answers.as_slice() {
            [row] => Some(row.try_get(0)?),
            _ => None,
        };
        if answer.as_ref() != Some(&question) {
            return Err(Error::internal("a connection answers something else").into());
        }
        self.ended(false);
        if !is_on(Failpoint::BelieveDropped) {
            (self.org, self.before) = (None, None);
        }
        Ok(())
    }

    /// Gives it back to the pool of the host program, as it came; one of ours is closed.
    pub(super) fn hand_back(mut self) {
        if let Link::Lent(lent) = &mut self.link {
            lent.is_clean = true;
        }
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
            return Err(super::writing::ended());
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
        // A lent connection goes back to its pool, or is closed, by a task.
        let _runtime = self.pool.runtime.enter();
        match (self.state, self.busy) {
            (State::Cut, _) => drop(kept),
            (State::Clean, false) => self.pool.keep(*kept),
            (_, broken_off) => {
                let pool = Arc::clone(&self.pool);
                // Undoing asks the server; whoever drops a transaction does not wait for it. A connection that does
                // not answer in time, or not what it is asked, is closed, and the server undoes then.
                self.pool.runtime.spawn(async move {
                    let undone = tokio::time::timeout(CLEANING, kept.undo(broken_off)).await;
                    if matches!(undone, Ok(Ok(()))) {
                        pool.keep(*kept);
                    }
                    drop(permit);
                });
            }
        }
    }
}
