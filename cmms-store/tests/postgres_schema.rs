//! The schema of PostgreSQL equals the descriptions of the records, column by column, and so SQLite's; the role that
//! works has the rights that it needs and no others.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod server;

use cmms_core::domain::TABLES;
use cmms_core::ports::store::Store as _;
use cmms_core::record::{Kind, Table};
use cmms_store::PostgresStore;
use sqlx::{AssertSqlSafe, PgPool, Row as _};
use std::collections::BTreeSet;

/// The tables of the user's document whose features exist.
const DOCUMENTED: [&str; 4] = [
    "cmms_connections",
    "cmms_field_mappings",
    "work_orders",
    "assets",
];

/// A schema that the store has made, and a connection of its owner.
async fn made() -> (String, PgPool) {
    let schema = server::schema();
    let store = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    (schema, PgPool::connect(&server::url()).await.unwrap())
}

async fn rows(db: &PgPool, sql: &str, schema: &str) -> Vec<Vec<String>> {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .bind(schema)
        .fetch_all(db)
        .await;
    let text = |row: &sqlx::postgres::PgRow| (0..row.len()).map(|i| row.get(i)).collect();
    rows.unwrap().iter().map(text).collect()
}

fn described(table: &Table) -> Vec<Vec<String>> {
    let mut shapes = vec![vec![
        table.name.to_owned(),
        "org_id".to_owned(),
        "uuid".to_owned(),
        String::new(),
        "true".to_owned(),
    ]];
    for column in table.columns {
        let (kind, collation) = match column.kind {
            Kind::Bool => ("boolean", ""),
            Kind::Int => ("bigint", ""),
            Kind::Real => ("double precision", ""),
            Kind::Text => ("text", "C"),
            Kind::Bytes => ("bytea", ""),
            Kind::Id => ("uuid", ""),
            Kind::Time => ("timestamp with time zone", ""),
            Kind::Json => ("json", ""),
        };
        shapes.push(vec![
            table.name.to_owned(),
            column.name.to_owned(),
            kind.to_owned(),
            collation.to_owned(),
            (!column.nullable).to_string(),
        ]);
    }
    shapes
}

#[tokio::test]
async fn schema_equals_the_descriptions_column_by_column() {
    let (schema, db) = made().await;
    let sql = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), \
        coalesce(nullif(co.collname::text, 'default'), ''), a.attnotnull::text \
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        LEFT JOIN pg_collation co ON co.oid = a.attcollation \
        WHERE n.nspname = $1 AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum";
    let all = rows(&db, sql, &schema).await;
    for table in TABLES {
        let stored: Vec<_> = all.iter().filter(|r| r[0] == table.name).cloned().collect();
        assert_eq!(stored, described(table));
    }
    let own = ["organizations", "_cmms_migrations"];
    let names: BTreeSet<_> = all.iter().map(|r| r[0].as_str()).collect();
    let want: BTreeSet<_> = TABLES.iter().map(|t| t.name).chain(own).collect();
    assert_eq!(names, want);
    assert!(DOCUMENTED.iter().all(|name| names.contains(name)));
}

/// The columns of each index and whether it is unique; partial ones leave out nulls of their first column only.
#[tokio::test]
async fn keys_and_indexes_are_the_described_ones() {
    let (schema, db) = made().await;
    let sql = "SELECT c.relname::text, i.indisprimary::text, i.indisunique::text, \
        (SELECT string_agg(a.attname::text, ',' ORDER BY k.ord) FROM unnest(i.indkey) WITH ORDINALITY AS k(num, ord) \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num), \
        coalesce(pg_get_expr(i.indpred, i.indrelid), '') \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relkind = 'r'";
    let all = rows(&db, sql, &schema).await;
    for table in TABLES {
        let of_org = |columns: &[&str]| {
            let all: Vec<_> = std::iter::once("org_id")
                .chain(columns.iter().copied())
                .collect();
            all.join(",")
        };
        let key: Vec<_> = table.key().map(|(_, c)| c.name).collect();
        let mut want = BTreeSet::from([(true, true, of_org(&key))]);
        want.extend(table.unique.iter().map(|set| (false, true, of_org(set))));
        want.extend(table.index.iter().map(|set| (false, false, of_org(set))));
        let mut found = BTreeSet::new();
        for row in all.iter().filter(|r| r[0] == table.name) {
            found.insert((row[1] == "true", row[2] == "true", row[3].clone()));
            if !row[4].is_empty() {
                let first = row[3].split(',').nth(1).expect("a column");
                assert_eq!(row[4], format!("({first} IS NOT NULL)"), "{}", table.name);
            }
        }
        assert_eq!(found, want, "{}", table.name);
    }
}

#[tokio::test]
async fn every_table_has_row_level_security_that_is_forced() {
    let (schema, db) = made().await;
    let sql = "SELECT c.relname::text, c.relrowsecurity::text, c.relforcerowsecurity::text, \
        (SELECT count(*)::text FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polpermissive) \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'";
    let all = rows(&db, sql, &schema).await;
    for table in TABLES {
        let row = all.iter().find(|r| r[0] == table.name).expect("a table");
        assert_eq!(row[1..], ["true", "true", "1"], "{}", table.name);
    }
}

#[tokio::test]
async fn the_role_that_works_owns_nothing_and_has_only_its_rights() {
    let (schema, db) = made().await;
    let role = format!("{schema}_app");
    let sql = "SELECT rolsuper::text, rolbypassrls::text, rolcanlogin::text, rolcreaterole::text \
        FROM pg_roles WHERE rolname = $1 || '_app'";
    assert_eq!(
        rows(&db, sql, &schema).await,
        [["false"; 4].map(str::to_owned)]
    );
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner \
        WHERE r.rolname = $1 || '_app'";
    assert_eq!(rows(&db, sql, &schema).await, Vec::<Vec<String>>::new());
    for table in TABLES.iter().map(|t| t.name).chain(["organizations"]) {
        let may = async |right: &str| {
            let sql = format!(
                "SELECT has_table_privilege('{role}', '{schema}.{table}', '{right}')::text, $1"
            );
            rows(&db, &sql, &schema).await[0][0] == "true"
        };
        let fixed = matches!(table, "audit_entries" | "organizations");
        assert!(may("SELECT").await && may("INSERT").await, "{table}");
        assert_eq!(may("UPDATE").await, !fixed, "{table}");
        assert_eq!(may("DELETE").await, !fixed, "{table}");
        assert!(!may("TRUNCATE").await && !may("TRIGGER").await, "{table}");
    }
}

/// Many programs may bring the schema up at once: one does it.
#[tokio::test(flavor = "multi_thread")]
async fn programs_that_migrate_at_once_do_it_once() {
    let schema = server::schema();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let options = server::options_of(&schema);
        tasks.push(async move {
            let store = PostgresStore::connect(options).await.unwrap();
            store.migrate().await.unwrap()
        });
    }
    let mut done = Vec::new();
    let mut tasks = tasks.into_iter();
    let (a, b, c, d) = tokio::join!(
        tasks.next().unwrap(),
        tasks.next().unwrap(),
        tasks.next().unwrap(),
        tasks.next().unwrap()
    );
    done.extend([a, b, c, d]);
    done.sort_by_key(|m| m.from);
    assert_eq!((done[0].from, done[0].to), (0, 1));
    assert!(
        done[1..].iter().all(|m| (m.from, m.to) == (1, 1)),
        "{done:?}"
    );
}
