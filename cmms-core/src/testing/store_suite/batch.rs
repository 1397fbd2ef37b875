//! Calls over many rows: answers in order, keys once, gets and deletes.

use super::harness::{all, insert, key, once, save_all, scope, write};
use crate::domain::connection::Connection;
use crate::domain::setting::Setting;
use crate::domain::sync_state::ExternalLink;
use crate::domain::work_order::WorkOrder;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{SaveRule, Saved, Store, TxMode};
use crate::record::Digest;
use crate::testing::samples;
use crate::{code, record::Cell};

/// Each row of a call has its own answer, in order; good rows are saved beside refused ones.
pub async fn each_row_has_its_own_answer(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let (one, two) = (samples::connection(1), samples::connection(2));
    insert(store, &scope, &[one.clone(), two.clone()]).await;
    let (mut taken, new, mut twin) = (
        samples::connection(3),
        samples::connection(4),
        samples::connection(5),
    );
    taken.slug.clone_from(&one.slug);
    twin.connection_name.clone_from(&new.connection_name);
    let rows = [two.clone(), taken, new.clone(), twin];
    let saved = save_all(store, &scope, &rows, SaveRule::Insert).await;
    use Saved::{Duplicate, Inserted, Stale, Unchanged, Updated};
    assert_eq!(saved, [Duplicate, Duplicate, Inserted, Duplicate]);

    let (mut good, mut stale, mut clash) = (one.clone(), two.clone(), new.clone());
    (good.version, stale.version, clash.version) = (2, 2, 2);
    good.enabled = !good.enabled;
    stale.version = 9;
    clash.connection_name.clone_from(&two.connection_name);
    let missing = samples::connection(6);
    let rows = [missing, clash, good.clone(), stale];
    let saved = save_all(store, &scope, &rows, SaveRule::Update).await;
    assert_eq!(saved, [Stale, Duplicate, Updated, Stale]);
    assert_eq!(all::<Connection>(store, &scope).await, [good, two, new]);

    let link = |n| samples::external_link(samples::connection_id(1), n);
    insert(store, &scope, &[link(1), link(2)]).await;
    let mut other = link(2);
    other.digest = Digest([9; 16]);
    let rows = [link(3), other.clone(), link(1)];
    let saved = save_all(store, &scope, &rows, SaveRule::Upsert).await;
    assert_eq!(saved, [Inserted, Updated, Unchanged]);
    let links = all::<ExternalLink>(store, &scope).await;
    assert_eq!(links, [link(1), other, link(3)]);
}

/// A key twice in one call is an error of the caller: nothing of the call is saved.
pub async fn repeated_key_in_one_batch_is_refused(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let setting = samples::setting;
    let rows = [setting("a", 1), setting("b", 1), setting("a", 2)];
    for rule in [SaveRule::Insert, SaveRule::Update, SaveRule::Upsert] {
        let mut tx = once(store, &scope).await;
        let refused = tx.of::<Setting>().save_all(&rows, rule).await.unwrap_err();
        assert!(refused.is(code::INTERNAL), "{refused:?}");
        assert_eq!(all::<Setting>(store, &scope).await, []);
    }
    let mut tx = write(store, &scope).await;
    let refused = tx.of::<Setting>().save_all(&rows, SaveRule::Upsert).await;
    assert!(refused.unwrap_err().is(code::INTERNAL));
    tx.commit().await.unwrap();
    assert_eq!(all::<Setting>(store, &scope).await, []);
}

/// A call over no rows or keys does nothing.
pub async fn empty_calls_do_nothing(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[samples::setting("a", 1)]).await;
    for mode in [TxMode::Once, TxMode::Write] {
        let mut tx = store.begin(&scope, mode).await.unwrap();
        let mut repo = tx.of::<Setting>();
        for rule in [SaveRule::Insert, SaveRule::Update, SaveRule::Upsert] {
            assert_eq!(repo.save_all(&[], rule).await.unwrap(), []);
        }
        assert_eq!(repo.get_all(&[]).await.unwrap(), []);
        assert_eq!(tx.delete(SETTING, &[]).await.unwrap(), 0);
        tx.commit().await.unwrap();
    }
    assert_eq!(all::<Setting>(store, &scope).await.len(), 1);
}

const SETTING: &crate::record::Table = <Setting as crate::record::Record>::TABLE;

/// A delete says how many rows there were, and takes only those.
pub async fn delete_counts_rows(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let setting = |n| samples::setting(n, 1);
    insert(store, &scope, &["a", "b", "c", "d"].map(setting)).await;
    let keys = ["a", "c", "x"].map(|n| [Cell::text(n)]);
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 1]>::as_slice).collect();
    let mut tx = once(store, &scope).await;
    assert_eq!(tx.delete(SETTING, &keys).await.unwrap(), 2);
    assert_eq!(tx.delete(SETTING, &keys).await.unwrap(), 0);
    let twice: &[&[Cell<'_>]] = &[&[Cell::text("b")], &[Cell::text("b")]];
    assert_eq!(tx.delete(SETTING, twice).await.unwrap(), 1);
    assert_eq!(all::<Setting>(store, &scope).await, [setting("d")]);
}

/// A deleted row gives its key and its unique values up.
pub async fn deleted_row_gives_up_its_unique_values(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let first = samples::connection(1);
    insert(store, &scope, std::slice::from_ref(&first)).await;
    let mut tx = write(store, &scope).await;
    let mut repo = tx.of::<Connection>();
    assert!(repo.delete(&key(&first)).await.unwrap());
    let mut second = samples::connection(2);
    second.connection_name.clone_from(&first.connection_name);
    second.slug.clone_from(&first.slug);
    let saved = repo.save(&second, SaveRule::Insert).await.unwrap();
    assert_eq!(saved, Saved::Inserted);
    tx.commit().await.unwrap();
    assert_eq!(all::<Connection>(store, &scope).await, [second]);
}

/// A get leaves missing keys out and gives a key that is named twice once.
pub async fn get_of_missing_keys_leaves_them_out(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let link = |n| samples::external_link(samples::connection_id(1), n);
    insert(store, &scope, &[link(1), link(2), link(3)]).await;
    let mut elsewhere = link(1);
    elsewhere.connection_id = samples::connection_id(2);
    let keys = [link(3), link(9), link(1), elsewhere, link(3)].map(|l| key(&l));
    let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
    let mut tx = once(store, &scope).await;
    let mut found = tx.of::<ExternalLink>().get_all(&keys).await.unwrap();
    found.sort_by(|a, b| a.external_id.cmp(&b.external_id));
    assert_eq!(found, [link(1), link(3)]);
}

/// Ten thousand rows are inserted, read, changed and deleted in a call each.
pub async fn bulk_save_of_ten_thousand_rows(store: &dyn Store) {
    const ROWS: usize = 10_000;
    let scope = scope(store, "a").await;
    let mut orders: Vec<_> = (0..10_000).map(samples::work_order).collect();
    let mut tx = write(store, &scope).await;
    let mut repo = tx.of::<WorkOrder>();
    let saved = repo.save_all(&orders, SaveRule::Insert).await.unwrap();
    assert_eq!(saved, vec![Saved::Inserted; ROWS]);
    let saved = repo.save_all(&orders, SaveRule::Insert).await.unwrap();
    assert_eq!(saved, vec![Saved::Duplicate; ROWS]);
    tx.commit().await.unwrap();
    assert!(all::<WorkOrder>(store, &scope).await == orders);
    for order in &mut orders {
        order.version = 2;
        order.title.push('!');
    }
    let saved = save_all(store, &scope, &orders, SaveRule::Update).await;
    assert_eq!(saved, vec![Saved::Updated; ROWS]);
    let keys: Vec<_> = orders.iter().map(key).collect();
    let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
    let mut tx = write(store, &scope).await;
    let mut repo = tx.of::<WorkOrder>();
    let mut found = repo.get_all(&keys).await.unwrap();
    found.sort_by_key(|order| order.id);
    assert!(found == orders);
    let table = <WorkOrder as crate::record::Record>::TABLE;
    assert_eq!(tx.delete(table, &keys).await.unwrap(), 10_000);
    tx.commit().await.unwrap();
    assert_eq!(all::<WorkOrder>(store, &scope).await, []);
}
