//! Plain sqlx on PostgreSQL, as a role for which row-level security does not hold.

use crate::plain::{COLUMNS, LINK, Link, OWN, Order};
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, Connection as _, Row};

/// The schema of the tables.
const SCHEMA: &str = "cmms";

/// The URL by which plain sqlx logs in.
fn login(url: &str) -> String {
    std::env::var("CMMS_TEST_POSTGRES_ADMIN").unwrap_or_else(|_| url.to_owned())
}

pub struct Postgres {
    pool: PgPool,
    org: Uuid,
    get: String,
    list: String,
    create: String,
    list_linked: String,
    number: String,
    audit: String,
}

impl Postgres {
    /// Ends the benchmark, before it has filled anything, where the role is one that row-level security holds for: it would
    /// see no rows.
    pub async fn check(url: &str) {
        let mut connection = PgConnection::connect(&login(url))
            .await
            .expect("a database");
        let sql = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
        let free = sqlx::query(sql).fetch_one(&mut connection).await;
        assert!(
            free.expect("a role").get::<bool, _>(0),
            "plain sqlx needs a superuser, or a role with BYPASSRLS: set CMMS_TEST_POSTGRES_ADMIN to the URL of one \
             (`cargo xtask postgres` prints it)"
        );
    }

    pub async fn open(url: &str) -> Self {
        let pool = PgPool::connect(&login(url)).await.expect("a pool");
        let table = format!("{SCHEMA}.work_orders");
        let org = format!("SELECT id FROM {SCHEMA}.organizations LIMIT 1");
        let org = sqlx::query(AssertSqlSafe(org)).fetch_one(&pool).await;
        Self {
            org: org.expect("an organization").get(0),
            get: format!("SELECT {COLUMNS} FROM {table} WHERE org_id = $1 AND id = $2"),
            list: format!(
                "SELECT {COLUMNS} FROM {table} WHERE org_id = $1 AND status = $2 ORDER BY id LIMIT 50"
            ),
            create: format!(
                "INSERT INTO {table} (org_id, id, version, created_at, created_by, updated_at, number, title, \
                 priority, status, work_order_type, source, tags, custom_fields) VALUES ($1, $2, 1, now(), \
                 'user:bench', now(), $3, $4, 'high', 'scheduled', 'corrective', 'manual', '[]', '{{}}')"
            ),
            list_linked: format!(
                "SELECT t.*, {LINK} FROM (SELECT {COLUMNS} FROM {table} WHERE org_id = $1 AND status = $2 \
                 ORDER BY id LIMIT 50) t LEFT JOIN {SCHEMA}.external_links l ON l.org_id = $1 AND l.record_id = t.id \
                 ORDER BY t.id"
            ),
            number: format!(
                "INSERT INTO {SCHEMA}.daily_numbers AS d (org_id, prefix, day, last) VALUES ($1, 'XX', '2099-01-01', 1) \
                 ON CONFLICT (org_id, prefix, day) DO UPDATE SET last = d.last + excluded.last RETURNING last"
            ),
            audit: format!(
                "INSERT INTO {SCHEMA}.audit_entries (org_id, id, at, actor_kind, actor_id, action, object_type, \
                 object_id, object_version, request_id, change, result) VALUES ($1, $2, now(), 'user', 'bench', \
                 'work_orders.create', 'work_order', $3, 1, 'request', '{{}}', 'ok')"
            ),
            pool,
        }
    }

    pub async fn get(&self, id: Uuid) -> Order {
        let query = sqlx::query(AssertSqlSafe(self.get.clone()));
        let row = query.bind(self.org).bind(id).fetch_one(&self.pool).await;
        order(&row.expect("a row"))
    }

    pub async fn list(&self, status: &str) -> Vec<Order> {
        let query = sqlx::query(AssertSqlSafe(self.list.clone()));
        let rows = query
            .bind(self.org)
            .bind(status)
            .fetch_all(&self.pool)
            .await;
        rows.expect("rows").iter().map(order).collect()
    }

    pub async fn create(&self, n: usize) {
        let mut connection = self.pool.acquire().await.expect("a connection");
        self.insert(&mut connection, n).await;
    }

    pub async fn list_linked(&self, status: &str) -> Vec<(Order, Option<Link>)> {
        let rows = sqlx::query(AssertSqlSafe(self.list_linked.clone()))
            .bind(self.org)
            .bind(status)
            .fetch_all(&self.pool)
            .await;
        let rows = rows.expect("rows");
        rows.iter().map(|row| (order(row), link(row))).collect()
    }

    pub async fn create_audited(&self) {
        let mut transaction = self.pool.begin().await.expect("a transaction");
        let number = sqlx::query(AssertSqlSafe(self.number.clone()))
            .bind(self.org)
            .fetch_one(&mut *transaction)
            .await;
        let number: i64 = number.expect("a number").get(0);
        let number = usize::try_from(number).expect("a number");
        let id = self.insert(&mut transaction, OWN + number).await;
        sqlx::query(AssertSqlSafe(self.audit.clone()))
            .bind(self.org)
            .bind(Uuid::now_v7())
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await
            .expect("an entry");
        transaction.commit().await.expect("a commit");
    }

    async fn insert(&self, connection: &mut PgConnection, n: usize) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(AssertSqlSafe(self.create.clone()))
            .bind(self.org)
            .bind(id)
            .bind(format!("WO-20990101-{n:06}"))
            .bind("Check pump")
            .execute(connection)
            .await
            .expect("an insert");
        id
    }
}

fn order(row: &PgRow) -> Order {
    let uuid = |i| -> Option<Uuid> { row.get(i) };
    let time = |i| -> Option<i64> {
        let at: Option<sqlx::types::chrono::DateTime<sqlx::types::chrono::Utc>> = row.get(i);
        at.map(|at| at.timestamp_micros())
    };
    let json = |i| row.try_get_unchecked::<String, _>(i).expect("JSON");
    let mut texts =
        [3, 5, 6, 11, 12, 14, 15, 31].map(|i| if i == 31 { json(i) } else { row.get(i) });
    texts[7].shrink_to_fit();
    let mut optional: Vec<Option<String>> = [7, 8, 10, 13, 16, 17, 18, 19, 30]
        .map(|i| row.get(i))
        .to_vec();
    optional.push(uuid(9).map(|id| id.to_string()));
    let mut numbers = [2, 4, 20, 21, 22, 25, 26, 29].map(time).to_vec();
    numbers.extend([24, 28].map(|i| row.get::<Option<i64>, _>(i)));
    Order {
        id: uuid(0).expect("an id").into_bytes().to_vec(),
        version: row.get(1),
        texts,
        optional,
        numbers,
        reals: [23, 27].map(|i| row.get(i)),
    }
}

fn link(row: &PgRow) -> Option<Link> {
    let connection: Option<Uuid> = row.get(33);
    let at: Option<sqlx::types::chrono::DateTime<sqlx::types::chrono::Utc>> = row.get(38);
    Some(Link {
        connection: connection?.into_bytes().to_vec(),
        texts: [34, 35, 36, 37].map(|i| row.try_get_unchecked(i).expect("a text")),
        changed_at: at.map(|at| at.timestamp_micros()),
    })
}
