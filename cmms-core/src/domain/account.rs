//! The vendors' accounts behind connections.

use super::entity::Entity;
use super::sync_state::ExternalLink;
use crate::ids::{AccountId, ConnectionId};
use crate::record;
use crate::record::{Digest, Json, RawJson};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

record! {
    /// A vendor's account: that of a connection, or one that a connection is gone from and whose links wait.
    ///
    /// An id of a vendor's record means something within an account only. So whatever may lead to another account is
    /// compared with this row before anything is written.
    pub struct Account: "cmms_accounts" {
        /// Its id.
        id: AccountId [Key Internal],
        /// Its connection; null: none any more.
        connection_id: Option<ConnectionId> [Plain Internal],
        /// The vendor's system.
        cmms_type: String [Plain Internal],
        /// Scheme, host and port of the address.
        origin: String [Plain Internal],
        /// Who logs in: a name, or the fingerprint of a key.
        login: String [Plain Personal],
        /// The vendor's own id of it, from the first call on that told.
        vendor_id: Option<String> [Plain Internal],
        /// Whether nothing may be written before the vendor has told this id again.
        is_unsure: bool [Plain Internal],
        /// Whether other connections to the same account are wanted.
        is_shared: bool [Plain Internal],
        /// When its connection left it.
        left_at: Option<DateTime<Utc>> [Plain Internal],
    }
}

record! {
    /// A link of an account that no connection has.
    pub struct FormerLink: "former_links" {
        /// The account.
        account_id: AccountId [Key Internal],
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
        /// What the mapping made of it.
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
}

impl FormerLink {
    /// What a link becomes when its connection leaves the account.
    pub fn of(link: ExternalLink, account: AccountId) -> Self {
        Self {
            account_id: account,
            entity: link.entity,
            external_id: link.external_id,
            record_id: link.record_id,
            digest: link.digest,
            raw: link.raw,
            snapshot: link.snapshot,
            vendor_values: link.vendor_values,
            number: link.number,
            archived: link.archived,
            supplied: link.supplied,
            vendor_updated_at: link.vendor_updated_at,
            changed_at: link.changed_at,
        }
    }

    /// The link of the connection that takes it up again.
    pub fn taken_up(self, connection: ConnectionId) -> ExternalLink {
        ExternalLink {
            connection_id: connection,
            entity: self.entity,
            external_id: self.external_id,
            record_id: self.record_id,
            digest: self.digest,
            raw: self.raw,
            snapshot: self.snapshot,
            vendor_values: self.vendor_values,
            number: self.number,
            archived: self.archived,
            supplied: self.supplied,
            vendor_updated_at: self.vendor_updated_at,
            changed_at: self.changed_at,
        }
    }
}
