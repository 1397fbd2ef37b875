//! What is remembered about a vendor's records: links, checkpoints, leases, quarantine.

use super::entity::Entity;
use crate::ids::{ConnectionId, QuarantineId, RunId};
use crate::record::{Digest, Json, RawJson};
use crate::{record, wire_enum};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

wire_enum! {
    /// How a record stands to its counterpart.
    pub enum SyncState {
        /// As it was at the last sync.
        InStep = "in_step",
    }
}

/// The counterpart of a record in a vendor's system, as it is shown with the record.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct External {
    /// The connection.
    pub cmms_connection_id: ConnectionId,
    /// The vendor's id.
    pub external_id: String,
    /// The vendor's number for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Whether it is archived there: out of the vendor's daily lists, and not deleted.
    #[serde(default)]
    pub archived: bool,
    /// Values of the vendor that have no word here, by field.
    pub vendor_values: Map<String, Value>,
    /// How the record stands to its counterpart.
    pub sync_state: SyncState,
    /// The last sync that changed it.
    pub changed_at: DateTime<Utc>,
    /// Who wrote each field that has a value: the vendor, the mapping or a person. Only where one record is
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeMap<String, Origin>>,
}

wire_enum! {
    /// Who wrote a field.
    pub enum Origin {
        /// The vendor: it is what the mapping reads from its record.
        Vendor = "vendor",
        /// The mapping: a default, a constant, or a word that stands in for one of the vendor's.
        Mapping = "mapping",
        /// A person or program here, after the last pull or where the mapping sets nothing.
        Person = "person",
    }
}

record! {
    /// A link between one of our records and a vendor's.
    pub struct ExternalLink: "external_links" {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
        /// Our record.
        record_id: Uuid [Once Internal],
        /// Of the raw record and the mapping's revision.
        digest: Digest [Digest Internal],
        /// The record as the vendor sent it.
        raw: RawJson [Plain Personal],
        /// What the mapping made of it: the value of each mapped column, long texts as digests.
        snapshot: RawJson [Plain Personal],
        /// Values of the vendor that have no word here, by field.
        vendor_values: Map<String, Value> [Plain Internal],
        /// The vendor's number for people.
        number: Option<String> [Plain Internal],
        /// Whether it is archived there.
        archived: bool [Plain Internal],
        /// The fields that the mapping supplied rather than the vendor; null: none.
        supplied: Option<Json<Vec<String>>> [Plain Internal],
        /// When the vendor last changed it.
        vendor_updated_at: Option<DateTime<Utc>> [Plain Internal],
        /// The last sync that changed it.
        changed_at: DateTime<Utc> [Plain Internal],
    }
    index [[record_id, archived]]
}

record! {
    /// The part of a link that tells that there is one.
    pub struct LinkKey: "external_links" projection {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
    }
}

record! {
    /// The part of a link that tells whether a record changed.
    pub struct LinkDigest: "external_links" projection {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
        /// Our record.
        record_id: Uuid [Once Internal],
        /// Of the raw record and the mapping's revision.
        digest: Digest [Digest Internal],
    }
}

record! {
    /// The part of a link that tells who wrote which field.
    pub struct LinkFields: "external_links" projection {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
        /// Our record.
        record_id: Uuid [Once Internal],
        /// What the mapping made of it: the value of each mapped column, long texts as digests.
        snapshot: RawJson [Plain Personal],
        /// The fields that the mapping supplied rather than the vendor; null: none.
        supplied: Option<Json<Vec<String>>> [Plain Internal],
    }
}

record! {
    /// The part of a link that tells how new a record is.
    pub struct LinkTime: "external_links" projection {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
        /// Our record.
        record_id: Uuid [Once Internal],
        /// Of the raw record and the mapping's revision.
        digest: Digest [Digest Internal],
        /// When the vendor last changed it.
        vendor_updated_at: Option<DateTime<Utc>> [Plain Internal],
        /// The last sync that changed it.
        changed_at: DateTime<Utc> [Plain Internal],
    }
}

record! {
    /// The part of a link that holds the vendor's record.
    pub struct LinkRaw: "external_links" projection {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
        /// The record as the vendor sent it.
        raw: RawJson [Plain Personal],
    }
}

record! {
    /// The part of a link that is shown with a record.
    pub struct LinkView: "external_links" projection {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
        /// Our record.
        record_id: Uuid [Once Internal],
        /// Values of the vendor that have no word here, by field.
        vendor_values: Map<String, Value> [Plain Internal],
        /// The vendor's number for people.
        number: Option<String> [Plain Internal],
        /// Whether it is archived there.
        archived: bool [Plain Internal],
        /// The last sync that changed it.
        changed_at: DateTime<Utc> [Plain Internal],
    }
}

impl From<LinkView> for External {
    fn from(link: LinkView) -> Self {
        Self {
            cmms_connection_id: link.connection_id,
            external_id: link.external_id,
            number: link.number,
            archived: link.archived,
            vendor_values: link.vendor_values,
            sync_state: SyncState::InStep,
            changed_at: link.changed_at,
            fields: None,
        }
    }
}

record! {
    /// How far a connection's records of one kind have been read. Committed with the rows that it covers.
    pub struct Checkpoint: "sync_checkpoints" {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// Where an unfinished listing goes on, in the adapter's words.
        position: Option<String> [Plain Internal],
        /// The vendor's ids that the page before that place ended with, where pages have numbers.
        seam: Option<Json<Vec<String>>> [Plain Internal],
        /// Where the next listing of changes begins, by the vendor's clock: at the latest change that a complete
        /// listing saw, and no later than its own beginning less what changes take to show.
        high_water: Option<DateTime<Utc>> [Plain Internal],
        /// When the listing began that this stands for, by our clock.
        began_at: Option<DateTime<Utc>> [Plain Internal],
        /// What the vendor's clock showed then, where it was heard.
        vendor_clock: Option<DateTime<Utc>> [Plain Internal],
        /// Whether that listing is one of everything.
        is_whole: bool [Plain Internal],
        /// Of the linked records that the last complete listing of everything lacked; null: of none.
        missing: Option<Digest> [Plain Internal],
    }
}

impl Checkpoint {
    /// Nothing was read yet.
    pub fn new(connection_id: ConnectionId, entity: Entity) -> Self {
        Self {
            connection_id,
            entity,
            position: None,
            seam: None,
            high_water: None,
            began_at: None,
            vendor_clock: None,
            is_whole: false,
            missing: None,
        }
    }
}

record! {
    /// Who syncs a connection's records of one kind just now.
    pub struct SyncLease: "sync_leases" {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// Counts its changes.
        version: i64 [Version Internal],
        /// The run that holds it; null: nobody.
        run_id: Option<RunId> [Plain Internal],
        /// The process of the run, as JSON.
        owner: RawJson [Plain Internal],
        /// The fencing token: one more with each taking, so that an owner who was taken for dead writes nothing more.
        fence: i64 [Plain Internal],
        /// Until when it counts without being renewed.
        expires_at: DateTime<Utc> [Plain Internal],
    }
}

wire_enum! {
    /// What became of a quarantined record.
    pub enum QuarantineState {
        /// It waits.
        Open = "open",
        /// A later good record took its place.
        Resolved = "resolved",
        /// Somebody decided to leave it out.
        Discarded = "discarded",
    }
}

record! {
    /// A vendor's record that cannot be stored, with the field and the reason.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct QuarantineItem: "sync_quarantine" {
        /// The connection.
        #[serde(rename = "cmms_connection_id")]
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id, or `digest:…` where the record has none.
        external_id: String [Key Internal],
        /// Its id.
        id: QuarantineId [Once Public],
        /// Counts its changes, from 1.
        version: i64 [Version Public],
        /// When it was first met.
        created_at: DateTime<Utc> [Once Internal],
        /// Who ran the sync that met it.
        created_by: String [Once Personal],
        /// When it last changed.
        updated_at: DateTime<Utc> [Plain Internal],
        /// The last run that met it.
        run_id: RunId [Plain Internal],
        /// The vendor's field that cannot be taken.
        field: String [Plain Internal],
        /// The stable slug of the rule that it breaks.
        reason: String [Plain Internal],
        /// What is wrong, for a person.
        detail: String [Plain Internal],
        /// The record as the vendor sent it.
        raw: RawJson [Plain Personal],
        /// When the vendor last changed it.
        #[serde(skip)]
        vendor_updated_at: Option<DateTime<Utc>> [Plain Internal],
        /// When it was first met.
        first_seen_at: DateTime<Utc> [Once Internal],
        /// When it was last met.
        last_seen_at: DateTime<Utc> [Plain Internal],
        /// How often it was met.
        attempts: i64 [Plain Internal],
        /// What became of it.
        state: QuarantineState [Plain Internal],
    }
    unique [[id]]
    index [[state, connection_id]]
}

record! {
    /// The part of a quarantined record that tells whether it waits.
    pub struct QuarantineKey: "sync_quarantine" projection {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// What kind of record it is.
        entity: Entity [Key Internal],
        /// The vendor's id.
        external_id: String [Key Internal],
        /// What became of it.
        state: QuarantineState [Plain Internal],
    }
}

/// What a record waits for while something that it refers to is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PendingRef {
    /// An asset with this tag.
    Tag(String),
    /// An asset with this vendor id, of this connection.
    External(ConnectionId, String),
}

impl PendingRef {
    /// As it is stored.
    pub fn key(&self) -> String {
        match self {
            Self::Tag(tag) => format!("tag:{tag}"),
            Self::External(connection, id) => format!("{connection}:{id}"),
        }
    }
}
