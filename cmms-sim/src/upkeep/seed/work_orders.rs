//! Seeded work orders.

use serde_json::{Map, Value, json};

use super::people::People;
use super::text::{ODD, SENTENCES, TASKS};
use super::{CATEGORIES, DAY_MS, Seeded, Seeder, time};

/// Statuses in the mix in which they occur.
const STATUSES: [&str; 11] = [
    "open",
    "open",
    "open",
    "open",
    "inProgress",
    "inProgress",
    "onHold",
    "complete",
    "complete",
    "complete",
    "complete",
];

/// Gives each work order to `store` as soon as it is made: all of them as
/// values would take many times the memory of their texts.
pub(super) fn make(
    seeder: &mut Seeder,
    count: usize,
    people: &People,
    assets: &[Seeded],
    mut store: impl FnMut(String, Value),
) {
    let ids = seeder.ids(count);
    for (i, id) in ids.into_iter().enumerate() {
        let name = title(seeder, i);
        let mut fields = dates(seeder, i, count);
        fields.insert("id".to_owned(), id.clone().into());
        fields.insert("title".to_owned(), name.into());
        details(seeder, i, &mut fields);
        numbers(seeder, i, &mut fields);
        references(seeder, i, &mut fields, people, assets);
        store(id, Value::Object(fields));
    }
}

fn title(seeder: &mut Seeder, i: usize) -> String {
    let task = seeder.text(&TASKS);
    match i % 31 {
        5 => format!("{} #{i}", seeder.text(&ODD)),
        6 => format!(
            "{task} #{i} {}",
            "and then the same again on the next one "
                .repeat(15)
                .trim_end()
        ),
        _ => format!("{task} #{i}"),
    }
}

fn status(seeder: &mut Seeder, i: usize) -> &'static str {
    match i % 23 {
        3 => "In Progress",
        4 => "in progress",
        5 => "On Hold",
        6 => "inProgress",
        7 => "complete",
        8 => "Complete",
        9 if i % 2 == 1 => "waiting for vendor",
        10 if i.is_multiple_of(2) => "Angefragt",
        _ => seeder.text(&STATUSES),
    }
}

/// The times, and the status on which some of them depend.
fn dates(seeder: &mut Seeder, i: usize, count: usize) -> Map<String, Value> {
    let created = seeder.created(i, count);
    let block = if count >= 200 { 100..160 } else { 0..0 };
    let updated = seeder.updated(i, count, block);
    let status = status(seeder, i);
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    set("createdAt", time(created));
    set("updatedAt", time(updated));
    set("status", status.into());
    let due = created + seeder.random.i64(1..40) * DAY_MS;
    match i % 5 {
        0 => set("dueDate", Value::Null),
        1 if i.is_multiple_of(2) => {}
        _ => set("dueDate", time(due)),
    }
    if i % 6 == 2 {
        set("endDueDate", time(due + DAY_MS));
    }
    let complete = status.eq_ignore_ascii_case("complete");
    if complete {
        set("dateCompleted", time(updated));
    }
    if i.is_multiple_of(2) {
        set("isComplete", complete.into());
    }
    match i % 10 {
        3 if complete => set("archived", true.into()),
        0..=6 => set("archived", (i % 70 == 1).into()),
        _ => {}
    }
    fields
}

fn details(seeder: &mut Seeder, i: usize, fields: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    if i % 3 != 1 {
        set("workOrderNo", json!(format!("{}", 1000 + i)));
    }
    let description = match i % 17 {
        3 => json!(""),
        4 => Value::Null,
        5 => json!(format!(
            "{}\n{}",
            seeder.text(&ODD),
            seeder.text(&SENTENCES)
        )),
        _ => {
            let sentences: Vec<_> = (0..3).map(|_| seeder.text(&SENTENCES)).collect();
            json!(sentences.join(" "))
        }
    };
    if i % 17 != 6 {
        set("description", description);
    }
    match i % 8 {
        1 => set("category", Value::Null),
        3 => {}
        5 if i % 16 == 5 => set("category", "".into()),
        _ => set("category", seeder.text(&CATEGORIES).into()),
    }
    set(
        "customFields",
        json!([{"name": "Shift", "value": seeder.text(&["early", "late", "night"])}]),
    );
    if i % 4 == 1 {
        set(
            "formItems",
            json!([{"name": "Isolated", "type": "checkbox", "value": true}, {"name": "Reading", "value": "7.5"}]),
        );
    }
    if i % 6 == 3 {
        set(
            "x_legacyRef",
            json!({"source": "import-2019", "row": i, "tags": ["a", null]}),
        );
    }
}

fn numbers(seeder: &mut Seeder, i: usize, fields: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    match i % 9 {
        4 => {}
        7 => set("priority", "2".into()),
        _ => set("priority", seeder.random.u8(..4).into()),
    }
    match i % 7 {
        1 => {}
        2 => set("cost", Value::Null),
        3 => set("cost", json!(f64::from(seeder.random.u16(1..2000)) / 4.0)),
        4 => set("cost", json!(format!("{}.90", seeder.random.u16(1..500)))),
        _ => set("cost", seeder.random.u16(..900).into()),
    }
    match i % 6 {
        1 => {}
        4 => set("time", "45".into()),
        _ => set("time", seeder.random.u16(..480).into()),
    }
}

fn references(
    seeder: &mut Seeder,
    i: usize,
    fields: &mut Map<String, Value>,
    people: &People,
    assets: &[Seeded],
) {
    if i % 44 == 5 {
        // An asset that the account does not have.
        let nobody = seeder.id();
        fields.insert("asset".to_owned(), nobody.into());
    } else {
        seeder.refer(fields, "asset", i % 11, assets);
    }
    if i % 13 == 4 {
        seeder.refer(fields, "objectLocationForWorkOrder", 0, &people.locations);
    } else {
        seeder.refer(fields, "location", i % 13, &people.locations);
    }
    seeder.refer(fields, "assignedToUser", i % 7, &people.users);
    seeder.refer(fields, "assignedByUser", 2 + i % 5, &people.users);
    seeder.refer(fields, "requestedByUser", i % 15, &people.users);
    seeder.refer(fields, "updatedBy", 9, &people.users);
    seeder.refer(fields, "team", 1 + i % 6, &people.teams);
    if i % 5 == 2 {
        let extra: Vec<_> = (0..2)
            .filter_map(|_| seeder.pick(&people.users))
            .map(|user| user.id.clone())
            .collect();
        fields.insert("additionalUsers".to_owned(), json!(extra));
    }
}
