//! Which master key the secrets of an organization are sealed with: a sealed note of its own tells, from the first secret
//! on, so that a program with another key is refused before it seals anything.

use super::credentials;
use crate::context::{CallContext, Permission, Scope};
use crate::domain::connection::Connection;
use crate::domain::secret::SealedSecret;
use crate::domain::setting::Setting;
use crate::ids::{ConnectionId, SecretId};
use crate::ports::repository::TxExt;
use crate::ports::secrets::{Credentials, Sealed, SecretBinding, SecretVault};
use crate::ports::store::{Query, SaveRule, Store, Tx, TxMode};
use crate::record::{Cell, Field, Json};
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::uow::Uow;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The setting that holds the note.
const NAME: &str = "secrets.key";

/// The note: what is in it is of no use but to be opened.
#[derive(Serialize, Deserialize)]
struct Note {
    row: Uuid,
    kek_id: String,
    envelope: Vec<u8>,
}

/// Opens what was sealed with the first secret of the organization. Nothing sealed: nothing to open.
///
/// # Errors
/// `CMMS-SECRET-001` where the vault has another key, naming the one that is needed; those of a read.
pub async fn check(store: &dyn Store, vault: &dyn SecretVault, scope: &Scope) -> Result<()> {
    let mut tx = store.begin(scope, TxMode::Once).await?;
    match noted(&mut tx).await? {
        Some(note) => open(vault, scope, note),
        None => Ok(()),
    }
}

/// The same before a secret is sealed, in the transaction that stores it; the first secret of all makes the note.
pub(super) async fn require(app: &App, cx: &CallContext, uow: &mut Uow<'_>) -> Result<()> {
    if let Some(note) = noted(uow.tx()).await? {
        return open(&*app.vault, &cx.scope, note);
    }
    let binding = binding(&cx.scope, app.ids.next());
    let sealed = app.vault.seal(&binding, &Credentials::new())?;
    let note = Note {
        row: binding.row.0,
        kek_id: sealed.kek_id,
        envelope: sealed.envelope,
    };
    let value = serde_json::to_value(note)
        .map_err(|e| Error::internal("the note of the master key has no form").source(e))?;
    let setting = Setting {
        name: NAME.to_owned(),
        value: Json(value),
    };
    uow.save(&setting, SaveRule::Insert, || {
        Error::internal("the master key was noted twice at once")
    })
    .await
}

/// Forgets all secrets of the organization, which no key opens any more, and which key they need. Connections stay, and
/// answered are the names of those that need their credentials anew.
///
/// # Errors
/// `CMMS-AUTH-…` without the right to change connections; those of a write.
pub async fn forget_secrets(cx: &CallContext, app: &App) -> Result<Vec<String>> {
    cx.scope.require(Permission::ConnectionEdit)?;
    let mut uow = Uow::begin(app, cx).await?;
    let connections: Vec<Connection> = uow.tx().of().list(&Query::default()).await?;
    let mut without = Vec::new();
    for connection in connections {
        let key = [connection.id.cell(), Cell::text(credentials::NAME)];
        if uow.tx().of::<SealedSecret>().delete(&key).await? {
            without.push(connection.connection_name);
        }
    }
    uow.tx().of::<Setting>().delete(&[Cell::text(NAME)]).await?;
    uow.commit(AuditEvent::new(
        "secret.forget_all",
        "organization",
        cx.scope.org(),
    ))
    .await?;
    Ok(without)
}

async fn noted(tx: &mut Box<dyn Tx>) -> Result<Option<Note>> {
    let setting = tx.of::<Setting>().get(&[Cell::text(NAME)]).await?;
    let read = |setting: Setting| {
        serde_json::from_value(setting.value.0)
            .map_err(|e| Error::internal("the note of the master key cannot be read").source(e))
    };
    setting.map(read).transpose()
}

fn open(vault: &dyn SecretVault, scope: &Scope, note: Note) -> Result<()> {
    let sealed = Sealed {
        kek_id: note.kek_id,
        envelope: note.envelope,
        fingerprints: BTreeMap::new(),
    };
    vault.open(&binding(scope, note.row), &sealed).map(drop)
}

fn binding(scope: &Scope, row: Uuid) -> SecretBinding {
    SecretBinding {
        org: scope.org(),
        // Of no connection.
        connection: ConnectionId(Uuid::nil()),
        name: NAME.to_owned(),
        row: SecretId(row),
        version: 1,
    }
}
