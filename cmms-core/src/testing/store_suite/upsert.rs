//! Upserts: new or stored, compared by digest, counted up, summed up.

use super::harness::{all, insert, save, scope, stored};
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::numbering::DailyNumber;
use crate::domain::sync_state::{Checkpoint, ExternalLink};
use crate::domain::work_order::WorkOrder;
use crate::ports::store::{SaveRule, Saved, Store};
use crate::record::Digest;
use crate::testing::samples;

fn link(n: u32) -> ExternalLink {
    samples::external_link(samples::connection_id(1), n)
}

/// A new key: `Inserted`, as it was given, its version too.
pub async fn upsert_of_new_row_inserts(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut order = samples::work_order(1);
    order.version = 4;
    let saved = save(store, &scope, &order, SaveRule::Upsert).await;
    assert_eq!(saved, Saved::Inserted);
    assert_eq!(all::<WorkOrder>(store, &scope).await, [order]);
    assert_eq!(
        save(store, &scope, &link(1), SaveRule::Upsert).await,
        Saved::Inserted
    );
    assert_eq!(all::<ExternalLink>(store, &scope).await, [link(1)]);
}

/// An equal digest: `Unchanged`, whatever the other columns say.
pub async fn upsert_with_equal_digest_is_unchanged_and_writes_nothing(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[link(1)]).await;
    let mut other = link(2);
    other.external_id = link(1).external_id;
    other.digest = link(1).digest;
    let saved = save(store, &scope, &other, SaveRule::Upsert).await;
    assert_eq!(saved, Saved::Unchanged);
    assert_eq!(all::<ExternalLink>(store, &scope).await, [link(1)]);
}

/// Another digest: `Updated`.
pub async fn upsert_with_other_digest_updates(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[link(1)]).await;
    let mut other = link(1);
    other.digest = Digest([7; 16]);
    other.number = None;
    let saved = save(store, &scope, &other, SaveRule::Upsert).await;
    assert_eq!(saved, Saved::Updated);
    assert_eq!(all::<ExternalLink>(store, &scope).await, [other]);
}

/// Columns of the role `Once` stay.
pub async fn upsert_keeps_once(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[link(1)]).await;
    let mut other = link(2);
    other.external_id = link(1).external_id;
    let saved = save(store, &scope, &other, SaveRule::Upsert).await;
    assert_eq!(saved, Saved::Updated);
    other.record_id = link(1).record_id;
    assert_eq!(stored(store, &scope, &other).await, Some(other));
}

/// A table without digest and version takes every upsert.
pub async fn upsert_without_digest_updates(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let checkpoint = |n| samples::checkpoint(samples::connection_id(1), Entity::Asset, n);
    let saved = save(store, &scope, &checkpoint(1), SaveRule::Upsert).await;
    assert_eq!(saved, Saved::Inserted);
    for n in [1, 2] {
        let saved = save(store, &scope, &checkpoint(n), SaveRule::Upsert).await;
        assert_eq!(saved, Saved::Updated);
    }
    assert_eq!(all::<Checkpoint>(store, &scope).await, [checkpoint(2)]);
}

/// The stored and the given value of a column of the role `Sum` are added.
pub async fn sum_adds(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut answers = Vec::new();
    for by in [3, 4, 0, -2] {
        let number = samples::daily_number(1, by);
        answers.push(save(store, &scope, &number, SaveRule::Upsert).await);
    }
    use Saved::{Inserted, Updated};
    assert_eq!(answers, [Inserted, Updated, Updated, Updated]);
    let found = all::<DailyNumber>(store, &scope).await;
    assert_eq!(found, [samples::daily_number(1, 5)]);
}

/// The version becomes one more than the stored one, whatever is given.
pub async fn upsert_counts_version_up(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let first = samples::work_order(1);
    insert(store, &scope, std::slice::from_ref(&first)).await;
    for (given, expected) in [(1, 2), (1, 3), (9, 4), (i64::MAX, 5), (0, 6)] {
        let mut next = first.clone();
        next.version = given;
        next.title = format!("Title {expected}");
        let saved = save(store, &scope, &next, SaveRule::Upsert).await;
        assert_eq!(saved, Saved::Updated);
        next.version = expected;
        assert_eq!(stored(store, &scope, &next).await, Some(next));
    }
}

/// A unique value of another row: `Duplicate`, for a new row and for a stored one.
pub async fn unique_clash_on_upsert_is_duplicate(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let (one, two) = (samples::connection(1), samples::connection(2));
    insert(store, &scope, &[one.clone(), two.clone()]).await;
    let mut new = samples::connection(3);
    new.slug.clone_from(&one.slug);
    assert_eq!(
        save(store, &scope, &new, SaveRule::Upsert).await,
        Saved::Duplicate
    );
    let mut renamed = two.clone();
    renamed.connection_name.clone_from(&one.connection_name);
    assert_eq!(
        save(store, &scope, &renamed, SaveRule::Upsert).await,
        Saved::Duplicate
    );
    assert_eq!(all::<Connection>(store, &scope).await, [one, two]);
}
