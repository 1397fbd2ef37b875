//! Each guarantee has a twin that breaks it; its test must then fail.

use cmms::SyncStatus;
use cmms::core::failpoint::{Failpoint, set};
use cmms_tests::{Plant, Where};
use std::sync::Arc;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

static SWITCHES: std::sync::LazyLock<Arc<RwLock<()>>> = std::sync::LazyLock::new(Arc::default);

/// No switch is on while this is held.
pub async fn quiet() -> OwnedRwLockReadGuard<()> {
    Arc::clone(&SWITCHES).read_owned().await
}

struct Broken(
    Failpoint,
    #[expect(dead_code, reason = "held until the switch is off")] OwnedRwLockWriteGuard<()>,
);

impl Broken {
    async fn now(point: Failpoint) -> Self {
        let guard = Arc::clone(&SWITCHES).write_owned().await;
        set(point, true);
        Self(point, guard)
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        set(self.0, false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_pull_that_ignores_the_snapshot_is_caught() {
    let _broken = Broken::now(Failpoint::IgnoreSnapshot).await;
    let found = super::local::local_edit_survives().await;
    assert!(found.is_err_and(|why| why.contains("a local edit is gone")));
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_an_absent_field_that_is_taken_for_empty_is_caught() {
    let _broken = Broken::now(Failpoint::ClearAbsent).await;
    for field in ["status", "dueDate"] {
        let found = super::absent::vanished(Where::Sqlite, field).await;
        assert!(found.is_err_and(|why| why.contains("is gone")), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_snapshot_that_rounds_is_caught() {
    let _broken = Broken::now(Failpoint::RoundSnapshots).await;
    let found = super::local::edited_hours_survive().await;
    assert!(found.is_err_and(|why| why.contains("local edits are gone")));
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_stolen_lease_is_caught() {
    let _broken = Broken::now(Failpoint::StealLease).await;
    // The first run then loses its lease and ends with an error, or the second one is let in.
    let (first, second) = super::connection::second_run().await;
    assert!(first.is_err() || second.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_an_account_that_is_believed_is_caught() {
    let _broken = Broken::now(Failpoint::BelieveAccount).await;
    let found = super::account::a_foreign_account_is_found_out(Where::Sqlite).await;
    assert!(found.is_err_and(|why| why.contains("another account")));
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_plan_that_is_believed_is_caught() {
    let _broken = Broken::now(Failpoint::BelievePlan).await;
    let found = super::beginning::nothing_is_left_of_a_removed_connection(Where::Sqlite).await;
    assert!(found.is_err_and(|why| why.contains("left")));
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_list_that_is_believed_is_caught() {
    let _broken = Broken::now(Failpoint::BelieveLists).await;
    let plant = Plant::small(Where::Sqlite).await;
    plant.sync().await;
    plant.vendor().empty_lists(true);
    assert_eq!(plant.force().await.status, SyncStatus::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_write_that_is_believed_is_caught() {
    let _broken = Broken::now(Failpoint::BelieveWrites).await;
    let found = super::outcomes::refused_while_written_waits(Where::Sqlite).await;
    assert!(found.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_record_that_stops_the_run_is_caught() {
    let _broken = Broken::now(Failpoint::StopAtPoison).await;
    assert!(super::poison::refused_alone(Where::Sqlite).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_a_time_that_is_believed_is_caught() {
    let _broken = Broken::now(Failpoint::BelieveTimes).await;
    let wrong = super::clocks::odd_time(Where::Sqlite, "2126-01-01T00:00:00.000Z").await;
    assert!(wrong.len() > 10, "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_offsets_that_are_believed_are_caught() {
    let _broken = Broken::now(Failpoint::BelieveOffsets).await;
    let (here, status) = super::kinds::ties(Where::Sqlite, 100).await;
    assert!(here < 320 && status == SyncStatus::Ok, "{here} {status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_parents_that_are_believed_are_caught() {
    let _broken = Broken::now(Failpoint::BelieveParents).await;
    let found = super::parents::ring(Where::Sqlite, 3, 1).await;
    assert!(found.is_err_and(|why| why.contains("is a part of itself")));
}
