//! Tries mappings out on records, without storing anything.

use super::request::{MappingDraft, PreviewMappings};
use super::{checked, inward, rows};
use crate::context::{CallContext, Permission};
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::field_mapping::FieldMapping;
use crate::domain::sync_state::LinkRaw;
use crate::error::Violation;
use crate::ids::MappingId;
use crate::mapping::{Compiled, Custom, Mapped, Shape, cell_json, compile_with};
use crate::money::Money;
use crate::ports::adapter::{Adapter, PullReq};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx, TxMode};
use crate::record::{Cell, Field, Record, Table};
use crate::services::app::App;
use crate::services::connections;
use crate::{Error, Result, code, wire_enum};
use chrono::DateTime;
use serde_json::Value;
use std::collections::BTreeSet;

/// The most mappings that are tried at a time.
const MOST_MAPPINGS: usize = 200;
/// The most records that are tried at a time.
const MOST_RECORDS: usize = 100;
/// The most errors that are listed; those of several records with the same rule and value are one.
const MOST_ERRORS: usize = 1_000;

wire_enum! {
    /// Where the records of a preview come from.
    pub enum RecordsFrom {
        /// The caller.
        Given = "given",
        /// Records that are stored here, as the vendor sent them.
        Stored = "stored",
        /// The vendor, asked just now.
        Vendor = "vendor",
    }
}

/// What mappings would do.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct MappingPreview {
    /// The kind of record.
    pub entity: Entity,
    /// Where the records come from.
    pub records_from: RecordsFrom,
    /// What becomes of each record.
    pub records: Vec<PreviewedRecord>,
    /// Every rule that cannot be used or that fails on a record.
    pub errors: Vec<PreviewError>,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct PreviewedRecord {
    /// The vendor's id.
    pub external_id: Option<String>,
    /// Whether it can be stored; false: it goes into quarantine.
    pub ok: bool,
    /// The fields that the mappings set; without mappings, all that the default mapping sets.
    pub fields: Vec<PreviewedField>,
}

/// What becomes of a field.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct PreviewedField {
    /// Our field.
    pub target_field: String,
    /// The vendor's field.
    pub source_field: Option<String>,
    /// The vendor's value.
    pub source_value: Option<Value>,
    /// What it is without these mappings.
    pub before: Option<Value>,
    /// What it is with them.
    pub after: Option<Value>,
}

/// A rule that cannot be used or that fails on a record.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct PreviewError {
    /// The place of the mapping among those that are tried, from 0; null: a rule of the default mapping.
    pub mapping: Option<usize>,
    /// The mapping, where it is stored.
    pub mapping_id: Option<MappingId>,
    /// The type of its rule.
    pub rule: Option<String>,
    /// Our field.
    pub target_field: Option<String>,
    /// What is wrong: the vendor's field, or a part of the mapping such as `transformation_rule.table`.
    pub field: String,
    /// The stable slug of the rule that it breaks.
    pub reason: String,
    /// The value that cannot be taken, short.
    pub value: Option<String>,
    /// What is wrong, for a person.
    pub detail: String,
    /// What to do.
    pub remedy: String,
    /// The first record on which it fails; null: it fails whatever the record.
    pub external_id: Option<String>,
    /// On how many of the records it fails.
    pub records: usize,
}

/// A mapping that is tried.
struct Tried<'a> {
    id: Option<MappingId>,
    source: &'a str,
    target: &'a str,
    rule: Option<&'a Value>,
    /// What it is worth; None: it cannot be used.
    custom: Option<Custom>,
}

/// Tries mappings out on records.
///
/// # Errors
/// `CMMS-CONN-001`; `CMMS-INPUT-003`, `CMMS-INPUT-004`, `CMMS-INPUT-010`; `CMMS-VENDOR-…` where the vendor has to
/// be asked. Rules that cannot be used are in the answer.
pub async fn preview(
    cx: &CallContext,
    app: &App,
    input: PreviewMappings,
) -> Result<MappingPreview> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let count = limits(&input)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let connection = connections::require(&mut tx, input.cmms_connection_id).await?;
    let adapter = app.adapters.require(&connection.cmms_type)?;
    let entity = entity_of(&input)?;
    adapter.capabilities().require(entity)?;
    let stored = rows(&mut tx, connection.id, entity).await?;
    let mut errors = Vec::new();
    let tried = match &input.mappings {
        Some(drafts) => drafts_of(drafts, entity, &mut errors),
        None => inward(&stored).map(tried_of).collect(),
    };
    let (before, after, places) = compiled(adapter.as_ref(), entity, &stored, &tried)?;
    let (records_from, records) = match input.records {
        Some(records) => {
            let id = |r: &Value| r.get("id").and_then(word);
            let named = records.into_iter().map(|r| (id(&r), r)).collect();
            (RecordsFrom::Given, named)
        }
        None => records(cx, app, tx, &connection, entity, count).await?,
    };
    let shown = shown_fields(&tried, &after);
    let mut previewed = Vec::with_capacity(records.len());
    for (external_id, record) in &records {
        let (old, _) = before.examine(record);
        let (new, findings) = after.examine(record);
        previewed.push(PreviewedRecord {
            external_id: external_id.clone(),
            ok: findings.is_empty(),
            fields: fields(&shown, &tried, record, (&before, &old), (&after, &new)),
        });
        for finding in findings {
            let place = finding
                .mapping
                .and_then(|i| places.get(i).copied().flatten());
            let of = place.and_then(|i| tried.get(i));
            let e = finding.error;
            add(
                &mut errors,
                PreviewError {
                    mapping: place,
                    mapping_id: of.and_then(|t| t.id),
                    rule: of.and_then(|t| rule_name(t.rule)),
                    target_field: of.map(|t| t.target.to_owned()),
                    field: e.field,
                    reason: e.reason.to_owned(),
                    value: finding.value,
                    detail: e.detail,
                    remedy: remedy(e.reason).to_owned(),
                    external_id: external_id.clone(),
                    records: 1,
                },
            );
        }
    }
    errors.sort_by_key(|e: &PreviewError| (e.mapping.is_none(), e.mapping));
    Ok(MappingPreview {
        entity,
        records_from,
        records: previewed,
        errors,
    })
}

fn limits(input: &PreviewMappings) -> Result<usize> {
    let out = |field: &str, detail: String| {
        let message = format!("{field} {detail}");
        Err(Error::new(code::INPUT_RANGE, message).field(field, "out_of_range", detail))
    };
    let count = input.count.unwrap_or(10) as usize;
    if !(1..=MOST_RECORDS).contains(&count) {
        return out("count", format!("must be from 1 to {MOST_RECORDS}"));
    }
    if input
        .mappings
        .as_ref()
        .is_some_and(|m| m.len() > MOST_MAPPINGS)
    {
        return out("mappings", format!("may hold at most {MOST_MAPPINGS}"));
    }
    if input
        .records
        .as_ref()
        .is_some_and(|r| r.len() > MOST_RECORDS)
    {
        return out("records", format!("may hold at most {MOST_RECORDS}"));
    }
    Ok(count)
}

/// The kind of record, which the input says or one of its mappings.
fn entity_of(input: &PreviewMappings) -> Result<Entity> {
    let said = |draft: &MappingDraft| {
        let first = draft.target_field.split('.').next();
        draft.entity.or_else(|| first.and_then(Entity::from_word))
    };
    let drafts = input.mappings.iter().flatten();
    input
        .entity
        .or_else(|| drafts.into_iter().find_map(said))
        .ok_or_else(|| {
            let detail =
                "is missing: name it, or write target_field as asset.name or work_order.title";
            Error::new(code::INPUT_MISSING, format!("entity {detail}")).field(
                "entity",
                "missing_field",
                detail,
            )
        })
}

fn tried_of(mapping: &FieldMapping) -> Tried<'_> {
    Tried {
        id: Some(mapping.id),
        source: &mapping.source_field,
        target: &mapping.target_field,
        rule: mapping.transformation_rule.as_ref().map(|rule| &rule.0),
        custom: checked(mapping).ok(),
    }
}

/// The mappings that somebody sent. What is wrong with any of them goes to `errors`.
fn drafts_of<'d>(
    drafts: &'d [MappingDraft],
    entity: Entity,
    errors: &mut Vec<PreviewError>,
) -> Vec<Tried<'d>> {
    let mut tried = Vec::with_capacity(drafts.len());
    let mut targets = BTreeSet::new();
    for (i, draft) in drafts.iter().enumerate() {
        // Only a draft that names no kind of its own takes that of the preview.
        let names_none = draft
            .target_field
            .split('.')
            .next()
            .and_then(Entity::from_word)
            .is_none();
        let written = draft.written(names_none.then_some(entity));
        let (custom, wrong) = match Custom::check(&written) {
            Ok(custom) if custom.entity() != entity => {
                let detail = format!("is for {}; this preview is for {entity}", custom.entity());
                (None, vec![violation("entity", "invalid_value", detail)])
            }
            Ok(custom) if !targets.insert(custom.target()) => {
                let detail = "is set by another mapping of this preview".to_owned();
                (
                    None,
                    vec![violation("target_field", "mapping_exists", detail)],
                )
            }
            Ok(custom) => (Some(custom), Vec::new()),
            Err(e) => (None, e.violations().to_vec()),
        };
        for wrong in wrong {
            let value = part(draft, &wrong.field);
            add(
                errors,
                PreviewError {
                    mapping: Some(i),
                    mapping_id: None,
                    rule: rule_name(draft.transformation_rule.as_ref()),
                    target_field: Some(draft.target_field.clone()),
                    remedy: remedy(&wrong.reason).to_owned(),
                    field: wrong.field,
                    reason: wrong.reason,
                    value,
                    detail: wrong.detail,
                    external_id: None,
                    records: 0,
                },
            );
        }
        tried.push(Tried {
            id: None,
            source: &draft.source_field,
            target: &draft.target_field,
            rule: draft.transformation_rule.as_ref(),
            custom,
        });
    }
    tried
}

fn violation(field: &str, reason: &str, detail: String) -> Violation {
    Violation {
        field: field.to_owned(),
        reason: reason.to_owned(),
        detail,
    }
}

fn rule_name(rule: Option<&Value>) -> Option<String> {
    rule?
        .get("type")?
        .as_str()
        .map(|name| name.chars().take(80).collect())
}

/// The part of a draft that is wrong, short; of a part that is missing, what it is missing in.
fn part(draft: &MappingDraft, field: &str) -> Option<String> {
    let short = |text: &str| -> String {
        let mut short: String = text.chars().take(80).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        short
    };
    match field {
        "source_field" => Some(short(&draft.source_field)),
        "target_field" => Some(short(&draft.target_field)),
        _ => {
            let rule = draft.transformation_rule.as_ref()?;
            let rest = field
                .strip_prefix("transformation_rule")
                .unwrap_or_default();
            let mut at = rule;
            for name in rest.split(['.', '[', ']']).filter(|name| !name.is_empty()) {
                let below = match at {
                    Value::Array(items) => name.parse().ok().and_then(|i: usize| items.get(i)),
                    other => other.get(name),
                };
                match below {
                    Some(below) => at = below,
                    None => break,
                }
            }
            Some(short(&at.to_string()))
        }
    }
}

type Both = (Compiled, Compiled, Vec<Option<usize>>);

/// The rules without and with the mappings that are tried, and for each mapping of the latter its place among
/// those that are tried.
fn compiled(
    adapter: &dyn Adapter,
    entity: Entity,
    stored: &[FieldMapping],
    tried: &[Tried<'_>],
) -> Result<Both> {
    let mapping = adapter.default_mapping(entity).ok_or_else(|| {
        Error::new(
            code::VENDOR_UNSUPPORTED,
            format!("this vendor has no mapping for {entity}"),
        )
    })?;
    let table = table_of(entity);
    let drafts = tried.iter().all(|t| t.id.is_none());
    let mut kept = Vec::new();
    if drafts && !tried.is_empty() {
        for mapping in inward(stored) {
            kept.push(checked(mapping)?);
        }
    }
    let before = compile_with(mapping, table, &kept)?;
    let mut with = Vec::new();
    let mut places = Vec::new();
    for (i, tried) in tried.iter().enumerate() {
        if let Some(custom) = &tried.custom {
            kept.retain(|k| k.target() != custom.target());
            with.push(custom.clone());
            places.push(Some(i));
        }
    }
    places.extend(kept.iter().map(|_| None));
    with.extend(kept);
    let after = compile_with(mapping, table, &with)?;
    Ok((before, after, places))
}

fn table_of(entity: Entity) -> &'static Table {
    match entity {
        Entity::Asset => crate::domain::asset::Asset::TABLE,
        Entity::WorkOrder => crate::domain::work_order::WorkOrder::TABLE,
    }
}

type Records = (RecordsFrom, Vec<(Option<String>, Value)>);

/// Records that are stored here, or else some that the vendor sends.
async fn records(
    cx: &CallContext,
    app: &App,
    mut tx: Box<dyn Tx>,
    connection: &Connection,
    entity: Entity,
    count: usize,
) -> Result<Records> {
    let query = Query {
        filter: Filter::And(vec![
            Filter::eq(LinkRaw::CONNECTION_ID, connection.id.cell()),
            Filter::eq(LinkRaw::ENTITY, entity.cell()),
        ]),
        limit: u32::try_from(count).ok(),
        ..Query::default()
    };
    let links = tx.of::<LinkRaw>().list(&query).await?;
    drop(tx);
    let read = |id: Option<String>, raw: &str| {
        let value = serde_json::from_str(raw).unwrap_or_default();
        (id, value)
    };
    if !links.is_empty() {
        let stored = links
            .into_iter()
            .map(|l| read(Some(l.external_id), &l.raw.0));
        return Ok((RecordsFrom::Stored, stored.collect()));
    }
    let (_, adapter, acx) = connections::open_by_id(cx, app, connection.id).await?;
    let request = PullReq {
        entity,
        position: None,
        since: None,
    };
    let page = adapter.pull(&acx, &request).await?;
    let sent = page.records.into_iter().take(count);
    let sent = sent.map(|r| read(r.external_id.clone(), &r.raw));
    Ok((RecordsFrom::Vendor, sent.collect()))
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The fields that are shown: those of the mappings, or else all that are set; with the place of the mapping.
fn shown_fields(tried: &[Tried<'_>], after: &Compiled) -> Vec<(String, Option<usize>)> {
    let of_mapping = |(i, t): (usize, &Tried<'_>)| {
        let custom = t.custom.as_ref()?;
        Some((custom.target(), Some(i)))
    };
    if tried.is_empty() {
        after
            .columns()
            .map(|(_, name, _)| (name.to_owned(), None))
            .collect()
    } else {
        tried.iter().enumerate().filter_map(of_mapping).collect()
    }
}

fn fields(
    shown: &[(String, Option<usize>)],
    tried: &[Tried<'_>],
    record: &Value,
    before: (&Compiled, &Mapped),
    after: (&Compiled, &Mapped),
) -> Vec<PreviewedField> {
    shown
        .iter()
        .map(|(target, mapping)| {
            let of = mapping.and_then(|i| tried.get(i));
            let path = of.and_then(|t| t.custom.as_ref()).map(Custom::source);
            PreviewedField {
                target_field: target.clone(),
                source_field: of.map(|t| t.source.to_owned()),
                source_value: path.and_then(|path| path.find(record)).cloned(),
                before: value_of(before, target),
                after: value_of(after, target),
            }
        })
        .collect()
}

/// The value of a field as answers show it.
fn value_of((rules, mapped): (&Compiled, &Mapped), target: &str) -> Option<Value> {
    let (column, member) = match target.split_once('.') {
        Some((column, member)) => (column, Some(member)),
        None => (target, None),
    };
    if let Some(reference) = mapped.references.iter().find(|r| r.column == column) {
        return reference.external_id.clone().map(Value::String);
    }
    let (place, _, shape) = rules.columns().find(|(_, name, _)| *name == column)?;
    if let Some(member) = member {
        let own = |m: &&crate::mapping::MappedMember| m.place == place && &*m.name == member;
        if let Some(found) = mapped.members.iter().find(own) {
            return (!found.value.is_null()).then(|| found.value.clone());
        }
    }
    let (_, cell) = mapped.cells.iter().find(|(p, _)| *p == place)?;
    let value = match (cell, shape) {
        (Cell::Null, _) => return None,
        (Cell::Time(at), _) => {
            Value::from(DateTime::from_timestamp_micros(*at).map(|t| t.to_rfc3339()))
        }
        (cell, Some(Shape::Money)) => Value::from(
            Money::from_cell(cell.borrowed())
                .ok()
                .map(|m| m.to_string()),
        ),
        (cell, _) => cell_json(cell),
    };
    match member {
        Some(member) => value.get(member).cloned(),
        None => Some(value),
    }
}

/// Adds an error, or counts it where the same rule fails on the same value of another record.
fn add(errors: &mut Vec<PreviewError>, error: PreviewError) {
    let same = |e: &&mut PreviewError| {
        (e.mapping, &e.field, &e.reason, &e.value)
            == (error.mapping, &error.field, &error.reason, &error.value)
            && e.external_id.is_some()
            && error.external_id.is_some()
    };
    if let Some(known) = errors.iter_mut().find(same) {
        known.records += 1;
    } else if errors.len() < MOST_ERRORS {
        errors.push(error);
    }
}

fn remedy(reason: &str) -> &'static str {
    match reason {
        "missing_field" => {
            "Name another source_field, add a rule with a default, or set is_required to false."
        }
        "not_in_table" => "Add the word to the table, or give the rule a default.",
        "unknown_value" => "Use one of the listed words; a lookup translates the vendor's.",
        "bad_date" => "Correct the format of the rule; date_format reads other ways of writing.",
        "bad_number" | "bad_boolean" => {
            "Correct the record at the vendor, or take another source_field."
        }
        "too_long" => {
            "Shorten it with a rule of type substring, or map it to a field that takes longer texts."
        }
        "out_of_range" => "Correct the record at the vendor, or replace the value with a rule.",
        "wrong_type" => {
            "Take a field that holds the right type, or convert it with type_conversion."
        }
        "mapping_target" => "Use one of the listed fields.",
        "rule_not_supported" => "Use one of the listed types.",
        "mapping_exists" => "Keep one mapping for each target.",
        "no_inverse" => "Use direction `in`, or a rule that can be turned round.",
        "nul_character" => "Correct the record at the vendor: the character U+0000 cannot be kept.",
        _ => "Correct the named part of the mapping, or the record at the vendor.",
    }
}
