//! Links of accounts that no connection has: how they come about and how they are taken up again.

use super::{account, remove};
use crate::context::CallContext;
use crate::domain::account::{Account, FormerLink};
use crate::domain::asset::PendingParent;
use crate::domain::sync_state::{ExternalLink, PendingRef};
use crate::domain::work_order::PendingAsset;
use crate::ids::{AccountId, ConnectionId};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Saved, Tx};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::sync::lease::Held;
use crate::services::uow::Uow;
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use uuid::Uuid;

/// Rows that are moved at a time.
const CHUNK: u32 = 1_000;

/// Takes a connection away from its account. What is linked waits with the account; the records stay as they are. How
/// far the account was read, and which of its records are in quarantine, means nothing in the next one and is forgotten.
/// Answers how many links there were.
pub(super) async fn leave(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    account: Account,
    now: DateTime<Utc>,
) -> Result<u64> {
    remove::forget_cursors(tx, connection).await?;
    remove::quarantine(tx, connection).await?;
    let mut moved = 0;
    loop {
        let query = Query {
            filter: Filter::eq(ExternalLink::CONNECTION_ID, connection.cell()),
            limit: Some(CHUNK),
            ..Query::default()
        };
        let links = tx.of::<ExternalLink>().list(&query).await?;
        if links.is_empty() {
            break;
        }
        let former: Vec<FormerLink> = links
            .into_iter()
            .map(|link| FormerLink::of(link, account.id))
            .collect();
        let saved = tx
            .of::<FormerLink>()
            .save_all(&former, SaveRule::Upsert)
            .await?;
        if saved.contains(&Saved::Duplicate) {
            return Err(Error::internal("a former link clashes"));
        }
        let keys: Vec<_> = former
            .iter()
            .map(|l| [connection.cell(), l.entity.cell(), l.external_id.cell()])
            .collect();
        moved += delete::<ExternalLink>(tx, &keys).await?;
    }
    rename_pending(tx, connection.0, account.id.0).await?;
    if moved == 0 && !account::waits(tx, account.id).await? {
        tx.of::<Account>().delete(&[account.id.cell()]).await?;
        return Ok(0);
    }
    let left = Account {
        connection_id: None,
        left_at: Some(now),
        ..account
    };
    account::save(tx, &left).await?;
    Ok(moved)
}

/// Makes what waits with the account of a connection its links again, some at a time: a run that breaks off in between
/// leaves the rest to the next one.
pub(super) async fn take_up(
    cx: &CallContext,
    app: &App,
    connection: ConnectionId,
    account: AccountId,
    held: &Held,
) -> Result<()> {
    loop {
        cx.check()?;
        let mut uow = Uow::begin(app, cx).await?;
        held.check_all(uow.tx()).await?;
        let query = Query {
            filter: Filter::eq(FormerLink::ACCOUNT_ID, account.cell()),
            limit: Some(CHUNK),
            ..Query::default()
        };
        let former = uow.tx().of::<FormerLink>().list(&query).await?;
        if former.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = former
            .iter()
            .map(|l| {
                let id = Cell::Text(Cow::Owned(l.external_id.clone()));
                [account.cell(), l.entity.cell(), id]
            })
            .collect();
        delete::<FormerLink>(uow.tx(), &keys).await?;
        let links: Vec<ExternalLink> = former
            .into_iter()
            .map(|link| link.taken_up(connection))
            .collect();
        // What is linked already is what the vendor's record became since: that stays.
        uow.tx()
            .of::<ExternalLink>()
            .save_all(&links, SaveRule::Insert)
            .await?;
        rename_pending(uow.tx(), account.0, connection.0).await?;
        uow.commit(AuditEvent::new(
            "connection.take_up",
            "connection",
            connection,
        ))
        .await?;
    }
}

/// Records that wait for one of the vendor's records wait for it under another name from now on: its id means nothing
/// in another account.
async fn rename_pending(tx: &mut Box<dyn Tx>, from: Uuid, to: Uuid) -> Result<()> {
    let from = PendingRef::External(ConnectionId(from), String::new()).key();
    let to = PendingRef::External(ConnectionId(to), String::new()).key();
    let renamed = |name: &mut Option<String>| {
        if let Some(rest) = name.as_deref().and_then(|n| n.strip_prefix(&from)) {
            *name = Some(format!("{to}{rest}"));
        }
    };
    let waiting = |column| Query {
        filter: Filter::Prefix(column, Cow::Borrowed(from.as_str())),
        limit: Some(CHUNK),
        ..Query::default()
    };
    loop {
        let query = waiting(PendingAsset::ASSET_PENDING);
        let mut orders = tx.of::<PendingAsset>().list(&query).await?;
        if orders.is_empty() {
            break;
        }
        orders
            .iter_mut()
            .for_each(|o| renamed(&mut o.asset_pending));
        tx.of::<PendingAsset>()
            .save_all(&orders, SaveRule::Update)
            .await?;
    }
    loop {
        let query = waiting(PendingParent::PARENT_PENDING);
        let mut assets = tx.of::<PendingParent>().list(&query).await?;
        if assets.is_empty() {
            return Ok(());
        }
        assets
            .iter_mut()
            .for_each(|a| renamed(&mut a.parent_pending));
        tx.of::<PendingParent>()
            .save_all(&assets, SaveRule::Update)
            .await?;
    }
}

/// Deletes rows by their keys.
pub(super) async fn delete<R: crate::record::Record>(
    tx: &mut Box<dyn Tx>,
    keys: &[[Cell<'_>; 3]],
) -> Result<u64> {
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    tx.delete(R::TABLE, &keys).await
}
