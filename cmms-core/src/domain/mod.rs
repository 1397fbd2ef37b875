//! Pure data and rules of maintenance: no I/O, no clock, no async.

pub mod account;
pub mod asset;
pub mod audit;
pub mod check;
pub mod connection;
pub mod entity;
pub mod field_mapping;
pub mod idempotency;
pub mod large_whole;
pub mod numbering;
pub mod secret;
pub mod setting;
pub mod sync_run;
pub mod sync_state;
pub mod vocabulary;
pub mod work_order;

use crate::record::{Record, Table};

/// Every table that a store has; projections are narrower views of these.
pub const TABLES: &[&Table] = &[
    work_order::WorkOrder::TABLE,
    asset::Asset::TABLE,
    connection::Connection::TABLE,
    connection::HealthNote::TABLE,
    account::Account::TABLE,
    field_mapping::FieldMapping::TABLE,
    secret::SealedSecret::TABLE,
    sync_state::ExternalLink::TABLE,
    account::FormerLink::TABLE,
    sync_state::Checkpoint::TABLE,
    sync_state::SyncLease::TABLE,
    sync_state::QuarantineItem::TABLE,
    sync_run::SyncRun::TABLE,
    audit::AuditEntry::TABLE,
    numbering::DailyNumber::TABLE,
    setting::Setting::TABLE,
    idempotency::KeptAnswer::TABLE,
];
