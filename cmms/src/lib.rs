//! The maintenance-integration engine that any program can embed.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite://{}", folder.path().join("cmms.db").display());
//! use cmms::{CreateWorkOrder, Priority};
//!
//! let client = cmms::open(&url).await?;
//! let order = CreateWorkOrder::new("Check pump").asset_id("asset_001").priority(Priority::High);
//! let order = client.work_orders().create(order).await?;
//! assert_eq!(client.work_orders().get(order.id).await?.title, "Check pump");
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
#![doc = include_str!("operations.md")]

mod client;
pub mod config;
#[cfg(feature = "embed")]
pub mod embed;
mod open;
pub mod process;
pub mod secrets;

#[cfg(feature = "adapters")]
pub use cmms_adapters as adapters;
pub use cmms_core as core;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use cmms_store as store;

pub use client::Client;
pub use cmms_core::client::Records;
pub use cmms_core::context::Principal;
pub use cmms_core::domain::asset::{Asset, AssetCondition, AssetLocation, AssetStatus, AssetType};
pub use cmms_core::domain::audit::AuditEntry;
pub use cmms_core::domain::connection::{
    Connection, ConnectionHealth, ConnectionOptions, HealthState,
};
pub use cmms_core::domain::entity::{Entity, SyncType};
pub use cmms_core::domain::field_mapping::{FieldMapping, MappingDirection, WhenAbsent};
pub use cmms_core::domain::sync_run::{RunError, SyncFailed, SyncRun, SyncStatus};
pub use cmms_core::domain::sync_state::{Origin, QuarantineItem};
pub use cmms_core::domain::vocabulary::{MaintenanceType, Priority};
pub use cmms_core::domain::work_order::{WorkOrder, WorkOrderStatus};
pub use cmms_core::page::Page;
pub use cmms_core::services::assets::{
    AssetGrouping, AssetSort, CountAssets, GetAsset, ListAssets, RegisterAsset, UpdateAsset,
};
pub use cmms_core::services::audit_log::{AuditSort, ListAudit};
pub use cmms_core::services::connections::{
    ConnectionSort, ConnectionTest, CreateConnection, DeleteConnection, GetConnection,
    ListConnections, UpdateConnection,
};
pub use cmms_core::services::counting::{CountGroup, RecordCount};
pub use cmms_core::services::mappings::{
    CreateMapping, DeleteMapping, ListMappings, MappingDraft, MappingPreview, PreviewMappings,
};
pub use cmms_core::services::quarantine::{GetQuarantined, ListQuarantine};
pub use cmms_core::services::runs::{GetRun, ListRuns, RunSort};
pub use cmms_core::services::sync::StartSync;
pub use cmms_core::services::work_orders::{
    CountWorkOrders, CreateWorkOrder, GetWorkOrder, ListWorkOrders, SetWorkOrderStatus,
    UpdateWorkOrder, WorkOrderGrouping, WorkOrderRef, WorkOrderSort,
};
pub use cmms_core::{Error, ErrorKind, Result, code};
pub use config::Config;
pub use open::{Builder, open, open_with};

#[cfg(test)]
mod tests {
    use crate::{CreateWorkOrder, ListWorkOrders};
    use cmms_core::ops::OPERATIONS;

    #[tokio::test]
    async fn a_list_pages_by_itself_up_to_its_limit() {
        let client = crate::open(":memory:").await.unwrap();
        for n in 0..120 {
            let order = CreateWorkOrder::new(format!("Number {n}"));
            client.work_orders().create(order).await.unwrap();
        }
        for (limit, expected) in [
            (None, 120),
            (Some(1), 1),
            (Some(50), 50),
            (Some(51), 51),
            (Some(500), 120),
        ] {
            let mut wanted = ListWorkOrders::new();
            wanted.limit = limit;
            let mut orders = client.work_orders().all(wanted);
            let mut titles = Vec::new();
            while let Some(order) = orders.try_next().await.unwrap() {
                titles.push(order.title);
            }
            let all: Vec<_> = (0..expected).map(|n| format!("Number {n}")).collect();
            assert_eq!(titles, all, "{limit:?}");
        }
        let mut none = client.work_orders().all(ListWorkOrders::new().limit(0_u32));
        assert!(none.try_next().await.is_err());
        assert!(none.try_next().await.unwrap().is_none());
    }

    #[test]
    fn every_group_of_operations_has_an_example() {
        let shown = include_str!("operations.md");
        let lacking: Vec<&str> = OPERATIONS
            .iter()
            .map(|op| op.meta.resource())
            .filter(|group| !shown.contains(&format!("client.{group}()")))
            .collect();
        assert!(lacking.is_empty(), "operations.md: {lacking:?}");
    }
}
