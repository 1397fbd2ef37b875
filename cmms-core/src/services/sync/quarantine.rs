//! Records that cannot be stored: kept with field and reason, never in the way of the others.

use super::run::error_of;
use crate::domain::entity::Entity;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::{QuarantineItem, QuarantineKey, QuarantineState};
use crate::ids::{ConnectionId, QuarantineId};
use crate::mapping::MapError;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Tx};
use crate::record::{Cell, Field, RawJson};
use crate::services::app::App;
use crate::{Error, Result};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// A record that cannot be stored.
#[derive(Debug)]
pub(super) struct Bad {
    /// The vendor's id, or a digest where it has none.
    pub(super) external_id: String,
    /// The record.
    pub(super) raw: Box<str>,
    /// Why.
    pub(super) why: MapError,
}

/// How many records wait.
pub(super) async fn waiting(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entities: &[Entity],
) -> Result<usize> {
    let open = Filter::And(vec![
        Filter::eq(QuarantineKey::STATE, QuarantineState::Open.cell()),
        Filter::eq(QuarantineKey::CONNECTION_ID, connection.cell()),
        Filter::In(
            QuarantineKey::ENTITY,
            entities.iter().map(Field::cell).collect(),
        ),
    ]);
    Ok(tx
        .of::<QuarantineKey>()
        .list(&Query::filter(open))
        .await?
        .len())
}

/// Keeps bad records, and ends the waiting of those that came in good.
pub(super) async fn settle(
    app: &App,
    tx: &mut Box<dyn Tx>,
    run: &mut SyncRun,
    entity: Entity,
    bad: Vec<Bad>,
    good: &[&str],
    now: DateTime<Utc>,
) -> Result<()> {
    let connection = run.cmms_connection_id;
    let keys: Vec<_> = bad
        .iter()
        .map(|b| b.external_id.as_str())
        .chain(good.iter().copied())
        .map(|id| [connection.cell(), entity.cell(), Cell::text(id)])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let stored = tx.of::<QuarantineItem>().get_all(&keys).await?;
    let mut stored: BTreeMap<String, QuarantineItem> = stored
        .into_iter()
        .map(|item| (item.external_id.clone(), item))
        .collect();
    let mut fresh = Vec::new();
    let mut known = Vec::new();
    for record in bad {
        let e = Error::from(record.why.clone());
        run.add_error(error_of(&e, Some(entity), Some(&record.external_id)));
        let before = stored.remove(&record.external_id);
        let is_known = before.is_some();
        let mut item = before.unwrap_or_else(|| QuarantineItem {
            connection_id: connection,
            entity,
            external_id: record.external_id,
            id: QuarantineId(app.ids.next()),
            version: 0,
            created_at: now,
            created_by: run.requested_by.clone(),
            updated_at: now,
            run_id: run.id,
            field: String::new(),
            reason: String::new(),
            detail: String::new(),
            raw: RawJson(Box::default()),
            first_seen_at: now,
            last_seen_at: now,
            attempts: 0,
            state: QuarantineState::Open,
        });
        item.version += 1;
        item.updated_at = now;
        item.run_id = run.id;
        item.field = record.why.field;
        item.reason = record.why.reason.to_owned();
        item.detail = record.why.detail;
        item.raw = RawJson(record.raw);
        item.last_seen_at = now;
        item.attempts += 1;
        item.state = QuarantineState::Open;
        if is_known {
            known.push(item)
        } else {
            fresh.push(item)
        }
    }
    for (_, mut item) in stored {
        if item.state == QuarantineState::Open && good.contains(&item.external_id.as_str()) {
            item.version += 1;
            item.updated_at = now;
            item.state = QuarantineState::Resolved;
            known.push(item);
        }
    }
    tx.of::<QuarantineItem>()
        .save_all(&fresh, SaveRule::Insert)
        .await?;
    tx.of::<QuarantineItem>()
        .save_all(&known, SaveRule::Update)
        .await?;
    Ok(())
}
