//! What is stored equals what the vendor has, after every way in which records come in.

use cmms::core::domain::entity::Entity;
use cmms::{ConnectionOptions, SyncStatus};
use cmms_sim::upkeep::{EndOfList, FilterSupport, SimEntity, UpkeepConfig};
use cmms_tests::oracle::{ALL, assert_equal, assert_equal_of, differences};
use cmms_tests::{Plant, Where};
use serde_json::{Value, json};

async fn equal(plant: &Plant) {
    assert_equal(
        &plant.client,
        &*plant.store,
        plant.vendor(),
        plant.connection.id,
    )
    .await;
}

async fn equal_of(plant: &Plant, entities: &[Entity]) {
    assert_equal_of(
        &plant.client,
        &*plant.store,
        plant.vendor(),
        plant.connection.id,
        entities,
    )
    .await;
}

async fn found(plant: &Plant) -> Vec<String> {
    differences(
        &plant.client,
        &*plant.store,
        plant.vendor(),
        plant.connection.id,
        ALL,
    )
    .await
}

/// Records that are new at the vendor, with every form that the fact sheet knows.
fn insert(plant: &Plant, round: u32) {
    let vendor = plant.vendor();
    let oracle = vendor.oracle();
    let old = oracle.assets.keys().next().cloned();
    let parent = vendor.insert(
        SimEntity::Asset,
        json!({"name": format!("Boiler {round}"), "status": "ACTIVE", "serial": 7, "parentAsset": old}),
    );
    let child = vendor.insert(
        SimEntity::Asset,
        json!({"name": "Valve", "status": "Mothballed", "parentAsset": {"id": parent, "name": "Boiler"},
               "location": {"id": "Lq8rT2vX5z", "name": "Hall \"7\""}}),
    );
    let own = vendor.insert(SimEntity::Asset, json!({"name": "Ring", "parentAsset": ""}));
    vendor.update(SimEntity::Asset, &own, json!({"parentAsset": own}));
    for fields in [
        json!({"title": "a", "status": "open", "isComplete": true, "asset": {"id": child}, "priority": 3}),
        json!({"title": "b", "status": "ON_HOLD", "asset": child, "priority": "1", "cost": "0.1"}),
        json!({"title": "c", "status": "in-progress", "asset": "Nobody0001", "priority": "3", "cost": 0.07}),
        json!({"title": "d", "status": "Parked", "category": "pReVentive", "dueDate": 1_767_225_600_000_i64}),
        json!({"title": "e", "priority": "Urgent", "category": "Cleaning", "cost": 12, "assignedToUser": ""}),
        json!({"title": "f 😀 \u{0007}", "description": "", "location": "", "asset": "",
               "objectLocationForWorkOrder": {"id": "x", "name": "Yard"}}),
    ] {
        vendor.insert(SimEntity::WorkOrder, fields);
    }
}

/// First sync, edits, inserts, forced: each time equal.
async fn all_ways_in(config: UpkeepConfig, place: Where, options: ConnectionOptions) {
    let plant = Plant::with(config, place, options).await;
    let run = plant.sync().await;
    assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
    equal(&plant).await;
    for round in 0..2 {
        plant.vendor().edit(60);
        let run = plant.sync().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 0), "{run:?}");
        equal(&plant).await;
        insert(&plant, round);
        let run = plant.sync().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 9), "{run:?}");
        equal(&plant).await;
        plant.vendor().edit(30);
        let run = plant.force().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 0), "{run:?}");
        equal(&plant).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_seed() {
    for seed in [1, 2, 77] {
        println!("seed {seed}");
        let place = if seed == 2 {
            Where::Memory
        } else {
            Where::Sqlite
        };
        all_ways_in(
            UpkeepConfig::default().seed(seed),
            place,
            ConnectionOptions::default(),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_pages() {
    for (cap, end, asked) in [
        (25, EndOfList::NotFound, None),
        (100, EndOfList::Alternate, Some(40)),
        (200, EndOfList::Empty, Some(5000)),
    ] {
        println!("page cap {cap}, {end:?}, asked for {asked:?}");
        let options = ConnectionOptions {
            page_size: asked,
            batch_records: Some(150),
            ..ConnectionOptions::default()
        };
        let config = UpkeepConfig::default()
            .seed(5)
            .assets(60)
            .work_orders(600)
            .page_cap(cap)
            .end_of_list(end);
        all_ways_in(config, Where::Sqlite, options).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_vendor_does_with_the_asset_filter() {
    for support in [
        FilterSupport::Honoured,
        FilterSupport::Ignored,
        FilterSupport::Refused,
    ] {
        println!("{support:?}");
        let config = UpkeepConfig::default()
            .seed(9)
            .assets(230)
            .work_orders(120)
            .page_cap(50)
            .asset_filter(support);
        all_ways_in(config, Where::Sqlite, ConnectionOptions::default()).await;
    }
}

/// What default lists do with archived work orders is not known, so both must do. Where they are listed apart,
/// their times do not raise the mark, which is then lower than the newest change and never higher.
#[tokio::test(flavor = "multi_thread")]
async fn archived_work_orders_come_in_whether_they_are_listed_or_not() {
    for listed in [true, false] {
        let config = UpkeepConfig::default()
            .assets(20)
            .work_orders(300)
            .archived_listed(listed);
        let plant = Plant::with(config, Where::Memory, ConnectionOptions::default()).await;
        for _ in 0..3 {
            plant.sync().await;
            let mut found = found(&plant).await;
            if !listed {
                found.retain(|text| !text.starts_with("checkpoint of work_order: high_water"));
            }
            assert_eq!(found, Vec::<String>::new());
            plant.vendor().edit(40);
        }
    }
}

/// Contract 7, case 2.
#[tokio::test(flavor = "multi_thread")]
async fn work_orders_before_their_assets() {
    for place in [Where::Memory, Where::Sqlite] {
        let config = UpkeepConfig::default().seed(3);
        let plant = Plant::with(config, place, ConnectionOptions::default()).await;
        let id = plant.connection.id;
        plant.client.sync().work_orders(id).await.unwrap();
        equal_of(&plant, &[Entity::WorkOrder]).await;
        plant.client.sync().assets(id).await.unwrap();
        equal(&plant).await;
        insert(&plant, 0);
        plant.client.sync().work_orders(id).await.unwrap();
        plant.client.sync().assets(id).await.unwrap();
        equal(&plant).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_suddenly_short_or_empty_takes_nothing_away() {
    let plant = Plant::with(
        UpkeepConfig::default(),
        Where::Sqlite,
        ConnectionOptions::default(),
    )
    .await;
    plant.sync().await;
    let vendor = plant.vendor();
    let mut odd = 0;
    for entity in [SimEntity::Asset, SimEntity::WorkOrder] {
        odd += vendor.hide_where(entity, |record| {
            record["id"]
                .as_str()
                .is_some_and(|id| id.as_bytes()[0] % 2 == 1)
        });
    }
    assert!(odd > 500, "{odd}");
    for force in [false, true] {
        // What changed since may be few; of everything, half may not be missing unsaid.
        let (run, status) = if force {
            (plant.force().await, SyncStatus::Partial)
        } else {
            (plant.sync().await, SyncStatus::Ok)
        };
        assert_eq!((run.status, run.deleted), (status, 0), "{run:?}");
        let missing = run.errors.0.iter().filter(|e| e.code == "CMMS-SYNC-013");
        assert_eq!(missing.count(), if force { 2 } else { 0 });
        equal(&plant).await;
    }
    vendor.empty_lists(true);
    plant.sync().await;
    plant.force().await;
    // Of an empty list there is no newest change.
    let mut wrong = found(&plant).await;
    wrong.retain(|text| !text.starts_with("checkpoint"));
    assert_eq!(wrong, Vec::<String>::new());
    // What was edited meanwhile comes in once the lists are whole again.
    vendor.empty_lists(false);
    vendor.edit(50);
    for entity in [SimEntity::Asset, SimEntity::WorkOrder] {
        vendor.hide_records(entity, Vec::<String>::new());
    }
    plant.sync().await;
    equal(&plant).await;
}

/// Records that change while their pages are read push others forward; none may be missed for good.
#[tokio::test(flavor = "multi_thread")]
async fn edits_while_the_pages_are_read() {
    for seed in [1, 2, 3] {
        println!("seed {seed}");
        let config = UpkeepConfig::default()
            .seed(seed)
            .assets(60)
            .work_orders(600)
            .page_cap(25);
        let plant = Plant::with(config, Where::Sqlite, ConnectionOptions::default()).await;
        plant.vendor().after_each_request(|vendor, request| {
            if request.method == "GET" && vendor.requests().len().is_multiple_of(3) {
                vendor.edit(2);
            }
        });
        let run = plant.sync().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        plant.vendor().after_each_request(|_, _| {});
        plant.sync().await;
        equal(&plant).await;
    }
}

/// The oracle is worth something only if it sees what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn twin_every_single_difference_is_seen() {
    let plant = Plant::small(Where::Memory).await;
    plant.sync().await;
    assert!(found(&plant).await.is_empty());
    let fields = [
        ("title", json!("other")),
        ("description", json!("other")),
        ("status", json!("onHoldd")),
        ("priority", json!("9")),
        ("dueDate", json!("1999-01-01T00:00:00.001Z")),
        ("dateCompleted", json!("1999-01-01T00:00:00.001Z")),
        ("cost", json!(99.0001)),
        ("assignedToUser", json!("Nobody0001")),
        ("location", json!({"id": "a", "name": "Elsewhere"})),
        ("category", json!("Own word")),
        ("asset", json!("Nobody0001")),
        ("workOrderNo", json!("WO 7")),
    ];
    for (field, value) in fields {
        let (id, before) = plant.vendor().oracle().work_orders.pop_first().unwrap();
        let mut changed = before.clone();
        changed[field] = value;
        // Neither the time nor anything else gives the change away.
        plant.vendor().set_raw(SimEntity::WorkOrder, &id, changed);
        let seen = found(&plant).await;
        let of_field = |text: &String| text.contains(&id) && !text.contains(" is kept as ");
        assert!(seen.iter().any(of_field), "{field}: {seen:?}");
        plant.vendor().set_raw(SimEntity::WorkOrder, &id, before);
    }
    assert!(found(&plant).await.is_empty());
    let id = plant
        .vendor()
        .insert(SimEntity::Asset, json!({"name": "new"}));
    let seen = found(&plant).await;
    assert!(seen.iter().any(|s| s.contains("is not linked")), "{seen:?}");
    plant.vendor().remove(SimEntity::Asset, &id);
    let (gone, value): (String, Value) = plant.vendor().oracle().assets.pop_first().unwrap();
    plant.vendor().remove(SimEntity::Asset, &gone);
    let seen = found(&plant).await;
    assert!(
        seen.iter().any(|s| s.contains("the vendor has none")),
        "{seen:?} {value}"
    );
}
