//! Tries mappings out on records, without storing anything.

use super::findings::{add, remedy};
use super::request::{MappingDraft, PreviewMappings};
use super::shown::{fields, shown_fields};
use super::tried::{compiled, drafts_of, rule_name, tried_of};
use super::{inward, rows};
use crate::context::{CallContext, Permission};
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::sync_state::LinkRaw;
use crate::ids::MappingId;
use crate::mapping::VendorRecord;
use crate::ports::adapter::PullReq;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx, TxMode};
use crate::record::Field;
use crate::services::app::App;
use crate::services::connections;
use crate::{Error, Result, code, wire_enum};
use serde_json::Value;

/// The most mappings that are tried at a time.
const MOST_MAPPINGS: usize = 200;
/// The most records that are tried at a time.
const MOST_RECORDS: usize = 100;

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
            let named = records.into_iter().map(|r| (id(&r), r.into())).collect();
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
            fields: fields(
                &shown,
                &tried,
                record.value(),
                (&before, &old),
                (&after, &new),
            ),
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

type Records = (RecordsFrom, Vec<(Option<String>, VendorRecord)>);

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
        let record = VendorRecord::read(raw).unwrap_or_default();
        (id, record)
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
