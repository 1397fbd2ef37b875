//! What a vendor says about the account that it was reached by, before anything is written.

use super::account::{self, connected, is_linked};
use super::former::{self, leave};
use super::refuse_changed;
use crate::context::CallContext;
use crate::domain::account::Account;
use crate::domain::connection::Connection;
use crate::failpoint::{Failpoint, is_on};
use crate::ids::ConnectionId;
use crate::ports::adapter::{Adapter, AdapterCx};
use crate::ports::store::{Tx, TxMode};
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::sync::lease::Held;
use crate::services::uow::Uow;
use crate::{Error, Result, code};

/// Asks the vendor which account it is, refuses another one than before, and takes up what waits for the connection.
///
/// # Errors
/// `CMMS-CONN-009` for another account than that of what is linked; `CMMS-CONN-010` for one that another connection
/// leads to; those of the vendor.
pub(in crate::services) async fn run(
    cx: &CallContext,
    app: &App,
    adapter: &dyn Adapter,
    acx: &AdapterCx,
    held: &Held,
) -> Result<()> {
    let connection = acx.connection;
    loop {
        cx.check()?;
        let (seen, found) = ask(cx, app, adapter, acx).await?;
        if found == Found::AsKnown {
            break;
        }
        let mut uow = Uow::begin(app, cx).await?;
        held.check_all(uow.tx()).await?;
        if note(app, &mut uow, connection, &seen, found).await? {
            uow.commit(event(connection)).await?;
            break;
        }
    }
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let account = account::of(&mut tx, connection).await?;
    let waits = account::waits(&mut tx, account.id).await?;
    drop(tx);
    if waits {
        former::take_up(cx, app, connection, account.id, held).await?;
    }
    Ok(())
}

/// The same for a test of the connection, which takes nothing up.
pub(super) async fn test(
    cx: &CallContext,
    app: &App,
    adapter: &dyn Adapter,
    acx: &AdapterCx,
    read: &Connection,
) -> Result<()> {
    let connection = acx.connection;
    match ask(cx, app, adapter, acx).await? {
        (seen, found @ Found::Known(_)) => {
            let mut uow = Uow::begin(app, cx).await?;
            // What the vendor said of another login than the present one is worth nothing.
            refuse_changed(uow.tx(), read, acx.credentials_version).await?;
            if note(app, &mut uow, connection, &seen, found).await? {
                uow.commit(event(connection)).await?;
            }
            Ok(())
        }
        (_, Found::AsKnown | Found::Waiting(..) | Found::Other(_)) => Ok(()),
    }
}

/// Asks the vendor, and answers the account as it was before. What is known of a session may be out of date, so another
/// account is asked for twice.
async fn ask(
    cx: &CallContext,
    app: &App,
    adapter: &dyn Adapter,
    acx: &AdapterCx,
) -> Result<(Account, Found)> {
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let account = account::of(&mut tx, acx.connection).await?;
    drop(tx);
    let mut said = adapter.account(acx, false).await?;
    if account.vendor_id.is_some() && said != account.vendor_id {
        said = adapter.account(acx, true).await?;
    }
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let found = found(&mut tx, acx.connection, &account, said.as_deref()).await?;
    Ok((account, found))
}

fn event(connection: ConnectionId) -> AuditEvent {
    AuditEvent::new("connection.account", "connection", connection)
}

/// What the vendor's word is worth.
#[derive(Debug, PartialEq)]
enum Found {
    /// Nothing new.
    AsKnown,
    /// The account is this one, which is now known.
    Known(Account),
    /// It is one that waits for a connection.
    Waiting(Account, String),
    /// It is another one than was thought, and nothing is linked yet.
    Other(String),
}

async fn found(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    account: &Account,
    said: Option<&str>,
) -> Result<Found> {
    let Some(said) = said.filter(|_| !is_on(Failpoint::BelieveAccount)) else {
        if account.is_unsure && !is_on(Failpoint::BelieveAccount) {
            return Err(unsure());
        }
        return Ok(Found::AsKnown);
    };
    if account.vendor_id.as_deref() == Some(said) {
        if !account.is_unsure {
            return Ok(Found::AsKnown);
        }
        let sure = Account {
            is_unsure: false,
            ..account.clone()
        };
        return Ok(Found::Known(sure));
    }
    let linked = is_linked(tx, connection).await?;
    if linked && account.vendor_id.is_some() {
        return Err(changed(account));
    }
    // Nothing is linked that could be mistaken, or nobody has told yet what it belongs to.
    let others = account::all(tx, &account.cmms_type).await?;
    let mut same = others
        .into_iter()
        .filter(|other| other.id != account.id && other.origin == account.origin)
        .filter(|other| other.vendor_id.as_deref() == Some(said));
    let (live, waiting): (Vec<_>, Vec<_>) = same.by_ref().partition(|o| o.connection_id.is_some());
    if let Some(first) = live.iter().find_map(|other| other.connection_id)
        && !account.is_shared
    {
        return Err(connected(tx, first).await?);
    }
    if linked {
        return Ok(Found::Known(known(account, said)));
    }
    let latest = waiting.into_iter().max_by_key(|other| other.left_at);
    match latest {
        Some(waiting) => Ok(Found::Waiting(waiting, said.to_owned())),
        None if account.vendor_id.is_some() => Ok(Found::Other(said.to_owned())),
        None => Ok(Found::Known(known(account, said))),
    }
}

fn known(account: &Account, said: &str) -> Account {
    Account {
        vendor_id: Some(said.to_owned()),
        is_unsure: false,
        ..account.clone()
    }
}

/// Writes down what was found, and answers false where the account is not as it was seen any more.
async fn note(
    app: &App,
    uow: &mut Uow<'_>,
    connection: ConnectionId,
    seen: &Account,
    found: Found,
) -> Result<bool> {
    let now = uow.now();
    let tx = uow.tx();
    let mine = account::of(tx, connection).await?;
    if mine != *seen {
        return Ok(false);
    }
    let after = match found {
        Found::AsKnown => return Ok(true),
        Found::Known(account) => account,
        Found::Waiting(waiting, said) => Account {
            connection_id: Some(connection),
            origin: mine.origin.clone(),
            login: mine.login.clone(),
            vendor_id: Some(said),
            is_unsure: false,
            is_shared: mine.is_shared,
            left_at: None,
            ..waiting
        },
        Found::Other(said) => Account {
            id: crate::ids::AccountId(app.ids.next()),
            ..known(&mine, &said)
        },
    };
    if after.id != mine.id {
        // Its links, if any wait, belong to the account that it was taken for.
        leave(tx, connection, mine, now).await?;
    }
    account::save(tx, &after).await?;
    Ok(true)
}

fn unsure() -> Error {
    Error::new(
        code::ACCOUNT_CHANGED,
        "the key of the connection was changed, and the vendor does not say whose account the new one opens",
    )
    .field(
        "credentials",
        "account_changed",
        "`relink: true` says that it is the same account",
    )
}

fn changed(account: &Account) -> Error {
    let detail = "the login leads to another account of the vendor than the one that is linked";
    Error::new(
        code::ACCOUNT_CHANGED,
        format!("{detail}; nothing was written"),
    )
    .field("credentials", "account_changed", detail)
    .subject("account", account.vendor_id.as_deref().unwrap_or_default())
}
