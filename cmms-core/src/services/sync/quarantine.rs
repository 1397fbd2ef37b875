//! Records that cannot be stored: kept with field and reason, never in the way of the others.

use super::run::error_of;
use crate::domain::entity::Entity;
use crate::domain::sync_run::{RunError, SyncRun};
use crate::domain::sync_state::{QuarantineItem, QuarantineKey, QuarantineState};
use crate::ids::{ConnectionId, QuarantineId};
use crate::mapping::MapError;
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Query, SaveRule, Tx};
use crate::record::{Cell, Digest, Field, RawJson};
use crate::services::app::App;
use crate::{Error, Result, code};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Begins the id that a record without one is known by.
pub(super) const NAMELESS: &str = "digest:";
/// The longest name of a field that is kept, in characters.
const FIELD: usize = 300;
/// The longest detail that is kept, in characters.
const DETAIL: usize = 2_000;

/// A record that cannot be stored.
#[derive(Debug)]
pub(super) struct Bad {
    /// The vendor's id, or a digest where it has none.
    pub(super) external_id: String,
    /// When the vendor last changed it.
    pub(super) updated_at: Option<DateTime<Utc>>,
    /// The record.
    pub(super) raw: Box<str>,
    /// Why.
    pub(super) why: MapError,
}

/// How records came to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Met {
    /// The vendor sent them.
    #[default]
    AtVendor,
    /// They waited and were mapped again, as every sync does. What fails as before is left as it is.
    Again,
    /// Somebody asked for it.
    Retry,
}

/// The keys of the records that wait.
pub(super) async fn open_keys(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entities: &[Entity],
) -> Result<Vec<QuarantineKey>> {
    let open = Filter::And(vec![
        Filter::eq(QuarantineKey::STATE, QuarantineState::Open.cell()),
        Filter::eq(QuarantineKey::CONNECTION_ID, connection.cell()),
        Filter::In(
            QuarantineKey::ENTITY,
            entities.iter().map(Field::cell).collect(),
        ),
    ]);
    tx.of::<QuarantineKey>().list(&Query::filter(open)).await
}

/// How many records wait.
pub(super) async fn waiting(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entities: &[Entity],
) -> Result<usize> {
    open_keys(tx, connection, entities).await.map(|k| k.len())
}

/// Whether a record of this run went to quarantine, also one that came in good later.
pub(super) fn is_noted(run: &SyncRun) -> bool {
    let refused = |e: &RunError| e.code == code::RECORD_REFUSED.id();
    run.streams.0.iter().any(|s| s.quarantined > 0) || run.errors.0.iter().any(refused)
}

/// The quarantined records of these vendor ids.
pub(super) async fn stored(
    tx: &mut Box<dyn Tx>,
    connection: ConnectionId,
    entity: Entity,
    ids: impl Iterator<Item = &str>,
) -> Result<BTreeMap<String, QuarantineItem>> {
    let keys: Vec<_> = ids
        .map(|id| [connection.cell(), entity.cell(), Cell::text(id)])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let found = tx.of::<QuarantineItem>().get_all(&keys).await?;
    Ok(found
        .into_iter()
        .map(|item| (item.external_id.clone(), item))
        .collect())
}

/// Keeps bad records, and ends the waiting of those that came in good. Answers the ids of the bad ones that the
/// vendor sent, but for those that somebody decided to leave out.
#[expect(
    clippy::too_many_arguments,
    reason = "each says one thing about the page at hand"
)]
pub(super) async fn settle(
    app: &App,
    tx: &mut Box<dyn Tx>,
    run: &mut SyncRun,
    entity: Entity,
    bad: Vec<Bad>,
    good: &[&str],
    met: Met,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let connection = run.cmms_connection_id;
    let ids = bad.iter().map(|b| b.external_id.as_str());
    let ids = ids.chain(good.iter().copied());
    let mut stored = stored(tx, connection, entity, ids).await?;
    let mut refused = Vec::new();
    let mut fresh = Vec::new();
    let mut known = Vec::new();
    let mut met_here = BTreeSet::new();
    for mut record in bad {
        record.why = shown(record.why);
        // Two records without an id may look like one and the same that was edited.
        let whole = whole_id(&record.raw);
        let raw = RawJson::carrying(std::mem::take(&mut record.raw));
        let is_other = |item: &QuarantineItem| item.run_id == run.id && item.raw != raw;
        let taken = stored.get(&record.external_id).is_some_and(is_other);
        if record.external_id.starts_with(NAMELESS) && met == Met::AtVendor && taken
            || !met_here.insert(record.external_id.clone())
        {
            record.external_id = whole;
            if !met_here.insert(record.external_id.clone()) {
                continue;
            }
        }
        let before = stored.remove(&record.external_id);
        if before
            .as_ref()
            .is_some_and(|item| stays(item, &record, &raw, met))
        {
            continue;
        }
        if met == Met::AtVendor {
            refused.push(record.external_id.clone());
            // A record that comes once more is told once more only for another reason.
            let is_told = |item: &QuarantineItem| {
                item.run_id == run.id
                    && item.state == QuarantineState::Open
                    && fails_so(item, &record.why)
            };
            if !before.as_ref().is_some_and(is_told) {
                let e = Error::from(record.why.clone());
                run.add_error(error_of(&e, Some(entity), Some(&record.external_id)));
            }
        }
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
            vendor_updated_at: None,
            first_seen_at: now,
            last_seen_at: now,
            attempts: 0,
            state: QuarantineState::Open,
        });
        item.version += 1;
        item.updated_at = now;
        item.field = record.why.field;
        item.reason = record.why.reason.to_owned();
        item.detail = record.why.detail;
        item.raw = raw;
        item.vendor_updated_at = record.updated_at;
        if met == Met::AtVendor {
            item.run_id = run.id;
            item.last_seen_at = now;
        }
        item.attempts += 1;
        item.state = QuarantineState::Open;
        if is_known {
            known.push(item)
        } else {
            fresh.push(item)
        }
    }
    for (_, mut item) in stored {
        let waits = item.state == QuarantineState::Open || met == Met::Retry;
        if waits && good.contains(&item.external_id.as_str()) {
            item.version += 1;
            item.updated_at = now;
            item.state = QuarantineState::Resolved;
            known.push(item);
        }
    }
    if !fresh.is_empty() {
        tx.of::<QuarantineItem>()
            .save_all(&fresh, SaveRule::Insert)
            .await?;
    }
    if !known.is_empty() {
        tx.of::<QuarantineItem>()
            .save_all(&known, SaveRule::Update)
            .await?;
    }
    Ok(refused)
}

/// The id of a record without one, from all of it.
pub(super) fn whole_id(raw: &str) -> String {
    nameless_id(&[raw.as_bytes()])
}

/// The id of a record without one, from some of its parts.
pub(super) fn nameless_id(parts: &[&[u8]]) -> String {
    format!("{NAMELESS}{}", Digest::of(parts))
}

/// Whether a record that is met again changes nothing about its quarantine.
fn stays(item: &QuarantineItem, record: &Bad, raw: &RawJson, met: Met) -> bool {
    let same = item.raw == *raw;
    match met {
        // Somebody decided to leave exactly this form of the record out.
        Met::AtVendor => item.state == QuarantineState::Discarded && same,
        Met::Again => same && fails_so(item, &record.why),
        Met::Retry => false,
    }
}

/// Field and detail as they can be kept and shown: they hold names and values of the vendor.
pub(super) fn shown(why: MapError) -> MapError {
    MapError {
        field: fit(why.field, FIELD),
        detail: fit(why.detail, DETAIL),
        reason: why.reason,
    }
}

/// A text without control characters, cut behind so many characters.
fn fit(text: String, most: usize) -> String {
    if text.len() <= most && !text.chars().any(char::is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len().min(most));
    for letter in text.chars().take(most) {
        match letter.is_control() {
            true => shown.extend(letter.escape_unicode()),
            false => shown.push(letter),
        }
    }
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether an item has this reason.
fn fails_so(item: &QuarantineItem, why: &MapError) -> bool {
    (&item.field, item.reason.as_str(), &item.detail) == (&why.field, why.reason, &why.detail)
}
