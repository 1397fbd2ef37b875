//! Assets: the record, its tag, its current location.

use super::sync_state::External;
use super::vocabulary::Priority;
use crate::ids::AssetId;
use crate::money::Money;
use crate::record::Json;
use crate::{Error, Result, code, record, wire_enum};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

wire_enum! {
    /// What kind of asset it is.
    pub enum AssetType {
        /// Equipment.
        Equipment = "equipment",
        /// Machinery.
        Machinery = "machinery",
        /// A vehicle.
        Vehicle = "vehicle",
        /// A building.
        Building = "building",
        /// Infrastructure.
        Infrastructure = "infrastructure",
        /// A tool.
        Tool = "tool",
        /// An instrument.
        Instrument = "instrument",
        /// A system of several assets.
        System = "system",
        /// A part of another asset.
        Component = "component",
    }
}

wire_enum! {
    /// What an asset does now.
    pub enum AssetStatus {
        /// Works or can work.
        Operational = "operational",
        /// Under planned maintenance.
        Maintenance = "maintenance",
        /// Under repair.
        Repair = "repair",
        /// Out of use for good.
        Retired = "retired",
        /// Kept as a spare.
        Spare = "spare",
        /// Taken down.
        Decommissioned = "decommissioned",
        /// Being tested.
        Testing = "testing",
        /// Ready to take over.
        Standby = "standby",
    }
}

wire_enum! {
    /// How good the condition of an asset is.
    pub enum AssetCondition {
        /// As new.
        Excellent = "excellent",
        /// Without findings.
        Good = "good",
        /// With small findings.
        Fair = "fair",
        /// Needs work.
        Poor = "poor",
        /// Must not go on like this.
        Critical = "critical",
    }
}

/// Where an asset is.
#[derive(
    Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct AssetLocation {
    /// The name of the place.
    pub location_name: String,
    /// The building.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub building: Option<String>,
    /// The floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
    /// The room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Latitude and longitude, in degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<[f64; 2]>,
    /// The postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

record! {
    /// An asset: something that is maintained.
    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub struct Asset: "assets" {
        /// Its id inside.
        id: AssetId [Key Public],
        /// Counts its changes, from 1.
        version: i64 [Version Public],
        /// When it was created here.
        created_at: DateTime<Utc> [Once Internal],
        /// Who created it.
        created_by: String [Once Personal],
        /// When it last changed here.
        updated_at: DateTime<Utc> [Plain Internal],
        /// The caller's own name for it; addresses it from outside.
        asset_id: String [Once Internal],
        /// What people call it.
        name: String [Plain Internal],
        /// What kind of asset it is.
        asset_type: AssetType [Plain Internal],
        /// More about it.
        description: Option<String> [Plain Internal],
        /// What it does now.
        status: AssetStatus [Plain Internal],
        /// The last assessed condition.
        condition: Option<AssetCondition> [Plain Internal],
        /// Who made it.
        manufacturer: Option<String> [Plain Internal],
        /// The maker's model.
        model: Option<String> [Plain Internal],
        /// The maker's serial number.
        serial_number: Option<String> [Plain Internal],
        /// The department that it belongs to.
        department: Option<String> [Plain Internal],
        /// Who is responsible for it.
        responsible_person: Option<String> [Plain Personal],
        /// The asset that it is a part of.
        parent_asset_id: Option<String> [Plain Internal],
        /// The parent, once it is known.
        #[serde(skip)]
        parent_uid: Option<AssetId> [Plain Internal],
        /// What the asset waits for while its parent is unknown: see [`super::sync_state::PendingRef`].
        #[serde(skip)]
        parent_pending: Option<String> [Plain Internal],
        /// How much depends on it.
        criticality: Option<Priority> [Plain Internal],
        /// When it was installed.
        installation_date: Option<NaiveDate> [Plain Internal],
        /// When its warranty ends.
        warranty_expiry: Option<NaiveDate> [Plain Internal],
        /// Years that it should last.
        expected_lifespan: Option<f64> [Plain Internal],
        /// What a new one costs.
        replacement_value: Option<Money> [Plain Internal],
        /// Where it is.
        location: Option<Json<AssetLocation>> [Plain Internal],
        /// Free words.
        tags: Vec<String> [Plain Internal],
        /// The maker's data.
        specifications: Map<String, Value> [Plain Internal],
        /// Fields of the user's own.
        custom_fields: Map<String, Value> [Plain Internal],
    }
    view {
        /// Its counterparts in vendors' systems.
        external: Vec<External>,
    }
    unique [[asset_id]]
    index [[status, id], [parent_uid], [parent_pending], [created_at, id], [updated_at, id]]
}

record! {
    /// The part of an asset that tells what it waits for.
    pub struct PendingParent: "assets" projection {
        /// Its id.
        id: AssetId [Key Public],
        /// What it waits for as its parent.
        parent_pending: Option<String> [Plain Internal],
    }
}

record! {
    /// The part of an asset that tells what it is a part of.
    pub struct AssetParent: "assets" projection {
        /// Its id.
        id: AssetId [Key Public],
        /// Its parent, where that is known.
        parent_uid: Option<AssetId> [Plain Internal],
    }
}

record! {
    /// The part of an asset that tells its tag.
    pub struct AssetTag: "assets" projection {
        /// Its id.
        id: AssetId [Key Public],
        /// Its tag.
        asset_id: String [Once Internal],
    }
}

impl Asset {
    /// A new one, operational.
    pub fn new(
        id: AssetId,
        asset_id: String,
        name: String,
        asset_type: AssetType,
        by: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            version: 1,
            created_at: now,
            created_by: by,
            updated_at: now,
            asset_id,
            name,
            asset_type,
            description: None,
            status: AssetStatus::Operational,
            condition: None,
            manufacturer: None,
            model: None,
            serial_number: None,
            department: None,
            responsible_person: None,
            parent_asset_id: None,
            parent_uid: None,
            parent_pending: None,
            criticality: None,
            installation_date: None,
            warranty_expiry: None,
            expected_lifespan: None,
            replacement_value: None,
            location: None,
            tags: Vec::new(),
            specifications: Map::new(),
            custom_fields: Map::new(),
            external: Vec::new(),
        }
    }
}

/// Names that routes below `/assets` need for themselves, now or later, and those that a path cannot hold.
pub const RESERVED: &[&str] = &[
    "statistics",
    "count",
    "import",
    "export",
    "labels",
    "indicators",
    "reliability",
    "stream",
    "bulk",
    ".",
    "..",
];

/// Checks the caller's own name of an asset: 1 to 128 visible characters, no reserved word.
///
/// # Errors
/// `CMMS-INPUT-003`, naming the field.
pub fn check_tag(field: &str, tag: &str) -> Result<()> {
    let refused = |detail: String| {
        Err(Error::new(
            code::INPUT_VALUE,
            format!("{tag:?} cannot name an asset: it {detail}"),
        )
        .field(field, "invalid_value", detail))
    };
    let length = tag.chars().count();
    if length == 0 || length > 128 {
        return refused(format!(
            "has {length} characters; it must have from 1 to 128"
        ));
    }
    // Marks that nobody sees would make two names look the same.
    let unseen = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if tag
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || unseen(c))
    {
        return refused("may hold visible characters only, without spaces".into());
    }
    if RESERVED.contains(&tag) {
        return refused("is a reserved word".into());
    }
    Ok(())
}
