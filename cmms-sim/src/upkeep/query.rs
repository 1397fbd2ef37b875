//! The query parameters of lists, checked against what each list knows.

use super::answer::Answer;
use super::config::{FilterSupport, UpkeepConfig};
use super::filter::{Filter, Kind};
use super::table::{Selection, SortField};
use super::vendor::SimEntity;

const UPDATED_FROM: &str = "updatedAtGreaterThanOrEqualTo";
const UPDATED_TO: &str = "updatedAtLessThanOrEqualTo";

/// A list request that has been checked.
#[derive(Debug)]
pub(super) struct ListQuery {
    pub(super) selection: Selection,
    pub(super) includes: Vec<String>,
}

/// Reads the query of a list.
pub(super) fn list(
    entity: SimEntity,
    config: &UpkeepConfig,
    query: &[(String, String)],
) -> Result<ListQuery, Answer> {
    let mut limit = None;
    let mut offset = None;
    let mut order = None;
    let mut from = None;
    let mut to = None;
    let mut filters: Vec<Filter> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in query {
        if is_includes(name) {
            continue;
        }
        if seen.contains(&name.as_str()) {
            return Err(bad(format!("Parameter given twice: {name}")));
        }
        seen.push(name);
        match name.as_str() {
            "limit" => limit = Some(whole_number(name, value, 1)?),
            "offset" => offset = Some(whole_number(name, value, 0)?),
            "orderBy" => order = Some(order_by(entity, value)?),
            UPDATED_FROM | UPDATED_TO if knows_updated(entity, config) => {
                let bound = value
                    .parse::<i64>()
                    .map_err(|_| bad(format!("{name} must be epoch milliseconds")))?;
                if entity == SimEntity::WorkOrder || config.asset_filter == FilterSupport::Honoured
                {
                    *(if name == UPDATED_FROM {
                        &mut from
                    } else {
                        &mut to
                    }) = Some(bound);
                }
            }
            _ => {
                let filter = equality(entity, name, value)?;
                if config.archived_filter || name != "archived" {
                    filters.push(filter);
                }
            }
        }
    }
    let asked = config.archived_filter && seen.contains(&"archived");
    if entity == SimEntity::WorkOrder && !config.archived_listed && !asked {
        filters.push(Filter::Flag("archived", false));
    }
    let (sort, descending) = order.unwrap_or((SortField::CreatedAt, true));
    Ok(ListQuery {
        selection: Selection {
            sort,
            descending,
            filters,
            updated: (from, to),
            halved: false,
            shuffled: None,
            offset: offset.unwrap_or(0),
            limit: limit.unwrap_or(config.default_limit).min(config.page_cap),
        },
        includes: includes(entity, query)?,
    })
}

/// Reads the query of a single record, which may only name `includes`.
pub(super) fn single(entity: SimEntity, query: &[(String, String)]) -> Result<Vec<String>, Answer> {
    match query.iter().find(|(name, _)| !is_includes(name)) {
        Some((name, _)) => Err(unknown(name)),
        None => includes(entity, query),
    }
}

/// Refuses any query parameter.
pub(super) fn none(query: &[(String, String)]) -> Result<(), Answer> {
    match query.first() {
        Some((name, _)) => Err(unknown(name)),
        None => Ok(()),
    }
}

fn is_includes(name: &str) -> bool {
    matches!(name, "includes" | "includes[]")
}

fn includes(entity: SimEntity, query: &[(String, String)]) -> Result<Vec<String>, Answer> {
    let mut fields = Vec::new();
    for (_, value) in query.iter().filter(|(name, _)| is_includes(name)) {
        for field in value.split(',').map(str::trim) {
            if !expandable(entity).contains(&field) {
                return Err(bad(format!("Cannot include: {field}")));
            }
            fields.push(field.to_owned());
        }
    }
    Ok(fields)
}

/// The reference fields that `includes` can expand.
fn expandable(entity: SimEntity) -> &'static [&'static str] {
    match entity {
        SimEntity::Asset => &["location", "parentAsset", "createdByUser", "assignedToUser"],
        SimEntity::WorkOrder => &[
            "asset",
            "location",
            "assignedToUser",
            "assignedByUser",
            "requestedByUser",
            "completedByUser",
            "updatedBy",
            "team",
        ],
        SimEntity::Location | SimEntity::User => &[],
    }
}

/// The fields on which a list filters by equality.
fn filterable(entity: SimEntity) -> &'static [(&'static str, Kind)] {
    match entity {
        SimEntity::Asset => &[
            ("name", Kind::Text),
            ("location", Kind::Reference),
            ("status", Kind::Status),
            ("category", Kind::Text),
            ("assignedToUser", Kind::Reference),
            ("createdByUser", Kind::Reference),
            ("downtimeStatus", Kind::Reference),
            ("barcode", Kind::Text),
            ("serial", Kind::Text),
        ],
        SimEntity::WorkOrder => &[
            ("asset", Kind::Reference),
            ("title", Kind::Text),
            ("status", Kind::Status),
            ("archived", Kind::Flag),
            ("category", Kind::Text),
            ("location", Kind::Reference),
            ("priority", Kind::Number),
            ("isComplete", Kind::Flag),
            ("assignedToUser", Kind::Reference),
        ],
        SimEntity::Location | SimEntity::User => &[],
    }
}

fn sortable(entity: SimEntity) -> &'static [SortField] {
    match entity {
        SimEntity::WorkOrder => &[
            SortField::CreatedAt,
            SortField::UpdatedAt,
            SortField::DueDate,
            SortField::EndDueDate,
            SortField::DateCompleted,
        ],
        SimEntity::Asset | SimEntity::Location | SimEntity::User => {
            &[SortField::CreatedAt, SortField::UpdatedAt]
        }
    }
}

fn knows_updated(entity: SimEntity, config: &UpkeepConfig) -> bool {
    match entity {
        SimEntity::WorkOrder => true,
        SimEntity::Asset => config.asset_filter != FilterSupport::Refused,
        SimEntity::Location | SimEntity::User => false,
    }
}

fn equality(entity: SimEntity, name: &str, value: &str) -> Result<Filter, Answer> {
    let (field, kind) = filterable(entity)
        .iter()
        .find(|(field, _)| *field == name)
        .ok_or_else(|| unknown(name))?;
    Filter::parse(field, *kind, value).ok_or_else(|| bad(format!("Invalid value for {name}")))
}

/// Reads `<field> ASC` or `<field> DESC`, with one space.
fn order_by(entity: SimEntity, value: &str) -> Result<(SortField, bool), Answer> {
    let refused = || bad(format!("Invalid orderBy: {value}"));
    let (name, direction) = value.split_once(' ').ok_or_else(refused)?;
    let field = sortable(entity)
        .iter()
        .find(|field| field.name() == name)
        .ok_or_else(refused)?;
    match direction {
        "ASC" => Ok((*field, false)),
        "DESC" => Ok((*field, true)),
        _ => Err(refused()),
    }
}

fn whole_number(name: &str, value: &str, least: usize) -> Result<usize, Answer> {
    match value.parse::<usize>() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(bad(format!(
            "{name} must be a whole number of at least {least}"
        ))),
    }
}

fn unknown(name: &str) -> Answer {
    bad(format!("Unknown parameter: {name}"))
}

fn bad(message: String) -> Answer {
    Answer::failure(400, &message)
}
