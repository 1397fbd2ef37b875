//! Field mappings: what a user lays over an adapter's default mapping.

use super::entity::Entity;
use crate::ids::{ConnectionId, MappingId};
use crate::record::Json;
use crate::{record, wire_enum};
use chrono::{DateTime, Utc};
use serde_json::Value;

wire_enum! {
    /// Which way a mapping works.
    pub enum MappingDirection {
        /// From the vendor to here.
        In = "in",
        /// From here to the vendor.
        Out = "out",
        /// Both ways; the rule must have an inverse.
        Both = "both",
    }
}

wire_enum! {
    /// What a record means that does not name the vendor's field.
    pub enum WhenAbsent {
        /// Nothing: what was pulled before stays, and only null empties it.
        Keep = "keep",
        /// That there is no value: the vendor leaves out what is empty.
        Clear = "clear",
    }
}

impl MappingDirection {
    /// Whether records that come in are mapped by it.
    pub fn is_inward(self) -> bool {
        self != Self::Out
    }

    /// Whether it must be possible to go from our field to the vendor's.
    pub fn is_outward(self) -> bool {
        self != Self::In
    }
}

record! {
    /// A mapping of one of a vendor's fields to one of ours.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct FieldMapping: "cmms_field_mappings" {
        /// Its id.
        id: MappingId [Key Public],
        /// Counts its changes, from 1.
        version: i64 [Version Public],
        /// When it was created.
        created_at: DateTime<Utc> [Once Internal],
        /// Who created it.
        created_by: String [Once Personal],
        /// When it last changed.
        updated_at: DateTime<Utc> [Plain Internal],
        /// The connection.
        cmms_connection_id: ConnectionId [Once Internal],
        /// The kind of record.
        entity: Entity [Once Internal],
        /// The vendor's field: a dotted path such as `location.name` or `items.0.name`.
        source_field: String [Once Internal],
        /// Our field, without the kind of record: `title`, `custom_fields.shift`.
        target_field: String [Once Internal],
        /// What happens to the value on the way.
        transformation_rule: Option<Json<Value>> [Once Internal],
        /// Whether a record without the field is refused.
        is_required: bool [Once Internal],
        /// Which way it works.
        direction: MappingDirection [Once Internal],
        /// What a record means that does not name the vendor's field; null: what the vendor's default mapping says of
        /// it, or else that nothing changes.
        when_absent: Option<WhenAbsent> [Once Internal],
    }
    unique [[cmms_connection_id, entity, target_field, direction]]
}
