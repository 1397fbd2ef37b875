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

    /// The same with a transaction of its own around it, as programs do that write more than one row.
    pub async fn create_in_transaction(&self, n: usize) {
        match self {
            Self::Sqlite(plain) => plain.create_in_transaction(n).await,
            Self::Postgres(plain) => plain.create_in_transaction(n).await,
        }
    }
}
