//! Whether a record is archived at the vendor is kept with its link, and is a filter of both lists.

use super::account::EVERYWHERE;
use cmms::core::ports::adapter::ExternalRecord;
use cmms::{
    Asset, Client, ConnectionOptions, CountAssets, CountWorkOrders, Entity, ListAssets,
    ListWorkOrders, SyncStatus, WorkOrder,
};
use cmms_sim::upkeep::{SimEntity, UpkeepConfig};
use cmms_tests::listed::{Bench, record};
use cmms_tests::{Plant, Where};
use serde_json::json;
use std::collections::BTreeSet;

async fn orders(client: &Client, archived: bool) -> Vec<WorkOrder> {
    let asked = ListWorkOrders::new().archived(archived).limit(500_u32);
    let found = client.work_orders().list(asked).await.unwrap().items;
    let counted = CountWorkOrders::new().archived(archived);
    let counted = client.work_orders().count(counted).await.unwrap();
    assert_eq!(counted.total, found.len() as u64);
    found
}

async fn assets(client: &Client, archived: bool) -> Vec<Asset> {
    let asked = ListAssets::new().archived(archived).limit(500_u32);
    let found = client.assets().list(asked).await.unwrap().items;
    let counted = CountAssets::new().archived(archived);
    let counted = client.assets().count(counted).await.unwrap();
    assert_eq!(counted.total, found.len() as u64);
    found
}

/// The vendor's ids of the archived ones; each work order is in one of both lists, and its link says the same.
async fn archived(client: &Client, of: usize) -> BTreeSet<String> {
    let (there, others) = (orders(client, true).await, orders(client, false).await);
    assert_eq!(there.len() + others.len(), of);
    for (is, orders) in [(true, &there), (false, &others)] {
        for link in orders.iter().flat_map(|order| &order.external) {
            assert_eq!(link.archived, is, "{link:?}");
        }
    }
    let ids = there.iter().flat_map(|order| &order.external);
    ids.map(|link| link.external_id.clone()).collect()
}

/// What the vendor says itself.
fn at_vendor(plant: &Plant) -> BTreeSet<String> {
    let all = plant.vendor().oracle().work_orders.into_iter();
    let archived = all.filter(|(_, raw)| raw["archived"] == json!(true));
    archived.map(|(id, _)| id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_orders_are_archived_and_brought_back_as_at_the_vendor() {
    for place in EVERYWHERE {
        for listed in [true, false] {
            let config = UpkeepConfig::default().assets(3).work_orders(120);
            let config = config.archived_listed(listed);
            let plant = Plant::with(config, place, ConnectionOptions::default()).await;
            assert_eq!(plant.sync().await.status, SyncStatus::Ok);
            let first = archived(&plant.client, 120).await;
            assert_eq!(first, at_vendor(&plant), "{place:?} {listed}");
            assert!((3..100).contains(&first.len()), "{}", first.len());
            let back = first.iter().next().unwrap();
            let mut all = plant.vendor().oracle().work_orders.into_keys();
            let away = all.rfind(|id| !first.contains(id)).unwrap();
            for (id, is) in [(back, false), (&away, true)] {
                let said = json!({ "archived": is });
                plant.vendor().update(SimEntity::WorkOrder, id, said);
            }
            assert_eq!(plant.sync().await.status, SyncStatus::Ok);
            let then = archived(&plant.client, 120).await;
            assert_eq!(then, at_vendor(&plant), "{place:?} {listed}");
            assert!(then.contains(&away) && !then.contains(back));
            // Everything is as it is stored, in whichever of both lists it comes.
            let again = plant.force().await;
            assert_eq!((again.created, again.updated), (0, 0), "{again:?}");
            // Without its connection nothing is archived anywhere.
            let id = plant.connection.id;
            plant.client.connections().delete(id).await.unwrap();
            assert_eq!(orders(&plant.client, true).await, []);
            assert_eq!(orders(&plant.client, false).await.len(), 120);
        }
    }
}

fn said(id: &str, is_archived: Option<bool>) -> ExternalRecord {
    ExternalRecord {
        listed_archived: is_archived,
        ..record(id, json!({ "id": id, "title": id, "name": id }))
    }
}

/// A vendor whose records do not say themselves that they are archived, but come in a list of archived ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_archived_where_the_list_that_it_came_in_says_so() {
    for place in EVERYWHERE {
        let bench = Bench::new(place).await;
        for (states, updated, there) in [
            ([Some(false), Some(true), None], 0, vec!["2"]),
            // Nothing has changed.
            ([Some(false), Some(true), None], 0, vec!["2"]),
            ([Some(true), Some(false), None], 2, vec!["1"]),
            // Who says nothing leaves it as it is.
            ([None, Some(true), None], 2, vec!["1", "2"]),
        ] {
            for entity in [Entity::WorkOrder, Entity::Asset] {
                let ids = ["1", "2", "3"].into_iter().zip(states);
                let page = ids.map(|(id, is)| said(id, is)).collect();
                bench.vendor.list(entity, vec![page]);
            }
            let run = bench.force().await;
            assert_eq!(run.status, SyncStatus::Ok, "{place:?}: {run:?}");
            assert_eq!(run.updated, 2 * updated, "{place:?} {states:?}: {run:?}");
            let found: Vec<_> = orders(&bench.client, true).await;
            let found: Vec<_> = found.into_iter().map(|order| order.title).collect();
            assert_eq!(found, there, "{place:?} {states:?}");
            let found: Vec<_> = assets(&bench.client, true).await;
            let found: Vec<_> = found.into_iter().map(|asset| asset.name).collect();
            assert_eq!(found, there, "{place:?} {states:?}");
            assert_eq!(assets(&bench.client, false).await.len(), 3 - there.len());
        }
    }
}

/// A filter that is not heeded archives nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_archived_records_that_has_all_archives_none() {
    let config = UpkeepConfig::default().assets(1).work_orders(60);
    let config = config.archived_listed(false).archived_filter(false);
    let plant = Plant::with(config, Where::Memory, ConnectionOptions::default()).await;
    plant.sync().await;
    assert_eq!(orders(&plant.client, true).await, []);
}
