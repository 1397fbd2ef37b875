//! Which account of a vendor a connection leads to.
//!
//! Vendor, origin and login are known when a connection is set up; nobody is called for them. The vendor's own id of
//! the account comes with the first call that tells it. An account whose connection is gone waits with its links for
//! the next connection to the same account.

use super::former;
use crate::domain::account::{Account, FormerLink};
use crate::domain::connection::Connection;
use crate::domain::sync_state::LinkKey;
use crate::ids::{AccountId, ConnectionId};
use crate::ports::adapter::Adapter;
use crate::ports::repository::TxExt;
use crate::ports::secrets::Credentials;
use crate::ports::store::{Filter, Query, SaveRule, Tx};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::{Error, Result, code};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What stands before the name of who logs in.
const NAME: &str = "name:";
/// What stands before the fingerprints of a key.
const KEY: &str = "key:";
/// What stands before the login of an account whose links nobody takes up again.
const FORGOTTEN: &str = "forgotten:";

/// What is known of an account without calling anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    cmms_type: String,
    origin: String,
    login: String,
}

impl Identity {
    /// That of a connection with these credentials, which have these fingerprints.
    pub(super) fn of(
        adapter: &dyn Adapter,
        api_url: &str,
        credentials: &Credentials,
        fingerprints: &BTreeMap<String, String>,
    ) -> Self {
        let login = match adapter.login(credentials) {
            Some(name) => format!("{NAME}{}", name.trim().to_lowercase()),
            None => {
                let prints = fingerprints.iter().map(|(name, f)| format!("{name}={f}"));
                format!("{KEY}{}", prints.collect::<Vec<_>>().join(","))
            }
        };
        Self {
            cmms_type: adapter.info().cmms_type.to_owned(),
            origin: origin(api_url),
            login,
        }
    }

    /// That of a connection whose address and login stay.
    pub(super) fn unchanged(account: &Account) -> Self {
        Self {
            cmms_type: account.cmms_type.clone(),
            origin: account.origin.clone(),
            login: account.login.clone(),
        }
    }

    /// Whether it is that of this account.
    pub(super) fn is_of(&self, account: &Account) -> bool {
        self.cmms_type == account.cmms_type
            && self.origin == account.origin
            && self.login == account.login
    }

    /// Whether only the key is another one: what is no name tells nothing about the account that it opens.
    fn is_rotated(&self, account: &Account) -> bool {
        self.origin == account.origin
            && self.login.starts_with(KEY)
            && account.login.starts_with(KEY)
    }
}

/// Scheme, host and port of an address; an address of another kind as a whole.
fn origin(api_url: &str) -> String {
    match url::Url::parse(api_url).map(|url| url.origin()) {
        Ok(origin) if origin.is_tuple() => origin.ascii_serialization(),
        _ => api_url.to_owned(),
    }
}

/// What a caller says about a change to another account.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    /// It is the same plant: links stay.
    pub(super) relink: bool,
    /// It is another plant: what is linked is forgotten.
    pub(super) forget: bool,
    /// Another connection to the same account is wanted.
    pub(super) share: bool,
}

impl Wish {
    /// # Errors
    /// `CMMS-INPUT-003` for both at once.
    pub(super) fn new(relink: bool, forget: bool, share: bool) -> Result<Self> {
        if relink && forget {
            let detail = "cannot be true together with forget_links";
            return Err(Error::new(
                code::INPUT_VALUE,
                format!("relink {detail}: the plant is the same one or another one"),
            )
            .field("relink", "invalid_value", detail));
        }
        Ok(Self {
            relink,
            forget,
            share,
        })
    }
}

/// The account of a connection.
pub(super) async fn of(tx: &mut Box<dyn Tx>, connection: ConnectionId) -> Result<Account> {
    let mine = Filter::eq(Account::CONNECTION_ID, connection.cell());
    let found = tx.of::<Account>().first(mine).await?;
    found.ok_or_else(|| Error::internal("a connection has no account"))
}

/// All accounts of a vendor.
pub(super) async fn all(tx: &mut Box<dyn Tx>, cmms_type: &str) -> Result<Vec<Account>> {
    let query = Query::filter(Filter::eq(Account::CMMS_TYPE, Cell::text(cmms_type)));
    tx.of::<Account>().list(&query).await
}

pub(super) async fn save(tx: &mut Box<dyn Tx>, account: &Account) -> Result<()> {
    tx.of::<Account>()
        .save(account, SaveRule::Upsert)
        .await
        .map(drop)
}

/// Gives a connection its account: one that waits for it, or a new one.
///
/// # Errors
/// `CMMS-CONN-010` where another connection leads to it, unless that is wanted.
pub(super) async fn enter(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    who: &Identity,
    share: bool,
) -> Result<()> {
    let all = all(tx, &who.cmms_type).await?;
    refuse_second(tx, connection, who, &all, share).await?;
    let waiting = all
        .into_iter()
        .filter(|account| account.connection_id.is_none() && who.is_of(account))
        .max_by_key(|account| account.left_at);
    let account = match waiting {
        Some(account) => Account {
            connection_id: Some(connection),
            is_shared: share,
            left_at: None,
            ..account
        },
        None => fresh(app, connection, who, share),
    };
    save(tx, &account).await
}

/// An account that nothing is known of but what its connection says.
pub(super) fn fresh(app: &App, connection: ConnectionId, who: &Identity, share: bool) -> Account {
    Account {
        id: AccountId(app.ids.next()),
        connection_id: Some(connection),
        cmms_type: who.cmms_type.clone(),
        origin: who.origin.clone(),
        login: who.login.clone(),
        vendor_id: None,
        is_unsure: false,
        is_shared: share,
        left_at: None,
    }
}

async fn refuse_second(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    who: &Identity,
    all: &[Account],
    share: bool,
) -> Result<()> {
    let first = all
        .iter()
        .filter(|account| who.is_of(account))
        .find_map(|account| account.connection_id.filter(|id| *id != connection));
    match first {
        Some(first) if !share => Err(connected(tx, first).await?),
        _ => Ok(()),
    }
}

/// The error of a second connection to an account, naming the first.
pub(super) async fn connected(tx: &mut Box<dyn Tx>, first: ConnectionId) -> Result<Error> {
    let name = tx
        .of::<Connection>()
        .get(&[first.cell()])
        .await?
        .map(|connection| connection.connection_name)
        .unwrap_or_default();
    Ok(Error::new(
        code::ACCOUNT_CONNECTED,
        format!("connection {name:?} ({first}) leads to the same account of the vendor"),
    )
    .subject("cmms_connection_id", first)
    .field(
        "allow_same_account",
        "account_connected",
        "must be true for a second connection to the account",
    ))
}

/// Whether records are linked through the connection or wait for it.
pub(super) async fn has_links(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    account: AccountId,
) -> Result<bool> {
    Ok(is_linked(tx, connection).await? || waits(tx, account).await?)
}

/// Whether records are linked through the connection.
pub(super) async fn is_linked(tx: &mut Box<dyn Tx>, connection: ConnectionId) -> Result<bool> {
    let links = Filter::eq(LinkKey::CONNECTION_ID, connection.cell());
    Ok(tx.of::<LinkKey>().first(links).await?.is_some())
}

/// Whether links of the account wait for a connection.
pub(super) async fn waits(tx: &mut Box<dyn Tx>, account: AccountId) -> Result<bool> {
    let links = Filter::eq(FormerLink::ACCOUNT_ID, account.cell());
    Ok(tx.of::<FormerLink>().first(links).await?.is_some())
}

/// Whether a change of a connection is one of its account.
pub(super) fn is_change(account: &Account, who: &Identity, wish: Wish) -> bool {
    !who.is_of(account) || wish.relink || wish.forget
}

/// Brings the account of a connection in line with its new address and login. Its cursors are cleared by the caller.
///
/// # Errors
/// `CMMS-CONN-009` while records are linked and the caller does not say what becomes of them; `CMMS-CONN-010`.
pub(super) async fn change(
    app: &App,
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    account: Account,
    who: &Identity,
    wish: Wish,
    now: DateTime<Utc>,
) -> Result<()> {
    let is_other = !who.is_of(&account);
    let linked = has_links(tx, connection, account.id).await?;
    let share = wish.share || account.is_shared;
    if wish.forget || !linked {
        let old = account.id;
        if wish.forget && !is_other {
            // The same address and login, and yet not what is linked under them, whatever the vendor calls the account.
            former::leave(tx, connection, forgotten(account), now).await?;
            return save(tx, &fresh(app, connection, who, share)).await;
        }
        former::leave(tx, connection, account, now).await?;
        tracing::debug!(%connection, %old, "the connection leaves its account");
        return enter(app, tx, connection, who, share).await;
    }
    if is_other {
        let others = all(tx, &who.cmms_type).await?;
        refuse_second(tx, connection, who, &others, share).await?;
    }
    let rotated = is_other && who.is_rotated(&account) && account.vendor_id.is_some();
    if is_other && !wish.relink && !rotated {
        return Err(changed(&account, who));
    }
    let after = Account {
        origin: who.origin.clone(),
        login: who.login.clone(),
        is_shared: share,
        // Whoever changes nothing else says that the account that the vendor named is the right one.
        vendor_id: account.vendor_id.filter(|_| is_other),
        is_unsure: is_other && !wish.relink,
        ..account
    };
    save(tx, &after).await
}

/// The account as no connection and no word of the vendor leads to it any more.
fn forgotten(account: Account) -> Account {
    Account {
        login: format!("{FORGOTTEN}{}", account.login),
        vendor_id: None,
        ..account
    }
}

fn changed(account: &Account, who: &Identity) -> Error {
    let (field, what) = if who.origin == account.origin {
        ("credentials", "another login")
    } else {
        ("api_url", "another address")
    };
    Error::new(
        code::ACCOUNT_CHANGED,
        format!("records are linked through this connection, and {what} may lead to another account of the vendor"),
    )
    .field(
        field,
        "account_changed",
        "needs `relink: true` (the same plant) or `forget_links: true` (another one)",
    )
}
