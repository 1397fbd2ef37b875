//! What foreign clocks show decides nothing: times of records, the vendor's clock, ours.

use chrono::{DateTime, TimeDelta, Utc};
use cmms::core::domain::sync_state::Checkpoint;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, SaveRule, TxMode};
use cmms::{Entity, SyncRun, SyncStatus};
use cmms_sim::upkeep::SimEntity;
use cmms_tests::oracle::{ALL, differences};
use cmms_tests::{Plant, Where};
use std::time::Duration;

async fn found(plant: &Plant) -> Vec<String> {
    let (client, store) = (&plant.client, plant.store.as_ref());
    let found = differences(client, store, plant.vendor(), plant.connection.id, ALL).await;
    found.iter().map(ToString::to_string).collect()
}

/// Gives the first record of a kind this time.
fn redate(plant: &Plant, kind: SimEntity, at: &str) {
    let (id, raw) = plant.vendor().served(kind).pop_first().unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&raw).unwrap();
    record["updatedAt"] = at.into();
    plant.vendor().set_raw(kind, &id, record);
}

/// The entities of which the run says that records are ahead, with what it says.
fn ahead(run: &SyncRun) -> Vec<(Option<Entity>, &str)> {
    let ahead = run.errors.0.iter().filter(|e| e.code == "CMMS-SYNC-015");
    ahead.map(|e| (e.entity, e.detail.as_str())).collect()
}

/// One record has a time that the vendor's clock never shows; then others change. Answers what is wrong after that.
pub async fn odd_time(place: Where, at: &str) -> Vec<String> {
    let plant = Plant::small(place).await;
    redate(&plant, SimEntity::WorkOrder, at);
    let run = plant.sync().await;
    assert_eq!((run.status, run.created), (SyncStatus::Ok, 140), "{run:?}");
    let told = ahead(&run);
    if at > "2026-07" {
        assert_eq!(told.len(), 1, "{run:?}");
        assert_eq!(told[0].0, Some(Entity::WorkOrder));
        assert!(told[0].1.starts_with("1 records"), "{run:?}");
    } else {
        assert!(told.is_empty(), "{run:?}");
    }
    plant.vendor().advance_clock(Duration::from_secs(3600));
    // All but the one of the odd time.
    for id in plant
        .vendor()
        .served(SimEntity::WorkOrder)
        .into_keys()
        .skip(1)
    {
        let title = serde_json::json!({"title": "changed"});
        plant.vendor().update(SimEntity::WorkOrder, &id, title);
    }
    let run = plant.sync().await;
    assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
    found(&plant).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_an_odd_time_hides_no_later_change() {
    let _quiet = super::twins::quiet().await;
    for place in [Where::Memory, Where::Sqlite, Where::Postgres] {
        for at in [
            "0001-01-01T00:00:00.000Z",
            "1900-01-01T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "2126-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            let wrong = odd_time(place, at).await;
            assert_eq!(wrong, Vec::<String>::new(), "{place:?} {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_mark_that_no_clock_has_reached_heals() {
    let _quiet = super::twins::quiet().await;
    for forced in [true, false] {
        let plant = Plant::small(Where::Sqlite).await;
        plant.sync().await;
        let mut tx = plant
            .store
            .begin(plant.client.scope(), TxMode::Write)
            .await
            .unwrap();
        for stored in tx.of::<Checkpoint>().list(&Query::default()).await.unwrap() {
            let poisoned = Checkpoint {
                high_water: Some("2126-01-01T00:00:00Z".parse().unwrap()),
                began_at: None,
                vendor_clock: None,
                ..stored
            };
            let mut checkpoints = tx.of::<Checkpoint>();
            checkpoints.save(&poisoned, SaveRule::Upsert).await.unwrap();
        }
        tx.commit().await.unwrap();
        plant.vendor().edit(40);
        // What changed since the mark went wrong cannot be told by times.
        plant.vendor().advance_clock(Duration::from_secs(86_400));
        if forced {
            plant.force().await;
        } else {
            plant.sync().await;
        }
        assert_eq!(found(&plant).await, Vec::<String>::new(), "{forced}");
        plant.vendor().edit(40);
        plant.sync().await;
        assert_eq!(found(&plant).await, Vec::<String>::new(), "{forced}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_clock_that_went_back_hides_no_change() {
    let _quiet = super::twins::quiet().await;
    for place in [Where::Memory, Where::Sqlite] {
        let plant = Plant::small(place).await;
        let right: DateTime<Utc> = plant.vendor().now();
        plant.sync().await;
        plant.vendor().turn_clock(right + TimeDelta::days(400));
        plant.vendor().edit(40);
        let run = plant.sync().await;
        assert!(ahead(&run).is_empty(), "{run:?}");
        assert_eq!(found(&plant).await, Vec::<String>::new());
        // Set right, and what changes now has times long before the mark.
        plant.vendor().turn_clock(right + TimeDelta::minutes(1));
        plant.vendor().edit(40);
        let run = plant.sync().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        let wrong = found(&plant).await;
        let of_records = wrong.iter().filter(|w| !w.starts_with("checkpoint"));
        assert_eq!(of_records.count(), 0, "{wrong:?}");
    }
}
