//! Texts of a vendor: fit for their fields when they come in, so that nobody is kept from editing a record.

use cmms::{
    Entity, GetAsset, ListAssets, ListWorkOrders, SyncStatus, UpdateAsset, UpdateWorkOrder,
};
use cmms_tests::Where;
use cmms_tests::listed::{Bench, record};
use serde_json::json;

const PLACES: [Where; 3] = [Where::Memory, Where::Sqlite, Where::Postgres];

#[tokio::test(flavor = "multi_thread")]
async fn line_breaks_of_a_one_line_field_become_spaces_and_the_vendors_text_stays_beside() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        let order = json!({
            "id": "1", "title": "Pump\r\nis\tloud\u{7}", "description": "two\nlines",
            "location": "\u{1}", "tags": ["a\nb", "c"], "team": "plain",
        });
        let asset = json!({ "id": "A", "name": "Boiler\u{1b}[2J", "model": "x\ny" });
        bench
            .vendor
            .list(Entity::WorkOrder, vec![vec![record("1", &order)]]);
        bench
            .vendor
            .list(Entity::Asset, vec![vec![record("A", &asset)]]);
        let run = bench.sync().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 2), "{run:?}");
        let orders = bench.client.work_orders();
        let stored = orders
            .list(ListWorkOrders::new())
            .await
            .unwrap()
            .items
            .remove(0);
        assert_eq!(stored.title, "Pump is loud ");
        assert_eq!(stored.description.as_deref(), Some("two\nlines"));
        assert_eq!(
            (stored.location, stored.assigned_team.as_deref()),
            (None, Some("plain"))
        );
        assert_eq!(stored.tags, ["a b", "c"]);
        let beside = &stored.external[0].vendor_values;
        assert_eq!(
            (&beside["title"], &beside["tags"]),
            (&order["title"], &order["tags"])
        );
        assert!(!beside.contains_key("assigned_team"), "{beside:?}");
        // So any field can be edited, and the vendor's next change comes through.
        let edit = UpdateWorkOrder::new(stored.id).assigned_to("anna");
        orders.update(edit).await.unwrap();
        let assets = bench.client.assets();
        let edit = UpdateAsset::new("A").department("Hall 7");
        let edited = assets.update(edit).await.unwrap();
        assert_eq!(
            (edited.name.as_str(), edited.model.as_deref()),
            ("Boiler [2J", Some("x y"))
        );
        let again = bench.force().await;
        assert_eq!((again.unchanged, again.updated), (2, 0), "{again:?}");
        let stored = orders
            .list(ListWorkOrders::new())
            .await
            .unwrap()
            .items
            .remove(0);
        assert_eq!(stored.assigned_to.as_deref(), Some("anna"));
    }
}

/// What came in before is left as it is until somebody changes it.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_checks_only_what_it_changes() {
    use cmms::core::domain::work_order::WorkOrder;
    use cmms::core::ports::repository::TxExt as _;
    use cmms::core::ports::store::{SaveRule, TxMode};
    for place in PLACES {
        let bench = Bench::new(place).await;
        let page = vec![record("1", json!({ "id": "1", "title": "fine" }))];
        bench.vendor.list(Entity::WorkOrder, vec![page]);
        bench.sync().await;
        let orders = bench.client.work_orders();
        let mut stored = orders
            .list(ListWorkOrders::new())
            .await
            .unwrap()
            .items
            .remove(0);
        let id = stored.id;
        stored.title = "two\nlines".to_owned();
        stored.actual_hours = Some(-1.0);
        stored.scheduled_start = Some(stored.created_at);
        stored.scheduled_end = Some(stored.created_at - chrono::TimeDelta::hours(1));
        stored.version += 1;
        stored.external.clear();
        let mut tx = bench
            .store
            .begin(bench.client.scope(), TxMode::Once)
            .await
            .unwrap();
        tx.of::<WorkOrder>()
            .save(&stored, SaveRule::Update)
            .await
            .unwrap();
        drop(tx);
        let edited = orders
            .update(UpdateWorkOrder::new(id).description("new"))
            .await
            .unwrap();
        assert_eq!(
            (edited.title.as_str(), edited.description.as_deref()),
            ("two\nlines", Some("new"))
        );
        for (edit, field) in [
            (UpdateWorkOrder::new(id).title("other\ntwo"), "title"),
            (UpdateWorkOrder::new(id).actual_hours(-2.0), "actual_hours"),
            (
                UpdateWorkOrder::new(id).scheduled_start(edited.updated_at),
                "scheduled_end",
            ),
        ] {
            let error = orders.update(edit).await.unwrap_err();
            assert_eq!(error.first_field(), Some(field), "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_of_a_batch_never_meet_and_an_unfit_id_is_not_called_taken() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        let slug = bench.connection.slug.clone();
        let own = |tag: String| cmms::RegisterAsset::new(tag, "Local", cmms::AssetType::Tool);
        for tag in ["a".to_owned(), format!("{slug}:{slug}:a")] {
            bench.client.assets().register(own(tag)).await.unwrap();
        }
        let asset = |id: &str| record(id, json!({ "id": id, "name": "Pump" }));
        let (second, long) = (format!("{slug}:a"), "x".repeat(150));
        let ids = ["a", &second, "statistics", "has space", &long, "plain"];
        bench
            .vendor
            .list(Entity::Asset, vec![ids.map(asset).to_vec()]);
        let run = bench.sync().await;
        let waiting = bench.quarantine().await;
        let told = (run.status, run.created, run.quarantined);
        assert_eq!(told, (SyncStatus::Partial, 3, 3), "{run:?} {waiting:?}");
        let reason = |id: &str| waiting[id].reason.clone();
        assert_eq!(reason(&second), "tag_taken");
        assert_eq!(
            (reason("has space"), reason(&long)),
            ("invalid_value".into(), "invalid_value".into())
        );
        let reserved = GetAsset::new(format!("{slug}:statistics"));
        assert!(bench.client.assets().get(reserved).await.is_ok());
        let all = bench.client.assets().list(ListAssets::new()).await.unwrap();
        assert_eq!(all.items.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_an_id_is_one_item_however_often_it_is_edited() {
    for place in PLACES {
        let bench = Bench::new(place).await;
        let order = |title: &str, created: &str| {
            let mut record = record("", json!({ "title": title, "createdAt": created }));
            record.external_id = None;
            record
        };
        let (one, other) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        for title in ["a", "b", "c"] {
            let page = vec![order(title, one), order("x", other)];
            bench.vendor.list(Entity::WorkOrder, vec![page]);
            let run = bench.sync().await;
            assert_eq!(run.quarantined, 2, "{run:?}");
            let items = bench.quarantine().await;
            assert_eq!(items.len(), 2, "{items:?}");
            assert!(items.values().any(|item| item.raw.0.contains(title)));
        }
        // Two that were created at once are two, in one page and in two.
        let twins = vec![
            vec![order("p", one), order("q", one)],
            vec![order("r", one)],
        ];
        bench.vendor.list(Entity::WorkOrder, twins);
        bench.sync().await;
        bench.sync().await;
        let items = bench.quarantine().await;
        let raw: Vec<_> = items.values().map(|item| item.raw.0.to_string()).collect();
        for title in ["p", "q", "r", "x"] {
            assert!(
                raw.iter().any(|raw| raw.contains(&format!("{title:?}"))),
                "{raw:?}"
            );
        }
        assert_eq!(items.len(), 4, "{raw:?}");
    }
}
