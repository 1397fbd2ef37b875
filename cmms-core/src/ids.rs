//! Ids: one type per kind of thing, UUID v7, made only by the [`IdGen`] port.

use std::fmt::Debug;
use uuid::Uuid;

/// Makes ids. The one way to get a new id, so that tests can choose them.
pub trait IdGen: Debug + Send + Sync + 'static {
    /// The next id: UUID v7, later ids sort behind earlier ones of the same process.
    fn next(&self) -> Uuid;
}

/// Ids from the system's clock and randomness.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemIds;

impl IdGen for SystemIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port's own implementation"
    )]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Declares an id type over [`Uuid`].
#[macro_export]
macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
                 serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                uuid::Uuid::parse_str(s).map(Self).map_err(|_| {
                    $crate::Error::new($crate::code::INPUT_VALUE, format!("{s:?} is no id"))
                        .field("id", "invalid_value", "must be a UUID")
                })
            }
        }

        impl $crate::record::Field for $name {
            const KIND: $crate::record::Kind = $crate::record::Kind::Id;
            fn cell(&self) -> $crate::record::Cell<'_> {
                $crate::record::Cell::Id(self.0)
            }
            fn from_cell(cell: $crate::record::Cell<'_>) -> $crate::Result<Self> {
                uuid::Uuid::from_cell(cell).map(Self)
            }
        }
    )* };
}

id_type! {
    /// An organization. Only the store's system transaction and authentication make one.
    OrgId;
    /// A connection to a vendor's system.
    ConnectionId;
    /// A vendor's account.
    AccountId;
    /// A work order.
    WorkOrderId;
    /// An asset, inside; from outside it is addressed by its tag (`asset_id`).
    AssetId;
    /// A sync run.
    RunId;
    /// A quarantined record.
    QuarantineId;
    /// A field mapping.
    MappingId;
    /// An audit entry.
    AuditId;
    /// A version of a sealed secret.
    SecretId;
}
