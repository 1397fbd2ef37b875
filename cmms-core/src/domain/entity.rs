//! Kinds of things that are kept in step with a vendor.

crate::wire_enum! {
    /// A kind of thing that is kept in step with a vendor.
    pub enum Entity {
        /// Assets.
        Asset = "asset",
        /// Work orders.
        WorkOrder = "work_order",
    }
}

crate::wire_enum! {
    /// What a sync brings in.
    pub enum SyncType {
        /// Work orders only.
        WorkOrders = "work_orders",
        /// Assets only.
        Assets = "assets",
        /// Everything, in the order of its dependencies.
        All = "all",
    }
}

impl SyncType {
    /// What it brings in, things before those that refer to them.
    pub fn entities(self) -> &'static [Entity] {
        match self {
            Self::WorkOrders => &[Entity::WorkOrder],
            Self::Assets => &[Entity::Asset],
            Self::All => &[Entity::Asset, Entity::WorkOrder],
        }
    }
}
