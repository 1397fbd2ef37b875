//! Credentials on their way between caller, vault and adapter.

use super::master_key;
use crate::context::CallContext;
use crate::domain::connection::Connection;
use crate::domain::secret::SealedSecret;
use crate::ids::{ConnectionId, SecretId};
use crate::ports::adapter::{Adapter, AdapterCx, VendorClock};
use crate::ports::repository::TxExt;
use crate::ports::secrets::{Credentials, Sealed, SecretBinding};
use crate::ports::store::{SaveRule, Tx};
use crate::record::{Cell, Field, Json};
use crate::request::SecretText;
use crate::services::app::App;
use crate::services::uow::Uow;
use crate::{Error, Result, code};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name under which a connection's credentials are sealed.
pub(super) const NAME: &str = "credentials";

/// The credentials that a caller sent, in one place.
pub(super) fn given(
    api_key: Option<SecretText>,
    username: Option<String>,
    password: Option<SecretText>,
    credentials: Option<BTreeMap<String, SecretText>>,
) -> Result<Credentials> {
    let mut all = Credentials::new();
    for (name, value) in credentials.unwrap_or_default() {
        all.set(name, value.0);
    }
    let username = username.map(SecretText::from);
    for (name, value) in [
        ("api_key", api_key),
        ("username", username),
        ("password", password),
    ] {
        let Some(value) = value else { continue };
        if all.get(name).is_some() {
            let detail = format!("is given twice: as {name} and in credentials");
            return Err(
                Error::new(code::CONNECTION_CREDENTIALS, format!("{name} {detail}")).field(
                    name,
                    "credentials_invalid",
                    detail,
                ),
            );
        }
        all.set(name, value.0);
    }
    let empty = all
        .names()
        .find(|n| all.get(n).is_none_or(|v| v.trim().is_empty()))
        .map(str::to_owned);
    match empty {
        Some(name) => Err(
            Error::new(code::CONNECTION_CREDENTIALS, format!("{name} is empty")).field(
                format!("credentials.{name}"),
                "credentials_invalid",
                "may not be empty",
            ),
        ),
        None => Ok(all),
    }
}

/// Takes the vendor's API key of the environment.
pub(super) fn from_environment(app: &App, adapter: &Arc<dyn Adapter>, to: &mut Credentials) {
    let key = adapter
        .info()
        .api_key_variable
        .and_then(|name| app.api_keys.get(name));
    if let Some(key) = key {
        to.set("api_key", key.clone());
    }
}

/// Seals credentials in place of the present ones, and answers their fingerprints.
pub(super) async fn store(
    app: &App,
    cx: &CallContext,
    uow: &mut Uow<'_>,
    connection: ConnectionId,
    plain: &Credentials,
) -> Result<BTreeMap<String, String>> {
    let key = [connection.cell(), Cell::text(NAME)];
    let before = uow.tx().of::<SealedSecret>().get(&key).await?;
    let binding = SecretBinding {
        org: cx.scope.org(),
        connection,
        name: NAME.to_owned(),
        row: SecretId(app.ids.next()),
        version: before.as_ref().map_or(1, |b| b.version + 1),
    };
    // Before anything is sealed: a key that was made just now would hide that the right one is missing.
    master_key::require(app, cx, uow).await?;
    let sealed = app.vault.seal(&binding, plain)?;
    let row = SealedSecret {
        connection_id: connection,
        name: binding.name,
        id: binding.row,
        version: binding.version,
        kek_id: sealed.kek_id,
        envelope: sealed.envelope,
        fingerprints: Json(sealed.fingerprints),
        updated_at: uow.now(),
    };
    let rule = if before.is_some() {
        SaveRule::Update
    } else {
        SaveRule::Insert
    };
    uow.save(&row, rule, || {
        Error::internal("a secret was set twice at once")
    })
    .await?;
    Ok(row.fingerprints.0)
}

/// Counts how often the credentials of a connection were set; 0 where there are none.
pub(super) async fn version(tx: &mut Box<dyn Tx>, connection: ConnectionId) -> Result<i64> {
    let key = [connection.cell(), Cell::text(NAME)];
    let row = tx.of::<SealedSecret>().get(&key).await?;
    Ok(row.map_or(0, |row| row.version))
}

/// The credentials of a connection, opened, with their version. None stored: none.
pub(super) async fn stored(
    app: &App,
    cx: &CallContext,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
) -> Result<(Credentials, i64)> {
    let key = [connection.cell(), Cell::text(NAME)];
    let Some(row) = tx.of::<SealedSecret>().get(&key).await? else {
        return Ok((Credentials::new(), 0));
    };
    let binding = SecretBinding {
        org: cx.scope.org(),
        connection,
        name: row.name,
        row: row.id,
        version: row.version,
    };
    let sealed = Sealed {
        kek_id: row.kek_id,
        envelope: row.envelope,
        fingerprints: row.fingerprints.0,
    };
    Ok((app.vault.open(&binding, &sealed)?, row.version))
}

/// What an adapter needs for calls of this connection.
pub(super) async fn open(
    app: &App,
    cx: &CallContext,
    tx: &mut Box<dyn Tx>,
    connection: &Connection,
) -> Result<AdapterCx> {
    let (credentials, credentials_version) = stored(app, cx, tx, connection.id).await?;
    Ok(AdapterCx {
        connection: connection.id,
        api_url: connection.api_url.as_str().into(),
        options: Arc::new(connection.options.0.clone()),
        credentials: Arc::new(credentials),
        credentials_version,
        clock: Arc::clone(&app.clock),
        vendor_clock: VendorClock::default(),
        cancel: cx.cancel.child_token(),
    })
}
