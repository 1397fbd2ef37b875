//! Random edits by the simulated account's people.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::filter::plain_status;
use super::state::State;
use super::vendor::SimEntity;
use crate::times::iso;

const DAY_MS: i64 = 86_400_000;

/// Names the records that [`UpkeepVendor::edit`](super::UpkeepVendor::edit)
/// changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edited {
    /// Ids of changed assets, in the order of the edits.
    pub assets: Vec<String>,
    /// Ids of changed work orders, in the order of the edits.
    pub work_orders: Vec<String>,
}

/// Changes up to `how_many` different records, one in five an asset.
pub(super) fn edit(state: &mut State, how_many: usize) -> Edited {
    let assets = state.table_mut(SimEntity::Asset).by_creation().len();
    let work_orders = state.table_mut(SimEntity::WorkOrder).by_creation().len();
    let wanted_assets = (how_many / 5)
        .max(how_many.saturating_sub(work_orders))
        .min(assets);
    let edited = Edited {
        assets: pick(state, SimEntity::Asset, wanted_assets),
        work_orders: pick(state, SimEntity::WorkOrder, how_many - wanted_assets),
    };
    for id in &edited.assets {
        let mut random = state.edits.fork();
        state.change(SimEntity::Asset, id, |fields, _| {
            edit_asset(fields, &mut random)
        });
    }
    for id in &edited.work_orders {
        let mut random = state.edits.fork();
        state.change(SimEntity::WorkOrder, id, |fields, time| {
            edit_work_order(fields, time, &mut random);
        });
    }
    edited
}

/// Draws different records of those in lists; what a test has replaced by
/// something that is no object cannot be edited.
fn pick(state: &mut State, entity: SimEntity, how_many: usize) -> Vec<String> {
    let mut random = state.edits.fork();
    let rows = state.table_mut(entity).by_creation();
    let mut drawn = BTreeSet::new();
    let mut ids = Vec::new();
    while ids.len() < how_many && drawn.len() < rows.len() {
        let at = random.usize(..rows.len());
        if drawn.insert(at)
            && let Some(row) = rows.get(at)
            && row.json.starts_with('{')
        {
            ids.push(row.key.clone());
        }
    }
    ids
}

fn edit_asset(fields: &mut Map<String, Value>, random: &mut fastrand::Rng) {
    match random.u8(..3) {
        0 => {
            let now_active = text(fields, "status") != "active";
            let status = if now_active { "active" } else { "inactive" };
            fields.insert("status".to_owned(), status.into());
        }
        1 => revise(fields, "name", random),
        _ => revise(fields, "description", random),
    }
}

fn edit_work_order(fields: &mut Map<String, Value>, time: i64, random: &mut fastrand::Rng) {
    match random.u8(..4) {
        0 => {
            let present = plain_status(&text(fields, "status"));
            let next = match present.as_str() {
                "open" => "inProgress",
                "inprogress" => "onHold",
                "onhold" => "complete",
                _ => "open",
            };
            fields.insert("status".to_owned(), next.into());
            let complete = next == "complete";
            let completed = if complete {
                iso(time).into()
            } else {
                Value::Null
            };
            fields.insert("dateCompleted".to_owned(), completed);
            fields.insert("isComplete".to_owned(), complete.into());
        }
        1 => revise(fields, "title", random),
        2 => {
            let due = time + random.i64(1..60) * DAY_MS + random.i64(0..DAY_MS);
            fields.insert("dueDate".to_owned(), iso(due).into());
        }
        _ => {
            let present = fields.get("priority").and_then(Value::as_i64).unwrap_or(0);
            fields.insert("priority".to_owned(), ((present + 1) % 4).into());
        }
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Puts a new mark at the end of a text.
fn revise(fields: &mut Map<String, Value>, name: &str, random: &mut fastrand::Rng) {
    let present = text(fields, name);
    let base = match present.rfind(" [rev ") {
        Some(at) => present.get(..at).unwrap_or_default(),
        None => &present,
    };
    let mut revised = present.clone();
    while revised == present {
        revised = format!("{base} [rev {}]", random.u16(..));
    }
    fields.insert(name.to_owned(), revised.into());
}
