//! Settings that belong to the database rather than to the process.

use crate::record;
use crate::record::Json;
use serde_json::Value;

record! {
    /// A setting.
    pub struct Setting: "settings" {
        /// Its name.
        name: String [Key Internal],
        /// Its value.
        value: Json<Value> [Plain Internal],
    }
}
