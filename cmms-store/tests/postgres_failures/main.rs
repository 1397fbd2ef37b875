//! What happens when the server, the way to it or another program fails.

#![cfg(all(feature = "postgres", unix))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod cut;
mod met;
mod own;
mod pooled;
mod proxy;
mod refused;
mod restart;
#[path = "../server/mod.rs"]
mod server;
mod silent;

use cmms_core::context::{Principal, Scope};
use cmms_core::domain::numbering::DailyNumber;
use cmms_core::domain::setting::Setting;
use cmms_core::ids::{IdGen as _, OrgId, SystemIds, WorkOrderId};
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Query, Store, TxMode};
use cmms_core::testing::samples;

/// The scope of the organization `default`.
async fn scope(store: &dyn Store) -> Scope {
    let new = OrgId(SystemIds.next());
    let org = store.organization("default", new, samples::start()).await;
    Scope::new(org.unwrap(), Principal::user("tester"))
}

/// A setting by this name.
fn setting(name: &str) -> Setting {
    samples::setting(name, 1)
}

/// Inserts a setting in a transaction.
async fn insert(store: &dyn Store, scope: &Scope, name: &str) -> cmms_core::Result<()> {
    let mut tx = store.begin(scope, TxMode::Write).await?;
    tx.of().insert_later(&setting(name)).await?;
    tx.commit().await
}

/// Counts on and stores a setting by that number, in a transaction that only adds.
async fn count(store: &dyn Store, scope: &Scope) -> cmms_core::Result<i64> {
    let one = DailyNumber {
        prefix: "WO".into(),
        day: samples::day(1),
        last: 1,
    };
    let mut tx = store.begin(scope, TxMode::Add).await?;
    let number = tx.of().upsert_and_get(&one).await?.last;
    let setting = setting(&format!("{number:06}"));
    tx.of().insert_later(&setting).await?;
    // As each operation has an entry of the audit.
    let mut order = samples::work_order(1);
    order.id = WorkOrderId(SystemIds.next());
    order.number = setting.name;
    tx.of().insert_later(&order).await?;
    tx.commit().await?;
    Ok(number)
}

/// The names of all settings.
async fn names(store: &dyn Store, scope: &Scope) -> Vec<String> {
    let mut tx = store.begin(scope, TxMode::Once).await.unwrap();
    let all = tx.of::<Setting>().list(&Query::default()).await.unwrap();
    all.into_iter().map(|s| s.name).collect()
}
