//! What every rule needs: scopes, short ways to save and read, several threads at once.

use crate::context::{Principal, Scope};
use crate::ids::{IdGen as _, OrgId};
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Filter, Query, SaveRule, Saved, Store, Tx, TxMode};
use crate::record::{Cell, Record, Role, Row};
use crate::testing::{SeededIds, samples};
use std::pin::Pin;

/// The scope of an organization that the store knows.
pub(crate) async fn scope(store: &dyn Store, name: &str) -> Scope {
    let seed = name
        .bytes()
        .fold(7_u64, |n, b| n.wrapping_mul(31).wrapping_add(b.into()));
    let new = OrgId(SeededIds::new(seed).next());
    let org = store.organization(name, new, samples::start()).await;
    Scope::new(org.unwrap(), Principal::user("tester"))
}

/// A transaction whose calls stand alone.
pub(super) async fn once(store: &dyn Store, scope: &Scope) -> Box<dyn Tx> {
    store.begin(scope, TxMode::Once).await.unwrap()
}

/// A transaction that writes.
pub(super) async fn write(store: &dyn Store, scope: &Scope) -> Box<dyn Tx> {
    store.begin(scope, TxMode::Write).await.unwrap()
}

/// Saves one record in a call of its own.
pub(super) async fn save<R: Record>(
    store: &dyn Store,
    scope: &Scope,
    record: &R,
    rule: SaveRule,
) -> Saved {
    let mut tx = once(store, scope).await;
    tx.of::<R>().save(record, rule).await.unwrap()
}

/// Saves records in one call.
pub(super) async fn save_all<R: Record>(
    store: &dyn Store,
    scope: &Scope,
    records: &[R],
    rule: SaveRule,
) -> Vec<Saved> {
    let mut tx = once(store, scope).await;
    tx.of::<R>().save_all(records, rule).await.unwrap()
}

/// Inserts records, which must be new.
pub(super) async fn insert<R: Record>(store: &dyn Store, scope: &Scope, records: &[R]) {
    let saved = save_all(store, scope, records, SaveRule::Insert).await;
    assert!(
        saved.len() == records.len() && saved.iter().all(|s| *s == Saved::Inserted),
        "{saved:?}"
    );
}

/// The key of a record.
pub(super) fn key<R: Record>(record: &R) -> Vec<Cell<'static>> {
    let cells = Row::of(record).0.into_iter().zip(R::TABLE.columns);
    cells
        .filter(|(_, column)| column.role == Role::Key)
        .map(|(cell, _)| cell)
        .collect()
}

/// The stored record with the key of this one.
pub(super) async fn stored<R: Record>(store: &dyn Store, scope: &Scope, like: &R) -> Option<R> {
    let mut tx = once(store, scope).await;
    tx.of::<R>().get(&key(like)).await.unwrap()
}

/// What a query finds.
pub(super) async fn list<R: Record>(store: &dyn Store, scope: &Scope, query: &Query<'_>) -> Vec<R> {
    let mut tx = once(store, scope).await;
    tx.of::<R>().list(query).await.unwrap()
}

/// What a filter takes, by key.
pub(super) async fn filter<R: Record>(
    store: &dyn Store,
    scope: &Scope,
    filter: Filter<'_>,
) -> Vec<R> {
    list(store, scope, &Query::filter(filter)).await
}

/// Every record, by key.
pub(super) async fn all<R: Record>(store: &dyn Store, scope: &Scope) -> Vec<R> {
    list(store, scope, &Query::default()).await
}

/// Work that runs on a thread of its own.
pub(super) type Work<'w, T> = Pin<Box<dyn Future<Output = T> + Send + 'w>>;

/// Runs all of it at the same time, each on a thread of its own, starting together, and waits for all.
///
/// Needs the runtime of several threads, whose workers go on while the caller's thread waits.
pub(super) fn at_once<T: Send>(work: Vec<Work<'_, T>>) -> Vec<T> {
    let runtime = tokio::runtime::Handle::current();
    let (runtime, start) = (&runtime, &std::sync::Barrier::new(work.len()));
    std::thread::scope(|threads| {
        let started: Vec<_> = work
            .into_iter()
            .map(|work| {
                threads.spawn(move || {
                    start.wait();
                    runtime.block_on(work)
                })
            })
            .collect();
        started.into_iter().map(|t| t.join().unwrap()).collect()
    })
}
