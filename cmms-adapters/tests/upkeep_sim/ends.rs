//! Ends of lists: which are believed, and which are not.

use crate::support::SimRig;
use crate::{small, truth};
use cmms_core::code;
use cmms_core::domain::entity::Entity;
use cmms_sim::Fault;
use cmms_sim::upkeep::{EndOfList, FilterSupport, SimEntity, UpkeepConfig};
use serde_json::json;

const BOTH: [(Entity, &str); 2] = [
    (Entity::Asset, "assets"),
    (Entity::WorkOrder, "work-orders"),
];

/// Accounts whose assets are read in the order of changes, and by offsets alone.
fn habits() -> Vec<UpkeepConfig> {
    let account = || UpkeepConfig::default().assets(90).work_orders(200);
    let mut all = Vec::new();
    for support in [
        FilterSupport::Honoured,
        FilterSupport::Ignored,
        FilterSupport::Refused,
    ] {
        for end in [EndOfList::Empty, EndOfList::NotFound] {
            all.push(account().asset_filter(support).end_of_list(end));
        }
    }
    all
}

#[tokio::test]
async fn an_account_without_records_is_empty() {
    let sim = SimRig::start(small().assets(0).work_orders(0)).await;
    for (entity, _) in BOTH {
        let listed = sim.rig.all(entity).await.unwrap();
        assert_eq!((listed.records.len(), listed.high_water), (0, None));
    }
}

#[tokio::test]
async fn an_empty_page_where_rows_should_be_is_no_end() {
    for config in habits() {
        for (entity, path) in BOTH {
            for after in [1, 4] {
                let mut sim = SimRig::start(config.clone()).await;
                sim.rig = sim.rig.page_size(7);
                let plan = Fault::EmptyList.on(path).after(after);
                sim.vendor().inject(plan);
                let outcome = sim.rig.all(entity).await.map(|l| l.by_id().len());
                let told = outcome.as_ref().is_err_and(|e| e.is(code::VENDOR_LIST));
                assert!(told, "{config:?} {path} {after}: {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_empty_page_that_passes_is_asked_for_again() {
    for config in habits() {
        for (entity, path) in BOTH {
            for times in [1, 2] {
                let mut sim = SimRig::start(config.clone()).await;
                sim.rig = sim.rig.page_size(7);
                let plan = Fault::EmptyList.on(path).after(3).times(times);
                sim.vendor().inject(plan);
                let listed = sim.rig.all(entity).await.unwrap();
                assert_eq!(listed.by_id(), truth(&sim, entity), "{config:?} {times}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_that_gets_short_is_not_believed() {
    for config in habits() {
        for (entity, path) in BOTH {
            // By offsets alone, a list that is short from its beginning on contradicts nothing.
            for after in [4, 6] {
                let mut sim = SimRig::start(config.clone()).await;
                sim.rig = sim.rig.page_size(7);
                let plan = Fault::ShortList.on(path).after(after);
                sim.vendor().inject(plan);
                let outcome = sim.rig.all(entity).await;
                let here = outcome.as_ref().map_or(0, |l| l.by_id().len());
                assert!(outcome.is_err(), "{config:?} {path} {after}: {here}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_that_shows_nothing_at_all_says_that_it_is_whole() {
    let sim = SimRig::start(small()).await;
    let first = sim.rig.all(Entity::WorkOrder).await.unwrap();
    sim.vendor().edit(20);
    // Nothing at all is listed, and nothing is where the listing begins.
    sim.vendor().inject(Fault::EmptyList.on("work-orders"));
    let since = sim.rig.since(Entity::WorkOrder, first.high_water).await;
    let since = since.unwrap();
    assert!(since.is_whole && since.records.is_empty());
    // It was asked again after pauses before it was believed.
    assert_eq!(sim.rig.clock.sleeps().len(), 3);
    sim.vendor().end_faults();
    sim.rig
        .since(Entity::WorkOrder, first.high_water)
        .await
        .unwrap();
}

#[tokio::test]
async fn rows_that_are_deleted_while_the_end_is_read_are_no_lie() {
    for config in habits() {
        for (entity, kind) in [
            (Entity::Asset, SimEntity::Asset),
            (Entity::WorkOrder, SimEntity::WorkOrder),
        ] {
            let mut sim = SimRig::start(config.clone()).await;
            sim.rig = sim.rig.page_size(7);
            let mut calls = 0;
            sim.vendor().after_each_request(move |vendor, request| {
                if !request.path.ends_with(kind.resource()) {
                    return;
                }
                calls += 1;
                // Behind the fourth page all that was given goes, and all that was not.
                if calls == 4 {
                    let oracle = vendor.oracle();
                    for id in oracle.assets.keys().chain(oracle.work_orders.keys()) {
                        vendor.remove(kind, id);
                    }
                    vendor.insert(kind, json!({"id": "Only000001", "title": "t", "name": "n",
                        "createdAt": "2020-01-01T00:00:00.000Z", "updatedAt": "2020-01-01T00:00:00.000Z"}));
                }
            });
            let listed = sim.rig.all(entity).await;
            assert!(listed.is_ok(), "{config:?} {entity}: {listed:?}");
        }
    }
}

#[tokio::test]
async fn a_vendor_that_doubles_rows_is_read_whole() {
    for config in habits() {
        for size in [2, 20, 100] {
            for (entity, path) in BOTH {
                let mut sim = SimRig::start(config.clone()).await;
                sim.rig = sim.rig.page_size(size);
                sim.vendor().inject(Fault::RecordTwice.on(path).always());
                let listed = sim.rig.all(entity).await;
                let listed = listed.unwrap_or_else(|e| panic!("{config:?} {path} {size}: {e}"));
                assert_eq!(listed.by_id(), truth(&sim, entity), "{config:?} {size}");
            }
        }
    }
}
