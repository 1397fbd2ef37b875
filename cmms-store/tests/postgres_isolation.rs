//! Row-level security alone lets nothing through: the store forgets to ask for rows of its own organization.
//!
//! The switch is one of the whole process and is read when statements are built, so this is a program of its own.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod server;

use cmms_core::clock::SystemClock;
use cmms_core::context::{Principal, Scope};
use cmms_core::domain::TABLES;
use cmms_core::failpoint::{Failpoint, set};
use cmms_core::ids::{IdGen as _, OrgId, SystemIds};
use cmms_core::memory::MemoryStore;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Lock, Query, SaveRule, Saved, Store, TxMode};
use cmms_core::record::{Cell, Record, Role, Row, Rows, Table};
use cmms_core::services::copy::copy;
use cmms_core::testing::samples;
use cmms_store::PostgresStore;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Rows of each table: more than a statement takes as arrays, so that they come by COPY in the largest.
const MANY: u32 = 1_600;

async fn put<R: Record>(store: &dyn Store, scope: &Scope, records: Vec<R>) {
    let mut tx = store.begin(scope, TxMode::Write).await.unwrap();
    let saved = tx
        .of::<R>()
        .save_all(&records, SaveRule::Insert)
        .await
        .unwrap();
    assert!(saved.iter().all(|s| *s == Saved::Inserted));
    tx.commit().await.unwrap();
}

/// An organization with rows in every table.
async fn fill(store: &dyn Store, name: &str) -> Scope {
    let org = OrgId(SystemIds.next());
    let org = store
        .organization(name, org, samples::start())
        .await
        .unwrap();
    let scope = Scope::new(org, Principal::user("tester"));
    let connection = samples::connection_id(1);
    let entity = cmms_core::domain::entity::Entity::Asset;
    put(store, &scope, (0..MANY).map(samples::work_order).collect()).await;
    put(store, &scope, (0..20).map(samples::asset).collect()).await;
    put(
        store,
        &scope,
        vec![samples::connection(1), samples::connection(2)],
    )
    .await;
    put(store, &scope, vec![samples::sealed_secret(connection, 1)]).await;
    put(
        store,
        &scope,
        (0..MANY)
            .map(|n| samples::external_link(connection, n))
            .collect(),
    )
    .await;
    put(
        store,
        &scope,
        vec![samples::sync_lease(connection, entity, 1)],
    )
    .await;
    put(
        store,
        &scope,
        (0..3)
            .map(|n| samples::quarantine_item(connection, n))
            .collect(),
    )
    .await;
    put(store, &scope, vec![samples::setting("s", 1)]).await;
    scope
}

async fn list(store: &dyn Store, scope: &Scope, table: &'static Table) -> Vec<Row> {
    let mut found = Rows::of_width(table.columns.len());
    let mut tx = store.begin(scope, TxMode::Once).await.unwrap();
    tx.list(table, &Query::default(), &mut found).await.unwrap();
    found.rows
}

fn key(table: &'static Table, row: &Row) -> Vec<Cell<'static>> {
    table.key().map(|(place, _)| row.0[place].clone()).collect()
}

/// What an organization without a row reaches of another one's.
async fn leaks(store: &dyn Store, of: &Scope, by: &Scope) -> Vec<String> {
    let mut leaks = Vec::new();
    for table in TABLES {
        let theirs = list(store, of, table).await;
        let keys: Vec<_> = theirs.iter().map(|row| key(table, row)).collect();
        let keys: Vec<&[Cell<'_>]> = keys.iter().map(Vec::as_slice).collect();
        let listed = list(store, by, table).await;
        if !listed.is_empty() {
            leaks.push(format!("{}: lists {} rows", table.name, listed.len()));
        }
        let mut tx = store.begin(by, TxMode::Write).await.unwrap();
        for lock in [Lock::None, Lock::Wait] {
            let mut found = Rows::of_width(table.columns.len());
            let lock = if table.name == "audit_entries" {
                Lock::None
            } else {
                lock
            };
            tx.get(table, &keys, lock, &mut found).await.unwrap();
            for one in keys.iter().take(2) {
                tx.get(table, &[one], lock, &mut found).await.unwrap();
            }
            if !found.rows.is_empty() {
                leaks.push(format!("{}: gets {} rows", table.name, found.rows.len()));
            }
        }
        if table.name != "audit_entries" {
            let next = Rows {
                rows: theirs.iter().map(|row| next(table, row)).collect(),
                width: table.columns.len(),
            };
            let saved = tx.save(table, &next, SaveRule::Update).await.unwrap();
            if saved.iter().any(|s| *s != Saved::Stale) {
                leaks.push(format!("{}: updates rows", table.name));
            }
            let deleted = tx.delete(table, &keys).await.unwrap();
            if deleted > 0 {
                leaks.push(format!("{}: deletes {deleted} rows", table.name));
            }
        }
        drop(tx);
    }
    leaks
}

/// The row with its next version.
fn next(table: &'static Table, row: &Row) -> Row {
    let mut row = row.clone();
    for (cell, column) in row.0.iter_mut().zip(table.columns) {
        if let (Role::Version, Cell::Int(n)) = (column.role, &*cell) {
            *cell = Cell::Int(n + 1);
        }
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn row_level_security_alone_lets_nothing_through() {
    // Filled and looked at with all checks, in a store of its own.
    let schema = server::schema();
    let checked = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    checked.migrate().await.unwrap();
    let other = fill(&checked, "other").await;
    let org = OrgId(SystemIds.next());
    let org = checked
        .organization("curious", org, samples::start())
        .await
        .unwrap();
    let curious = Scope::new(org, Principal::user("tester"));
    let before = MemoryStore::new();
    let clock = SystemClock::default();
    copy(&checked, &before, &clock, |_| {}).await.unwrap();

    set(Failpoint::ForgetOrganization, true);
    let forgetful = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    assert_eq!(leaks(&forgetful, &other, &curious).await, [""; 0]);
    // The same rows again, in the one organization: nothing of the other's is in the way or is changed.
    for table in TABLES {
        let rows = list(&checked, &other, table).await;
        let width = table.columns.len();
        let mut tx = forgetful.begin(&curious, TxMode::Write).await.unwrap();
        let count = rows.len();
        let saved = tx
            .save(table, &Rows { rows, width }, SaveRule::Upsert)
            .await;
        assert_eq!(
            saved.unwrap(),
            vec![Saved::Inserted; count],
            "{}",
            table.name
        );
    }
    for table in TABLES {
        let scope = &other;
        let stored = list(&before, scope, table).await;
        assert_eq!(list(&checked, scope, table).await, stored, "{}", table.name);
    }

    // The switch does what it says: without row-level security everything comes through.
    let mut owner = PgConnection::connect(&server::url()).await.unwrap();
    for table in TABLES {
        let sql = format!(
            "ALTER TABLE {schema}.{} DISABLE ROW LEVEL SECURITY",
            table.name
        );
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut owner)
            .await
            .unwrap();
    }
    let found = leaks(&forgetful, &other, &curious).await;
    println!("without row-level security: {found:?}");
    for table in ["work_orders", "external_links", "settings"] {
        for what in ["lists", "gets", "updates", "deletes"] {
            let leak = format!("{table}: {what}");
            assert!(found.iter().any(|f| f.starts_with(&leak)), "{leak}");
        }
    }
    set(Failpoint::ForgetOrganization, false);
}
