//! Plain sqlx on SQLite.

use crate::plain::{COLUMNS, LINK, Link, OWN, Order};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, SqliteConnection};
use std::path::Path;
use uuid::Uuid;

pub struct Sqlite {
    pool: SqlitePool,
    org: Vec<u8>,
}

impl Sqlite {
    /// Opens the file as ours is opened: write-ahead log, a sync to the disk with each commit.
    pub async fn open(db: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(db)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-65536");
        let pool = SqlitePool::connect_with(options).await.expect("a pool");
        let org = sqlx::query("SELECT id FROM organizations LIMIT 1")
            .fetch_one(&pool)
            .await
            .expect("an organization")
            .get(0);
        Self { pool, org }
    }

    pub async fn get(&self, id: Uuid) -> Order {
        let sql = format!("SELECT {COLUMNS} FROM work_orders WHERE org_id = ?1 AND id = ?2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&self.org)
            .bind(id.as_bytes().as_slice())
            .fetch_one(&self.pool)
            .await
            .expect("a row");
        order(&row)
    }

    pub async fn list(&self, status: &str) -> Vec<Order> {
        let sql = format!(
            "SELECT {COLUMNS} FROM work_orders WHERE org_id = ?1 AND status = ?2 ORDER BY id LIMIT 50"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&self.org)
            .bind(status)
            .fetch_all(&self.pool)
            .await
            .expect("rows");
        rows.iter().map(order).collect()
    }

    pub async fn create(&self, n: usize) {
        let mut connection = self.pool.acquire().await.expect("a connection");
        insert(&mut connection, &self.org, n).await;
    }

    pub async fn list_linked(&self, status: &str) -> Vec<(Order, Option<Link>)> {
        let sql = format!(
            "SELECT t.*, {LINK} FROM (SELECT {COLUMNS} FROM work_orders WHERE org_id = ?1 AND status = ?2 \
             ORDER BY id LIMIT 50) t LEFT JOIN external_links l ON l.org_id = ?1 AND l.record_id = t.id ORDER BY t.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&self.org)
            .bind(status)
            .fetch_all(&self.pool)
            .await
            .expect("rows");
        rows.iter().map(|row| (order(row), link(row))).collect()
    }

    pub async fn create_audited(&self) {
        let mut transaction = self
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .expect("a transaction");
        let number = sqlx::query(
            "INSERT INTO daily_numbers AS d (org_id, prefix, day, last) VALUES (?1, 'XX', '2099-01-01', 1) \
             ON CONFLICT (org_id, prefix, day) DO UPDATE SET last = d.last + excluded.last RETURNING last",
        )
        .bind(&self.org)
        .fetch_one(&mut *transaction)
        .await;
        let number: i64 = number.expect("a number").get(0);
        let number = usize::try_from(number).expect("a number");
        let id = insert(&mut transaction, &self.org, OWN + number).await;
        sqlx::query(
            "INSERT INTO audit_entries (org_id, id, at, actor_kind, actor_id, action, object_type, object_id, \
             object_version, request_id, change, result) VALUES (?1, ?2, ?3, 'user', 'bench', 'work_orders.create', \
             'work_order', ?4, 1, 'request', '{}', 'ok')",
        )
        .bind(&self.org)
        .bind(Uuid::now_v7().as_bytes().as_slice())
        .bind(1_800_000_000_000_000_i64)
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await
        .expect("an entry");
        transaction.commit().await.expect("a commit");
    }
}

async fn insert(connection: &mut SqliteConnection, org: &[u8], n: usize) -> Uuid {
    let id = Uuid::now_v7();
    let sql = "INSERT INTO work_orders (org_id, id, version, created_at, created_by, updated_at, number, title, \
        priority, status, work_order_type, source, tags, custom_fields) \
        VALUES (?1, ?2, 1, ?3, 'user:bench', ?3, ?4, ?5, 'high', 'scheduled', 'corrective', 'manual', '[]', '{}')";
    sqlx::query(sql)
        .bind(org)
        .bind(id.as_bytes().as_slice())
        .bind(1_800_000_000_000_000_i64)
        .bind(format!("WO-20990101-{n:06}"))
        .bind("Check pump")
        .execute(connection)
        .await
        .expect("an insert");
    id
}

fn order(row: &SqliteRow) -> Order {
    Order {
        id: row.get(0),
        version: row.get(1),
        texts: [3, 5, 6, 11, 12, 14, 15, 31].map(|i| row.get(i)),
        optional: [7, 8, 10, 13, 16, 17, 18, 19, 30]
            .map(|i| row.get(i))
            .to_vec(),
        numbers: [2, 4, 20, 21, 22, 24, 25, 26, 28, 29]
            .map(|i| row.get(i))
            .to_vec(),
        reals: [23, 27].map(|i| row.get(i)),
    }
}

fn link(row: &SqliteRow) -> Option<Link> {
    Some(Link {
        connection: row.get::<Option<Vec<u8>>, _>(33)?,
        texts: [34, 35, 36, 37].map(|i| row.try_get_unchecked(i).expect("a text")),
        changed_at: row.get(38),
    })
}
