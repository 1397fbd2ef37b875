//! What goes wrong at the vendor.

use super::incremental::rows;
use cmms::core::testing::SteppedClock;
use cmms::secrets::KeyVault;
use cmms::{
    Client, GetConnection, HealthState, SyncFailed, SyncRun, SyncStatus, UpdateConnection, code,
};
use cmms_tests::{KEY, Plant, Where, config};
use std::sync::Arc;

/// The plant's client on a clock that steps by itself, so that waits between tries take no time.
async fn stepped(plant: &Plant) -> cmms::Client {
    let clock = Arc::new(SteppedClock::new(plant.vendor().now()));
    Client::builder(Arc::clone(&plant.store))
        .config(config(&plant.sim))
        .vault(KeyVault::with_key(KEY))
        .clock(clock)
        .build()
        .await
        .unwrap()
}

async fn state(plant: &Plant) -> HealthState {
    let connection = plant
        .client
        .connections()
        .get(GetConnection::new(plant.connection.id))
        .await
        .unwrap();
    connection.health.state
}

fn failed_with(run: &SyncRun, row: &'static cmms::core::error::Code) {
    assert_eq!(run.status, SyncStatus::Failed, "{run:?}");
    let error = &run.errors.0[0];
    assert_eq!(error.code, row.id(), "{run:?}");
    assert!(!error.remedy.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_is_an_error_with_its_run_in_a_program() {
    let plant = Plant::small(Where::Sqlite).await;
    let run = plant.sync().await;
    assert_eq!(run.clone().into_result().unwrap(), run);
    let edit = UpdateConnection::new(plant.connection.id)
        .username("integration@example.com")
        .password("another");
    plant.client.connections().update(edit).await.unwrap();
    let failed = plant.sync().await.into_result().unwrap_err();
    assert_eq!(failed.run().status, SyncStatus::Failed);
    let run = failed.run().clone();
    // What `?` makes of it in a function that returns `cmms::Result`.
    let error = cmms::Error::from(failed);
    assert!(error.is(code::VENDOR_LOGIN), "{error:?}");
    assert_eq!(error.remedy(), run.errors.0[0].remedy);
    assert_eq!(
        error.subject_of(),
        Some(("run_id", run.id.to_string().as_str()))
    );
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(
        source.downcast_ref::<SyncFailed>().map(SyncFailed::run),
        Some(&run)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_sync_is_an_error_and_a_partial_one_is_its_run() {
    let plant = Plant::small(Where::Sqlite).await;
    let mut run = plant.sync().await;
    for status in [
        SyncStatus::Ok,
        SyncStatus::Partial,
        SyncStatus::Running,
        SyncStatus::Queued,
        SyncStatus::NeedsConfirmation,
    ] {
        run.status = status;
        assert_eq!(run.clone().into_result().unwrap().status, status);
    }
    run.status = SyncStatus::Cancelled;
    let error = cmms::Error::from(run.into_result().unwrap_err());
    assert!(error.is(code::OP_CANCELLED), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_vendor_fails_the_run_and_shows_in_the_health() {
    let plant = Plant::small(Where::Sqlite).await;
    plant.sync().await;
    assert_eq!(state(&plant).await, HealthState::Healthy);
    let before = rows(&plant).await;
    let client = stepped(&plant).await;
    let Plant {
        sim,
        client: _,
        store,
        connection,
        folder,
        ..
    } = plant;
    let vendor = sim.vendor().clone();
    sim.stop().await;
    let run = client.sync().all(connection.id).await.unwrap();
    failed_with(&run, code::VENDOR_UNREACHABLE);
    let error = client.connections().test(connection.id).await.unwrap_err();
    assert!(error.is(code::VENDOR_UNREACHABLE));
    let health = client
        .connections()
        .get(connection.id)
        .await
        .unwrap()
        .health;
    assert_eq!(health.state, HealthState::Degraded);
    assert!(health.last_success_at.is_some() && health.reason.unwrap().contains("CMMS-VENDOR-001"));
    drop((vendor, folder));
    let _ = (before, store);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_fails_the_run_and_asks_for_credentials() {
    let plant = Plant::small(Where::Sqlite).await;
    plant.vendor().set_password("another");
    let run = plant.sync().await;
    failed_with(&run, code::VENDOR_LOGIN);
    assert_eq!(state(&plant).await, HealthState::AuthRequired);
    let error = plant
        .client
        .connections()
        .test(plant.connection.id)
        .await
        .unwrap_err();
    assert!(error.is(code::VENDOR_LOGIN));
    assert_eq!(error.kind().http_status(), 502);
    assert_eq!(rows(&plant).await.0.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_in_the_middle_is_renewed_once() {
    let plant = Plant::start().await;
    let mut ended = false;
    plant.vendor().after_each_request(move |vendor, request| {
        if !ended && request.path.contains("work-orders") {
            ended = true;
            vendor.expire_sessions();
        }
    });
    let run = plant.sync().await;
    assert_eq!((run.status, run.created), (SyncStatus::Ok, 2200), "{run:?}");
    assert_eq!(plant.vendor().logins(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out_as_the_vendor_asks() {
    let plant = Plant::small(Where::Sqlite).await;
    let client = stepped(&plant).await;
    plant.vendor().fail_next(3, 429, Some("7".to_owned()));
    let run = client.sync().all(plant.connection.id).await.unwrap();
    assert_eq!((run.status, run.created), (SyncStatus::Ok, 140), "{run:?}");
    plant.vendor().fail_next(50, 503, None);
    let run = client.sync().all(plant.connection.id).await.unwrap();
    failed_with(&run, code::VENDOR_ERROR);
    plant.vendor().fail_next(0, 503, None);
}
