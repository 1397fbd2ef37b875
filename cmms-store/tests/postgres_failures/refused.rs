//! Each failure has its code, names the database and says what to do.

use super::{insert, scope, server};
use cmms_core::ports::store::{Store as _, TxMode};
use cmms_core::{Error, code};
use cmms_store::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

fn options(change: impl FnOnce(&mut Url)) -> PostgresOptions {
    let mut url = Url::parse(&server::url()).unwrap();
    change(&mut url);
    PostgresOptions::parse(url.as_str()).unwrap()
}

async fn refused(options: PostgresOptions) -> Error {
    let location = options.location();
    let e = PostgresStore::connect(options).await.unwrap_err();
    assert!(e.message().contains(&location), "{e}");
    assert!(!e.remedy().is_empty());
    assert!(e.kind().is_transient(), "{e:?}");
    e
}

#[tokio::test]
async fn a_server_a_login_and_a_database_that_are_not_there_are_told_apart() {
    let nobody = refused(options(|url| url.set_port(Some(9)).unwrap())).await;
    assert!(nobody.is(code::STORE_UNREACHABLE), "{nobody:?}");
    let missing = refused(options(|url| url.set_path("/no_such_database"))).await;
    assert!(missing.is(code::STORE_MISSING), "{missing:?}");
    let stranger = refused(options(|url| url.set_username("no_such_role").unwrap())).await;
    assert!(stranger.is(code::STORE_LOGIN), "{stranger:?}");
    assert!(!format!("{stranger:?}").contains(&server::url()));
}

#[tokio::test]
async fn an_older_and_a_newer_schema_are_refused() {
    let schema = server::schema();
    let store = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    let scope = cmms_core::testing::samples::scope(1);
    let older = store.begin(&scope, TxMode::Once).await.err().unwrap();
    assert!(older.is(code::STORE_OLDER), "{older:?}");
    assert!(older.remedy().contains("cmms migrate up"));
    assert_eq!(store.health().await.unwrap().schema, 0);
    assert!(
        store
            .migrations()
            .await
            .unwrap()
            .iter()
            .all(|m| m.applied_at.is_none())
    );
    let done = store.migrate().await.unwrap();
    assert_eq!((done.from, done.to), (0, 1));
    assert!(
        store
            .migrations()
            .await
            .unwrap()
            .iter()
            .all(|m| m.applied_at.is_some())
    );
    store.begin(&scope, TxMode::Once).await.unwrap();
    let mut owner = PgConnection::connect(&server::url()).await.unwrap();
    let sql = format!("INSERT INTO {schema}._cmms_migrations VALUES (2, '0002_later', '\\x00', 0)");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut owner)
        .await
        .unwrap();
    let store = PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap();
    let newer = store.begin(&scope, TxMode::Once).await.err().unwrap();
    assert!(newer.is(code::STORE_NEWER), "{newer:?}");
    assert!(newer.message().contains("version 2"), "{newer}");
    assert!(store.migrate().await.unwrap_err().is(code::STORE_NEWER));
}

/// Databases in which not every text has its place.
#[tokio::test]
async fn a_database_in_another_encoding_than_utf8_is_refused() {
    let mut admin = PgConnection::connect(&server::admin()).await.unwrap();
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let name = format!("{}_{}", server::schema(), encoding.to_lowercase());
        let sql = format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        );
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut admin)
            .await
            .unwrap();
        let e = refused(options(|url| url.set_path(&name))).await;
        assert!(e.is(code::STORE_ENCODING), "{e:?}");
        assert!(e.message().contains(encoding), "{e:?}");
        let sql = format!("DROP DATABASE {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut admin)
            .await
            .unwrap();
    }
}

/// A superuser works under the role that a migration made, and is refused where there is none.
#[tokio::test]
async fn a_role_that_passes_by_row_level_security_is_refused() {
    let admin = PostgresOptions::parse(&server::admin()).unwrap();
    let schema = server::schema();
    let e = PostgresStore::connect(admin.clone().schema(&schema).unwrap())
        .await
        .unwrap_err();
    assert!(e.is(code::STORE_UNGUARDED), "{e:?}");
    PostgresStore::connect(server::options_of(&schema))
        .await
        .unwrap()
        .migrate()
        .await
        .unwrap();
    let store = PostgresStore::connect(admin.schema(&schema).unwrap())
        .await
        .unwrap();
    let scope = scope(&store).await;
    insert(&store, &scope, "as somebody else").await.unwrap();
}
