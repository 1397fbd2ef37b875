//! Each kind of record ends by itself.

use cmms::{ConnectionOptions, Entity, HealthState, SyncStatus};
use cmms_sim::Fault;
use cmms_sim::upkeep::{SimEntity, UpkeepConfig};
use cmms_tests::oracle::differences;
use cmms_tests::{Plant, Where};

const LISTS: [(Entity, Entity, &str); 2] = [
    (Entity::Asset, Entity::WorkOrder, "assets"),
    (Entity::WorkOrder, Entity::Asset, "work-orders"),
];

async fn found(plant: &Plant, of: &[Entity]) -> Vec<String> {
    let (client, store) = (&plant.client, plant.store.as_ref());
    let of = match of {
        [Entity::Asset] => &[Entity::Asset][..],
        [Entity::WorkOrder] => &[Entity::WorkOrder][..],
        _ => cmms_tests::oracle::ALL,
    };
    let found = differences(client, store, plant.vendor(), plant.connection.id, of).await;
    found.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_forbidden_or_broken_does_not_take_the_others() {
    for place in [Where::Memory, Where::Sqlite] {
        for (broken, other, list) in LISTS {
            for (fault, code) in [
                (Fault::Forbidden, "CMMS-VENDOR-003"),
                (Fault::GzipBomb, "CMMS-VENDOR-007"),
            ] {
                let plant = Plant::small(place).await;
                plant.vendor().inject(fault.on(list).always());
                let run = plant.sync().await;
                assert_eq!(run.status, SyncStatus::Partial, "{fault}: {run:?}");
                let error = &run.errors.0[0];
                assert_eq!(
                    (error.code.as_str(), error.entity),
                    (code, Some(broken)),
                    "{run:?}"
                );
                let counts = &run.streams.0;
                let of = |entity| counts.iter().find(|s| s.entity == entity).unwrap();
                assert!(of(other).created > 0, "{fault}: {run:?}");
                assert_eq!(of(broken).created, 0, "{fault}: {run:?}");
                plant.vendor().end_faults();
                let run = plant.sync().await;
                assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
                assert_eq!(found(&plant, &[]).await, Vec::<String>::new());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_which_no_kind_came_through_failed() {
    let plant = Plant::small(Where::Memory).await;
    for (_, _, list) in LISTS {
        plant.vendor().inject(Fault::Forbidden.on(list).always());
    }
    let run = plant.sync().await;
    assert_eq!(run.status, SyncStatus::Failed, "{run:?}");
    let of: Vec<_> = run.errors.0.iter().map(|e| e.entity).collect();
    assert_eq!(of, [Some(Entity::Asset), Some(Entity::WorkOrder)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_which_kinds_can_be_read() {
    let plant = Plant::small(Where::Memory).await;
    let id = plant.connection.id;
    let test = plant.client.connections().test(id).await.unwrap();
    assert!(test.ok && test.kinds.len() == 2, "{test:?}");
    assert_eq!(test.health.state, HealthState::Healthy);
    for (broken, _, list) in LISTS {
        plant.vendor().inject(Fault::Forbidden.on(list).always());
        let test = plant.client.connections().test(id).await.unwrap();
        plant.vendor().end_faults();
        assert!(!test.ok, "{test:?}");
        assert_eq!(test.health.state, HealthState::Degraded);
        for kind in test.kinds {
            assert_eq!(kind.ok, kind.entity != broken, "{kind:?}");
            let code = kind.error.map(|e| e.code);
            let wanted = (!kind.ok).then(|| "CMMS-VENDOR-003".to_owned());
            assert_eq!(code, wanted);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_lost_its_last_record_is_partial_until_it_says_so_twice() {
    for place in [Where::Memory, Where::Sqlite, Where::Postgres] {
        let config = UpkeepConfig::default().assets(1).work_orders(30);
        let plant = Plant::with(config, place, ConnectionOptions::default()).await;
        plant.sync().await;
        let asset = plant.vendor().oracle().assets.pop_first().unwrap().0;
        plant.vendor().remove(SimEntity::Asset, &asset);
        plant.vendor().edit(5);
        let run = plant.sync().await;
        assert_eq!(run.status, SyncStatus::Partial, "{run:?}");
        assert_eq!(run.errors.0.len(), 1, "{run:?}");
        let error = &run.errors.0[0];
        assert_eq!(
            (error.code.as_str(), error.entity),
            ("CMMS-SYNC-013", Some(Entity::Asset)),
            "{run:?}"
        );
        for _ in 0..2 {
            plant.vendor().edit(5);
            let run = plant.sync().await;
            assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
            assert_eq!(run.errors.0[0].code, "CMMS-SYNC-016", "{run:?}");
            let mut wrong = found(&plant, &[Entity::WorkOrder]).await;
            // They refer to an asset that stays here.
            wrong.retain(|text| text.starts_with("work order") && !text.contains("reference"));
            assert_eq!(wrong, Vec::<String>::new());
        }
        plant
            .vendor()
            .insert(SimEntity::Asset, serde_json::json!({"name": "new"}));
        let run = plant.sync().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 1), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_linked_records_count_as_listed() {
    let _quiet = super::twins::quiet().await;
    let plant = Plant::small(Where::Memory).await;
    plant.sync().await;
    // One is deleted, and one comes that cannot be stored: the list is as long as before.
    let orders = plant.vendor().oracle().work_orders;
    let (gone, like) = orders.first_key_value().unwrap();
    let mut bad = like.clone();
    bad["id"] = "Bad0000001".into();
    bad["title"] = serde_json::json!({});
    plant.vendor().insert(SimEntity::WorkOrder, bad);
    plant.vendor().remove(SimEntity::WorkOrder, gone);
    let run = plant.force().await;
    let codes: Vec<_> = run.errors.0.iter().map(|e| e.code.as_str()).collect();
    assert!(codes.contains(&"CMMS-SYNC-013"), "{run:?}");
    assert_eq!(run.status, SyncStatus::Partial);
    // A record that comes twice counts once.
    let plant = Plant::small(Where::Memory).await;
    plant.sync().await;
    plant.vendor().remove(SimEntity::WorkOrder, gone);
    plant
        .vendor()
        .inject(Fault::RecordTwice.on("work-orders").always());
    let run = plant.force().await;
    assert_eq!(run.errors.0[0].code, "CMMS-SYNC-013", "{run:?}");
}

/// 300 records of one time, in another order at each request. Answers how many came in, and whether the run was `ok`.
pub async fn ties(place: Where, page: u32) -> (usize, SyncStatus) {
    let config = UpkeepConfig::default()
        .assets(1)
        .work_orders(320)
        .ties_shuffled(true);
    let options = ConnectionOptions {
        page_size: Some(page),
        ..ConnectionOptions::default()
    };
    let plant = Plant::with(config, place, options).await;
    for (id, mut order) in plant.vendor().oracle().work_orders.into_iter().take(300) {
        order["updatedAt"] = "2026-05-01T10:00:00.000Z".into();
        plant.vendor().set_raw(SimEntity::WorkOrder, &id, order);
    }
    let run = plant.sync().await;
    (super::incremental::rows(&plant).await.1.len(), run.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_one_time_in_a_changing_order_all_come_in() {
    let _quiet = super::twins::quiet().await;
    for place in [Where::Memory, Where::Sqlite] {
        for page in [100, 37] {
            assert_eq!(ties(place, page).await, (320, SyncStatus::Ok), "{page}");
        }
    }
    // Pages so small that many readings may not have all: then it is said.
    let (here, status) = ties(Where::Memory, 10).await;
    assert!(
        here == 320 || status == SyncStatus::Partial,
        "{here} {status:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_not_heeded_is_told_and_nothing_is_read_twice() {
    for listed in [true, false] {
        let config = UpkeepConfig::default()
            .assets(1)
            .work_orders(300)
            .archived_listed(listed)
            .archived_filter(false);
        let plant = Plant::with(config, Where::Memory, ConnectionOptions::default()).await;
        let run = plant.sync().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        let told = run.errors.0.iter().any(|e| e.code == "CMMS-VENDOR-011");
        assert_eq!(told, !listed, "{run:?}");
        let orders = run.streams.0.iter().find(|s| s.entity == Entity::WorkOrder);
        let orders = orders.unwrap();
        assert!(orders.fetched <= 300, "{run:?}");
        assert_eq!(orders.fetched, orders.created, "{run:?}");
    }
}
