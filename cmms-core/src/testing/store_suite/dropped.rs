//! Writes that fail, and calls whose caller leaves in the middle of them: nothing is done by half, and what comes next
//! finds the store as it was.

use super::harness::{all, filter, insert, once, scope, write};
use crate::context::Scope;
use crate::domain::setting::Setting;
use crate::ids::{IdGen as _, OrgId};
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Filter, Lock, Query, Related, SaveRule, Store, Tx, TxMode};
use crate::record::{Cell, Record as _, Row, Rows, Table};
use crate::testing::{SeededIds, polled, samples};
use crate::{Result, code};

const SETTING: &Table = Setting::TABLE;

/// Rows of so many settings whose names begin so.
fn rows(prefix: &str, count: usize) -> Rows {
    let mut rows = Rows::of_width(SETTING.columns.len());
    let names = (0..count).map(|n| format!("{prefix}{n:05}"));
    rows.rows = names.map(|n| Row::of(&samples::setting(&n, 1))).collect();
    rows
}

/// The same, the last of which no store takes.
fn rows_of_which_one_is_bad(prefix: &str, count: usize) -> Rows {
    let mut rows = rows(prefix, count);
    if let Some(row) = rows.rows.last_mut() {
        row.0[1] = Cell::Int(1);
    }
    rows
}

/// How a write is made.
#[derive(Debug, Clone, Copy)]
enum How {
    Save(SaveRule),
    UpsertAndGet,
    Later,
    Delete,
}

const HOW: [How; 6] = [
    How::Save(SaveRule::Insert),
    How::Save(SaveRule::Update),
    How::Save(SaveRule::Upsert),
    How::UpsertAndGet,
    How::Later,
    How::Delete,
];

impl How {
    async fn run(self, tx: &mut dyn Tx, rows: &Rows) -> Result<()> {
        match self {
            Self::Save(rule) => tx.save(SETTING, rows, rule).await.map(drop),
            Self::UpsertAndGet => {
                let mut found = Rows::of_width(rows.width);
                let saved = tx.upsert_and_get(SETTING, rows, &mut found).await;
                saved.map(drop)
            }
            Self::Later => tx.insert_later(SETTING, rows).await,
            Self::Delete => {
                let keys: Vec<_> = rows.rows.iter().map(|row| [row.0[0].clone()]).collect();
                let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 1]>::as_slice).collect();
                tx.delete(SETTING, &keys).await.map(drop)
            }
        }
    }

    /// Rows that make it fail in the last one.
    fn failing(self, count: usize) -> Rows {
        let mut rows = rows_of_which_one_is_bad("kept ", count);
        if let (Self::Delete, Some(row)) = (self, rows.rows.last_mut()) {
            row.0[0] = Cell::Int(1);
        }
        rows
    }
}

/// How many rows a call has: alone, a few, and so many that a store may take them in several parts.
const COUNTS: [usize; 4] = [1, 3, 1_600, 3_100];

async fn names(store: &dyn Store, scope: &Scope) -> Vec<String> {
    let all = all::<Setting>(store, scope).await;
    all.into_iter().map(|setting| setting.name).collect()
}

/// A write that fails ends its transaction: nothing of it is stored by what comes after.
pub async fn failed_write_ends_the_transaction(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[samples::setting("kept 00000", 1)]).await;
    for how in HOW {
        for count in COUNTS {
            let mut tx = write(store, &scope).await;
            let first = rows("first ", 2);
            How::Later.run(&mut *tx, &first).await.unwrap();
            let failed = how.run(&mut *tx, &how.failing(count)).await;
            assert!(failed.is_err(), "{how:?} of {count}");
            let next = rows("next ", 1);
            let wrote = How::Save(SaveRule::Insert).run(&mut *tx, &next).await;
            assert!(wrote.is_err(), "{how:?} of {count}: a write");
            let read = tx.of::<Setting>().list(&Query::default()).await;
            assert!(read.is_err(), "{how:?} of {count}: a read");
            assert!(tx.commit().await.is_err(), "{how:?} of {count}: the commit");
            assert_eq!(names(store, &scope).await, ["kept 00000"], "{how:?}");
        }
    }
    let taken = rows("kept ", 3);
    let mut tx = write(store, &scope).await;
    let failed = match How::Later.run(&mut *tx, &taken).await {
        Ok(()) => tx.commit().await,
        Err(e) => {
            assert!(tx.commit().await.is_err());
            Err(e)
        }
    };
    assert!(failed.unwrap_err().is(code::INTERNAL));
    assert_eq!(names(store, &scope).await, ["kept 00000"]);
}

/// A write of its own that fails stores none of its rows, and the next one is another.
pub async fn failed_write_of_its_own_stores_nothing(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[samples::setting("kept 00000", 1)]).await;
    let mut tx = once(store, &scope).await;
    for how in HOW {
        for count in COUNTS {
            let failed = how.run(&mut *tx, &how.failing(count)).await;
            assert!(failed.is_err(), "{how:?} of {count}");
            assert_eq!(names(store, &scope).await, ["kept 00000"], "{how:?}");
        }
    }
    let taken = How::Later.run(&mut *tx, &rows("kept ", 3)).await;
    assert!(taken.unwrap_err().is(code::INTERNAL));
    assert_eq!(names(store, &scope).await, ["kept 00000"]);
}

/// A call of the port.
#[derive(Debug, Clone, Copy)]
enum Call {
    Begin(TxMode),
    Read(TxMode),
    Once(How, usize),
    Within(How, usize),
    Commit(TxMode),
    Rollback,
    Organization,
    Organizations,
    Migrate,
    Migrations,
    Health,
}

/// Whether the future ended before it was dropped.
fn ended<T>(done: Option<Result<T>>) -> bool {
    done.map(|done| done.map(drop).unwrap()).is_some()
}

impl Call {
    fn all() -> Vec<Self> {
        use TxMode::{Add, Once, Snapshot, Write};
        let mut calls = vec![
            Self::Organization,
            Self::Organizations,
            Self::Migrate,
            Self::Migrations,
            Self::Health,
            Self::Rollback,
        ];
        calls.extend([Once, Snapshot, Write, Add].map(Self::Begin));
        calls.extend([Once, Snapshot, Write].map(Self::Read));
        calls.extend([Write, Add].map(Self::Commit));
        for how in HOW {
            for count in [1, 3, 1_600] {
                calls.extend([Self::Once(how, count), Self::Within(how, count)]);
            }
        }
        calls
    }

    /// How many rows with the prefix there are before, and after.
    fn rows(self) -> [usize; 2] {
        match self {
            Self::Once(How::Delete, count) => [count, 0],
            Self::Once(How::Save(SaveRule::Update), count) => [count, count],
            Self::Once(_, count) => [0, count],
            Self::Commit(_) => [0, 3],
            _ => [0, 0],
        }
    }

    /// Runs it for so many polls, and says whether it has ended.
    async fn run(self, store: &dyn Store, scope: &Scope, prefix: &str, polls: usize) -> bool {
        match self {
            Self::Begin(mode) => ended(polled(polls, store.begin(scope, mode)).await),
            Self::Read(mode) => {
                let mut tx = store.begin(scope, mode).await.unwrap();
                for with in [false, true] {
                    if !ended(polled(polls, read(&mut *tx, with)).await) {
                        return false;
                    }
                }
                true
            }
            Self::Once(how, count) => {
                let mut tx = once(store, scope).await;
                ended(polled(polls, how.run(&mut *tx, &rows(prefix, count))).await)
            }
            Self::Within(how, count) => {
                let mut tx = write(store, scope).await;
                let rows = rows(prefix, count);
                How::Later
                    .run(&mut *tx, &self::rows(&format!("{prefix}first "), 1))
                    .await
                    .unwrap();
                let ends = ended(polled(polls, how.run(&mut *tx, &rows)).await);
                if !ends {
                    assert!(tx.commit().await.is_err(), "{self:?} after {polls} polls");
                }
                ends
            }
            Self::Commit(mode) => {
                let mut tx = store.begin(scope, mode).await.unwrap();
                for row in rows(prefix, 3).rows {
                    let row = Rows {
                        rows: vec![row],
                        width: SETTING.columns.len(),
                    };
                    tx.insert_later(SETTING, &row).await.unwrap();
                }
                ended(polled(polls, tx.commit()).await)
            }
            Self::Rollback => {
                let mut tx = write(store, scope).await;
                How::Later.run(&mut *tx, &rows(prefix, 3)).await.unwrap();
                ended(polled(polls, tx.rollback()).await)
            }
            Self::Organization => {
                let name = format!("made {polls} of {prefix}");
                let new = OrgId(SeededIds::new(polls as u64 + 1_000).next());
                ended(polled(polls, store.organization(&name, new, samples::start())).await)
            }
            Self::Organizations => ended(polled(polls, store.organizations()).await),
            Self::Migrate => ended(polled(polls, store.migrate()).await),
            Self::Migrations => ended(polled(polls, store.migrations()).await),
            Self::Health => ended(polled(polls, store.health()).await),
        }
    }
}

async fn read(tx: &mut dyn Tx, with: bool) -> Result<()> {
    let mut found = Rows::of_width(SETTING.columns.len());
    if with {
        let related = Related {
            table: SETTING,
            column: Setting::NAME,
            names: Setting::NAME,
        };
        let mut others = Rows::of_width(SETTING.columns.len());
        let query = Query::default();
        return tx
            .list_with(SETTING, &query, &mut found, &related, &mut others)
            .await;
    }
    let key = [Cell::text("kept 00000")];
    let keys: [&[Cell<'_>]; 1] = [&key];
    tx.get(SETTING, &keys, Lock::Wait, &mut found).await
}

/// A call that is dropped at any of its awaits is done whole or not at all; what comes next, also of another
/// organization, finds what is stored, and nobody waits for ever.
pub async fn calls_dropped_at_any_await_are_done_whole_or_not_at_all(store: &dyn Store) {
    let (a, b) = (scope(store, "a").await, scope(store, "b").await);
    insert(store, &a, &[samples::setting("kept 00000", "a")]).await;
    insert(store, &b, &[samples::setting("kept 00000", "b")]).await;
    for (number, call) in Call::all().into_iter().enumerate() {
        for polls in 1.. {
            assert!(polls < 10_000, "{call:?} does not end");
            let prefix = format!("{number}-{polls}-");
            let [before, after] = call.rows();
            if before > 0 {
                let mut tx = once(store, &b).await;
                let new = rows(&prefix, before);
                tx.save(SETTING, &new, SaveRule::Insert).await.unwrap();
            }
            let ends = call.run(store, &b, &prefix, polls).await;
            let of_a = all::<Setting>(store, &a).await;
            assert_eq!(
                of_a,
                [samples::setting("kept 00000", "a")],
                "{call:?} after {polls} polls"
            );
            // What is under way may still end, whole.
            write(store, &b).await.commit().await.unwrap();
            let found = filter::<Setting>(store, &b, Filter::Prefix(Setting::NAME, prefix.into()));
            let found = found.await.len();
            let whole = found == after || (found == before && !ends);
            assert!(whole, "{call:?} after {polls} polls: {found} rows");
            write(store, &a).await.commit().await.unwrap();
            if ends {
                break;
            }
        }
    }
}

/// Who waits behind another writer and leaves was never there.
pub async fn calls_dropped_in_a_queue_leave_it(store: &dyn Store) {
    let scope = scope(store, "a").await;
    for how in HOW {
        let mut first = write(store, &scope).await;
        let mut alone = once(store, &scope).await;
        // Each is polled once: from then on it waits for the first one.
        for _ in 0..3 {
            let row = rows("second ", 1);
            let begun = polled(1, store.begin(&scope, TxMode::Write)).await;
            assert!(begun.is_none(), "two writers at once");
            let wrote = polled(1, how.run(&mut *alone, &row)).await;
            assert!(wrote.is_none(), "two writers at once: {how:?}");
        }
        let row = samples::setting(&format!("first {how:?}"), 1);
        first.of().insert_later(&row).await.unwrap();
        first.commit().await.unwrap();
        write(store, &scope).await.commit().await.unwrap();
    }
    let names = names(store, &scope).await;
    assert_eq!(names.len(), HOW.len(), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("first")));
}
