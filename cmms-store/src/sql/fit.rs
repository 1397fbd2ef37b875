//! What a value has to fit into: the table whose rows are stored.

use cmms_core::domain::TABLES;
pub(crate) use cmms_core::ports::fit;
use cmms_core::record::Table;

/// The table whose rows are stored: of a projection, the one that it is a part of.
pub(super) fn base(table: &'static Table) -> &'static Table {
    let whole = |t: &&&'static Table| !t.projection && t.name == table.name;
    if table.projection {
        TABLES.iter().find(whole).copied().unwrap_or(table)
    } else {
        table
    }
}
