//! The role that a connection works under.
//!
//! Row-level security does not hold for superusers and for roles that have BYPASSRLS, and an owner of tables may
//! switch it off. So a migration makes a role that owns nothing, and whoever logs in works under it where it may.

use super::errors::{Fault, Place};
use sqlx::{PgConnection, Row as _};

/// The role that a connection works under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that logs in.
    Login,
    /// The one that was made for it.
    Other(String),
}

/// The name of the role that works in a schema.
pub(super) fn name(schema: &str) -> String {
    format!("{schema}_app")
}

/// Finds the role to work under.
///
/// # Errors
/// `CMMS-STORE-011` where row-level security would not hold for it.
pub(super) async fn find(
    connection: &mut PgConnection,
    schema: &str,
    place: &Place,
) -> Result<Role, Fault> {
    let made = name(schema);
    let found = sqlx::query(
        "SELECT current_user::text, me.rolsuper OR me.rolbypassrls, \
         EXISTS (SELECT 1 FROM pg_roles made WHERE made.rolname = $1 AND pg_has_role(made.oid, \
         CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) \
         AND NOT made.rolsuper AND NOT made.rolbypassrls) \
         FROM pg_roles me WHERE me.rolname = current_user",
    )
    .bind(&made)
    .fetch_one(&mut *connection)
    .await?;
    let (me, passes, may): (String, bool, bool) =
        (found.try_get(0)?, found.try_get(1)?, found.try_get(2)?);
    match (may, passes) {
        (true, _) => Ok(Role::Other(made)),
        (false, false) => Ok(Role::Login),
        (false, true) => Err(place.unguarded(&me).into()),
    }
}
