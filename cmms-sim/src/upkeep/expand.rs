//! Expansion of references by `includes`.

use serde_json::Value;

use super::state::State;
use super::vendor::SimEntity;

/// Replaces the ids in the named fields by the records they stand for. An id
/// without a record, and a reference that is an object already, stays.
pub(super) fn expand(state: &State, mut value: Value, fields: &[String]) -> Value {
    for field in fields {
        let Some(slot) = value.get_mut(field.as_str()) else {
            continue;
        };
        let target = slot
            .as_str()
            .and_then(|id| Some(state.table(target(field)?).get(id)?.value()));
        if let Some(target) = target {
            *slot = target;
        }
    }
    value
}

fn target(field: &str) -> Option<SimEntity> {
    match field {
        "asset" | "parentAsset" => Some(SimEntity::Asset),
        "location" => Some(SimEntity::Location),
        "assignedToUser" | "assignedByUser" | "requestedByUser" | "completedByUser"
        | "createdByUser" | "updatedBy" => Some(SimEntity::User),
        _ => None,
    }
}
