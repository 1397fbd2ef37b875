//! What callers send about assets.

use crate::domain::asset::{AssetStatus, AssetType};
use crate::domain::vocabulary::Priority;
use crate::money::Money;
use crate::request::TimeOrDate;
use crate::{request, wire_enum};
use chrono::NaiveDate;
use serde_json::{Map, Value};

wire_enum! {
    /// The orders in which assets are listed; a leading `-` turns one around.
    pub enum AssetSort {
        /// As they came in.
        CreatedAt = "created_at",
        /// The latest first.
        CreatedAtDesc = "-created_at",
        /// Those that changed longest ago first.
        UpdatedAt = "updated_at",
        /// Those that changed last first.
        UpdatedAtDesc = "-updated_at",
        /// By asset_id: capitals before small letters.
        AssetId = "asset_id",
        /// By asset_id, from behind.
        AssetIdDesc = "-asset_id",
    }
}

request! {
    /// Registers an asset.
    pub struct RegisterAsset {
        required {
            /// Your own name for it: 1 to 128 visible characters.
            asset_id: String,
            /// What people call it.
            name: String,
            /// What kind of asset it is.
            asset_type: AssetType,
        }
        optional {
            /// More about it.
            description: String,
            /// What it does now (`operational`).
            status: AssetStatus,
            /// Who made it.
            manufacturer: String,
            /// The maker's model.
            model: String,
            /// The maker's serial number.
            serial_number: String,
            /// The department that it belongs to.
            department: String,
            /// Who is responsible for it.
            responsible_person: String,
            /// The registered asset that it is a part of.
            parent_asset_id: String,
            /// How much depends on it.
            criticality: Priority,
            /// When it was installed.
            installation_date: NaiveDate,
            /// When its warranty ends.
            warranty_expiry: NaiveDate,
            /// Years that it should last.
            expected_lifespan: f64,
            /// What a new one costs.
            replacement_value: Money,
            /// Free words.
            tags: Vec<String>,
            /// The maker's data, at most 256 KiB of JSON.
            specifications: Map<String, Value>,
            /// Fields of your own, at most 256 KiB of JSON.
            custom_fields: Map<String, Value>,
        }
    }
}

request! {
    /// Names an asset.
    pub struct GetAsset {
        required {
            /// The asset.
            asset_id: String,
        }
    }
}

impl From<&str> for GetAsset {
    fn from(asset_id: &str) -> Self {
        Self::new(asset_id)
    }
}

wire_enum! {
    /// What assets are counted by.
    pub enum AssetGrouping {
        /// What they do now.
        Status = "status",
        /// What kind of asset they are.
        AssetType = "asset_type",
        /// How much depends on them.
        Criticality = "criticality",
        /// The department that they belong to.
        Department = "department",
    }
}

/// Which assets: what the inputs that choose some of them have in common.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) external_id: Option<String>,
    pub(super) archived: Option<bool>,
    pub(super) asset_type: Option<AssetType>,
    pub(super) status: Option<AssetStatus>,
    pub(super) department: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) parent_asset_id: Option<String>,
    pub(super) created_since: Option<TimeOrDate>,
    pub(super) created_before: Option<TimeOrDate>,
    pub(super) updated_since: Option<TimeOrDate>,
    pub(super) updated_before: Option<TimeOrDate>,
}

/// An input that chooses assets, with fields of its own behind the filters.
macro_rules! choosing {
    ($(#[$meta:meta])* pub struct $name:ident { $($own:tt)* }) => {
        request! {
            $(#[$meta])*
            pub struct $name {
                optional {
                    /// Only those that have this id at a vendor of a connection.
                    external_id: String,
                    /// Only those that are archived at a vendor of a connection, or only those that are not.
                    archived: bool,
                    /// Only those of this kind.
                    asset_type: AssetType,
                    /// Only those that do this now.
                    status: AssetStatus,
                    /// Only those of this department.
                    department: String,
                    /// Only those that have this among their tags, exactly.
                    tag: String,
                    /// Only the direct parts of this asset.
                    parent_asset_id: String,
                    /// Only those that were registered here at this time or later.
                    created_since: TimeOrDate,
                    /// Only those that were registered here before this time.
                    created_before: TimeOrDate,
                    /// Only those that changed at this time or later.
                    updated_since: TimeOrDate,
                    /// Only those that changed before this time.
                    updated_before: TimeOrDate,
                    $($own)*
                }
            }
        }

        impl $name {
            /// Which ones.
            pub(super) fn chosen(&self) -> Chosen {
                Chosen {
                    external_id: self.external_id.clone(),
                    archived: self.archived,
                    asset_type: self.asset_type,
                    status: self.status,
                    department: self.department.clone(),
                    tag: self.tag.clone(),
                    parent_asset_id: self.parent_asset_id.clone(),
                    created_since: self.created_since,
                    created_before: self.created_before,
                    updated_since: self.updated_since,
                    updated_before: self.updated_before,
                }
            }
        }
    };
}

choosing! {
    /// Lists assets, oldest first unless another order is asked for.
    pub struct ListAssets {
        /// The order. Left away: `updated_at` with `updated_…`, else `created_at`.
        sort: AssetSort,
        /// At most so many, from 1 to 500 (50).
        limit: u32,
        /// The `next` of the page before.
        cursor: String,
    }
}

choosing! {
    /// Counts assets: all that the filters take, and by the values of a field where one is asked for.
    pub struct CountAssets {
        /// What they are counted by.
        by: AssetGrouping,
    }
}

request! {
    /// Changes an asset. Fields that are left away stay as they are.
    pub struct UpdateAsset {
        required {
            /// The asset.
            asset_id: String,
        }
        optional {
            /// Refuses the change unless this is the present version.
            version: i64,
        }
        patch {
            /// What people call it.
            name: String,
            /// What kind of asset it is.
            asset_type: AssetType,
            /// More about it.
            description: String,
            /// What it does now.
            status: AssetStatus,
            /// Who made it.
            manufacturer: String,
            /// The maker's model.
            model: String,
            /// The maker's serial number.
            serial_number: String,
            /// The department that it belongs to.
            department: String,
            /// Who is responsible for it.
            responsible_person: String,
            /// The registered asset that it is a part of.
            parent_asset_id: String,
            /// How much depends on it.
            criticality: Priority,
            /// When it was installed.
            installation_date: NaiveDate,
            /// When its warranty ends.
            warranty_expiry: NaiveDate,
            /// Years that it should last.
            expected_lifespan: f64,
            /// What a new one costs.
            replacement_value: Money,
            /// Free words.
            tags: Vec<String>,
            /// The maker's data, at most 256 KiB of JSON. What is left away stays, at every depth; null takes a field out.
            specifications: Map<String, Value>,
            /// Fields of your own, at most 256 KiB of JSON. What is left away stays, at every depth; null takes a field out.
            custom_fields: Map<String, Value>,
        }
    }
}
