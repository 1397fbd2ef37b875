//! Brings the schema of a PostgreSQL database up to this program's, in one transaction.

use super::errors::{Fault, Place};
use super::roles;
use super::session::Kept;
use crate::migrate::{self, Applied, Migration};
use crate::sql::quoted;
use cmms_core::domain::TABLES;
use cmms_core::ports::store::Migrated;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use std::fmt::Write as _;

/// Any number that no other program takes for a lock.
const LOCK: i64 = 0x636d_6d73_6d69_6772;

/// The steps that the database has had.
pub(super) async fn applied(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Vec<Applied>, Fault> {
    let ledger = format!("{}._cmms_migrations", quoted(schema));
    let found = sqlx::query("SELECT to_regclass($1) IS NOT NULL")
        .bind(&ledger)
        .fetch_one(&mut *connection)
        .await?;
    if !found.try_get::<bool, _>(0)? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT number, name, checksum, applied_at FROM {ledger} ORDER BY number");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    let step = |row: &sqlx::postgres::PgRow| {
        let number: i64 = row.try_get(0)?;
        Ok(Applied {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
            applied_at: row.try_get(3)?,
        })
    };
    rows.iter().map(step).collect()
}

/// The number of the last step, or why the database cannot be used.
pub(super) fn check(applied: &[Applied], place: &Place) -> Result<u32, Fault> {
    if migrate::pending(migrate::POSTGRES, applied)?.is_empty() {
        Ok(migrate::latest(migrate::POSTGRES))
    } else {
        Err(place.older().into())
    }
}

/// Applies what is missing: all of it or, on an error, nothing. Programs that call it at once wait for each other.
pub(super) async fn migrate(kept: &mut Kept, schema: &str) -> Result<Migrated, Fault> {
    let opening = format!(
        "BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({LOCK})"
    );
    kept.run(opening).await?;
    let done = apply(kept, schema).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = kept.run(end.to_owned()).await;
    let migrated = done?;
    ended?;
    Ok(migrated)
}

async fn apply(kept: &mut Kept, schema: &str) -> Result<Migrated, Fault> {
    let before = applied(kept.connection(), schema).await?;
    let from = before.last().map_or(0, |a| a.number);
    let pending = migrate::pending(migrate::POSTGRES, &before)?;
    if pending.is_empty() {
        return Ok(Migrated { from, to: from });
    }
    kept.run(ledger(schema)).await?;
    for migration in pending {
        run(kept, schema, migration).await?;
    }
    kept.run(rights(schema)).await?;
    Ok(Migrated {
        from,
        to: migrate::latest(migrate::POSTGRES),
    })
}

async fn run(kept: &mut Kept, schema: &str, migration: &Migration) -> Result<(), Fault> {
    kept.run(statements(schema, migration)).await?;
    let sql = format!(
        "INSERT INTO {}._cmms_migrations (number, name, checksum, applied_at) \
         VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)",
        quoted(schema)
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(i64::from(migration.number))
        .bind(migration.name)
        .bind(migration.checksum())
        .execute(kept.connection())
        .await?;
    tracing::info!(
        number = migration.number,
        name = migration.name,
        "cmms.store.migrate: applied"
    );
    Ok(())
}

/// The statements of a step, in its schema.
pub(super) fn statements(schema: &str, migration: &Migration) -> String {
    format!(
        "SET LOCAL search_path TO {};\n{}",
        quoted(schema),
        migration.sql
    )
}

fn ledger(schema: &str) -> String {
    let schema = quoted(schema);
    format!(
        "CREATE SCHEMA IF NOT EXISTS {schema}; \
         CREATE TABLE IF NOT EXISTS {schema}._cmms_migrations (\
         number bigint NOT NULL PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL, \
         applied_at bigint NOT NULL)"
    )
}

/// Row-level security of every table, and what the role that works may do: no table is its own, and entries of the
/// audit stay as they are.
pub(super) fn rights(schema: &str) -> String {
    let role = quoted(&roles::name(schema));
    let schema = quoted(schema);
    let mut sql = String::new();
    for table in TABLES {
        let name = format!("{schema}.{}", quoted(table.name));
        // Writing into a String cannot fail. The sub-select is asked once for a statement, not for each row.
        let _ = write!(
            sql,
            "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY; \
             DROP POLICY IF EXISTS of_organization ON {name}; \
             CREATE POLICY of_organization ON {name} USING (org_id = (SELECT \
             nullif(current_setting('cmms.org_id', true), '')::uuid)); "
        );
    }
    let mut grants = format!(
        "GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {schema}._cmms_migrations TO {role}; \
         GRANT SELECT, INSERT ON {schema}.organizations TO {role}; "
    );
    for table in TABLES {
        let rights = match table.name {
            "audit_entries" => "SELECT, INSERT",
            _ => "SELECT, INSERT, UPDATE, DELETE",
        };
        let name = quoted(table.name);
        let _ = write!(grants, "GRANT {rights} ON {schema}.{name} TO {role}; ");
    }
    // Roles are the whole server's: another database may have made it, and not every owner may make one. Without it
    // the owner works under its own name, for which row-level security is forced.
    let _ = write!(
        sql,
        "DO $do$ BEGIN \
         IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{plain}') THEN \
         BEGIN CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; WHEN insufficient_privilege THEN RETURN; END; \
         END IF; \
         BEGIN GRANT {role} TO CURRENT_USER; EXCEPTION WHEN insufficient_privilege OR invalid_grant_operation THEN NULL; END; \
         {grants} END $do$",
        plain = role.trim_matches('"'),
    );
    sql
}
