//! A field that a record does not name is not a field that is empty.

use super::account::EVERYWHERE;
use super::incremental::rows;
use cmms::{
    ConnectionOptions, CreateMapping, Priority, SyncRun, SyncStatus, WhenAbsent, WorkOrder,
    WorkOrderStatus,
};
use cmms_sim::upkeep::{SimEntity, UpkeepConfig};
use cmms_tests::{Plant, Where};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A vendor with so many work orders that have all fields, which are here.
struct Site(Plant);

fn number(id: &str, at: usize) -> Value {
    json!({
        "id": id, "title": format!("Check {at}"), "status": "inProgress", "priority": 3, "cost": 12.5,
        "isComplete": false, "dueDate": "2030-01-01T00:00:00.000Z", "description": "Slow",
        "category": "Inspection", "hours": 1.5, "shift": "night", "team": "blue", "workOrderNo": "7",
        "extra": null,
    })
}

impl Site {
    async fn new(place: Where, orders: usize) -> Self {
        let config = UpkeepConfig::default().assets(1).work_orders(orders);
        // Several pages, each written by itself.
        let options = ConnectionOptions {
            page_size: Some(10),
            batch_records: Some(10),
            ..ConnectionOptions::default()
        };
        let plant = Plant::with(config, place, options).await;
        let site = Self(plant);
        site.serve(|_, _| {});
        site
    }

    async fn map(&self, source: &str, target: &str, change: fn(CreateMapping) -> CreateMapping) {
        let mapping = CreateMapping::new(self.0.connection.id, source, target);
        let mappings = self.0.client.mappings();
        mappings.create(change(mapping)).await.unwrap();
    }

    /// All fields are set, but for what is changed.
    fn serve(&self, change: impl Fn(usize, &mut serde_json::Map<String, Value>)) {
        let served = self.0.vendor().served(SimEntity::WorkOrder);
        for (at, id) in served.into_keys().enumerate() {
            let mut record = number(&id, at);
            change(at, record.as_object_mut().unwrap());
            self.0.vendor().set_raw(SimEntity::WorkOrder, &id, record);
        }
    }

    /// The orders that are here, in the order of the vendor's ids.
    async fn orders(&self) -> Vec<WorkOrder> {
        let mut orders = BTreeMap::new();
        for order in rows(&self.0).await.1 {
            let order = self.0.client.work_orders().get(order.id).await.unwrap();
            orders.insert(order.external[0].external_id.clone(), order);
        }
        orders.into_values().collect()
    }

    async fn force(&self) -> (SyncRun, Vec<WorkOrder>) {
        let run = self.0.force().await;
        (run, self.orders().await)
    }

    /// Changes the first order, and nothing else.
    async fn first(&self, changes: Value) -> WorkOrder {
        self.serve(|at, record| {
            for (name, value) in changes.as_object().unwrap() {
                if at == 0 && value == "absent" {
                    record.remove(name);
                } else if at == 0 {
                    record.insert(name.clone(), value.clone());
                }
            }
        });
        let (run, orders) = self.force().await;
        assert!(run.errors.0.is_empty(), "{run:?}");
        orders.into_iter().next().unwrap()
    }
}

fn told(run: &SyncRun) -> Vec<String> {
    let errors = run.errors.0.iter();
    let gone = errors.filter(|e| e.code == "CMMS-SYNC-017");
    gone.map(|e| e.detail.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_a_record_does_not_name_stays_and_null_empties_it() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        let site = Site::new(place, 30).await;
        site.map("hours", "work_order.estimated_hours", |m| m).await;
        site.map("shift", "work_order.custom_fields.shift", |m| m)
            .await;
        site.map("team", "work_order.custom_fields.team", |m| m)
            .await;
        let whole = site.first(json!({ "status": "odd" })).await;
        assert_eq!(whole.priority, Priority::High);
        assert_eq!(whole.external[0].vendor_values["status"], "odd");
        // What a vendor never leaves empty stays, and so does what nobody said it leaves out.
        let kept = site
            .first(json!({
                "cost": "absent", "hours": "absent", "shift": "absent", "status": "absent", "priority": "absent",
                "workOrderNo": "absent", "title": "absent", "description": "Another",
            }))
            .await;
        assert_eq!(kept.description.as_deref(), Some("Another"));
        assert_eq!((kept.status, kept.priority), (whole.status, Priority::High));
        assert_eq!(kept.actual_cost, whole.actual_cost);
        assert_eq!(kept.estimated_hours, Some(1.5));
        assert_eq!(kept.custom_fields, whole.custom_fields);
        assert_eq!(kept.title, whole.title);
        let (now, before) = (&kept.external[0], &whole.external[0]);
        assert_eq!(now.vendor_values, before.vendor_values);
        assert_eq!((&now.fields, &now.number), (&before.fields, &before.number));
        // The vendor leaves out dates, references and texts that are empty, wherever they go.
        let cleared = site
            .first(json!({
                "dueDate": "absent", "description": "absent", "team": "absent",
            }))
            .await;
        assert_eq!((cleared.due_at, cleared.description), (None, None));
        assert_eq!(cleared.assigned_team, None);
        assert!(!cleared.custom_fields.contains_key("team"));
        assert_eq!(cleared.custom_fields["shift"], "night");
        // Null says that there is none.
        let emptied = site
            .first(json!({
                "status": null, "priority": null, "cost": null, "hours": null, "shift": null, "workOrderNo": null,
            }))
            .await;
        assert_eq!(emptied.status, WorkOrderStatus::Scheduled);
        assert_eq!(emptied.priority, Priority::Low);
        assert_eq!((emptied.actual_cost, emptied.estimated_hours), (None, None));
        assert!(!emptied.custom_fields.contains_key("shift"));
        assert_eq!(emptied.external[0].number, None);
        assert!(emptied.external[0].vendor_values.is_empty());
        // What was absent comes back.
        let again = site.first(json!({})).await;
        assert_eq!(again.custom_fields, whole.custom_fields);
        assert_eq!(
            (again.priority, again.due_at),
            (whole.priority, whole.due_at)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_record_without_a_field_that_it_needs_waits_and_one_that_is_here_goes_on() {
    let _quiet = super::twins::quiet().await;
    let site = Site::new(Where::Memory, 30).await;
    site.serve(|at, record| {
        if at == 0 {
            record.remove("title");
        }
    });
    let (run, orders) = site.force().await;
    assert_eq!((run.quarantined, orders.len()), (1, 29), "{run:?}");
    site.first(json!({ "priority": 1 })).await;
    let order = site
        .first(json!({ "title": "absent", "priority": 2 }))
        .await;
    assert_eq!(
        (order.title.as_str(), order.priority),
        ("Check 0", Priority::Medium)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_absent_field_means_can_be_said_in_a_mapping() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        let site = Site::new(place, 30).await;
        let clear = |m: CreateMapping| m.when_absent(WhenAbsent::Clear);
        site.map("shift", "work_order.custom_fields.shift", clear)
            .await;
        site.map("description", "work_order.description", |m| {
            m.when_absent(WhenAbsent::Keep)
        })
        .await;
        site.map("hours", "work_order.estimated_hours", |m| {
            m.transformation_rule(json!({ "type": "default", "value": 8 }))
        })
        .await;
        let before = site.first(json!({})).await;
        let after = site
            .first(json!({ "shift": "absent", "description": "absent", "hours": "absent" }))
            .await;
        assert!(!after.custom_fields.contains_key("shift"));
        assert_eq!(after.description, before.description);
        assert_eq!(after.estimated_hours, Some(1.5));
        // The vendor has none, so the default stands in.
        let after = site.first(json!({ "hours": null })).await;
        assert_eq!(after.estimated_hours, Some(8.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn single_fields_of_a_mapped_object_stay_too() {
    let _quiet = super::twins::quiet().await;
    let site = Site::new(Where::Memory, 30).await;
    site.map("extra", "work_order.custom_fields", |m| m).await;
    site.map("shift", "work_order.custom_fields.shift", |m| m)
        .await;
    let whole = json!({ "extra": { "a": 1, "b": 2 } });
    site.first(whole).await;
    let part = site
        .first(json!({ "extra": { "a": 1 }, "shift": "absent" }))
        .await;
    assert_eq!(
        json!(part.custom_fields),
        json!({ "a": 1, "shift": "night" })
    );
    let other = site
        .first(json!({ "extra": "absent", "shift": "day" }))
        .await;
    assert_eq!(
        json!(other.custom_fields),
        json!({ "a": 1, "shift": "day" })
    );
    let none = site.first(json!({ "extra": null, "shift": null })).await;
    assert_eq!(json!(none.custom_fields), json!({}));
}

fn has(order: &WorkOrder, field: &str) -> bool {
    match field {
        "status" => order.status == WorkOrderStatus::InProgress,
        "team" => order.assigned_team.is_some() && order.custom_fields.contains_key("team"),
        _ => order.due_at.is_some(),
    }
}

/// All records stop naming a field. Answers what went wrong.
pub async fn vanished(place: Where, field: &str) -> Result<(), String> {
    let site = Site::new(place, 60).await;
    site.map("team", "work_order.custom_fields.team", |m| m)
        .await;
    let (_, orders) = site.force().await;
    assert!(orders.len() == 60 && orders.iter().all(|o| has(o, field)));
    // Twice: what stays is not written again.
    for again in [false, true] {
        site.serve(|_, record| {
            record.remove(field);
            record.insert("priority".into(), json!(2));
        });
        let (run, orders) = site.force().await;
        if !orders.iter().all(|o| has(o, field)) {
            return Err(format!("{field} is gone: {run:?}"));
        }
        let told = told(&run);
        if told.is_empty() || !told.iter().all(|detail| detail.contains(field)) {
            return Err(format!("{field} is not told: {run:?}"));
        }
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        assert!(orders.iter().all(|o| o.priority == Priority::Medium));
        assert_eq!(run.updated, if again { 0 } else { 60 }, "{run:?}");
    }
    // One record names it again, the last that is listed: the others are empty where the vendor leaves it out then.
    site.serve(|at, record| {
        if at < 59 {
            record.remove(field);
        }
        record.insert("priority".into(), json!(2));
    });
    let (run, orders) = site.force().await;
    assert_eq!(told(&run), Vec::<String>::new());
    let having = orders.iter().filter(|o| has(o, field)).count();
    let want = if field == "status" { 60 } else { 1 };
    assert_eq!(having, want, "{place:?} {field} {run:?}");
    let (run, _) = site.force().await;
    assert_eq!((run.updated, run.unchanged), (0, 61), "{run:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_vanishes_from_all_records_is_told_and_empties_nothing() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        for field in ["status", "dueDate", "team"] {
            assert_eq!(vanished(place, field).await, Ok(()), "{place:?}");
        }
    }
}

/// What comes in first is written before it is known that a later record names the field.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_only_the_last_record_names_is_empty_in_the_first() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        let site = Site::new(place, 200).await;
        site.force().await;
        let last = site.0.vendor().served(SimEntity::WorkOrder);
        let changed = |raw: &String| {
            let record: Value = serde_json::from_str(raw).unwrap();
            record["updatedAt"].to_string()
        };
        let last = last.iter().max_by_key(|(_, raw)| changed(raw)).unwrap();
        let last = last.0.clone();
        site.serve(|_, record| {
            if record["id"] != *last {
                record.remove("dueDate");
            }
        });
        let (run, orders) = site.force().await;
        assert_eq!(run.updated, 199, "{run:?}");
        assert!(run.errors.0.is_empty(), "{run:?}");
        for order in orders {
            let is_last = order.external[0].external_id == last;
            assert_eq!(order.due_at.is_some(), is_last, "{place:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_a_few_records_lack_is_empty() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        for (records, is_empty) in [(19, true), (20, false)] {
            let site = Site::new(place, records).await;
            site.force().await;
            site.serve(|_, record| {
                record.remove("dueDate");
            });
            let (run, orders) = site.force().await;
            let emptied = orders.iter().all(|o| o.due_at.is_none());
            assert_eq!(emptied, is_empty, "{place:?} {records} {run:?}");
            assert_eq!(told(&run).is_empty(), is_empty, "{run:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_edit_of_a_field_that_vanished_stays() {
    let _quiet = super::twins::quiet().await;
    let site = Site::new(Where::Sqlite, 30).await;
    let (_, orders) = site.force().await;
    let at = "2031-05-05T00:00:00Z".parse().unwrap();
    let edit = cmms::UpdateWorkOrder::new(orders[0].id).due_at(at);
    site.0.client.work_orders().update(edit).await.unwrap();
    site.serve(|_, record| {
        record.remove("dueDate");
    });
    let (run, orders) = site.force().await;
    assert_eq!(told(&run).len(), 1, "{run:?}");
    assert_eq!(orders[0].due_at, Some(at));
    site.serve(|_, _| {});
    let (_, orders) = site.force().await;
    assert_eq!(orders[0].due_at, Some(at), "the vendor changed nothing");
}
