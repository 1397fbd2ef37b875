//! Seeded locations and users.

use serde_json::json;

use super::text::{PEOPLE, PLACES};
use super::{DAY_MS, Seeded, Seeder, time};

/// Who and where.
#[derive(Debug)]
pub(super) struct People {
    pub(super) locations: Vec<Seeded>,
    pub(super) users: Vec<Seeded>,
    pub(super) teams: Vec<Seeded>,
}

pub(super) fn make(seeder: &mut Seeder) -> People {
    let locations = PLACES
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let id = seeder.id();
            let created = seeder.start - (40 - i as i64) * DAY_MS;
            let value = json!({
                "id": id,
                "name": name,
                "address": format!("{} Works Road, Springfield", 10 + i),
                "longitude": 8.5 + i as f64 / 8.0,
                // As a form-encoded client wrote it.
                "latitude": if i == 3 { json!("47.25") } else { json!(47.5 + i as f64 / 8.0) },
                "hideMap": i % 2 == 1,
                "createdAt": time(created),
                "updatedAt": time(created + DAY_MS),
            });
            Seeded {
                id,
                name: (*name).to_owned(),
                value,
            }
        })
        .collect();
    let users = PEOPLE
        .iter()
        .enumerate()
        .map(|(i, (first, last))| {
            let id = seeder.id();
            let created = seeder.start - (30 - i as i64) * DAY_MS;
            let value = json!({
                "id": id,
                "email": format!("user{i}@example.com"),
                "firstName": first,
                "lastName": last,
                "phoneNumber": if i % 3 == 0 { json!("") } else { json!(format!("+1 555 01{i:02}")) },
                "accountType": if i == 0 { "ADMIN" } else { "TECHNICIAN" },
                "createdAt": time(created),
                "updatedAt": time(created + DAY_MS),
            });
            Seeded { id, name: format!("{first} {last}"), value }
        })
        .collect();
    let teams = ["Mechanics", "Electricians", "Night shift"]
        .iter()
        .map(|name| Seeded {
            id: seeder.id(),
            name: (*name).to_owned(),
            value: json!(null),
        })
        .collect();
    People {
        locations,
        users,
        teams,
    }
}
