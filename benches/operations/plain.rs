//! Plain sqlx: the SQL alone, read into fields of their types.

use crate::plain_postgres::Postgres;
use crate::plain_sqlite::Sqlite;
use std::path::Path;
use uuid::Uuid;

pub const COLUMNS: &str = "id, version, created_at, created_by, updated_at, number, title, description, asset_id, \
    asset_uid, asset_pending, priority, status, status_reason, work_order_type, source, location, assigned_to, \
    assigned_team, requested_by, scheduled_start, scheduled_end, due_at, estimated_hours, estimated_cost, \
    actual_start, actual_end, actual_hours, actual_cost, completed_at, safety_notes, tags, custom_fields";

/// A row with the fields that a program would have.
#[derive(Debug)]
#[expect(dead_code, reason = "the fields are read to be there")]
pub struct Order {
    pub id: Vec<u8>,
    pub version: i64,
    pub texts: [String; 8],
    pub optional: Vec<Option<String>>,
    pub numbers: Vec<Option<i64>>,
    pub reals: [Option<f64>; 2],
}

/// What a vendor calls a record.
#[derive(Debug)]
#[expect(dead_code, reason = "the fields are read to be there")]
pub struct Link {
    pub connection: Vec<u8>,
    pub texts: [Option<String>; 4],
    pub changed_at: Option<i64>,
}

/// The columns of a link, behind those of an order.
pub const LINK: &str =
    "l.connection_id, l.entity, l.external_id, l.vendor_values, l.number, l.changed_at";

/// Where the numbers begin that are counted in the database: no other benchmark gets so far.
pub const OWN: usize = 50_000_000;

/// One of the engines.
pub enum Plain {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Plain {
    /// A file, or the URL of PostgreSQL.
    pub async fn open(db: &str) -> Self {
        if db.starts_with("postgres:") {
            Self::Postgres(Postgres::open(db).await)
        } else {
            Self::Sqlite(Sqlite::open(Path::new(db)).await)
        }
    }

    pub async fn get(&self, id: Uuid) -> Order {
        match self {
            Self::Sqlite(plain) => plain.get(id).await,
            Self::Postgres(plain) => plain.get(id).await,
        }
    }

    pub async fn list(&self, status: &str) -> Vec<Order> {
        match self {
            Self::Sqlite(plain) => plain.list(status).await,
            Self::Postgres(plain) => plain.list(status).await,
        }
    }

    pub async fn create(&self, n: usize) {
        match self {
            Self::Sqlite(plain) => plain.create(n).await,
            Self::Postgres(plain) => plain.create(n).await,
        }
    }

    /// A page with what vendors call its records, as ours answers it.
    pub async fn list_linked(&self, status: &str) -> Vec<(Order, Option<Link>)> {
        match self {
            Self::Sqlite(plain) => plain.list_linked(status).await,
            Self::Postgres(plain) => plain.list_linked(status).await,
        }
    }

    /// A record with the next number of the day and an entry of the audit, in a transaction, as ours writes it.
    pub async fn create_audited(&self) {
        match self {
            Self::Sqlite(plain) => plain.create_audited().await,
            Self::Postgres(plain) => plain.create_audited().await,
        }
    }
}
