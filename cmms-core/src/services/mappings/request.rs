//! What callers send about field mappings.

use crate::domain::entity::Entity;
use crate::domain::field_mapping::{MappingDirection, WhenAbsent};
use crate::ids::{ConnectionId, MappingId};
use crate::mapping::Written;
use crate::request;
use serde_json::Value;

request! {
    /// Maps one of a vendor's fields to one of ours.
    pub struct CreateMapping {
        required {
            /// The connection.
            cmms_connection_id: ConnectionId,
            /// The vendor's field: a dotted path such as `location.name` or `items.0.name`; a dot behind a
            /// backslash belongs to the name.
            source_field: String,
            /// Our field, such as `title`, `asset.name` or `work_order.custom_fields.shift`.
            target_field: String,
        }
        optional {
            /// The kind of record; can be left away where `target_field` says it.
            entity: Entity,
            /// What happens to the value on the way: an object with `type`.
            transformation_rule: Value,
            /// Whether a record without the field is refused (false).
            is_required: bool,
            /// Which way the mapping works (`in`).
            direction: MappingDirection,
            /// What a record means that does not name the field: `keep`, what was pulled before stays, or `clear`,
            /// there is no value (what the vendor's default mapping says of the field, or else `keep`).
            when_absent: WhenAbsent,
        }
    }
}

request! {
    /// A mapping that is tried out.
    pub struct MappingDraft {
        required {
            /// The vendor's field.
            source_field: String,
            /// Our field.
            target_field: String,
        }
        optional {
            /// The kind of record; can be left away where `target_field` says it.
            entity: Entity,
            /// What happens to the value on the way.
            transformation_rule: Value,
            /// Whether a record without the field is refused (false).
            is_required: bool,
            /// Which way the mapping works (`in`).
            direction: MappingDirection,
            /// What a record means that does not name the field: `keep`, what was pulled before stays, or `clear`,
            /// there is no value (what the vendor's default mapping says of the field, or else `keep`).
            when_absent: WhenAbsent,
        }
    }
}

impl CreateMapping {
    pub(super) fn written(&self) -> Written<'_> {
        Written {
            entity: self.entity,
            source: &self.source_field,
            target: &self.target_field,
            rule: self.transformation_rule.as_ref(),
            required: self.is_required.unwrap_or(false),
            outward: self.direction.is_some_and(MappingDirection::is_outward),
            when_absent: self.when_absent,
        }
    }
}

impl MappingDraft {
    pub(super) fn written(&self, entity: Option<Entity>) -> Written<'_> {
        Written {
            entity: self.entity.or(entity),
            source: &self.source_field,
            target: &self.target_field,
            rule: self.transformation_rule.as_ref(),
            required: self.is_required.unwrap_or(false),
            outward: self.direction.is_some_and(MappingDirection::is_outward),
            when_absent: self.when_absent,
        }
    }
}

request! {
    /// Lists mappings, oldest first.
    pub struct ListMappings {
        optional {
            /// Only those of this connection.
            cmms_connection_id: ConnectionId,
            /// Only those of this kind of record.
            entity: Entity,
            /// At most so many, from 1 to 500 (50).
            limit: u32,
            /// The `next` of the page before.
            cursor: String,
        }
    }
}

request! {
    /// Removes a mapping.
    pub struct DeleteMapping {
        required {
            /// The mapping.
            mapping_id: MappingId,
        }
        optional {
            /// Refuses the removal unless this is the mapping's version.
            version: i64,
        }
    }
}

impl From<MappingId> for DeleteMapping {
    fn from(id: MappingId) -> Self {
        Self::new(id)
    }
}

request! {
    /// Tries mappings out on records. Nothing is stored.
    pub struct PreviewMappings {
        required {
            /// The connection.
            cmms_connection_id: ConnectionId,
        }
        optional {
            /// The kind of record; can be left away where a mapping says it.
            entity: Entity,
            /// The mappings; left away: those that are stored.
            mappings: Vec<MappingDraft>,
            /// The vendor's records; left away: some that are stored here, or else some that the vendor sends.
            records: Vec<Value>,
            /// How many records are taken, from 1 to 100 (10), unless they are given.
            count: u32,
        }
    }
}

impl From<ConnectionId> for PreviewMappings {
    fn from(id: ConnectionId) -> Self {
        Self::new(id)
    }
}

/// The answer to a deletion.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct MappingDeleted {
    /// The mapping that is gone. What it set goes with the next full sync.
    pub mapping_id: MappingId,
}
