//! Maps quarantined records again from what is stored of them, so that a corrected mapping heals them.

use super::batch::commit_waiting;
use super::halving::{is_of_data, refused};
use super::lease::Held;
use super::quarantine::{Bad, Met, NAMELESS, open_keys, settle, shown, stored};
use super::references::Known;
use super::run::{Plan, begun};
use super::sieve::{SievedPage, digest};
use super::stream::Stream;
use super::synced::{Synced, with_entity};
use super::write::{self, Item};
use crate::context::CallContext;
use crate::domain::audit::Batch as AuditBatch;
use crate::domain::entity::{Entity, SyncType};
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::{LinkTime, QuarantineItem, QuarantineKey, QuarantineState};
use crate::ids::{ConnectionId, RunId};
use crate::mapping::MapError;
use crate::ports::adapter::ExternalRecord;
use crate::ports::repository::TxExt;
use crate::ports::store::{Tx, TxMode};
use crate::record::{Cell, Field};
use crate::services::app::App;
use crate::services::audit::AuditEvent;
use crate::services::connections;
use crate::services::uow::Uow;
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Records that are looked at together. Few, since each may be large.
const CHUNK: usize = 16;

/// Maps the records of this stream that wait. Those that can be stored now come in before the listing begins;
/// the vendor is not asked.
pub(super) async fn waiting<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
) -> Result<()> {
    if !stream.has_quarantine {
        return Ok(());
    }
    let connection = stream.plan.connection.id;
    let mut tx = begin(stream, TxMode::Snapshot).await?;
    let keys = open_keys(&mut tx, connection, &[R::ENTITY]).await?;
    drop(tx);
    for keys in keys.chunks(CHUNK) {
        stream.cx.check()?;
        let mut tx = begin(stream, TxMode::Snapshot).await?;
        let ids = keys.iter().map(|key| key.external_id.as_str());
        let items = stored(&mut tx, connection, R::ENTITY, ids).await?;
        let links = links(&mut tx, connection, R::ENTITY, items.keys()).await?;
        drop(tx);
        let mut page = SievedPage::waiting();
        for (id, item) in items {
            match look(stream, &item, links.get(&id)) {
                Look::Good(Some(item)) => page.items.push(*item),
                Look::Good(None) => page.unchanged.push(id),
                Look::Bad(why) if is_news(&item, &why) => page.bad.push(bad(item, why)),
                Look::Bad(_) => {}
            }
        }
        if !page.items.is_empty() || !page.unchanged.is_empty() || !page.bad.is_empty() {
            commit_waiting(stream, run, page).await?;
        }
    }
    let mut tx = begin(stream, TxMode::Snapshot).await?;
    stream.has_quarantine = !open_keys(&mut tx, connection, &[R::ENTITY])
        .await?
        .is_empty();
    Ok(())
}

async fn begin<R: Synced>(stream: &Stream<'_, R>, mode: TxMode) -> Result<Box<dyn Tx>> {
    stream.app.store.begin(&stream.cx.scope, mode).await
}

/// Leaves only what still waits: somebody may have discarded it since it was read.
pub(super) async fn keep_open<R>(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    page: &mut SievedPage<R>,
) -> Result<()> {
    let ids = page.unchanged.iter().map(String::as_str);
    let ids = ids.chain(page.items.iter().map(|item| item.external_id.as_str()));
    let ids = ids.chain(page.bad.iter().map(|b| b.external_id.as_str()));
    let keys: Vec<_> = ids
        .map(|id| [connection.cell(), entity.cell(), Cell::text(id)])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let found = tx.of::<QuarantineKey>().get_all(&keys).await?;
    let open: BTreeSet<String> = found
        .into_iter()
        .filter(|key| key.state == QuarantineState::Open)
        .map(|key| key.external_id)
        .collect();
    page.items.retain(|item| open.contains(&item.external_id));
    page.unchanged.retain(|id| open.contains(id));
    page.bad.retain(|bad| open.contains(&bad.external_id));
    Ok(())
}

/// What a quarantined record is worth now.
enum Look<R> {
    /// It can be stored; nothing, where the same or a newer form is stored already.
    Good(Option<Box<Item<R>>>),
    /// It cannot.
    Bad(MapError),
}

fn look<R: Synced>(
    stream: &Stream<'_, R>,
    item: &QuarantineItem,
    link: Option<&LinkTime>,
) -> Look<R> {
    if is_nameless(item) {
        return Look::Bad(why(item));
    }
    if link.is_some_and(|link| is_newer(link, item)) {
        return Look::Good(None);
    }
    let raw = item.raw.text();
    let record = ExternalRecord {
        external_id: None,
        updated_at: item.vendor_updated_at,
        raw: raw.into(),
        listed_archived: None,
    };
    let digest = digest(&stream.mapping, &record);
    if link.is_some_and(|link| link.digest == digest) {
        return Look::Good(None);
    }
    let known = link.map(|link| link.record_id);
    let id = item.external_id.clone();
    let named = Some(&stream.named);
    match Item::new(&stream.mapping, named, id, record, digest, known, false) {
        Ok(item) => Look::Good(Some(Box::new(item))),
        Err(bad) => Look::Bad(bad.why),
    }
}

/// A record without an id: no mapping gives it one.
fn is_nameless(item: &QuarantineItem) -> bool {
    item.field == "id" && item.reason == "missing_field" && item.external_id.starts_with(NAMELESS)
}

/// Whether what is stored is newer than what waits: by the vendor's time, else by when each came here.
fn is_newer(link: &LinkTime, item: &QuarantineItem) -> bool {
    match (link.vendor_updated_at, item.vendor_updated_at) {
        (Some(stored), Some(waiting)) => stored > waiting,
        _ => link.changed_at > item.last_seen_at,
    }
}

fn is_news(item: &QuarantineItem, why: &MapError) -> bool {
    let why = shown(why.clone());
    (&item.field, item.reason.as_str(), &item.detail) != (&why.field, why.reason, &why.detail)
}

fn why(item: &QuarantineItem) -> MapError {
    MapError {
        field: item.field.clone(),
        reason: "missing_field",
        detail: item.detail.clone(),
    }
}

fn bad(item: QuarantineItem, why: MapError) -> Bad {
    Bad {
        external_id: item.external_id,
        updated_at: item.vendor_updated_at,
        raw: item.raw.text().into(),
        why,
    }
}

async fn links(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    ids: impl Iterator<Item = &String>,
) -> Result<BTreeMap<String, LinkTime>> {
    let keys: Vec<_> = ids
        .map(|id| [connection.cell(), entity.cell(), Cell::text(id)])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let found = tx.of::<LinkTime>().get_all(&keys).await?;
    Ok(found
        .into_iter()
        .map(|link| (link.external_id.clone(), link))
        .collect())
}

/// Maps one quarantined record again and stores it if it can be, in one transaction that no sync of its
/// connection and kind can overlap.
///
/// # Errors
/// `CMMS-SYNC-001` while a sync goes on; `CMMS-CONN-008` where the connection was changed meanwhile.
pub(in crate::services) async fn retry(
    cx: &CallContext,
    app: &App,
    item: &QuarantineItem,
) -> Result<()> {
    let (connection, adapter, acx) = connections::open_by_id(cx, app, item.connection_id).await?;
    let sync_type = match item.entity {
        Entity::Asset => SyncType::Assets,
        Entity::WorkOrder => SyncType::WorkOrders,
    };
    let plan = Plan {
        connection,
        adapter,
        acx,
        sync_type,
        force: false,
    };
    with_entity!(item.entity, R => async {
        match one::<R>(cx, app, &plan, item, None).await {
            // The store refused it, and the transaction is lost: what is left is to say so.
            Err(e) if is_of_data(&e) => one::<R>(cx, app, &plan, item, Some(refused(&e))).await,
            done => done,
        }
    }
    .await)
}

async fn one<R: Synced>(
    cx: &CallContext,
    app: &App,
    plan: &Plan,
    item: &QuarantineItem,
    refusal: Option<MapError>,
) -> Result<()> {
    let connection = plan.connection.id;
    let holder = RunId(app.ids.next());
    let nothing = Held::nothing(connection, holder);
    let stream = Stream::<R>::open(cx, app, plan, &nothing).await?;
    let mut uow = Uow::begin(app, cx).await?;
    let now = uow.now();
    plan.check_still_holds(uow.tx()).await?;
    // The lease keeps syncs away; it is given back in the same transaction.
    let active = app.active.enter(holder, cx.cancel.clone());
    let held = Held::take(app, uow.tx(), connection, &[R::ENTITY], holder, &active).await?;
    let key = std::iter::once(item.external_id.as_str());
    let present = stored(uow.tx(), connection, R::ENTITY, key).await?;
    let Some(item) = present.into_values().next() else {
        return Err(Error::internal(
            "a quarantined record that was found is gone",
        ));
    };
    if item.state == QuarantineState::Resolved {
        // It came in while this call waited.
        return Ok(());
    }
    let by = cx.scope.principal().to_string();
    let mut run = begun(plan, item.run_id, by.clone(), now);
    let ids = std::iter::once(&item.external_id);
    let link = links(uow.tx(), connection, R::ENTITY, ids).await?;
    let link = link.get(&item.external_id);
    let id = item.external_id.clone();
    let (object, version) = (item.id, item.version + 1);
    let mut good = vec![id.as_str()];
    let mut audit = Vec::new();
    let mut refused = Vec::new();
    let found = match refusal {
        Some(why) => Look::Bad(why),
        None => look(&stream, &item, link),
    };
    match found {
        Look::Good(found) => {
            stream.named.end();
            let items = found.into_iter().map(|item| *item).collect();
            let written = write::records(&stream, &mut uow, &by, items, Known::default()).await?;
            audit = written.audit;
            refused = written.bad;
        }
        Look::Bad(why) => refused.push(bad(item, why)),
    }
    if !refused.is_empty() {
        good.clear();
    }
    let tx = uow.tx();
    settle(
        app,
        tx,
        &mut run,
        R::ENTITY,
        refused,
        &good,
        Met::Retry,
        now,
    )
    .await?;
    held.release(uow.tx()).await?;
    let batch = AuditBatch {
        run: run.id,
        entity: R::ENTITY,
        records: audit,
    };
    let event = AuditEvent::new("quarantine.retry", "quarantine", object).version(version);
    uow.commit(event.batch(batch)).await
}
