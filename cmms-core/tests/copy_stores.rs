//! A whole store is carried to another one, whatever was there of it before.

#![expect(clippy::unwrap_used, reason = "tests")]

use cmms_core::clock::SystemClock;
use cmms_core::context::{Principal, Scope};
use cmms_core::domain::TABLES;
use cmms_core::ids::OrgId;
use cmms_core::memory::MemoryStore;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Query, SaveRule, Store, TxMode};
use cmms_core::record::{Cell, Record, Row, Rows};
use cmms_core::services::copy::copy;
use cmms_core::testing::samples;

/// Everything in a store, by organization and table.
async fn state(store: &dyn Store) -> Vec<(String, &'static str, Vec<Row>)> {
    let mut all = Vec::new();
    for organization in store.organizations().await.unwrap() {
        let scope = Scope::new(organization.id, Principal::system());
        let mut tx = store.begin(&scope, TxMode::Snapshot).await.unwrap();
        for table in TABLES {
            let mut found = Rows::of_width(table.columns.len());
            tx.list(table, &Query::default(), &mut found).await.unwrap();
            all.push((organization.name.clone(), table.name, found.rows));
        }
    }
    all
}

async fn put<R: Record>(store: &dyn Store, scope: &Scope, records: &[R]) {
    let mut tx = store.begin(scope, TxMode::Write).await.unwrap();
    tx.of::<R>()
        .save_all(records, SaveRule::Insert)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Two organizations with equal keys and different values.
async fn filled(orders: u32) -> MemoryStore {
    let store = MemoryStore::new();
    for (n, name) in ["default", "other"].into_iter().enumerate() {
        let n = u32::try_from(n).unwrap();
        let org = OrgId(samples::id(0, n));
        let org = store.organization(name, org, samples::at(n)).await.unwrap();
        let scope = &Scope::new(org, Principal::system());
        let all: Vec<_> = (0..orders)
            .map(|i| {
                let mut order = samples::work_order(i);
                order.title = format!("{name} {i}");
                order
            })
            .collect();
        put(&store, scope, &all).await;
        put(
            &store,
            scope,
            &[samples::connection(n), samples::connection(7)],
        )
        .await;
        put(&store, scope, &[samples::setting("s", n)]).await;
        put(
            &store,
            scope,
            &[samples::sealed_secret(samples::connection_id(7), n)],
        )
        .await;
    }
    store
}

#[tokio::test]
async fn a_copy_is_equal_and_a_second_is_refused() {
    let from = filled(2_500).await;
    let to = MemoryStore::new();
    let mut told = Vec::new();
    copy(&from, &to, &SystemClock::default(), |done| {
        told.push(done.clone())
    })
    .await
    .unwrap();
    assert_eq!(state(&from).await, state(&to).await);
    assert_eq!(told.len(), 2 * TABLES.len());
    assert_eq!(
        (told[0].table, told[0].rows, told[0].written),
        ("work_orders", 2_500, 2_500)
    );
    let refused = copy(&from, &to, &SystemClock::default(), |_| {})
        .await
        .unwrap_err();
    assert_eq!(refused.code().id(), "CMMS-COPY-001");
}

/// What broke off leaves its mark, so it goes on: rows that lack come, others go, those that differ are written anew.
#[tokio::test]
async fn a_copy_that_broke_off_goes_on() {
    let from = filled(2_500).await;
    let to = MemoryStore::new();
    copy(&from, &to, &SystemClock::default(), |_| {})
        .await
        .unwrap();
    let org = to.organizations().await.unwrap().remove(0).id;
    let scope = &Scope::new(org, Principal::system());
    let mut mark = samples::setting("copy.unfinished", 1);
    mark.value.0 = format!("memory {}", from.info().location).into();
    put(&to, scope, &[mark]).await;
    let mut tx = to.begin(scope, TxMode::Write).await.unwrap();
    let key = |n: u32| [Cell::Id(samples::work_order(n).id.0)];
    for n in [0, 1, 999, 1_000, 2_499] {
        tx.of::<cmms_core::domain::work_order::WorkOrder>()
            .delete(&key(n))
            .await
            .unwrap();
    }
    let mut other = samples::work_order(1_500);
    other.version += 1;
    tx.of().save(&other, SaveRule::Update).await.unwrap();
    let extra = [2_500, 2_501].map(samples::work_order);
    tx.of().save_all(&extra, SaveRule::Insert).await.unwrap();
    tx.commit().await.unwrap();
    let unfinished = copy(&to, &MemoryStore::new(), &SystemClock::default(), |_| {})
        .await
        .unwrap_err();
    assert_eq!(unfinished.code().id(), "CMMS-COPY-002");
    copy(&from, &to, &SystemClock::default(), |_| {})
        .await
        .unwrap();
    assert_eq!(state(&from).await, state(&to).await);
}

#[tokio::test]
async fn an_organization_with_another_id_is_refused() {
    let from = filled(1).await;
    let to = MemoryStore::new();
    let other = OrgId(samples::id(0, 99));
    to.organization("default", other, samples::at(0))
        .await
        .unwrap();
    let before = state(&to).await;
    let refused = copy(&from, &to, &SystemClock::default(), |_| {})
        .await
        .unwrap_err();
    assert_eq!(refused.code().id(), "CMMS-COPY-001");
    assert_eq!(state(&to).await, before);
}
