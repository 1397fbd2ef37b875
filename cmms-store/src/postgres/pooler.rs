//! Refuses a pooler that gives a connection another session for each transaction: role and organization are set for a
//! session, so they would be lost, or be somebody else's.

use super::errors::{Fault, Place};
use cmms_core::ids::{IdGen as _, SystemIds};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

/// How often it is tried: a pooler that gives out its sessions in turn may give the same one again by chance.
const ROUNDS: u32 = 3;
/// What is read of a session.
const MARK: &str = "SELECT current_setting('cmms.session', true)";

/// Marks the session of one connection, takes a session by a transaction on the other, and looks where the mark is.
///
/// # Errors
/// `CMMS-STORE-019`.
pub(super) async fn refuse(
    one: &mut PgConnection,
    other: &mut PgConnection,
    place: &Place,
) -> Result<(), Fault> {
    for _ in 0..ROUNDS {
        let mark = SystemIds.next().to_string();
        text(
            one,
            &format!("SELECT set_config('cmms.session', '{mark}', false)"),
        )
        .await?;
        run(other, "BEGIN").await?;
        let is_passed_on = text(other, MARK).await?.as_ref() == Some(&mark);
        // Where the other one has its only session, this one would wait for it.
        let is_lost = !is_passed_on && text(one, MARK).await?.as_ref() != Some(&mark);
        run(other, "ROLLBACK").await?;
        if is_passed_on || is_lost {
            return Err(place.pooled().into());
        }
    }
    run(one, "RESET cmms.session").await
}

// Statements that are not prepared: through a pooler those may be another session's.

async fn text(connection: &mut PgConnection, sql: &str) -> Result<Option<String>, Fault> {
    let row = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

async fn run(connection: &mut PgConnection, sql: &'static str) -> Result<(), Fault> {
    sqlx::raw_sql(sql).execute(connection).await?;
    Ok(())
}
