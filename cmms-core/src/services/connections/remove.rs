//! Removing a connection: its records stay, what ties them to the vendor goes.

use super::request::{ConnectionDeleted, GetConnection};
use crate::Result;
use crate::context::{CallContext, Permission};
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::secret::SealedSecret;
use crate::domain::sync_state::{Checkpoint, LinkDigest, QuarantineItem, SyncLease};
use crate::ids::ConnectionId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx};
use crate::record::{Cell, Field, Record};
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::mappings;
use crate::services::sync::lease;
use crate::services::uow::Uow;

/// Rows that are deleted at a time.
const CHUNK: u32 = 1_000;

/// Removes a connection with its secrets, mappings, links, checkpoints and quarantine. Records that it brought in
/// stay as records of our own; runs and the audit stay as history.
///
/// # Errors
/// `CMMS-CONN-001` where there is none; `CMMS-CONN-006` while a sync of it runs.
pub async fn delete(
    cx: &CallContext,
    app: &App,
    input: GetConnection,
) -> Result<ConnectionDeleted> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let id = input.cmms_connection_id;
    let mut uow = Uow::begin(app, cx).await?;
    let connection = super::require(uow.tx(), id).await?;
    lease::refuse_while_held(app, uow.tx(), id).await?;
    let links_removed = links(uow.tx(), id).await?;
    quarantine(uow.tx(), id).await?;
    mappings::delete_all(uow.tx(), id).await?;
    for entity in Entity::ALL {
        let key = [id.cell(), entity.cell()];
        uow.tx().of::<Checkpoint>().delete(&key).await?;
        uow.tx().of::<SyncLease>().delete(&key).await?;
    }
    uow.tx()
        .of::<SealedSecret>()
        .delete(&[id.cell(), Cell::text(super::credentials::NAME)])
        .await?;
    uow.tx().of::<Connection>().delete(&[id.cell()]).await?;
    let event = AuditEvent::new("connection.delete", "connection", id).version(connection.version);
    uow.commit(event).await?;
    Ok(ConnectionDeleted {
        cmms_connection_id: id,
        links_removed,
    })
}

async fn links(tx: &mut Box<dyn Tx>, id: ConnectionId) -> Result<u64> {
    let query = Query {
        filter: Filter::eq(LinkDigest::CONNECTION_ID, id.cell()),
        limit: Some(CHUNK),
        ..Query::default()
    };
    let mut removed = 0;
    loop {
        let found = tx.of::<LinkDigest>().list(&query).await?;
        let keys: Vec<_> = found
            .iter()
            .map(|l| {
                [
                    l.connection_id.cell(),
                    l.entity.cell(),
                    l.external_id.cell(),
                ]
            })
            .collect();
        if keys.is_empty() {
            return Ok(removed);
        }
        removed += delete_keys::<LinkDigest>(tx, &keys).await?;
    }
}

async fn quarantine(tx: &mut Box<dyn Tx>, id: ConnectionId) -> Result<()> {
    let query = Query {
        filter: Filter::eq(QuarantineItem::CONNECTION_ID, id.cell()),
        limit: Some(CHUNK),
        ..Query::default()
    };
    loop {
        let found = tx.of::<QuarantineItem>().list(&query).await?;
        let keys: Vec<_> = found
            .iter()
            .map(|q| {
                [
                    q.connection_id.cell(),
                    q.entity.cell(),
                    q.external_id.cell(),
                ]
            })
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        delete_keys::<QuarantineItem>(tx, &keys).await?;
    }
}

async fn delete_keys<R: Record>(tx: &mut Box<dyn Tx>, keys: &[[Cell<'_>; 3]]) -> Result<u64> {
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    tx.delete(R::TABLE, &keys).await
}
