//! The connections of a store: one writer that is taken in turn, a few readers.

use super::errors::is_busy;
use super::open::{CHECKPOINT, CHECKPOINT_BULK, CHECKPOINT_SHARED, Target};
use super::waiting::Waiting;
use cmms_core::{Error, Result};
use rusqlite::Connection;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

/// Writes of this many rows are bulk.
const BULK: usize = 1_000;
/// After this many writes without a bulk one, the write-ahead log is kept short again.
const QUIET: u32 = 50;
/// For this many writes it is remembered that others waited.
const SHARED: u32 = 100;
/// How long who waits for another process pauses between two tries.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(4)];
/// Who waited longer than this for another process met one that writes much.
const LONG_WAIT: Duration = Duration::from_millis(10);
/// For this many writes it then leaves the log to that one.
const LEFT: u32 = 3;
/// How often one that has ended its transaction for another process looks whether that has its turn, and pauses.
const LOOKS: u32 = 30;

/// The connections.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) target: Target,
    writer: Arc<tokio::sync::Mutex<Writer>>,
    /// Writers of this process that wait for their turn.
    queue: AtomicUsize,
    /// Those of other processes.
    others: Waiting,
    /// Whether one of those waited when the last transaction ended.
    owes: AtomicBool,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

struct Writer {
    connection: Connection,
    /// It could not be cleaned and is replaced at its next use.
    broken: bool,
    /// Pages of the log at which a commit moves them into the database.
    log_pages: u32,
    /// Writes since the last bulk one.
    quiet: u32,
    /// Writes for which it is still thought that others wait for their turn.
    shared: u32,
    /// Writes for which another process is thought to write much, and to move the log.
    left: u32,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(target: Target, connection: Connection) -> Self {
        let writer = Writer {
            connection,
            broken: false,
            log_pages: CHECKPOINT,
            quiet: QUIET,
            shared: 0,
            left: 0,
        };
        Self {
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            queue: AtomicUsize::new(0),
            others: target.waiting(),
            owes: AtomicBool::new(false),
            permits: Arc::new(Semaphore::new(target.options.readers)),
            idle: Mutex::default(),
            target,
        }
    }

    /// The writer, with its transaction begun; waits for writers of this process and of others.
    pub(super) async fn writer(self: &Arc<Self>) -> Result<WriterGuard> {
        if self.owes.swap(false, Ordering::Relaxed) {
            self.give_way().await;
        }
        let free = Arc::clone(&self.writer).try_lock_owned();
        if let Ok(guard) = free {
            let mut guard = WriterGuard::new(self, guard);
            if guard.begin()? {
                return Ok(guard);
            }
        }
        let wait = self.target.options.busy_timeout;
        timeout(wait, self.writer_in_turn())
            .await
            .unwrap_or_else(|_| Err(self.target.place.busy()))
    }

    /// Lets other processes begin that wait: they only try now and then.
    async fn give_way(&self) {
        for _ in 0..LOOKS {
            if !self.others.has_any() {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn writer_in_turn(self: &Arc<Self>) -> Result<WriterGuard> {
        let place = Queued::behind(&self.queue);
        let guard = Arc::clone(&self.writer).lock_owned().await;
        drop(place);
        let mut guard = WriterGuard::new(self, guard);
        let [mut pause, longest] = PAUSES;
        let began = Instant::now();
        let mut mark = None;
        // Another process writes.
        while !guard.begin()? {
            mark = mark.or_else(|| self.others.mark());
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
        if began.elapsed() > LONG_WAIT {
            guard.writer.left = LEFT;
        }
        Ok(guard)
    }

    /// A reader that nobody else uses.
    pub(super) async fn reader(self: &Arc<Self>) -> Result<ReaderGuard> {
        let wait = self.target.options.busy_timeout;
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => timeout(wait, Arc::clone(&self.permits).acquire_owned())
                .await
                .map_err(|_| self.target.place.crowded(self.target.options.readers))?
                .map_err(|e| Error::internal("the readers of the store are gone").source(e))?,
        };
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.target.reader().map_err(|e| self.target.error(e))?,
        };
        Ok(ReaderGuard {
            pool: Arc::clone(self),
            connection: Some(connection),
            _permit: permit,
        })
    }
}

/// A place in the queue of writers, also for those who give up waiting.
struct Queued<'q>(&'q AtomicUsize);

impl<'q> Queued<'q> {
    fn behind(queue: &'q AtomicUsize) -> Self {
        queue.fetch_add(1, Ordering::Relaxed);
        Self(queue)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The writer in a transaction; dropping it rolls back.
#[derive(Debug)]
pub(super) struct WriterGuard {
    pool: Arc<Pool>,
    writer: OwnedMutexGuard<Writer>,
    bulk: bool,
}

impl WriterGuard {
    fn new(pool: &Arc<Pool>, writer: OwnedMutexGuard<Writer>) -> Self {
        Self {
            pool: Arc::clone(pool),
            writer,
            bulk: false,
        }
    }

    /// Begins the transaction, unless another process has one.
    fn begin(&mut self) -> Result<bool> {
        let target = &self.pool.target;
        if self.writer.broken {
            self.writer.connection = target.writer().map_err(|e| target.error(e))?;
            self.writer.broken = false;
            self.writer.log_pages = CHECKPOINT;
        }
        match run(&self.writer.connection, "BEGIN IMMEDIATE") {
            Ok(()) => Ok(true),
            Err(e) if is_busy(&e) => Ok(false),
            Err(e) => Err(target.error(e)),
        }
    }

    /// The connection.
    ///
    /// # Errors
    /// When a failure has ended the transaction already.
    pub(super) fn connection(&self) -> Result<&Connection> {
        // One that could not be undone may still hold half of a call.
        if self.writer.broken || self.writer.connection.is_autocommit() {
            return Err(Error::internal(
                "the transaction has ended with an earlier failure; nothing of it was stored",
            ));
        }
        Ok(&self.writer.connection)
    }

    /// Whether another writer waits, of this process or of another one.
    pub(super) fn others_wait(&self) -> bool {
        self.pool.queue.load(Ordering::Relaxed) > 0 || self.pool.others.has_any()
    }

    /// Says how many rows a call writes.
    pub(super) fn expect(&mut self, rows: usize) {
        self.bulk |= rows >= BULK;
    }

    /// Sets how long the log may grow: long for bulk writes alone, shorter where others wait meanwhile, since they
    /// would wait for its moving, too. One that writes little beside another process that writes much leaves it to
    /// that.
    fn set_log(&mut self) -> Result<()> {
        let is_bulk = self.writer.quiet < QUIET;
        let pages = match (is_bulk, self.writer.shared > 0, self.writer.left > 0) {
            (true, false, _) | (false, _, true) => CHECKPOINT_BULK,
            (true, true, _) => CHECKPOINT_SHARED,
            (false, _, false) => CHECKPOINT,
        };
        if self.writer.log_pages != pages {
            self.writer
                .connection
                .pragma_update(None, "wal_autocheckpoint", pages)
                .map_err(|e| self.pool.target.error(e))?;
            self.writer.log_pages = pages;
        }
        Ok(())
    }

    /// Makes all of it durable.
    pub(super) fn commit(mut self) -> Result<()> {
        self.connection()?;
        let writer = &mut self.writer;
        writer.quiet = if self.bulk {
            0
        } else {
            writer.quiet.saturating_add(1)
        };
        let owes = self.pool.others.has_any();
        let others = owes || self.pool.queue.load(Ordering::Relaxed) > 0;
        writer.shared = if others {
            SHARED
        } else {
            writer.shared.saturating_sub(1)
        };
        self.set_log()?;
        self.writer.left = self.writer.left.saturating_sub(1);
        self.pool.owes.store(owes, Ordering::Relaxed);
        run(&self.writer.connection, "COMMIT").map_err(|e| self.pool.target.error(e))
    }

    /// Undoes all of the transaction and ends it.
    pub(super) fn undo(&mut self) {
        if !self.writer.connection.is_autocommit()
            && let Err(e) = run(&self.writer.connection, "ROLLBACK")
        {
            tracing::warn!(error = %e, "cmms.store.rollback: the writer is replaced");
            self.writer.broken = true;
        }
    }
}

impl Drop for WriterGuard {
    fn drop(&mut self) {
        self.undo();
    }
}

/// A reader; dropping it ends its transaction.
#[derive(Debug)]
pub(super) struct ReaderGuard {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl ReaderGuard {
    /// The connection.
    pub(super) fn connection(&self) -> Result<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::internal("a reader has no connection"))
    }

    /// Holds on to the state of now.
    pub(super) fn hold(&self) -> Result<()> {
        let connection = self.connection()?;
        // BEGIN alone takes no state; the first read does.
        run(connection, "BEGIN")
            .and_then(|()| {
                connection
                    .prepare_cached("SELECT 1 FROM organizations LIMIT 1")?
                    .exists([])
            })
            .map(drop)
            .map_err(|e| self.pool.target.error(e))
    }
}

impl Drop for ReaderGuard {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let clean = connection.is_autocommit() || run(&connection, "ROLLBACK").is_ok();
        if clean {
            let mut idle = self
                .pool
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            idle.push(connection);
        }
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
