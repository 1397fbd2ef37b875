//! The adapter against the simulator: login, paging, changes, and every habit that the fact sheet tells of.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod calls;
mod changes;
mod ends;
mod lists;
#[expect(dead_code, reason = "shared by several tests")]
#[path = "../support/mod.rs"]
mod support;

use cmms_core::domain::entity::Entity;
use cmms_sim::upkeep::UpkeepConfig;
use serde_json::Value;
use std::collections::BTreeMap;
use support::SimRig;

pub(crate) fn small() -> UpkeepConfig {
    UpkeepConfig::default().assets(40).work_orders(120)
}

pub(crate) fn truth(sim: &SimRig, entity: Entity) -> BTreeMap<String, Value> {
    let oracle = sim.vendor().oracle();
    match entity {
        Entity::Asset => oracle.assets,
        Entity::WorkOrder => oracle.work_orders,
    }
}
