//! Organizations: the one table that no organization owns.

use super::errors::Fault;
use crate::sql::quoted;
use chrono::{DateTime, Utc};
use cmms_core::Error;
use cmms_core::ids::OrgId;
use cmms_core::ports::store::Organization;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

/// The organization of this name.
async fn named(
    connection: &mut PgConnection,
    schema: &str,
    name: &str,
) -> Result<Option<Uuid>, Fault> {
    let sql = format!(
        "SELECT id::text FROM {}.organizations WHERE name = $1",
        quoted(schema)
    );
    let found = sqlx::query(AssertSqlSafe(sql))
        .bind(name)
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(id_of).transpose()
}

/// The organization of this name, made where it is not known; none where its id belongs to another one.
pub(super) async fn make(
    connection: &mut PgConnection,
    schema: &str,
    name: &str,
    new: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, Fault> {
    if let Some(known) = named(connection, schema, name).await? {
        return Ok(Some(known));
    }
    let sql = format!(
        "INSERT INTO {}.organizations (id, name, created_at) \
         VALUES ($1::text::uuid, $2, timestamptz 'epoch' + $3::bigint * interval '1 microsecond') \
         ON CONFLICT DO NOTHING",
        quoted(schema)
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(new.to_string())
        .bind(name)
        .bind(now.timestamp_micros())
        .execute(&mut *connection)
        .await?;
    // Somebody else may have made it meanwhile; then that one counts.
    named(connection, schema, name).await
}

/// All of them, by name.
pub(super) async fn all(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Vec<Organization>, Fault> {
    let sql = format!(
        "SELECT id::text, name, (extract(epoch FROM created_at) * 1000000)::bigint FROM {}.organizations ORDER BY name",
        quoted(schema)
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    let organization = |row: &PgRow| {
        let created_at = row.try_get(2)?;
        Ok(Organization {
            id: OrgId(id_of(row)?),
            name: row.try_get(1)?,
            created_at: DateTime::from_timestamp_micros(created_at).unwrap_or_default(),
        })
    };
    rows.iter().map(organization).collect()
}

fn id_of(row: &PgRow) -> Result<Uuid, Fault> {
    let id: String = row.try_get(0)?;
    let id = id.parse();
    Ok(id.map_err(|e| Error::internal("an id of the database is no UUID").source(e))?)
}
