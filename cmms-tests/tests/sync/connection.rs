//! Connections: what a sync needs of them.

use super::incremental::rows;
use cmms::core::services::sync::StartSync;
use cmms::{
    ConnectionOptions, CreateConnection, GetConnection, Result, SyncRun, SyncType,
    UpdateConnection, code,
};
use cmms_sim::upkeep::UpkeepConfig;
use cmms_tests::{Plant, Where};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_connection_is_not_found() {
    let plant = Plant::small(Where::Memory).await;
    let unknown = cmms::core::ids::ConnectionId(uuid::Uuid::nil());
    let error = plant.client.sync().all(unknown).await.unwrap_err();
    assert!(error.is(code::CONNECTION_NOT_FOUND));
    assert_eq!(error.first_field(), Some("cmms_connection_id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_connection_is_not_synced() {
    let plant = Plant::small(Where::Memory).await;
    let off = UpdateConnection::new(plant.connection.id).enabled(false);
    plant.client.connections().update(off).await.unwrap();
    let error = plant
        .client
        .sync()
        .all(plant.connection.id)
        .await
        .unwrap_err();
    assert!(error.is(code::CONNECTION_DISABLED));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_type_of_another_route_is_refused() {
    let plant = Plant::small(Where::Memory).await;
    let input = StartSync::new(plant.connection.id).sync_type(SyncType::All);
    let error = plant.client.sync().assets(input).await.unwrap_err();
    assert!(error.is(code::SYNC_TYPE));
    assert_eq!(error.first_field(), Some("sync_type"));
}

/// Two runs at once: the second is refused with the id of the first. Answers what the second got.
pub async fn second_run() -> (Result<SyncRun>, Result<SyncRun>) {
    let sim = UpkeepConfig::default()
        .assets(60)
        .work_orders(300)
        .page_cap(20)
        .latency(Duration::from_millis(15));
    let plant = Plant::with(sim, Where::Sqlite, ConnectionOptions::default()).await;
    let first = plant.client.sync().all(plant.connection.id);
    let second = async {
        loop {
            let runs = plant
                .client
                .runs()
                .list(cmms::ListRuns::new())
                .await
                .unwrap();
            if !runs.items.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        plant.client.sync().work_orders(plant.connection.id).await
    };
    let (first, second) = tokio::join!(first, second);
    (first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_at_once_is_refused_naming_the_first() {
    let _quiet = super::twins::quiet().await;
    let (first, second) = second_run().await;
    let (first, error) = (first.unwrap(), second.unwrap_err());
    assert!(error.is(code::SYNC_RUNNING));
    assert_eq!(error.kind().http_status(), 409);
    assert_eq!(
        error.subject_of(),
        Some(("run_id", first.id.to_string().as_str()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_future_was_dropped_is_taken_over() {
    let plant = Plant::start().await;
    plant.vendor().set_latency(Duration::from_millis(5));
    {
        let run = plant.client.sync().all(plant.connection.id);
        let begun = async {
            loop {
                if !plant
                    .client
                    .runs()
                    .list(cmms::ListRuns::new())
                    .await
                    .unwrap()
                    .items
                    .is_empty()
                {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = run => panic!("the run ended before it was dropped"),
            () = begun => {}
        }
    }
    plant.vendor().set_latency(Duration::ZERO);
    let run = plant.sync().await;
    assert_eq!(run.created, 2200);
    let runs = plant
        .client
        .runs()
        .list(cmms::ListRuns::new())
        .await
        .unwrap()
        .items;
    assert_eq!(runs[0].status, cmms::SyncStatus::Failed);
    assert_eq!(runs[0].errors.0[0].code, "CMMS-SYNC-006");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_needs_the_credentials_again() {
    let plant = Plant::small(Where::Memory).await;
    let moved = UpdateConnection::new(plant.connection.id).api_url("https://api.onupkeep.com");
    let error = plant
        .client
        .connections()
        .update(moved.clone())
        .await
        .unwrap_err();
    assert!(error.is(code::CONNECTION_HOST_CHANGE));
    let moved = moved.username("a@example.com").password("new");
    let connection = plant.client.connections().update(moved).await.unwrap();
    assert_eq!(connection.credentials["password"].version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_connection_leaves_its_records() {
    let plant = Plant::small(Where::Sqlite).await;
    plant.sync().await;
    let gone = plant
        .client
        .connections()
        .delete(plant.connection.id)
        .await
        .unwrap();
    assert_eq!(gone.links_removed, 140);
    let (assets, orders, links) = rows(&plant).await;
    assert_eq!((assets.len(), orders.len(), links.len()), (20, 120, 0));
    let error = plant
        .client
        .connections()
        .get(GetConnection::new(plant.connection.id))
        .await
        .unwrap_err();
    assert!(error.is(code::CONNECTION_NOT_FOUND));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_work_is_refused_when_it_is_created() {
    let plant = Plant::small(Where::Memory).await;
    let url = plant.sim.base_url();
    let create = |kind: &str, url: &str, name: &str| CreateConnection::new(kind, url, name);
    let cases = [
        (
            create("upkep", &url, "a").api_key("k"),
            "CMMS-CONN-002",
            "cmms_type",
        ),
        (
            create("upkeep", "http://127.0.0.1:1", "a").api_key("k"),
            "CMMS-EGRESS-001",
            "api_url",
        ),
        (
            create("upkeep", "https://169.254.169.254/", "a").api_key("k"),
            "CMMS-EGRESS-001",
            "api_url",
        ),
        (
            create("upkeep", "https://evil.example", "a").api_key("k"),
            "CMMS-EGRESS-001",
            "api_url",
        ),
        (
            create("upkeep", "not a url", "a").api_key("k"),
            "CMMS-EGRESS-002",
            "api_url",
        ),
        (create("upkeep", &url, "a"), "CMMS-CONN-003", "credentials"),
        (
            create("upkeep", &url, "a").username("x"),
            "CMMS-CONN-003",
            "credentials",
        ),
        (
            create("upkeep", &url, "").api_key("k"),
            "CMMS-INPUT-003",
            "connection_name",
        ),
        (
            create("upkeep", &url, "Plant").api_key("k"),
            "CMMS-CONN-005",
            "connection_name",
        ),
        (
            create("upkeep", &url, "a").api_key("k").sync_interval(1),
            "CMMS-INPUT-010",
            "sync_interval",
        ),
    ];
    for (input, code, field) in cases {
        let error = plant
            .client
            .connections()
            .create(input.clone())
            .await
            .unwrap_err();
        assert_eq!(
            (error.code().id(), error.first_field()),
            (code, Some(field)),
            "{input:?}: {error}"
        );
        assert!(!error.remedy().is_empty());
    }
    let all = plant
        .client
        .connections()
        .list(cmms::ListConnections::new())
        .await
        .unwrap()
        .items;
    assert_eq!(all.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ensure_creates_a_connection_once_and_then_answers_it_as_it_is() {
    for place in [Where::Memory, Where::Sqlite, Where::Postgres] {
        let plant = Plant::small(place).await;
        let connections = plant.client.connections();
        let sim = plant.sim.base_url();
        let login = |password: &str| {
            CreateConnection::new("upkeep", &sim, "Second")
                .username("second@example.com")
                .password(password)
        };
        let made = connections.ensure(login("secret")).await.unwrap();
        assert_ne!(made.id, plant.connection.id);
        // What somebody changed since stays so.
        let slower = UpdateConnection::new(made.id).sync_interval(3600);
        let changed = connections.update(slower).await.unwrap();
        let again = connections.ensure(login("secret")).await.unwrap();
        assert_eq!(again, changed);
        let third = || {
            let login = CreateConnection::new("upkeep", &sim, "Third");
            login.username("third@example.com").password("secret")
        };
        let at_once = tokio::join!(connections.ensure(third()), connections.ensure(third()));
        assert_eq!(at_once.0.unwrap(), at_once.1.unwrap());
        // Another one of the same name is refused, naming what differs.
        let elsewhere = CreateConnection::new("upkeep", "https://api.onupkeep.com", "Second");
        let elsewhere = elsewhere.username("second@example.com").password("secret");
        for (other, field) in [(elsewhere, "api_url"), (login("other"), "credentials")] {
            let error = connections.ensure(other).await.unwrap_err();
            assert!(error.is(code::CONNECTION_EXISTS));
            assert_eq!(error.first_field(), Some(field));
            let first = made.id.to_string();
            assert_eq!(
                error.subject_of(),
                Some(("cmms_connection_id", first.as_str()))
            );
        }
        assert_eq!(connections.get(made.id).await.unwrap(), changed);
    }
}
