//! The mappings of a preview: those that somebody sent, or those that are stored.

use super::findings::{add, remedy};
use super::preview::PreviewError;
use super::request::MappingDraft;
use super::{checked, inward};
use crate::domain::entity::Entity;
use crate::domain::field_mapping::FieldMapping;
use crate::error::Violation;
use crate::ids::MappingId;
use crate::mapping::{Compiled, Custom, compile_with};
use crate::ports::adapter::Adapter;
use crate::record::{Record, Table};
use crate::{Error, Result, code};
use serde_json::Value;
use std::collections::BTreeSet;

/// A mapping that is tried.
pub(super) struct Tried<'a> {
    pub(super) id: Option<MappingId>,
    pub(super) source: &'a str,
    pub(super) target: &'a str,
    pub(super) rule: Option<&'a Value>,
    /// What it is worth; None: it cannot be used.
    pub(super) custom: Option<Custom>,
}

pub(super) fn tried_of(mapping: &FieldMapping) -> Tried<'_> {
    Tried {
        id: Some(mapping.id),
        source: &mapping.source_field,
        target: &mapping.target_field,
        rule: mapping.transformation_rule.as_ref().map(|rule| &rule.0),
        custom: checked(mapping).ok(),
    }
}

/// The mappings that somebody sent. What is wrong with any of them goes to `errors`.
pub(super) fn drafts_of<'d>(
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

pub(super) fn rule_name(rule: Option<&Value>) -> Option<String> {
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

pub(super) type Both = (Compiled, Compiled, Vec<Option<usize>>);

/// The rules without and with the mappings that are tried, and for each mapping of the latter its place among
/// those that are tried.
pub(super) fn compiled(
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
