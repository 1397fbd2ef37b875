//! The service classes of the Python package, under the names of the product's first document. A method is an operation
//! under another name.

/// A module with its class.
pub(super) struct Service {
    pub(super) module: &'static str,
    pub(super) class: &'static str,
    pub(super) doc: &'static str,
    /// Methods and their operations. What has no operation yet is missing.
    pub(super) methods: &'static [(&'static str, &'static str)],
}

/// All of them.
pub(super) const SERVICES: &[Service] = &[
    Service {
        module: "data_synchronization",
        class: "CMMSDataSynchronizationService",
        doc: "Connections to vendors' systems, field mappings and syncs.",
        methods: &[
            ("add_cmms_connection", "connections.create"),
            ("get_cmms_connection", "connections.get"),
            ("list_cmms_connections", "connections.list"),
            ("update_cmms_connection", "connections.update"),
            ("remove_cmms_connection", "connections.delete"),
            ("test_cmms_connection", "connections.test"),
            ("add_field_mapping", "mappings.create"),
            ("list_field_mappings", "mappings.list"),
            ("remove_field_mapping", "mappings.delete"),
            ("sync_work_orders", "sync.work_orders"),
            ("sync_assets", "sync.assets"),
            ("sync_all", "sync.all"),
            ("get_sync_run", "runs.get"),
            ("list_sync_runs", "runs.list"),
            ("cancel_sync_run", "runs.cancel"),
            ("list_quarantine", "quarantine.list"),
            ("retry_quarantined", "quarantine.retry"),
            ("discard_quarantined", "quarantine.discard"),
        ],
    },
    Service {
        module: "work_order_processing",
        class: "WorkOrderProcessingService",
        doc: "Work orders.",
        methods: &[
            ("create_work_order", "work_orders.create"),
            ("get_work_order", "work_orders.get"),
            ("list_work_orders", "work_orders.list"),
            ("update_work_order", "work_orders.update"),
            ("update_work_order_status", "work_orders.set_status"),
        ],
    },
    Service {
        module: "maintenance_scheduling",
        class: "MaintenanceSchedulingService",
        doc: "Maintenance schedules and their tasks.",
        methods: &[],
    },
    Service {
        module: "asset_tracking",
        class: "AssetTrackingService",
        doc: "Assets.",
        methods: &[
            ("register_asset", "assets.register"),
            ("get_asset", "assets.get"),
            ("list_assets", "assets.list"),
            ("update_asset", "assets.update"),
        ],
    },
];
