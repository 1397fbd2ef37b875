//! Who wrote each field.

use crate::{PLACES, asset_of, map, order_of};
use cmms::core::domain::sync_state::Origin;
use cmms::{ListWorkOrders, UpdateAsset, UpdateWorkOrder};
use cmms_sim::upkeep::SimEntity;
use cmms_tests::Plant;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_field_knows_whether_vendor_mapping_or_person_wrote_it() {
    for place in PLACES {
        let plant = Plant::small(place).await;
        let oracle = plant.vendor().oracle();
        let (asset, _) = oracle.assets.iter().next().unwrap();
        let id = oracle.work_orders.keys().next().unwrap();
        plant.vendor().update(SimEntity::WorkOrder, id, json!({
            "title": "Pump", "description": "drips", "status": "Angefragt", "isComplete": false,
            "priority": 3, "category": null, "asset": asset, "dateCompleted": null, "dueDate": null,
        }));
        map(
            &plant,
            "x_none",
            "work_order.safety_notes",
            json!({ "type": "default", "value": "Take care" }),
        )
        .await
        .unwrap();
        map(
            &plant,
            "customFields.0.value",
            "work_order.custom_fields.shift",
            json!(null),
        )
        .await
        .unwrap();
        plant.sync().await;
        let order = order_of(&plant, id).await;
        let fields = order.external[0].fields.clone().unwrap();
        let of = |name: &str| fields.get(name).copied();
        assert_eq!(of("title"), Some(Origin::Vendor));
        assert_eq!(of("description"), Some(Origin::Vendor));
        assert_eq!(of("priority"), Some(Origin::Vendor));
        assert_eq!(of("asset_id"), Some(Origin::Vendor));
        assert_eq!(of("custom_fields.shift"), Some(Origin::Vendor));
        // A word that stands in for one that is none of ours, one for none at all, and a default.
        assert_eq!(of("status"), Some(Origin::Mapping));
        assert_eq!(of("work_order_type"), Some(Origin::Mapping));
        assert_eq!(of("safety_notes"), Some(Origin::Mapping));
        // What has no value was written by nobody.
        assert_eq!(of("due_at"), None);
        assert!(!fields.values().any(|o| *o == Origin::Person), "{fields:?}");

        let mut own = order.custom_fields.clone();
        own.insert("ours".into(), json!(true));
        let edit = UpdateWorkOrder::new(order.id)
            .description("leaks")
            .estimated_hours(2.0)
            .safety_notes("None needed")
            .custom_fields(own)
            .asset_id("elsewhere");
        plant.client.work_orders().update(edit).await.unwrap();
        let order = order_of(&plant, id).await;
        let fields = order.external[0].fields.clone().unwrap();
        for name in [
            "description",
            "estimated_hours",
            "safety_notes",
            "custom_fields.ours",
            "asset_id",
        ] {
            assert_eq!(fields.get(name), Some(&Origin::Person), "{name}");
        }
        for name in ["title", "priority", "custom_fields.shift"] {
            assert_eq!(fields.get(name), Some(&Origin::Vendor), "{name}");
        }
        // The vendor writes over it: its own again.
        plant
            .vendor()
            .update(SimEntity::WorkOrder, id, json!({ "description": "pours" }));
        plant.sync().await;
        let order = order_of(&plant, id).await;
        assert_eq!(
            order.external[0].fields.as_ref().unwrap()["description"],
            Origin::Vendor
        );
        // Lists stay short.
        let list = plant
            .client
            .work_orders()
            .list(ListWorkOrders::new())
            .await
            .unwrap();
        assert!(
            list.items
                .iter()
                .flat_map(|o| &o.external)
                .all(|e| e.fields.is_none())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_know_it_too() {
    let plant = Plant::small(PLACES[1]).await;
    let oracle = plant.vendor().oracle();
    let ids: Vec<_> = oracle.assets.keys().take(2).collect();
    plant.vendor().update(
        SimEntity::Asset,
        ids[0],
        json!({ "parentAsset": ids[1], "category": "Sonstiges" }),
    );
    plant.sync().await;
    let asset = asset_of(&plant, ids[0]).await;
    let fields = asset.external[0].fields.as_ref().unwrap();
    assert_eq!(fields["name"], Origin::Vendor);
    assert_eq!(fields["parent_asset_id"], Origin::Vendor);
    assert_eq!(fields["asset_type"], Origin::Mapping);
    let edit = UpdateAsset::new(asset.asset_id.clone())
        .name("ours")
        .clear_parent_asset_id();
    plant.client.assets().update(edit).await.unwrap();
    let asset = asset_of(&plant, ids[0]).await;
    let fields = asset.external[0].fields.as_ref().unwrap();
    assert_eq!(fields["name"], Origin::Person);
    assert_eq!(fields.get("parent_asset_id"), None);
}
