//! Another program is in the way of one that only adds.

use super::{count, server, setting};
use cmms_core::code;
use cmms_core::domain::numbering::DailyNumber;
use cmms_core::domain::setting::Setting;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Store as _, TxMode};
use cmms_core::record::Cell;
use cmms_core::testing::samples;
use cmms_store::PostgresStore;

/// A store that has counted twice, so that it foresees the next number, and another one beside it.
async fn foreseeing() -> [PostgresStore; 2] {
    let schema = server::schema();
    let open = async || PostgresStore::connect(server::options_of(&schema)).await;
    let stores = [open().await.unwrap(), open().await.unwrap()];
    stores[0].migrate().await.unwrap();
    for number in 1..=3 {
        let counted = count(&stores[0], &samples::scope(1)).await.unwrap();
        assert_eq!(counted, number);
    }
    stores
}

/// Whoever only adds does not wait: it is told, and what it does again by `Write` waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_counts_nothing_is_in_the_way_too() {
    let [first, second] = foreseeing().await;
    let scope = samples::scope(1);
    let writing = second.begin(&scope, TxMode::Write).await.unwrap();
    let met = count(&first, &scope).await.unwrap_err();
    assert!(met.is(code::STORE_CONFLICT), "{met:?}");
    writing.commit().await.unwrap();
    assert_eq!(count(&first, &scope).await.unwrap(), 4);
}

/// A count that was foreseen wrongly is found out by the first call that has to be answered; the transaction has ended then.
#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_was_foreseen_wrongly_ends_the_transaction() {
    let [first, second] = foreseeing().await;
    let scope = samples::scope(1);
    let mut tx = first.begin(&scope, TxMode::Add).await.unwrap();
    let one = DailyNumber {
        prefix: "WO".into(),
        day: samples::day(1),
        last: 1,
    };
    assert_eq!(tx.of().upsert_and_get(&one).await.unwrap().last, 4);
    let setting = setting("foreseen");
    tx.of().insert_later(&setting).await.unwrap();
    assert_eq!(count(&second, &scope).await.unwrap(), 4);
    let key = [Cell::text("none")];
    let met = tx.of::<Setting>().get(&key).await.unwrap_err();
    assert!(met.is(code::STORE_CONFLICT), "{met:?}");
    tx.of::<Setting>().get(&key).await.unwrap_err();
    tx.commit().await.unwrap_err();
    assert_eq!(count(&first, &scope).await.unwrap(), 5);
    let mut tx = first.begin(&scope, TxMode::Once).await.unwrap();
    let key = [Cell::text("foreseen")];
    assert_eq!(tx.of::<Setting>().get(&key).await.unwrap(), None);
}
