//! Create, update and delete of work orders and assets.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::Call;
use super::filter::plain_status;
use super::query;
use super::seed::CATEGORIES;
use super::state::State;
use super::vendor::SimEntity;
use crate::times::{iso, parse_iso};

/// Fields that a client cannot set.
const READ_ONLY: [&str; 4] = ["id", "createdAt", "updatedAt", "dateCompleted"];

/// Answers a request that is not a GET.
pub(super) fn answer(
    state: &mut State,
    entity: SimEntity,
    method: &str,
    id: Option<&str>,
    call: &Call,
) -> Result<Answer, Answer> {
    let Some(required) = required(entity) else {
        return Err(Answer::failure(405, "Method not allowed"));
    };
    query::none(&call.query)?;
    match (method, id) {
        ("POST", None) => create(state, entity, required, call),
        ("PATCH", Some(id)) => update(state, entity, required, id, call),
        ("DELETE", Some(id)) => delete(state, entity, id),
        _ => Err(Answer::failure(405, "Method not allowed")),
    }
}

/// The field that a record must have; `None` where writing is not simulated.
fn required(entity: SimEntity) -> Option<&'static str> {
    match entity {
        SimEntity::Asset => Some("name"),
        SimEntity::WorkOrder => Some("title"),
        SimEntity::Location | SimEntity::User => None,
    }
}

fn create(
    state: &mut State,
    entity: SimEntity,
    required: &str,
    call: &Call,
) -> Result<Answer, Answer> {
    let mut fields = call.object()?;
    if !fields.contains_key(required) {
        return Err(bad(format!("{required} is required")));
    }
    check(entity, required, &mut fields)?;
    let status = if entity == SimEntity::Asset {
        "active"
    } else {
        "open"
    };
    fields.entry("status").or_insert_with(|| status.into());
    let id = state.insert(entity, fields);
    let created = state.table(entity).get(&id).map(|record| record.value());
    Ok(Answer::result(&created.unwrap_or_default()))
}

fn update(
    state: &mut State,
    entity: SimEntity,
    required: &str,
    id: &str,
    call: &Call,
) -> Result<Answer, Answer> {
    if state.table(entity).get(id).is_none() {
        return Err(Answer::failure(404, "Not found"));
    }
    let mut patch = call.object()?;
    check(entity, required, &mut patch)?;
    let updated = state.change(entity, id, |fields, time| {
        let was_complete = is_complete(fields);
        fields.extend(patch);
        if entity == SimEntity::WorkOrder && is_complete(fields) != was_complete {
            let completed = if was_complete {
                Value::Null
            } else {
                iso(time).into()
            };
            fields.insert("dateCompleted".to_owned(), completed);
            fields.insert("isComplete".to_owned(), (!was_complete).into());
        }
    });
    Ok(Answer::result(&updated.unwrap_or_default()))
}

fn delete(state: &mut State, entity: SimEntity, id: &str) -> Result<Answer, Answer> {
    if !state.table_mut(entity).remove(id) {
        return Err(Answer::failure(404, "Not found"));
    }
    Ok(Answer::done(match entity {
        SimEntity::Asset => "asset deleted",
        _ => "work order deleted",
    }))
}

fn is_complete(fields: &Map<String, Value>) -> bool {
    let status = fields.get("status").and_then(Value::as_str);
    status.is_some_and(|status| plain_status(status) == "complete")
}

/// Checks the fields of a create or update and brings them to the form in
/// which the vendor keeps them.
fn check(entity: SimEntity, required: &str, fields: &mut Map<String, Value>) -> Result<(), Answer> {
    fields.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    if let Some(text) = fields.get(required)
        && text.as_str().is_none_or(|text| text.trim().is_empty())
    {
        return Err(bad(format!("{required} must be a text")));
    }
    let statuses: &[&str] = match entity {
        SimEntity::Asset => &["active", "inactive"],
        _ => &["open", "inProgress", "onHold", "complete"],
    };
    if let Some(status) = fields.get("status")
        && status
            .as_str()
            .is_none_or(|status| !statuses.contains(&status))
    {
        return Err(bad("Invalid status".to_owned()));
    }
    if entity != SimEntity::WorkOrder {
        return Ok(());
    }
    if let Some(category) = fields
        .get("category")
        .filter(|category| !category.is_null())
        && category
            .as_str()
            .is_none_or(|category| !CATEGORIES.contains(&category))
    {
        return Err(bad("Invalid category".to_owned()));
    }
    if let Some(priority) = fields.get("priority") {
        let number = priority
            .as_i64()
            .or_else(|| priority.as_str()?.parse().ok());
        if !number.is_some_and(|number| (0..=3).contains(&number)) {
            return Err(bad("Invalid priority".to_owned()));
        }
    }
    fields.remove("decreaseInventory");
    for name in ["dueDate", "endDueDate"] {
        if let Some(date) = fields.get_mut(name) {
            *date = stored_date(date).ok_or_else(|| bad(format!("Invalid {name}")))?;
        }
    }
    Ok(())
}

/// Dates come as epoch milliseconds or as ISO text and are kept as ISO text.
fn stored_date(date: &Value) -> Option<Value> {
    let ms = match date {
        Value::Null => return Some(Value::Null),
        Value::String(text) if text.is_empty() => return Some(Value::Null),
        Value::String(text) => parse_iso(text).or_else(|| text.parse().ok())?,
        other => other.as_i64()?,
    };
    Some(json!(iso(ms)))
}

fn bad(message: String) -> Answer {
    Answer::failure(400, &message)
}
