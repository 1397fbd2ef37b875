//! Writes that a store may put off or answer in one go.

use super::harness::{all, once, scope, stored, write};
use crate::context::Scope;
use crate::domain::numbering::DailyNumber;
use crate::domain::setting::Setting;
use crate::domain::sync_state::ExternalLink;
use crate::domain::work_order::WorkOrder;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{SaveRule, Saved, Store, Tx, TxMode};
use crate::record::Digest;
use crate::testing::samples;

/// A row that is inserted later is found by the next call of the transaction, and by others with the commit.
pub async fn rows_put_off_are_found_at_once(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let (first, second) = (samples::work_order(1), samples::work_order(2));
    let setting = samples::setting("s", 1);
    let mut tx = write(store, &scope).await;
    tx.of().insert_later(&first).await.unwrap();
    tx.of().insert_later(&setting).await.unwrap();
    tx.of().insert_later(&second).await.unwrap();
    let key = [crate::record::Cell::Id(second.id.0)];
    let found = tx.of::<WorkOrder>().get(&key).await.unwrap();
    assert_eq!(found.as_ref(), Some(&second));
    let mut next = second.clone();
    next.version += 1;
    let saved = tx.of().save(&next, SaveRule::Update).await.unwrap();
    assert_eq!(saved, Saved::Updated);
    let third = samples::work_order(3);
    tx.of().insert_later(&third).await.unwrap();
    assert_eq!(all::<WorkOrder>(store, &scope).await, [], "not yet");
    tx.commit().await.unwrap();
    assert_eq!(all::<WorkOrder>(store, &scope).await, [first, next, third]);
    assert_eq!(all::<Setting>(store, &scope).await, [setting]);
    let mut tx = write(store, &scope).await;
    tx.of().insert_later(&samples::work_order(4)).await.unwrap();
    drop(tx);
    let mut tx = once(store, &scope).await;
    tx.of().insert_later(&samples::work_order(5)).await.unwrap();
    drop(tx);
    assert_eq!(all::<WorkOrder>(store, &scope).await.len(), 4);
}

/// A row that was taken for new and is not fails the transaction, at the latest with its commit, and nothing of it is
/// stored: a key that is taken, and a unique value.
pub async fn row_put_off_that_is_not_new_fails_the_transaction(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let first = samples::work_order(1);
    let mut tx = write(store, &scope).await;
    tx.of().insert_later(&first).await.unwrap();
    tx.commit().await.unwrap();
    let mut same_key = samples::work_order(2);
    same_key.id = first.id;
    let mut same_number = samples::work_order(3);
    same_number.number = first.number.clone();
    for clash in [same_key, same_number] {
        let mut tx = write(store, &scope).await;
        tx.of().insert_later(&samples::work_order(9)).await.unwrap();
        let failed = match tx.of().insert_later(&clash).await {
            Ok(()) => tx.commit().await.unwrap_err(),
            Err(e) => {
                drop(tx);
                e
            }
        };
        assert_eq!(failed.code().id(), "CMMS-INTERNAL-001", "{failed}");
        let stored = all::<WorkOrder>(store, &scope).await;
        assert_eq!(stored, std::slice::from_ref(&first));
    }
}

/// Many rows that are inserted later are found by the next call, stored with the commit, and gone without it, also where
/// the store is still busy with them.
pub async fn rows_put_off_together_are_stored_with_the_commit(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let orders: Vec<WorkOrder> = (0..900).map(samples::work_order).collect();
    let mut tx = write(store, &scope).await;
    for some in orders.chunks(300) {
        tx.of().insert_all_later(some).await.unwrap();
    }
    tx.of::<WorkOrder>().insert_all_later(&[]).await.unwrap();
    let key = [crate::record::Cell::Id(orders[899].id.0)];
    let found = tx.of::<WorkOrder>().get(&key).await.unwrap();
    assert_eq!(found.as_ref(), orders.last());
    assert_eq!(all::<WorkOrder>(store, &scope).await, [], "not yet");
    tx.commit().await.unwrap();
    let mut sorted = orders.clone();
    sorted.sort_by_key(|order| order.id);
    assert_eq!(all::<WorkOrder>(store, &scope).await, sorted);
    let more: Vec<WorkOrder> = (900..1_200).map(samples::work_order).collect();
    let mut tx = write(store, &scope).await;
    tx.of().insert_all_later(&more).await.unwrap();
    drop(tx);
    let mut tx = write(store, &scope).await;
    tx.of().insert_all_later(&more).await.unwrap();
    tx.of()
        .insert_later(&samples::setting("s", 1))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(all::<WorkOrder>(store, &scope).await.len(), 1_200);
}

/// One of many rows that was taken for new and is not fails the transaction, at the latest with its commit.
pub async fn rows_put_off_one_of_which_is_not_new_fail_the_transaction(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let first = samples::work_order(7);
    let mut tx = write(store, &scope).await;
    tx.of().insert_later(&first).await.unwrap();
    tx.commit().await.unwrap();
    let orders: Vec<WorkOrder> = (0..20).map(samples::work_order).collect();
    let twice = [samples::work_order(30), samples::work_order(30)];
    for rows in [&orders[..], &twice[..]] {
        let mut tx = write(store, &scope).await;
        let failed = match tx.of().insert_all_later(rows).await {
            Ok(()) => match tx.of().insert_all_later(&[samples::work_order(40)]).await {
                Ok(()) => tx.commit().await.unwrap_err(),
                Err(e) => e,
            },
            Err(e) => e,
        };
        assert_eq!(failed.code().id(), "CMMS-INTERNAL-001", "{failed}");
        let stored = all::<WorkOrder>(store, &scope).await;
        assert_eq!(stored, std::slice::from_ref(&first));
    }
}

/// An upsert that is read back answers the row as it is then: new, added to, and unchanged.
pub async fn upsert_reads_back_what_is_stored(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let number = DailyNumber {
        prefix: "WO".into(),
        day: samples::day(1),
        last: 5,
    };
    for total in [5, 10, 15] {
        let mut tx = write(store, &scope).await;
        let now = tx.of().upsert_and_get(&number).await.unwrap();
        assert_eq!(now.last, total);
        tx.commit().await.unwrap();
        assert_eq!(stored(store, &scope, &number).await, Some(now));
    }
    let link = samples::external_link(samples::connection_id(1), 1);
    let mut tx = write(store, &scope).await;
    assert_eq!(tx.of().upsert_and_get(&link).await.unwrap(), link);
    let mut other = samples::external_link(samples::connection_id(1), 2);
    (other.entity, other.external_id) = (link.entity, link.external_id.clone());
    other.digest = link.digest;
    assert_eq!(tx.of().upsert_and_get(&other).await.unwrap(), link);
    other.digest = Digest::of(&[b"other"]);
    let now: ExternalLink = tx.of().upsert_and_get(&other).await.unwrap();
    assert_eq!((now.record_id, now.digest), (link.record_id, other.digest));
    tx.commit().await.unwrap();
}

/// A transaction that only adds counts, inserts and is stored as a whole, whatever the store knows of the count; it may
/// read after all, and is gone when it is dropped.
pub async fn transactions_that_add_count_and_insert(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut want = Vec::new();
    for n in 1..=12 {
        let (mut tx, order) = added(store, &scope, n).await;
        match n % 4 {
            // What others wrote meanwhile.
            1 => {
                tx.of()
                    .insert_later(&samples::setting("s", n))
                    .await
                    .unwrap();
                let key = [crate::record::Cell::Id(order.id.0)];
                let found = tx.of::<WorkOrder>().get(&key).await.unwrap();
                assert_eq!(found.as_ref(), Some(&order));
                drop(tx);
                // Waits until it is undone.
                write(store, &scope).await.commit().await.unwrap();
                let (tx, order) = added(store, &scope, n).await;
                tx.commit().await.unwrap();
                want.push(order);
            }
            2 => {
                let missing = [crate::record::Cell::Id(samples::work_order(999).id.0)];
                let found = tx.of::<WorkOrder>().get(&missing).await.unwrap();
                assert_eq!(found, None);
                tx.commit().await.unwrap();
                want.push(order);
            }
            _ => {
                tx.commit().await.unwrap();
                want.push(order);
            }
        }
        assert_eq!(all::<WorkOrder>(store, &scope).await, want);
    }
    assert_eq!(all::<Setting>(store, &scope).await, []);
    assert_eq!(all::<DailyNumber>(store, &scope).await[0].last, 12);
    let tx = store.begin(&scope, TxMode::Add).await.unwrap();
    tx.commit().await.unwrap();
    // Not new, in a store that has counted as it foresaw several times.
    for clash in [samples::work_order(3), samples::work_order(4)] {
        let (mut tx, _) = added(store, &scope, 13).await;
        let failed = match tx.of().insert_later(&clash).await {
            Ok(()) => tx.commit().await.unwrap_err(),
            Err(e) => {
                drop(tx);
                e
            }
        };
        assert_eq!(failed.code().id(), "CMMS-INTERNAL-001", "{failed}");
        assert_eq!(all::<WorkOrder>(store, &scope).await, want);
        assert_eq!(all::<DailyNumber>(store, &scope).await[0].last, 12);
    }
    let (mut tx, _) = added(store, &scope, 13).await;
    let twice = DailyNumber {
        prefix: "WO".into(),
        day: samples::day(1),
        last: 2,
    };
    assert_eq!(tx.of().upsert_and_get(&twice).await.unwrap().last, 15);
    tx.commit().await.unwrap();
    assert_eq!(all::<DailyNumber>(store, &scope).await[0].last, 15);
}

/// A transaction that has counted to `n` and put off a work order with that number.
async fn added(store: &dyn Store, scope: &Scope, n: u32) -> (Box<dyn Tx>, WorkOrder) {
    let one = DailyNumber {
        prefix: "WO".into(),
        day: samples::day(1),
        last: 1,
    };
    let mut tx = store.begin(scope, TxMode::Add).await.unwrap();
    let counted = tx.of().upsert_and_get(&one).await.unwrap();
    assert_eq!(counted.last, i64::from(n));
    let order = samples::work_order(n);
    tx.of().insert_later(&order).await.unwrap();
    (tx, order)
}
