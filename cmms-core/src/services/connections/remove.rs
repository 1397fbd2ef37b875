//! Removing a connection: its records stay, what ties them to the vendor goes.

use super::request::{ConnectionDeleted, DeleteConnection};
use super::{account, former};
use crate::Result;
use crate::context::{CallContext, Permission};
use crate::domain::connection::{Connection, HealthNote};
use crate::domain::entity::Entity;
use crate::domain::secret::SealedSecret;
use crate::domain::sync_state::{Checkpoint, QuarantineItem, SyncLease};
use crate::ids::ConnectionId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, Tx};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::mappings;
use crate::services::patching::check_version;
use crate::services::sync::lease;
use crate::services::uow::Uow;

/// Rows that are deleted at a time.
const CHUNK: u32 = 1_000;

/// Removes a connection with its secrets, mappings, checkpoints and quarantine. Records that it brought in stay as
/// records of our own, and what linked them waits for the next connection to the same account; runs and the audit stay
/// as history.
///
/// # Errors
/// `CMMS-CONN-001` where there is none; `CMMS-CONN-006` while a sync of it runs; `CMMS-STORE-001`.
pub async fn delete(
    cx: &CallContext,
    app: &App,
    input: DeleteConnection,
) -> Result<ConnectionDeleted> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let id = input.cmms_connection_id;
    let mut uow = Uow::begin(app, cx).await?;
    let connection = super::require(uow.tx(), id).await?;
    check_version(input.version, connection.version, "connection")?;
    lease::refuse_while_held(app, uow.tx(), id).await?;
    let account = account::of(uow.tx(), id).await?;
    let now = uow.now();
    let links_removed = former::leave(uow.tx(), id, account, now).await?;
    mappings::delete_all(uow.tx(), id).await?;
    for entity in Entity::ALL {
        let key = [id.cell(), entity.cell()];
        uow.tx().of::<SyncLease>().delete(&key).await?;
    }
    uow.tx().of::<HealthNote>().delete(&[id.cell()]).await?;
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

/// Forgets what waits in quarantine.
pub(super) async fn quarantine(tx: &mut Box<dyn Tx>, id: ConnectionId) -> Result<()> {
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
        former::delete::<QuarantineItem>(tx, &keys).await?;
    }
}

/// Forgets how far a connection's records have been read.
pub(super) async fn forget_cursors(tx: &mut Box<dyn Tx>, id: ConnectionId) -> Result<()> {
    for entity in Entity::ALL {
        let key = [id.cell(), entity.cell()];
        tx.of::<Checkpoint>().delete(&key).await?;
    }
    Ok(())
}
