//! Seeded assets.

use serde_json::{Map, Value, json};

use super::people::People;
use super::text::{EQUIPMENT, ODD, SENTENCES};
use super::{Seeded, Seeder, set_reference, time};

/// The account's own statuses of an inactive asset.
const DOWNTIME: [&str; 3] = ["Dt1Repair0", "Dt2Planned", "Dt3Retired"];

pub(super) fn make(seeder: &mut Seeder, count: usize, people: &People) -> Vec<Seeded> {
    let ids = seeder.ids(count);
    let mut assets: Vec<Seeded> = ids
        .into_iter()
        .enumerate()
        .map(|(i, id)| {
            let name = name(seeder, i);
            let value = Value::Object(asset(seeder, i, count, &id, &name, people));
            Seeded { id, name, value }
        })
        .collect();
    let parents: Vec<Option<Seeded>> = (0..count)
        .map(|i| {
            let parent = assets.get(parent_of(i)?)?;
            Some(Seeded {
                id: parent.id.clone(),
                name: parent.name.clone(),
                value: Value::Null,
            })
        })
        .collect();
    for (i, (asset, parent)) in assets.iter_mut().zip(parents).enumerate() {
        let Value::Object(fields) = &mut asset.value else {
            continue;
        };
        match parent {
            Some(parent) => set_reference(
                fields,
                "parentAsset",
                if i % 4 == 2 { 0 } else { 9 },
                &parent,
            ),
            None if i % 3 == 0 => drop(fields.insert("parentAsset".to_owned(), Value::Null)),
            None if i % 3 == 1 => drop(fields.insert("parentAsset".to_owned(), "".into())),
            None => {}
        }
    }
    assets
}

/// The tree: in each ten, two hang below the first, one below the eighth,
/// which is created after it; every fifth ten hangs below the ten before.
fn parent_of(i: usize) -> Option<usize> {
    match i % 10 {
        1 | 2 => Some(i - i % 10),
        3 => Some(i + 4),
        0 if i % 50 == 10 => Some(i - 10),
        _ => None,
    }
}

fn name(seeder: &mut Seeder, i: usize) -> String {
    match i % 29 {
        5 => format!("{} {i}", seeder.text(&ODD)),
        6 => format!(
            "Asset {i} {}",
            "with a very long name ".repeat(18).trim_end()
        ),
        _ => {
            let kind = seeder.pick(&EQUIPMENT).map_or("Pump", |(kind, ..)| kind);
            format!("{kind} {i}")
        }
    }
}

fn asset(
    seeder: &mut Seeder,
    i: usize,
    count: usize,
    id: &str,
    name: &str,
    people: &People,
) -> Map<String, Value> {
    let created = seeder.created(i, count);
    let block = if count >= 100 { 40..75 } else { 0..0 };
    let updated = seeder.updated(i, count, block);
    let (kind, category, prefix) = seeder.pick(&EQUIPMENT).copied().unwrap_or_default();
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    set("id", id.into());
    set("name", name.into());
    set("createdAt", time(created));
    set("updatedAt", time(updated));
    set(
        "status",
        if i % 6 == 4 { "inactive" } else { "active" }.into(),
    );
    if i % 6 == 4 && i % 12 != 4 {
        set("downtimeStatus", seeder.text(&DOWNTIME).into());
    } else {
        set("downtimeStatus", Value::Null);
    }
    let description = match i % 19 {
        3 => json!(""),
        4 => Value::Null,
        7 => json!(format!("{} {}", seeder.text(&ODD), seeder.text(&SENTENCES))),
        _ => json!(format!(
            "{kind}. {} {}",
            seeder.text(&SENTENCES),
            seeder.text(&SENTENCES)
        )),
    };
    set("description", description);
    set(
        "model",
        if i % 9 == 5 {
            json!("")
        } else {
            json!(format!("{prefix}-{}", 10 + i % 90))
        },
    );
    match i % 8 {
        2 => {}
        // A number where a text is usual.
        3 => set("serial", json!(420_000 + i)),
        _ => set("serial", json!(format!("SN-{i:06}"))),
    }
    set(
        "barcode",
        if i % 5 == 2 {
            Value::Null
        } else {
            json!(format!("{:012}", 400_000_000_000_u64 + i as u64))
        },
    );
    match i % 7 {
        4 => set("category", Value::Null),
        5 => set("category", "Sonstiges ??".into()),
        _ => set("category", category.into()),
    }
    set(
        "openWorkOrderCount",
        if i % 10 == 6 {
            json!("3")
        } else {
            json!(seeder.random.u8(..6))
        },
    );
    if i % 3 == 1 {
        set(
            "warrantyExpirationDate",
            time(created + 730 * super::DAY_MS),
        );
    }
    set(
        "customFields",
        json!([{"name": "Cost centre", "value": format!("{}", 4000 + i % 40)}]),
    );
    if i % 6 == 1 {
        set(
            "x_unknownFlag",
            json!({"since": 7, "by": null, "tags": ["a", "b"]}),
        );
    }
    seeder.refer(&mut fields, "location", i % 13, &people.locations);
    seeder.refer(&mut fields, "createdByUser", 9, &people.users);
    seeder.refer(&mut fields, "assignedToUser", i % 7, &people.users);
    fields
}
