//! The table of operations.

use super::operation::{Effect, OpDef, OpMeta, Operation, Verb};
use crate::context::{CallContext, Permission};
use crate::domain::{asset, audit, connection, field_mapping, sync_run, sync_state, work_order};
use crate::page::Page;
use crate::services::{
    App, assets, audit_log, connections, counting, mappings, quarantine, runs, sync, work_orders,
};
use crate::{Error, Result, code};

/// Hands the table to a macro, so that whatever is made from it cannot differ from it.
///
/// A row: documentation, name, type, verb and path, permission, effect, success, errors, input and output,
/// service.
macro_rules! operations_with {
    ($emit:ident) => { $emit! {
        connections, Connections, "Connections to vendors' systems." {
            /// Adds a connection to a vendor's system; nobody is called.
            create = ConnectionsCreate, Post "/cmms/connections", ConnectionEdit, Write, 201,
                [CONNECTION_TYPE, CONNECTION_CREDENTIALS, CONNECTION_EXISTS, ACCOUNT_CONNECTED, EGRESS_REFUSED, EGRESS_URL, SECRET_NO_KEY],
                connections::CreateConnection => connection::Connection, connections::create;
            /// Answers the connection of this name where it is equal, and adds it where there is none; nobody is called.
            ensure = ConnectionsEnsure, Post "/cmms/connections/ensure", ConnectionEdit, Write, 200,
                [CONNECTION_TYPE, CONNECTION_CREDENTIALS, CONNECTION_EXISTS, ACCOUNT_CONNECTED, EGRESS_REFUSED, EGRESS_URL, SECRET_NO_KEY, SECRET_UNREADABLE],
                connections::CreateConnection => connection::Connection, connections::ensure;
            /// Gets a connection, without its secrets.
            get = ConnectionsGet, Get "/cmms/connections/{cmms_connection_id}", ConnectionView, Read, 200,
                [CONNECTION_NOT_FOUND],
                connections::GetConnection => connection::Connection, connections::get;
            /// Lists connections, oldest first unless another order is asked for.
            list = ConnectionsList, Get "/cmms/connections", ConnectionView, Read, 200,
                [INPUT_CURSOR],
                connections::ListConnections => Page<connection::Connection>, connections::list;
            /// Changes a connection.
            update = ConnectionsUpdate, Patch "/cmms/connections/{cmms_connection_id}", ConnectionEdit, Write, 200,
                [CONNECTION_NOT_FOUND, CONNECTION_EXISTS, CONNECTION_HOST_CHANGE, CONNECTION_CREDENTIALS, CONNECTION_BUSY, ACCOUNT_CHANGED, ACCOUNT_CONNECTED, EGRESS_REFUSED, EGRESS_URL, STORE_STALE],
                connections::UpdateConnection => connection::Connection, connections::update;
            /// Removes a connection; the records that it brought in stay.
            delete = ConnectionsDelete, Delete "/cmms/connections/{cmms_connection_id}", ConnectionEdit, Write, 200,
                [CONNECTION_NOT_FOUND, CONNECTION_BUSY, STORE_STALE],
                connections::DeleteConnection => connections::ConnectionDeleted, connections::delete;
            /// Logs in at the vendor and says what it answered.
            test = ConnectionsTest, Post "/cmms/connections/{cmms_connection_id}/test", ConnectionEdit, Long, 200,
                [CONNECTION_NOT_FOUND, ACCOUNT_CHANGED, ACCOUNT_CONNECTED, VENDOR_UNREACHABLE, VENDOR_LOGIN, VENDOR_FORBIDDEN, VENDOR_ANSWER, VENDOR_TIMEOUT],
                connections::GetConnection => connections::ConnectionTest, connections::test;
        }
        mappings, Mappings, "Field mappings: what is laid over a vendor's default mapping." {
            /// Maps one of a vendor's fields to one of ours.
            create = MappingsCreate, Post "/cmms/mappings", ConnectionEdit, Write, 201,
                [CONNECTION_NOT_FOUND, MAPPING_EXISTS, MAPPING_RULE, MAPPING_UNSUPPORTED, MAPPING_TARGET, VENDOR_UNSUPPORTED],
                mappings::CreateMapping => field_mapping::FieldMapping, mappings::create;
            /// Lists mappings, oldest first.
            list = MappingsList, Get "/cmms/mappings", ConnectionView, Read, 200,
                [INPUT_CURSOR],
                mappings::ListMappings => Page<field_mapping::FieldMapping>, mappings::list;
            /// Removes a mapping.
            delete = MappingsDelete, Delete "/cmms/mappings/{mapping_id}", ConnectionEdit, Write, 200,
                [MAPPING_NOT_FOUND, STORE_STALE],
                mappings::DeleteMapping => mappings::MappingDeleted, mappings::delete;
            /// Tries mappings out on records; nothing is stored.
            preview = MappingsPreview, Post "/cmms/mappings/preview", ConnectionEdit, Ask, 200,
                [CONNECTION_NOT_FOUND, VENDOR_UNREACHABLE, VENDOR_LOGIN, VENDOR_ANSWER, VENDOR_TIMEOUT, VENDOR_UNSUPPORTED],
                mappings::PreviewMappings => mappings::MappingPreview, mappings::preview;
        }
        sync, Sync, "Syncs: bring a vendor's records in." {
            /// Brings work orders in.
            work_orders = SyncWorkOrders, Post "/cmms/sync/work-orders", SyncRun, Run, 200,
                [CONNECTION_NOT_FOUND, CONNECTION_DISABLED, CONNECTION_CHANGED, SYNC_RUNNING, SYNC_TYPE, TOO_MANY_RUNS],
                sync::StartSync => sync_run::SyncRun, sync::work_orders;
            /// Brings assets in.
            assets = SyncAssets, Post "/cmms/sync/assets", SyncRun, Run, 200,
                [CONNECTION_NOT_FOUND, CONNECTION_DISABLED, CONNECTION_CHANGED, SYNC_RUNNING, SYNC_TYPE, TOO_MANY_RUNS],
                sync::StartSync => sync_run::SyncRun, sync::assets;
            /// Brings everything in, assets before work orders.
            all = SyncAll, Post "/cmms/sync/all", SyncRun, Run, 200,
                [CONNECTION_NOT_FOUND, CONNECTION_DISABLED, CONNECTION_CHANGED, SYNC_RUNNING, SYNC_TYPE, TOO_MANY_RUNS],
                sync::StartSync => sync_run::SyncRun, sync::all;
        }
        runs, Runs, "Runs: what each sync did." {
            /// Gets a run.
            get = RunsGet, Get "/cmms/runs/{run_id}", SyncView, Read, 200,
                [RUN_NOT_FOUND],
                runs::GetRun => sync_run::SyncRun, runs::get;
            /// Ends a run at its next safe point; what it has stored stays.
            cancel = RunsCancel, Post "/cmms/runs/{run_id}/cancel", SyncRun, Write, 200,
                [RUN_NOT_FOUND, RUN_ENDED, RUN_ELSEWHERE],
                runs::GetRun => sync_run::SyncRun, runs::cancel;
            /// Lists runs, oldest first unless another order is asked for.
            list = RunsList, Get "/cmms/runs", SyncView, Read, 200,
                [INPUT_CURSOR],
                runs::ListRuns => Page<sync_run::SyncRun>, runs::list;
        }
        quarantine, Quarantine, "Records that cannot be stored." {
            /// Lists records that cannot be stored, with field and reason.
            list = QuarantineList, Get "/cmms/quarantine", SyncView, Read, 200,
                [INPUT_CURSOR],
                quarantine::ListQuarantine => Page<sync_state::QuarantineItem>, quarantine::list;
            /// Maps a record that cannot be stored again, with the present mapping.
            retry = QuarantineRetry, Post "/cmms/quarantine/{quarantine_id}/retry", SyncRun, Write, 200,
                [QUARANTINE_NOT_FOUND, CONNECTION_CHANGED, SYNC_RUNNING],
                quarantine::GetQuarantined => sync_state::QuarantineItem, quarantine::retry;
            /// Leaves a record that cannot be stored out for good.
            discard = QuarantineDiscard, Post "/cmms/quarantine/{quarantine_id}/discard", SyncRun, Write, 200,
                [QUARANTINE_NOT_FOUND, QUARANTINE_RESOLVED],
                quarantine::GetQuarantined => sync_state::QuarantineItem, quarantine::discard;
        }
        work_orders, WorkOrders, "Work orders." {
            /// Creates a work order.
            create = WorkOrdersCreate, Post "/work-orders", WorkOrderCreate, Write, 201,
                [],
                work_orders::CreateWorkOrder => work_order::WorkOrder, work_orders::create;
            /// Gets a work order.
            get = WorkOrdersGet, Get "/work-orders/{work_order_id}", WorkOrderView, Read, 200,
                [WORK_ORDER_NOT_FOUND],
                work_orders::GetWorkOrder => work_order::WorkOrder, work_orders::get;
            /// Lists work orders, oldest first unless another order is asked for.
            list = WorkOrdersList, Get "/work-orders", WorkOrderView, Read, 200,
                [INPUT_CURSOR],
                work_orders::ListWorkOrders => Page<work_order::WorkOrder>, work_orders::list;
            /// Counts work orders, by the values of a field where one is asked for.
            count = WorkOrdersCount, Get "/work-orders/count", WorkOrderView, Read, 200,
                [],
                work_orders::CountWorkOrders => counting::RecordCount, work_orders::count;
            /// Changes a work order.
            update = WorkOrdersUpdate, Patch "/work-orders/{work_order_id}", WorkOrderEdit, Write, 200,
                [WORK_ORDER_NOT_FOUND, STORE_STALE],
                work_orders::UpdateWorkOrder => work_order::WorkOrder, work_orders::update;
            /// Moves a work order to another status.
            set_status = WorkOrdersSetStatus, Put "/work-orders/{work_order_id}/status", WorkOrderWork, Write, 200,
                [WORK_ORDER_NOT_FOUND, WORK_ORDER_TRANSITION, WORK_ORDER_REASON, STORE_STALE],
                work_orders::SetWorkOrderStatus => work_order::WorkOrder, work_orders::set_status;
        }
        assets, Assets, "Assets." {
            /// Registers an asset.
            register = AssetsRegister, Post "/assets", AssetEdit, Write, 201,
                [ASSET_EXISTS, ASSET_NOT_FOUND],
                assets::RegisterAsset => asset::Asset, assets::register;
            /// Gets an asset.
            get = AssetsGet, Get "/assets/{asset_id}", AssetView, Read, 200,
                [ASSET_NOT_FOUND],
                assets::GetAsset => asset::Asset, assets::get;
            /// Lists assets, oldest first unless another order is asked for.
            list = AssetsList, Get "/assets", AssetView, Read, 200,
                [INPUT_CURSOR],
                assets::ListAssets => Page<asset::Asset>, assets::list;
            /// Counts assets, by the values of a field where one is asked for.
            count = AssetsCount, Get "/assets/count", AssetView, Read, 200,
                [],
                assets::CountAssets => counting::RecordCount, assets::count;
            /// Changes an asset.
            update = AssetsUpdate, Patch "/assets/{asset_id}", AssetEdit, Write, 200,
                [ASSET_NOT_FOUND, ASSET_PARENT, STORE_STALE],
                assets::UpdateAsset => asset::Asset, assets::update;
        }
        audit, Audit, "The audit log: who changed what." {
            /// Lists audit entries, the latest first unless another order is asked for.
            list = AuditList, Get "/audit", AuditRead, Read, 200,
                [INPUT_CURSOR],
                audit_log::ListAudit => Page<audit::AuditEntry>, audit_log::list;
        }
    } };
}
pub(crate) use operations_with;

/// What was posted may be repeated, so its answer can be read again. An output of a POST derives `Deserialize`.
macro_rules! replay {
    (Post, $output:ty) => {
        fn replay(answer: &str) -> Result<$output> {
            serde_json::from_str(answer)
                .map_err(|e| Error::internal("a kept answer cannot be read").source(e))
        }
    };
    ($other:ident, $output:ty) => {};
}

macro_rules! rows {
    ($($group:ident, $group_type:ident, $group_doc:literal { $(
        #[doc = $doc:literal]
        $method:ident = $ty:ident, $verb:ident $path:literal, $permission:ident, $effect:ident, $success:literal,
            [$($error:ident),*],
            $input:ty => $output:ty, $service:path;
    )* })*) => {
        /// The types of the rows.
        pub mod types { $($(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy)]
            pub struct $ty;
        )*)* }

        $($(
            impl Operation for types::$ty {
                const META: OpMeta = OpMeta {
                    name: concat!(stringify!($group), ".", stringify!($method)),
                    title: $doc,
                    verb: Verb::$verb,
                    path: $path,
                    permission: Permission::$permission,
                    effect: Effect::$effect,
                    success: $success,
                    errors: &[$(code::$error.id()),*],
                };
                type Input = $input;
                type Output = $output;
                fn run(cx: &CallContext, app: &App, input: $input) -> impl Future<Output = Result<$output>> + Send {
                    $service(cx, app, input)
                }
                replay!($verb, $output);
            }
        )*)*

        /// Every group of operations, with what it is about.
        pub(super) static GROUPS: &[(&str, &str)] = &[$((stringify!($group), $group_doc),)*];

        /// Every operation.
        pub static OPERATIONS: &[OpDef] = &[$($(OpDef::of::<types::$ty>(),)*)*];
    };
}

operations_with!(rows);
