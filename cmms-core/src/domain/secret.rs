//! Sealed secrets as they are stored.

use crate::ids::{ConnectionId, SecretId};
use crate::record;
use crate::record::Json;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

record! {
    /// A version of a secret, sealed.
    pub struct SealedSecret: "cmms_secrets" {
        /// The connection that it belongs to.
        connection_id: ConnectionId [Key Internal],
        /// Its name within the connection.
        name: String [Key Internal],
        /// The id of this version; it is sealed with it.
        id: SecretId [Plain Internal],
        /// Counts how often it was set, from 1; it is sealed with it.
        version: i64 [Version Internal],
        /// The key that opens it.
        kek_id: String [Plain Internal],
        /// The envelope.
        envelope: Vec<u8> [Plain Secret],
        /// A fingerprint of each field.
        fingerprints: Json<BTreeMap<String, String>> [Plain Internal],
        /// When it was set.
        updated_at: DateTime<Utc> [Plain Internal],
    }
    unique [[id]]
}
