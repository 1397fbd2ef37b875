//! What callers send about connections.

use crate::domain::connection::ConnectionOptions;
use crate::domain::entity::Entity;
use crate::domain::sync_run::RunError;
use crate::ids::ConnectionId;
use crate::request::SecretText;
use crate::{request, wire_enum};
use std::collections::BTreeMap;

request! {
    /// Adds a connection to a vendor's system. Nobody is called.
    pub struct CreateConnection {
        required {
            /// The vendor's system, such as `upkeep`.
            cmms_type: String,
            /// The address of its API.
            api_url: String,
            /// What people call the connection; unique.
            connection_name: String,
        }
        optional {
            /// The vendor's API key, in its short form.
            api_key: SecretText,
            /// The user name, where the vendor logs in.
            username: String,
            /// The password, where the vendor logs in.
            password: SecretText,
            /// The credentials by field, as the vendor needs them.
            credentials: BTreeMap<String, SecretText>,
            /// Whether it may be synced (true).
            enabled: bool,
            /// Seconds between syncs; left away: by hand.
            sync_interval: i64,
            /// Options.
            options: ConnectionOptions,
            /// Whether another connection may lead to the same account of the vendor already (false): then every
            /// record comes in once more.
            allow_same_account: bool,
        }
    }
}

request! {
    /// Names a connection.
    pub struct GetConnection {
        required {
            /// The connection.
            cmms_connection_id: ConnectionId,
        }
    }
}

request! {
    /// Removes a connection.
    pub struct DeleteConnection {
        required {
            /// The connection.
            cmms_connection_id: ConnectionId,
        }
        optional {
            /// Refuses the removal unless this is the connection's version.
            version: i64,
        }
    }
}

impl From<ConnectionId> for DeleteConnection {
    fn from(id: ConnectionId) -> Self {
        Self::new(id)
    }
}

impl From<ConnectionId> for GetConnection {
    fn from(id: ConnectionId) -> Self {
        Self::new(id)
    }
}

wire_enum! {
    /// The orders in which connections are listed; a leading `-` turns one around.
    pub enum ConnectionSort {
        /// As they were added.
        CreatedAt = "created_at",
        /// The latest first.
        CreatedAtDesc = "-created_at",
        /// By name: capitals before small letters.
        Name = "connection_name",
        /// By name, from behind.
        NameDesc = "-connection_name",
    }
}

request! {
    /// Lists connections, oldest first unless another order is asked for.
    pub struct ListConnections {
        optional {
            /// Only those of this vendor.
            cmms_type: String,
            /// Only the one of this name.
            connection_name: String,
            /// The order (`created_at`).
            sort: ConnectionSort,
            /// At most so many, from 1 to 500 (50).
            limit: u32,
            /// The `next` of the page before.
            cursor: String,
        }
    }
}

request! {
    /// Changes a connection. Credentials are replaced as a whole.
    pub struct UpdateConnection {
        required {
            /// The connection.
            cmms_connection_id: ConnectionId,
        }
        optional {
            /// Refuses the change unless this is the present version.
            version: i64,
            /// The address of the API; another host needs the credentials again.
            api_url: String,
            /// What people call the connection.
            connection_name: String,
            /// The vendor's API key, in its short form.
            api_key: SecretText,
            /// The user name, where the vendor logs in.
            username: String,
            /// The password, where the vendor logs in.
            password: SecretText,
            /// The credentials by field.
            credentials: BTreeMap<String, SecretText>,
            /// Whether it may be synced.
            enabled: bool,
            /// Options, as a whole.
            options: ConnectionOptions,
            /// With another address or login: it is the same plant, and the vendor's ids are the same (false). What is
            /// linked stays so. Without one: the account that the login leads to by now is the right one.
            relink: bool,
            /// With or without another address or login: it is another plant (false). Records stay, what is linked is
            /// forgotten.
            forget_links: bool,
            /// Whether another connection may lead to the same account of the vendor (false).
            allow_same_account: bool,
        }
        patch {
            /// Seconds between syncs; null: by hand.
            sync_interval: i64,
        }
    }
}

/// Whether a kind of record can be read.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct KindTest {
    /// The kind.
    pub entity: Entity,
    /// Whether its records can be read.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// The answer to a test of a connection.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct ConnectionTest {
    /// True: the vendor accepted the credentials, and every kind of record can be read.
    pub ok: bool,
    /// What came of each kind of record.
    pub kinds: Vec<KindTest>,
    /// What the vendor said about the account.
    pub account: Option<String>,
    /// How the connection does now.
    pub health: crate::domain::connection::ConnectionHealth,
}

/// The answer to a deletion.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ConnectionDeleted {
    /// The connection that is gone. The records that it brought in stay.
    pub cmms_connection_id: ConnectionId,
    /// Links to the vendor's records that went with it.
    pub links_removed: u64,
}
