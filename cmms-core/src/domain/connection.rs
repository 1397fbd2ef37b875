//! Connections to vendors' systems.

use crate::ids::ConnectionId;
use crate::record::Json;
use crate::{record, wire_enum};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

wire_enum! {
    /// How a connection does.
    pub enum HealthState {
        /// Nobody has called yet.
        Unknown = "unknown",
        /// The last call succeeded.
        Healthy = "healthy",
        /// The last call failed for a reason that may pass.
        Degraded = "degraded",
        /// The vendor refused the credentials.
        AuthRequired = "auth_required",
        /// The vendor asked to call less often.
        RateLimited = "rate_limited",
        /// Calls are held back after many failures.
        Open = "open",
        /// Switched off.
        Paused = "paused",
    }
}

/// How a connection does, and since when that is known.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct ConnectionHealth {
    /// How it does.
    pub state: HealthState,
    /// Why, with the code of the error.
    pub reason: Option<String>,
    /// When the vendor was last called.
    pub checked_at: Option<DateTime<Utc>>,
    /// When a call last succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
}

impl Default for ConnectionHealth {
    /// Nobody has called yet.
    fn default() -> Self {
        Self {
            state: HealthState::Unknown,
            reason: None,
            checked_at: None,
            last_success_at: None,
        }
    }
}

record! {
    /// How a connection does. It has a row of its own, so that what calls of the vendor bring about is no change of
    /// the connection: whoever edits one edits the version that they read, whatever was called meanwhile.
    #[derive(serde::Serialize)]
    pub struct HealthNote: "cmms_connection_health" {
        /// The connection.
        connection_id: ConnectionId [Key Internal],
        /// How it does.
        state: HealthState [Plain Internal],
        /// Why, with the code of the error.
        reason: Option<String> [Plain Internal],
        /// When the vendor was last called.
        checked_at: Option<DateTime<Utc>> [Plain Internal],
        /// When a call last succeeded.
        last_success_at: Option<DateTime<Utc>> [Plain Internal],
    }
}

impl From<HealthNote> for ConnectionHealth {
    fn from(note: HealthNote) -> Self {
        Self {
            state: note.state,
            reason: note.reason,
            checked_at: note.checked_at,
            last_success_at: note.last_success_at,
        }
    }
}

/// Options of a connection.
#[derive(
    Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct ConnectionOptions {
    /// Records that are asked for at a time; the vendor's adapter has its own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// Records that are stored at a time, from 1 to 10,000 (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_records: Option<u32>,
    /// Requests a second that are not exceeded, at least 0.001; no limit unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_requests_per_second: Option<f64>,
    /// A file of certificates in PEM, by its path from the root: authorities that are believed in place of those of the
    /// system, for a server whose authority is your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// Pages that are fetched at a time where the vendor's pages have numbers, from 1 to 16; the vendor's
    /// adapter has its own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_in_flight: Option<u32>,
}

/// What may be known about a field of the credentials: whether it is set, never its value.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct CredentialInfo {
    /// Whether it is set.
    pub set: bool,
    /// Tells equal values apart from others without revealing them.
    pub fingerprint: String,
    /// Counts how often the credentials were set.
    pub version: i64,
    /// When they were last set.
    pub updated_at: DateTime<Utc>,
}

record! {
    /// A connection to a vendor's system.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct Connection: "cmms_connections" {
        /// Its id.
        id: ConnectionId [Key Public],
        /// Counts its changes, from 1.
        version: i64 [Version Public],
        /// When it was created.
        created_at: DateTime<Utc> [Once Internal],
        /// Who created it.
        created_by: String [Once Personal],
        /// When it last changed.
        updated_at: DateTime<Utc> [Plain Internal],
        /// The vendor's system.
        cmms_type: String [Once Internal],
        /// Its address.
        api_url: String [Plain Internal],
        /// What people call the connection; unique.
        connection_name: String [Plain Internal],
        /// The name as it goes into asset tags.
        #[serde(skip)]
        slug: String [Once Internal],
        /// Whether it may be synced.
        enabled: bool [Plain Internal],
        /// Seconds between syncs; null: by hand.
        sync_interval: Option<i64> [Plain Internal],
        /// Its options.
        options: Json<ConnectionOptions> [Plain Internal],
    }
    view {
        /// How it does.
        health: ConnectionHealth,
        /// The same as `id`.
        connection_id: Option<ConnectionId>,
        /// Which credentials are set; values are never shown.
        credentials: BTreeMap<String, CredentialInfo>,
    }
    unique [[connection_name], [slug]]
}

/// The name of a connection as it goes into asset tags: lower case letters, digits and dashes.
///
/// ```
/// assert_eq!(cmms_core::domain::connection::slug("Upkeep Production"), "upkeep-production");
/// ```
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase).take(40) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let trimmed = slug.trim_end_matches('-');
    if trimmed.is_empty() {
        "connection".to_owned()
    } else {
        trimmed.to_owned()
    }
}
