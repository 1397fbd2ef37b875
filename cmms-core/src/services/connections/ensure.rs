//! A connection that is there afterwards, whether it was before or not.

use super::request::CreateConnection;
use super::{create, finish};
use crate::context::{CallContext, Permission};
use crate::domain::connection::Connection;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, TxMode};
use crate::record::Cell;
use crate::services::app::App;
use crate::{Error, Result, code};

/// Answers the connection of this name where vendor, address and credentials are those that are asked for, and creates
/// it where there is none. One that exists is never changed, whatever else is asked for.
///
/// # Errors
/// `CMMS-CONN-005` where the connection of this name is another one, naming what differs; those of [`create`].
pub async fn ensure(cx: &CallContext, app: &App, input: CreateConnection) -> Result<Connection> {
    cx.scope.require(Permission::ConnectionEdit)?;
    if let Some(present) = equal(cx, app, &input).await? {
        return Ok(present);
    }
    match create(cx, app, input.clone()).await {
        // Somebody else was faster, most likely with the same wish.
        Err(e) if e.is(code::CONNECTION_EXISTS) => equal(cx, app, &input).await?.ok_or(e),
        created => created,
    }
}

async fn equal(
    cx: &CallContext,
    app: &App,
    input: &CreateConnection,
) -> Result<Option<Connection>> {
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let name = Filter::eq(
        Connection::CONNECTION_NAME,
        Cell::text(&input.connection_name),
    );
    let Some(mut present) = tx.of::<Connection>().first(name).await? else {
        return Ok(None);
    };
    super::checked(&input.connection_name, input.sync_interval)?;
    let wanted = super::accepted(app, input)?;
    if present.cmms_type != input.cmms_type {
        return Err(differs(&present, "cmms_type"));
    }
    if present.api_url != wanted.api_url {
        return Err(differs(&present, "api_url"));
    }
    let (stored, _) = super::credentials::stored(app, cx, &mut tx, present.id).await?;
    if !stored.expose().eq(wanted.credentials.expose()) {
        return Err(differs(&present, "credentials"));
    }
    finish(&mut tx, std::slice::from_mut(&mut present)).await?;
    Ok(Some(present))
}

fn differs(present: &Connection, field: &'static str) -> Error {
    let name = &present.connection_name;
    Error::new(
        code::CONNECTION_EXISTS,
        format!("a connection {name:?} exists with another {field}"),
    )
    .field(field, "connection_exists", "differs from what is stored")
    .subject("cmms_connection_id", present.id)
    .remedy_is(
        "Change the present connection with PATCH /cmms/connections/{id} (connections.update), or choose another \
         connection_name.",
    )
}
