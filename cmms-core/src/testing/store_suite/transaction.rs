//! Transactions: all or nothing, one state, and usable after an error.

use super::harness::{all, insert, once, save, scope, write};
use crate::context::Scope;
use crate::domain::connection::Connection;
use crate::domain::setting::Setting;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Filter, Lock, Query, SaveRule, Saved, Store, Tx, TxMode};
use crate::record::{Cell, Record as _, RowTarget, Source};
use crate::testing::samples;
use crate::{Error, Result, code};

fn setting(name: &str) -> Setting {
    samples::setting(name, 1)
}

async fn put(tx: &mut Box<dyn Tx>, name: &str) {
    let row = setting(name);
    let saved = tx.of::<Setting>().save(&row, SaveRule::Insert).await;
    assert_eq!(saved.unwrap(), Saved::Inserted);
}

async fn names(store: &dyn Store, scope: &Scope) -> Vec<String> {
    let all = all::<Setting>(store, scope).await;
    all.into_iter().map(|s| s.name).collect()
}

async fn names_in(tx: &mut Box<dyn Tx>) -> Vec<String> {
    let all = tx.of::<Setting>().list(&Query::default()).await.unwrap();
    all.into_iter().map(|s| s.name).collect()
}

/// A transaction that is dropped leaves nothing, of any kind of write.
pub async fn dropped_transaction_leaves_nothing(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let first = samples::connection(1);
    insert(store, &scope, std::slice::from_ref(&first)).await;
    insert(store, &scope, &[setting("kept")]).await;
    let mut tx = write(store, &scope).await;
    put(&mut tx, "new").await;
    assert!(
        tx.of::<Setting>()
            .delete(&[Cell::text("kept")])
            .await
            .unwrap()
    );
    let mut next = first.clone();
    next.version = 2;
    next.connection_name = "Renamed".into();
    let saved = tx.of::<Connection>().save(&next, SaveRule::Update).await;
    assert_eq!(saved.unwrap(), Saved::Updated);
    drop(tx);
    assert_eq!(names(store, &scope).await, ["kept"]);
    assert_eq!(
        all::<Connection>(store, &scope).await,
        std::slice::from_ref(&first)
    );
    let mut other = samples::connection(2);
    other.connection_name = "Renamed".into();
    let saved = save(store, &scope, &other, SaveRule::Insert).await;
    assert_eq!(saved, Saved::Inserted, "its unique value is free");
}

/// A transaction that is rolled back leaves nothing, and the next one begins.
pub async fn rolled_back_transaction_leaves_nothing(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut tx = write(store, &scope).await;
    put(&mut tx, "new").await;
    tx.rollback().await.unwrap();
    assert_eq!(names(store, &scope).await, [""; 0]);
    let mut tx = write(store, &scope).await;
    put(&mut tx, "new").await;
    tx.commit().await.unwrap();
    assert_eq!(names(store, &scope).await, ["new"]);
}

/// A commit makes all of a transaction visible at once, to others and to those that began before.
pub async fn commit_makes_visible(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut before = once(store, &scope).await;
    let mut tx = write(store, &scope).await;
    put(&mut tx, "one").await;
    assert_eq!(names_in(&mut before).await, [""; 0], "not yet");
    put(&mut tx, "two").await;
    assert_eq!(names(store, &scope).await, [""; 0], "not yet");
    tx.commit().await.unwrap();
    assert_eq!(names_in(&mut before).await, ["one", "two"]);
    assert_eq!(names(store, &scope).await, ["one", "two"]);
}

/// What a call of its own saves is visible at once and stays, whether it is committed, undone or dropped.
pub async fn calls_of_their_own_stand_alone(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut tx = once(store, &scope).await;
    put(&mut tx, "one").await;
    assert_eq!(names(store, &scope).await, ["one"]);
    put(&mut tx, "two").await;
    drop(tx);
    let mut tx = once(store, &scope).await;
    put(&mut tx, "three").await;
    tx.rollback().await.unwrap();
    let mut tx = once(store, &scope).await;
    assert!(
        tx.of::<Setting>()
            .delete(&[Cell::text("one")])
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(names(store, &scope).await, ["three", "two"]);
}

/// A call of its own that fails saves none of its rows.
pub async fn once_save_is_atomic(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[setting("kept")]).await;
    let mut rows: Vec<_> = (0..500).map(|n| setting(&format!("new {n:03}"))).collect();
    rows.push(setting("new 250"));
    let mut tx = once(store, &scope).await;
    let refused = tx.of::<Setting>().save_all(&rows, SaveRule::Upsert).await;
    assert!(refused.unwrap_err().is(code::INTERNAL));
    assert_eq!(names(store, &scope).await, ["kept"]);
    rows.pop();
    let saved = tx.of::<Setting>().save_all(&rows, SaveRule::Upsert).await;
    assert_eq!(saved.unwrap(), vec![Saved::Inserted; 500]);
}

/// A snapshot sees one state in all of its reads, while a writer commits.
pub async fn snapshot_sees_one_state(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[setting("one"), setting("two")]).await;
    let mut snapshot = store.begin(&scope, TxMode::Snapshot).await.unwrap();
    assert_eq!(names_in(&mut snapshot).await, ["one", "two"]);
    let mut tx = write(store, &scope).await;
    put(&mut tx, "three").await;
    assert!(
        tx.of::<Setting>()
            .delete(&[Cell::text("one")])
            .await
            .unwrap()
    );
    let changed = samples::setting("two", 2);
    let saved = tx.of::<Setting>().save(&changed, SaveRule::Update).await;
    assert_eq!(saved.unwrap(), Saved::Updated);
    tx.commit().await.unwrap();
    assert_eq!(names(store, &scope).await, ["three", "two"]);
    assert_eq!(names_in(&mut snapshot).await, ["one", "two"]);
    let mut repo = snapshot.of::<Setting>();
    let two = repo.get(&[Cell::text("two")]).await.unwrap();
    assert_eq!(two, Some(setting("two")));
    assert_eq!(repo.get(&[Cell::text("three")]).await.unwrap(), None);
    snapshot.commit().await.unwrap();
}

/// A transaction sees what it has written, through gets, lists, filters and unique values.
pub async fn reads_inside_write_see_own_writes(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut tx = write(store, &scope).await;
    put(&mut tx, "one").await;
    put(&mut tx, "two").await;
    assert_eq!(names_in(&mut tx).await, ["one", "two"]);
    let mut repo = tx.of::<Setting>();
    let one = repo.locked(&[Cell::text("one")], Lock::Wait).await.unwrap();
    assert_eq!(one, Some(setting("one")));
    let saved = repo.save(&setting("one"), SaveRule::Insert).await.unwrap();
    assert_eq!(saved, Saved::Duplicate);
    assert!(repo.delete(&[Cell::text("one")]).await.unwrap());
    let by = Filter::Prefix(Setting::NAME, "o".into());
    assert_eq!(repo.first(by).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(names(store, &scope).await, ["two"]);
}

/// A snapshot refuses every kind of write, and reads on.
pub async fn write_in_snapshot_is_refused(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[setting("one")]).await;
    let mut tx = store.begin(&scope, TxMode::Snapshot).await.unwrap();
    for rule in [SaveRule::Insert, SaveRule::Update, SaveRule::Upsert] {
        let refused = tx.of::<Setting>().save(&setting("two"), rule).await;
        assert!(refused.unwrap_err().is(code::INTERNAL));
    }
    let refused = tx.of::<Setting>().delete(&[Cell::text("one")]).await;
    assert!(refused.unwrap_err().is(code::INTERNAL));
    assert_eq!(names_in(&mut tx).await, ["one"]);
    tx.rollback().await.unwrap();
    assert_eq!(names(store, &scope).await, ["one"]);
}

/// Refuses every row.
struct Refuses;

impl RowTarget for Refuses {
    fn row(&mut self, _: &mut dyn Source) -> Result<()> {
        Err(Error::new(code::INPUT_VALUE, "refused"))
    }
}

/// The error of who receives rows ends the read and is its answer.
pub async fn error_of_a_reader_ends_the_read(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[setting("one"), setting("two")]).await;
    for mode in [TxMode::Once, TxMode::Snapshot, TxMode::Write] {
        let mut tx = store.begin(&scope, mode).await.unwrap();
        let listed = tx
            .list(Setting::TABLE, &Query::default(), &mut Refuses)
            .await;
        assert!(listed.unwrap_err().is(code::INPUT_VALUE));
        let keys: &[&[Cell<'_>]] = &[&[Cell::text("one")]];
        let got = tx.get(Setting::TABLE, keys, Lock::None, &mut Refuses).await;
        assert!(got.unwrap_err().is(code::INPUT_VALUE));
        assert_eq!(names_in(&mut tx).await, ["one", "two"]);
        tx.commit().await.unwrap();
    }
}

/// A transaction keeps what it did before and after a call that failed.
pub async fn error_leaves_the_transaction_usable(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut tx = write(store, &scope).await;
    put(&mut tx, "before").await;
    let twice = [setting("x"), setting("y"), setting("x")];
    let refused = tx.of::<Setting>().save_all(&twice, SaveRule::Insert).await;
    assert!(refused.unwrap_err().is(code::INTERNAL));
    let listed = tx
        .list(Setting::TABLE, &Query::default(), &mut Refuses)
        .await;
    assert!(listed.unwrap_err().is(code::INPUT_VALUE));
    put(&mut tx, "after").await;
    assert_eq!(names_in(&mut tx).await, ["after", "before"]);
    tx.commit().await.unwrap();
    assert_eq!(names(store, &scope).await, ["after", "before"]);
}
