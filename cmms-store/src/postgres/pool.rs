//! The connections of a store, and whose turn it is to write.

use super::counters::Counters;
use super::errors::{Fault, Place};
use super::options::PostgresOptions;
use super::pooler;
use super::roles::{self, Role};
use super::session::{Kept, Lent, Link, Session};
use super::turns::{Turn, Turns, key_of};
use crate::sql::quoted;
use cmms_core::{Error, Result};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// How long a connection or a lock is waited for.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// So long a connection is taken for one that the server still answers on.
const WARM: Duration = Duration::from_secs(1);
/// The server ends a writer whose program says nothing for so long inside its transaction: less than others wait for it,
/// and it needs no right over the sessions of other logins.
const SILENCE: &str = "4s";

/// What connections are set to when they are made.
const SETTINGS: [(&str, &str); 6] = [
    // Every query asks for rows of one organization, with which every index begins. Plans are kept, and one that was made
    // while a table was small would walk all of it when it is large.
    ("enable_seqscan", "off"),
    // For the same reason: rows are found in the order of an index, few at a time.
    ("enable_bitmapscan", "off"),
    ("lock_timeout", "5s"),
    ("statement_timeout", "60s"),
    // A program that was stopped while it reads must not keep what is outdated from being cleared away for good.
    ("idle_in_transaction_session_timeout", "60s"),
    // A statement of a program that is gone ends.
    ("client_connection_check_interval", "5s"),
];

/// Where connections come from.
pub(super) enum Origin {
    /// Made here.
    Own(Box<PostgresOptions>),
    /// Lent by a host program.
    Lent(PgPool),
}

/// The connections.
pub(super) struct Pool {
    pub(super) place: Place,
    pub(super) schema: String,
    pub(super) runtime: Handle,
    origin: Origin,
    connections: usize,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Kept>>,
    /// The role to work under, once it was found.
    role: Mutex<Option<Role>>,
    turns: Turns,
    pub(super) counters: Counters,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("place", &self.place)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// One state for all reads.
    Snapshot,
    /// Reads and writes, while no other writer of the organization does.
    Write,
    /// A read alone; a transaction only where the connection is lent.
    Read,
}

impl Pool {
    pub(super) fn new(origin: Origin, place: Place, schema: String, connections: usize) -> Self {
        Self {
            place,
            schema,
            runtime: Handle::current(),
            origin,
            connections,
            permits: Arc::new(Semaphore::new(connections)),
            idle: Mutex::default(),
            role: Mutex::default(),
            turns: Turns::default(),
            counters: Counters::default(),
        }
    }

    /// Takes back a connection that is clean.
    pub(super) fn keep(&self, mut kept: Kept) {
        if kept.is_lent() {
            kept.hand_back();
        } else {
            kept.used = Instant::now();
            self.idle().push(kept);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that nobody else uses, with nothing begun.
    pub(super) async fn session(self: &Arc<Self>) -> Result<Session, Fault> {
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => timeout(WAIT, Arc::clone(&self.permits).acquire_owned())
                .await
                .map_err(|_| self.place.crowded(self.connections))?
                .map_err(|e| Error::internal("the connections of the store are gone").source(e))?,
        };
        let idle = self.idle().pop();
        let is_used = idle.is_some();
        let kept = match idle {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        Ok(Session::new(Arc::clone(self), kept, permit, is_used))
    }

    /// A connection that the server has just answered on.
    pub(super) async fn live(self: &Arc<Self>) -> Result<Session, Fault> {
        loop {
            let mut session = self.session().await?;
            if !session.is_used {
                return Ok(session);
            }
            let asked = session.enter()?.run("SELECT 1".to_owned()).await;
            session.left(&asked);
            match asked {
                Ok(()) => return Ok(session),
                Err(fault) if fault.is_cut() => self.forget(),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Makes a connection and lets it work under the role that row-level security holds for.
    async fn connect(&self) -> Result<Kept, Fault> {
        let mut kept = self.plain().await?;
        let role = match self.role() {
            Some(role) => role,
            None => {
                if !kept.is_lent() {
                    let mut other = self.plain().await?;
                    pooler::refuse(kept.connection(), other.connection(), &self.place).await?;
                    other.hand_back();
                }
                require_utf8(kept.connection(), &self.place).await?;
                let found = roles::find(kept.connection(), &self.schema, &self.place).await?;
                self.set_role(Some(found.clone()));
                found
            }
        };
        if let (Role::Other(role), false) = (role, kept.is_lent()) {
            kept.run(format!("SET ROLE {}", quoted(&role))).await?;
        }
        Ok(kept)
    }

    fn role(&self) -> Option<Role> {
        let role = self.role.lock().unwrap_or_else(PoisonError::into_inner);
        role.clone()
    }

    fn set_role(&self, role: Option<Role>) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = role;
    }

    /// Begins with new connections under a role that is looked for again: a migration may have made it.
    pub(super) fn renew(&self) {
        self.set_role(None);
        self.forget();
    }

    /// A connection as the role that logs in.
    pub(super) async fn plain(&self) -> Result<Kept, Fault> {
        let link = match &self.origin {
            Origin::Own(options) => {
                let options = options.connect_options();
                let made = timeout(WAIT, options.connect()).await;
                let mut made = made.map_err(|_| self.place.unreachable())??;
                // Not with the login: poolers refuse or drop what stands there.
                let set = SETTINGS.map(|(name, value)| format!("SET {name} = '{value}'"));
                let set = sqlx::raw_sql(AssertSqlSafe(set.join("; ")));
                set.execute(&mut made).await?;
                Link::Own(Box::new(made))
            }
            Origin::Lent(pool) => Link::Lent(Lent::new(pool.acquire().await?)),
        };
        Ok(Kept::new(link))
    }

    /// A connection on which a transaction of the organization has begun.
    ///
    /// Where the server has gone and come back since a connection was used, others are made.
    pub(super) async fn begin(self: &Arc<Self>, org: Uuid, begin: Begin) -> Result<Session, Fault> {
        loop {
            let mut session = self.session().await?;
            let is_used = session.is_used;
            let begun = self.begin_on(&mut session, org, begin).await;
            match begun {
                Ok(()) => {
                    session.is_used = is_used && begin == Begin::Read;
                    return Ok(session);
                }
                Err(fault) if fault.is_cut() && is_used => self.forget(),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Closes the connections that nobody uses: one of them was cut, so the others probably are.
    pub(super) fn forget(&self) {
        let gone = std::mem::take(&mut *self.idle());
        drop(gone);
    }

    async fn begin_on(&self, session: &mut Session, org: Uuid, begin: Begin) -> Result<(), Fault> {
        let kept = session.enter()?;
        let transaction = begin != Begin::Read || kept.is_lent();
        let done = match self.opening(kept, org, begin) {
            Some(sql) if kept.is_lent() => kept.run(sql).await,
            Some(sql) => {
                kept.will_be_set(transaction);
                let done = kept.run(sql).await;
                if done.is_ok() {
                    kept.was_set_to(org, transaction);
                }
                done
            }
            None => Ok(()),
        };
        if transaction {
            session.opened();
        }
        session.left(&done);
        done
    }

    /// What begins a transaction, in one text and so one round trip.
    fn opening(&self, kept: &Kept, org: Uuid, begin: Begin) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        let lent = kept.is_lent();
        match begin {
            Begin::Write => parts.push("BEGIN ISOLATION LEVEL READ COMMITTED".to_owned()),
            Begin::Snapshot => {
                parts.push("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned());
            }
            Begin::Read if lent => parts.push("BEGIN READ ONLY".to_owned()),
            Begin::Read => {}
        }
        if lent {
            let local = |(name, value)| format!("SET LOCAL {name} = '{value}'");
            parts.extend(SETTINGS.map(local));
            if let Some(Role::Other(role)) = self.role() {
                parts.push(format!("SET LOCAL ROLE {}", quoted(&role)));
            }
            parts.push(format!("SELECT set_config('cmms.org_id', '{org}', true)"));
        } else if !kept.is_set_to(org) {
            parts.push(format!("SELECT set_config('cmms.org_id', '{org}', false)"));
        }
        match begin {
            // Takes the state that all reads see.
            Begin::Snapshot => parts.push("SELECT 1".to_owned()),
            Begin::Write => {
                let silence = "idle_in_transaction_session_timeout";
                parts.push(format!("SET LOCAL {silence} = '{SILENCE}'"));
                let key = key_of(org, &self.schema);
                // Who writes much asks whether somebody waits by the first lock.
                parts.push(format!(
                    "SELECT pg_advisory_xact_lock_shared({})",
                    key.waiting()
                ));
                parts.push(format!("SELECT pg_advisory_xact_lock({})", key.writing()));
            }
            Begin::Read => {}
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// A connection on which the organization's only writer has begun: waits for writers of this process and of others.
    pub(super) async fn writer(self: &Arc<Self>, org: Uuid) -> Result<(Session, Turn), Fault> {
        let turn = self.turn(org).await?;
        Ok((self.begin(org, Begin::Write).await?, turn))
    }

    /// Waits for the writers of this process.
    pub(super) async fn turn(&self, org: Uuid) -> Result<Turn, Fault> {
        let turn = timeout(WAIT, self.turns.take(org)).await;
        Ok(turn.map_err(|_| self.place.busy())?)
    }

    /// Whether a host program lends the connections.
    pub(super) fn is_lent(&self) -> bool {
        matches!(self.origin, Origin::Lent(_))
    }

    /// Whether a connection was used a moment ago, so that the server is most likely still there: what became of a
    /// statement that commits is found out where it is not, but that takes a while.
    pub(super) fn is_warm(&self) -> bool {
        let idle = self.idle();
        idle.last().is_some_and(|kept| kept.used.elapsed() < WARM)
    }
}

/// Refuses a database in another encoding: it lacks most characters, or keeps octets that are no text.
async fn require_utf8(connection: &mut PgConnection, place: &Place) -> Result<(), Fault> {
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(connection)
        .await?;
    match encoding.as_str() {
        "UTF8" => Ok(()),
        other => Err(place.encoding(other).into()),
    }
}
