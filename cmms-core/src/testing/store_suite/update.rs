//! Updates: only of stored rows, only of the version that was read.

use super::harness::{all, filter, insert, list, save, save_all, scope, stored, write};
use crate::domain::connection::Connection;
use crate::domain::numbering::DailyNumber;
use crate::domain::setting::Setting;
use crate::domain::work_order::{WorkOrder, WorkOrderStatus};
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Dir, Filter, Query, SaveRule, Saved, Store};
use crate::record::{Cell, Field as _};
use crate::testing::samples;

/// A record that differs from the sample `n` in every column but its key, with this version.
fn changed(n: u32, version: i64) -> WorkOrder {
    let mut order = samples::work_order(n + 100);
    order.id = samples::work_order(n).id;
    order.version = version;
    order
}

/// What is stored after [`changed`]: columns of the role `Once` stay.
fn merged(n: u32, version: i64) -> WorkOrder {
    let mut order = changed(n, version);
    let first = samples::work_order(n);
    order.created_at = first.created_at;
    order.created_by = first.created_by;
    order.number = first.number;
    order.source = first.source;
    order
}

/// Rows of one call that change different columns, or none that a filter or order uses: each is found by what it
/// is now, and not by what it was.
pub async fn updates_of_one_call_are_found_by_what_they_changed(store: &dyn Store) {
    use WorkOrderStatus::{Completed, InProgress};
    let scope = scope(store, "a").await;
    let first = |n| WorkOrder {
        status: InProgress,
        asset_id: Some("PUMP".into()),
        ..samples::work_order(n)
    };
    let mut orders: Vec<_> = (1..=4).map(first).collect();
    insert(store, &scope, &orders).await;
    insert(store, &scope, &[first(5)]).await;
    for back in [false, true] {
        let version = if back { 3 } else { 2 };
        orders[0].title = format!("Title of version {version}");
        orders[1].status = if back { InProgress } else { Completed };
        orders[2].asset_id = back.then(|| "PUMP".into());
        orders[2].due_at = back.then(|| samples::at(500));
        orders[3].updated_at = samples::at(600 + u32::from(back));
        for order in &mut orders {
            order.version = version;
        }
        // A stale one, and one that is not stored.
        let others = [5, 6].map(|n| WorkOrder {
            version: 9,
            ..first(n)
        });
        let call = [orders.as_slice(), &others].concat();
        let saved = save_all(store, &scope, &call, SaveRule::Update).await;
        let expected = [[Saved::Updated; 4].as_slice(), &[Saved::Stale; 2]].concat();
        assert_eq!(saved, expected);
        let now = [orders.as_slice(), &[first(5)]].concat();
        assert_eq!(all::<WorkOrder>(store, &scope).await, now);
        for status in [InProgress, Completed] {
            let is = Filter::eq(WorkOrder::STATUS, status.cell());
            let of: Vec<_> = now.iter().filter(|o| o.status == status).cloned().collect();
            assert_eq!(filter::<WorkOrder>(store, &scope, is.clone()).await, of);
            for by in [WorkOrder::DUE_AT, WorkOrder::UPDATED_AT] {
                let query = Query {
                    filter: is.clone(),
                    order: vec![(by, Dir::Asc), (WorkOrder::ID, Dir::Asc)],
                    ..Query::default()
                };
                let time = |o: &WorkOrder| match by {
                    WorkOrder::DUE_AT => o.due_at,
                    _ => Some(o.updated_at),
                };
                let mut sorted = of.clone();
                // An order leaves out what has no place in it.
                sorted.retain(|o| time(o).is_some());
                sorted.sort_by_key(time);
                assert_eq!(list::<WorkOrder>(store, &scope, &query).await, sorted);
            }
        }
        let on = Filter::eq(WorkOrder::ASSET_ID, Cell::text("PUMP"));
        let of: Vec<_> = now
            .iter()
            .filter(|o| o.asset_id.is_some())
            .cloned()
            .collect();
        assert_eq!(filter::<WorkOrder>(store, &scope, on).await, of);
    }
}

/// A version that is not one more than the stored one: `Stale`, and nothing is written.
pub async fn update_with_stale_version_is_stale(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut first = samples::work_order(1);
    first.version = 5;
    insert(store, &scope, std::slice::from_ref(&first)).await;
    for version in [i64::MIN, 0, 1, 4, 5, 7, i64::MAX] {
        let saved = save(store, &scope, &changed(1, version), SaveRule::Update).await;
        assert_eq!(saved, Saved::Stale, "version {version}");
    }
    assert_eq!(all::<WorkOrder>(store, &scope).await, [first]);
}

/// The next version: `Updated`, once.
pub async fn update_with_next_version_updates(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[samples::work_order(1)]).await;
    let next = changed(1, 2);
    let saved = save(store, &scope, &next, SaveRule::Update).await;
    assert_eq!(saved, Saved::Updated);
    assert_eq!(stored(store, &scope, &next).await, Some(merged(1, 2)));
    let again = save(store, &scope, &next, SaveRule::Update).await;
    assert_eq!(again, Saved::Stale);
}

/// No stored row: `Stale`, and none is made.
pub async fn update_of_missing_row_is_stale(store: &dyn Store) {
    let scope = scope(store, "a").await;
    for version in [0, 1, 2] {
        let saved = save(store, &scope, &changed(1, version), SaveRule::Update).await;
        assert_eq!(saved, Saved::Stale);
    }
    let setting = samples::setting("s", 1);
    let saved = save(store, &scope, &setting, SaveRule::Update).await;
    assert_eq!(saved, Saved::Stale);
    assert_eq!(all::<WorkOrder>(store, &scope).await, []);
    assert_eq!(all::<Setting>(store, &scope).await, []);
}

/// The key and columns of the role `Once` stay; every other column changes, also to null.
pub async fn update_keeps_key_and_once_columns(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let other = samples::work_order(2);
    insert(store, &scope, &[samples::work_order(1), other.clone()]).await;
    let mut next = changed(1, 2);
    next.description = None;
    next.due_at = None;
    next.tags.clear();
    let saved = save(store, &scope, &next, SaveRule::Update).await;
    assert_eq!(saved, Saved::Updated);
    let mut expected = merged(1, 2);
    expected.description = None;
    expected.due_at = None;
    expected.tags.clear();
    assert_eq!(all::<WorkOrder>(store, &scope).await, [expected, other]);
}

/// A table without a version takes every update of a stored row.
pub async fn update_without_version_updates(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[samples::setting("s", 1)]).await;
    for value in [2, 2, 3] {
        let next = samples::setting("s", value);
        let saved = save(store, &scope, &next, SaveRule::Update).await;
        assert_eq!(saved, Saved::Updated);
        assert_eq!(stored(store, &scope, &next).await, Some(next));
    }
}

/// Only an upsert looks at the digest: an update writes what it is given.
pub async fn update_with_equal_digest_updates(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut link = samples::external_link(samples::connection_id(1), 1);
    insert(store, &scope, std::slice::from_ref(&link)).await;
    link.number = Some("other".into());
    let saved = save(store, &scope, &link, SaveRule::Update).await;
    assert_eq!(saved, Saved::Updated);
    assert_eq!(stored(store, &scope, &link).await, Some(link));
}

/// An update adds to columns of the role `Sum`.
pub async fn update_adds_sums(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[samples::daily_number(1, 5)]).await;
    let more = samples::daily_number(1, 7);
    let saved = save(store, &scope, &more, SaveRule::Update).await;
    assert_eq!(saved, Saved::Updated);
    let found = all::<DailyNumber>(store, &scope).await;
    assert_eq!(found, [samples::daily_number(1, 12)]);
}

/// A unique value of another row: `Duplicate`; the row stays as it is and the transaction goes on.
pub async fn unique_clash_on_update_is_duplicate_and_tx_goes_on(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let (one, two) = (samples::connection(1), samples::connection(2));
    insert(store, &scope, &[one.clone(), two.clone()]).await;
    let mut tx = write(store, &scope).await;
    let mut clash = two.clone();
    clash.version = 2;
    clash.enabled = !clash.enabled;
    clash.connection_name.clone_from(&one.connection_name);
    let mut repo = tx.of::<Connection>();
    let saved = repo.save(&clash, SaveRule::Update).await.unwrap();
    assert_eq!(saved, Saved::Duplicate);
    clash.connection_name = "Free".into();
    let saved = repo.save(&clash, SaveRule::Update).await.unwrap();
    assert_eq!(saved, Saved::Updated, "the version was not counted up");
    tx.commit().await.unwrap();
    assert_eq!(all::<Connection>(store, &scope).await, [one, clash]);
}

/// A stale version with a taken unique value is `Stale`.
pub async fn stale_comes_before_duplicate(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let (one, two) = (samples::connection(1), samples::connection(2));
    insert(store, &scope, &[one.clone(), two.clone()]).await;
    let mut both = two;
    both.version = 7;
    both.connection_name = one.connection_name;
    let saved = save(store, &scope, &both, SaveRule::Update).await;
    assert_eq!(saved, Saved::Stale);
}

/// A unique value that its row gave up can be taken; its own it may keep.
pub async fn given_up_unique_value_is_free(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let (mut one, mut two) = (samples::connection(1), samples::connection(2));
    insert(store, &scope, &[one.clone(), two.clone()]).await;
    two.connection_name.clone_from(&one.connection_name);
    one.connection_name = "Renamed".into();
    (one.version, two.version) = (2, 2);
    let renamed = [one.clone(), two.clone()];
    let saved = super::harness::save_all(store, &scope, &renamed, SaveRule::Update).await;
    assert_eq!(saved, [Saved::Updated; 2], "rows are taken in order");
    two.version = 3;
    two.enabled = !two.enabled;
    let saved = save(store, &scope, &two, SaveRule::Update).await;
    assert_eq!(saved, Saved::Updated);
    assert_eq!(all::<Connection>(store, &scope).await, [one, two]);
}
