//! A vendor's assets that are parts of themselves.

use cmms::core::domain::asset::Asset;
use cmms::core::domain::sync_state::ExternalLink;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, TxMode};
use cmms::{ConnectionOptions, RegisterAsset, SyncRun, SyncStatus, UpdateAsset};
use cmms_sim::upkeep::{SimEntity, UpkeepConfig};
use cmms_tests::{Plant, Where};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PLACES: [Where; 3] = [Where::Memory, Where::Sqlite, Where::Postgres];

/// What each of the vendor's assets is below here, by the vendor's ids.
async fn parents(plant: &Plant) -> BTreeMap<String, Option<String>> {
    let scope = plant.client.scope();
    let mut tx = plant.store.begin(scope, TxMode::Snapshot).await.unwrap();
    let all = Query::default();
    let links = tx.of::<ExternalLink>().list(&all).await.unwrap();
    let ids: BTreeMap<_, _> = links
        .into_iter()
        .map(|link| (link.record_id, link.external_id))
        .collect();
    let assets = tx.of::<Asset>().list(&all).await.unwrap();
    let below = |asset: &Asset| ids.get(&asset.parent_uid?.0).cloned();
    assets
        .iter()
        .filter_map(|asset| Some((ids.get(&asset.id.0)?.clone(), below(asset))))
        .collect()
}

/// An error that says so, if an asset is a part of itself.
fn no_cycle(parents: &BTreeMap<String, Option<String>>) -> Result<(), String> {
    for id in parents.keys() {
        let mut above = parents[id].as_ref();
        for _ in 0..=parents.len() {
            let Some(at) = above else { break };
            if at == id {
                return Err(format!("{id} is a part of itself: {parents:?}"));
            }
            above = parents.get(at).and_then(Option::as_ref);
        }
    }
    Ok(())
}

fn told(run: &SyncRun) -> usize {
    let told = run.errors.0.iter().filter(|e| e.code == "CMMS-SYNC-018");
    told.count()
}

fn put(plant: &Plant, id: &str, parent: Value) {
    let vendor = plant.vendor();
    assert!(vendor.update(SimEntity::Asset, id, json!({ "parentAsset": parent })));
}

/// A ring of assets that come in one batch, or in one each.
pub async fn ring(place: Where, size: usize, batch: u32) -> Result<(), String> {
    let config = UpkeepConfig::default()
        .assets(12)
        .work_orders(2)
        .page_cap(batch as usize);
    let options = ConnectionOptions {
        batch_records: Some(batch),
        ..ConnectionOptions::default()
    };
    let plant = Plant::with(config, place, options).await;
    let ids: Vec<String> = plant.vendor().oracle().assets.into_keys().collect();
    for id in &ids {
        put(&plant, id, Value::Null);
    }
    for at in 0..size {
        put(&plant, &ids[at], json!(ids[(at + 1) % size]));
    }
    let run = plant.sync().await;
    let found = parents(&plant).await;
    no_cycle(&found)?;
    let apart = |found: &BTreeMap<String, Option<String>>| {
        let ring = ids[..size].iter();
        ring.filter(|id| found[*id].is_none()).count()
    };
    assert_eq!((apart(&found), told(&run)), (1, 1), "{run:?}");
    assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
    assert_eq!(
        run.errors.0[0].field.as_deref(),
        Some("parent_asset_id"),
        "{run:?}"
    );
    // As long as it is so, who reads everything again is told.
    let run = plant.force().await;
    assert_eq!(told(&run), 1, "{run:?}");
    assert_eq!(parents(&plant).await, found);
    // Another one is taken out of the ring, and the one that waited is put where the vendor has it.
    let other = ids[..size].iter().find(|id| found[*id].is_some()).unwrap();
    put(&plant, other, Value::Null);
    let run = plant.sync().await;
    assert_eq!((told(&run), run.status), (0, SyncStatus::Ok), "{run:?}");
    let found = parents(&plant).await;
    for at in 0..size {
        let wanted = (ids[at] != *other).then(|| ids[(at + 1) % size].clone());
        assert_eq!(found[&ids[at]], wanted);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_that_are_parts_of_themselves_are_taken_apart_and_told() {
    let _quiet = super::twins::quiet().await;
    for place in PLACES {
        for (size, batch) in [(2, 1), (2, 100), (3, 1), (7, 2), (7, 100)] {
            ring(place, size, batch).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_move_that_closes_a_ring_is_not_made() {
    let _quiet = super::twins::quiet().await;
    for place in PLACES {
        let config = UpkeepConfig::default().assets(5).work_orders(2);
        let plant = Plant::with(config, place, ConnectionOptions::default()).await;
        let ids: Vec<String> = plant.vendor().oracle().assets.into_keys().collect();
        for id in &ids {
            put(&plant, id, Value::Null);
        }
        put(&plant, &ids[0], json!(ids[1]));
        plant.sync().await;
        // People here put the second below an asset of theirs, and that below the first.
        let assets = plant.client.assets();
        let tag = async |id: &str| {
            let found = cmms::ListAssets::new().external_id(id.to_owned());
            let found = assets.list(found).await.unwrap();
            found.items[0].asset_id.clone()
        };
        let (first, second) = (tag(&ids[0]).await, tag(&ids[1]).await);
        let skid = RegisterAsset::new("SKID-1", "Skid", cmms::AssetType::Equipment)
            .parent_asset_id(&first);
        assets.register(skid).await.unwrap();
        let refused = assets
            .update(UpdateAsset::new(&second).parent_asset_id("SKID-1"))
            .await
            .unwrap_err();
        assert_eq!(refused.code().id(), "CMMS-ASSET-003");
        // At the vendor the second goes below the first, whose own parent goes elsewhere later only.
        put(&plant, &ids[1], json!(ids[0]));
        let run = plant.sync().await;
        assert_eq!(told(&run), 1, "{run:?}");
        let found = parents(&plant).await;
        no_cycle(&found).unwrap();
        assert_eq!(
            (found[&ids[0]].as_deref(), found[&ids[1]].as_deref()),
            (Some(ids[1].as_str()), None)
        );
        put(&plant, &ids[0], json!(ids[4]));
        let run = plant.sync().await;
        assert_eq!(told(&run), 0, "{run:?}");
        let found = parents(&plant).await;
        assert_eq!(
            (found[&ids[0]].as_deref(), found[&ids[1]].as_deref()),
            (Some(ids[4].as_str()), Some(ids[0].as_str()))
        );
    }
}
