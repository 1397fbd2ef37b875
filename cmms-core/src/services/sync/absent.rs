//! Fields that records do not name.
//!
//! What such a record means is said by the mapping: mostly nothing, so that what was pulled before stays; or that there
//! is no value, where the vendor leaves out what is empty. The latter is believed of a field only where some record of
//! the run names it. Else the vendor may have renamed it or stopped sending it, and all of its values would go: so they
//! stay until a record names it, or until the end where the run had few records. A record of which values stay in this
//! way gets a digest of its own, so that it is mapped again when it comes again.

use super::batch::commit_again;
use super::run::error_of;
use super::sieve::{SievedPage, digest};
use super::stream::Stream;
use super::synced::Synced;
use super::write::{Item, Stored};
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::ExternalLink;
use crate::failpoint::{Failpoint, is_on};
use crate::mapping::{AbsentField, Compiled, Mapped, MappedMember};
use crate::ports::adapter::ExternalRecord;
use crate::ports::repository::TxExt;
use crate::ports::store::TxMode;
use crate::record::{Cell, Digest, Field, RawJson};
use crate::services::snapshot::{self as kept, Pulled};
use crate::{Error, Result, code};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// From so many records on, a field that none of them names counts as gone rather than as empty in all.
const MANY: u64 = 20;
/// The most ids of records that are remembered, for all fields together.
const HELD_MAX: usize = 200_000;
/// Records that are mapped again together.
const CHUNK: usize = 200;
/// So many records that are as they are stored are read for nothing, at most, since each takes its time.
const IN_VAIN: u32 = 10_000;
/// So many records that are as they are stored are looked at for fields that are gone.
const SAMPLE: usize = 20;

/// What the records of a run name, of one kind.
#[derive(Debug, Clone)]
pub(super) struct NamedFields(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How many records were looked at.
    records: u64,
    /// The fields that none of them named.
    unnamed: Vec<usize>,
    /// Of these, those of which values stay that were pulled before.
    missed: BTreeSet<usize>,
    /// The ids of records whose value stays until it is known whether the field is gone, by field.
    held: BTreeMap<usize, BTreeSet<Box<str>>>,
    held_count: usize,
    /// The ids of some records that are as they are stored.
    sample: Vec<Box<str>>,
    /// How many records were read for nothing.
    in_vain: u32,
    /// Whether all records of the run were seen.
    is_whole: bool,
}

impl State {
    /// Whether it is believed of a field that it is empty where a record does not name it.
    fn believes(&self, field: usize) -> bool {
        !self.unnamed.contains(&field) || (self.is_whole && self.records < MANY)
    }

    fn hold(&mut self, fields: &[usize], id: &str) {
        for field in fields {
            // Beyond that a record waits for the next time that it comes.
            if self.held_count < HELD_MAX && self.held.entry(*field).or_default().insert(id.into())
            {
                self.held_count += 1;
            }
        }
    }
}

impl NamedFields {
    /// Nothing is seen yet.
    pub(super) fn new(mapping: &Compiled) -> Self {
        Self(Arc::new(Mutex::new(State {
            unnamed: (0..mapping.field_count()).collect(),
            ..State::default()
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a record names.
    pub(super) fn note(&self, mapping: &Compiled, record: &Value) {
        let mut state = self.state();
        state.records += 1;
        state.unnamed.retain(|field| !mapping.names(*field, record));
    }

    /// The same of a record that is as it is stored and was not read: it is, where it may name something new.
    pub(super) fn note_unchanged(&self, mapping: &Compiled, id: &str, raw: &str) {
        let mut state = self.state();
        state.records += 1;
        if state.sample.len() < SAMPLE {
            state.sample.push(id.into());
        }
        let may_name = |field: &usize| mapping.may_name(*field, raw);
        if state.in_vain < IN_VAIN
            && state.unnamed.iter().any(may_name)
            && let Ok(record) = serde_json::from_str::<Value>(raw)
        {
            let before = state.unnamed.len();
            state
                .unnamed
                .retain(|field| !mapping.names(*field, &record));
            state.in_vain += u32::from(state.unnamed.len() == before);
        }
    }

    /// Says that no more records come.
    pub(super) fn end(&self) {
        self.state().is_whole = true;
    }
}

/// Lets the fields that a record does not name be as they were pulled before, but for those that are empty by that.
/// Says whether the record is as it is stored then.
pub(super) fn keep<R: Synced>(
    item: &mut Item<R>,
    stored: &mut Stored<R>,
    named: &NamedFields,
) -> Result<bool> {
    if is_on(Failpoint::ClearAbsent) {
        return Ok(false);
    }
    item.mapped.archived = item.mapped.archived.or(Some(stored.archived));
    if item.mapped.is_number_absent {
        item.mapped.number = stored.number.take();
    }
    let absent = std::mem::take(&mut item.mapped.absent);
    let mut stays = Vec::new();
    let mut held = Vec::new();
    if !absent.is_empty() {
        let mut state = named.state();
        for field in absent {
            let Some(was_there) = is_to_stay::<R>(&field, &item.mapped, stored) else {
                continue;
            };
            if field.clears && state.believes(field.field) {
                continue;
            }
            if was_there && state.unnamed.contains(&field.field) {
                state.missed.insert(field.field);
            }
            if field.clears {
                held.push(field.field);
            }
            stays.push(field);
        }
        state.hold(&held, &item.external_id);
    }
    if stays.is_empty() {
        return Ok(false);
    }
    restore::<R>(&stays, item, stored)?;
    if held.is_empty() {
        return Ok(false);
    }
    item.digest = Digest::of(&[&item.digest.0, b"values stay"]);
    Ok(item.digest == stored.digest)
}

/// Whether a field that a record does not name would change by that, and whether the vendor had a value of it.
fn is_to_stay<R: Synced>(field: &AbsentField, mapped: &Mapped, stored: &Stored<R>) -> Option<bool> {
    let target = &*field.target;
    let before = pulled(&stored.snapshot, field);
    let made = made::<R>(mapped, field);
    if has_none(before.as_deref()) {
        // It is mapped for the first time, or the vendor had none: what stands in for it counts.
        return (before != made && has_none(made.as_deref())).then_some(false);
    }
    // What a mapping supplied gives way to what it supplies now.
    is_of_vendor(target, &stored.supplied, &stored.vendor_values).then_some(true)
}

fn has_none(value: Option<&str>) -> bool {
    value.is_none_or(|value| value == "null")
}

/// Whether the vendor had this value, rather than the mapping.
fn is_of_vendor(target: &str, supplied: &[String], beside: &Map<String, Value>) -> bool {
    beside.contains_key(target) || !supplied.iter().any(|name| name == target)
}

/// What was pulled of a field, in JSON.
fn pulled(snapshot: &Pulled, field: &AbsentField) -> Option<String> {
    match field.target.split_once('.') {
        Some((column, member)) if field.is_shared => {
            let fields = object(snapshot.get(column)?);
            fields.get(member).map(kept::of_value)
        }
        _ => snapshot.get(&field.target).map(str::to_owned),
    }
}

/// What the mapping made of a field, in JSON.
fn made<R: Synced>(mapped: &Mapped, field: &AbsentField) -> Option<String> {
    let reference = |r: &&crate::mapping::MappedRef| r.column == field.target;
    if let Some(reference) = mapped.references.iter().find(reference) {
        return Some(Value::from(reference.external_id.clone()).to_string());
    }
    let (column, member) = match field.target.split_once('.') {
        Some((column, member)) => (column, Some(member)),
        None => (&*field.target, None),
    };
    let place = R::TABLE.position(column)?;
    let cell = mapped.cells.iter().find(|(at, _)| *at == place);
    match (cell, member) {
        (Some((_, cell)), None) => Some(kept::of_cell(cell)),
        (Some((_, Cell::Json(text))), Some(member)) => object(text).get(member).map(kept::of_value),
        (_, Some(member)) => {
            let own = |m: &&MappedMember| m.place == place && &*m.name == member;
            let found = mapped.members.iter().find(own);
            found.map(|m| kept::of_value(&m.value))
        }
        (None, None) => None,
    }
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Puts what was pulled before in the place of what the mapping made of nothing.
fn restore<R: Synced>(
    stays: &[AbsentField],
    item: &mut Item<R>,
    stored: &mut Stored<R>,
) -> Result<()> {
    let mut snapshot = Pulled::read(&item.snapshot)?;
    let mapped = &mut item.mapped;
    for field in stays {
        let target = &*field.target;
        let beside = stored.vendor_values.remove(target);
        mapped.vendor_values.remove(target);
        mapped
            .vendor_values
            .extend(beside.map(|v| (target.to_owned(), v)));
        let was_supplied = stored.supplied.iter().any(|name| name == target);
        mapped.supplied.retain(|name| name != target);
        mapped
            .supplied
            .extend(was_supplied.then(|| field.target.clone()));
        if !field.is_shared {
            mapped.references.retain(|r| r.column != target);
            snapshot.put(target, stored.snapshot.get(target));
            item.stays.push(field.target.clone());
            continue;
        }
        // Its column is made of several fields, of which others may have changed.
        let (column, member) = match target.split_once('.') {
            Some((column, member)) => (column, Some(member)),
            None => (target, None),
        };
        let place = R::TABLE.position(column);
        let cell = mapped.cells.iter_mut().find(|(at, _)| Some(*at) == place);
        let Some((_, cell)) = cell else { continue };
        let mut before = object(stored.snapshot.get(column).unwrap_or_default());
        let made = match &*cell {
            Cell::Json(text) => object(text),
            _ => Map::new(),
        };
        let fields = match member {
            Some(member) => {
                let mut fields = made;
                fields.extend(before.remove_entry(member));
                fields
            }
            None => {
                before.extend(made);
                before
            }
        };
        *cell = fields.cell().into_owned();
        snapshot.put(column, Some(&kept::of_cell(cell)));
    }
    item.snapshot = snapshot.write()?;
    Ok(())
}

/// Empties what stayed and turned out to be empty, and tells which fields are gone.
pub(super) async fn settle<R: Synced>(stream: &mut Stream<'_, R>, run: &mut SyncRun) -> Result<()> {
    let (due, gone, records) = {
        let mut state = stream.named.state();
        let held = std::mem::take(&mut state.held);
        let believed = held.into_iter().filter(|(field, _)| state.believes(*field));
        let due: BTreeSet<Box<str>> = believed.flat_map(|(_, ids)| ids).collect();
        let gone = match state.records {
            many if many >= MANY => state.unnamed.clone(),
            _ => Vec::new(),
        };
        (due.into_iter().collect::<Vec<_>>(), gone, state.records)
    };
    for ids in due.chunks(CHUNK) {
        again(stream, run, ids).await?;
    }
    let had = had_values(stream, &gone).await?;
    for field in gone.into_iter().filter(|field| had.contains(field)) {
        let Some((source, target)) = stream.mapping.field(field) else {
            continue;
        };
        let detail = format!(
            "none of the {records} records of {} names {source}: {target} stays as it was",
            R::ENTITY
        );
        run.add_error(error_of(
            &Error::new(code::FIELD_GONE, detail),
            Some(R::ENTITY),
            None,
        ));
    }
    Ok(())
}

/// Which of these fields had values that were pulled.
async fn had_values<R: Synced>(
    stream: &Stream<'_, R>,
    fields: &[usize],
) -> Result<BTreeSet<usize>> {
    let (mut had, sample) = {
        let mut state = stream.named.state();
        (state.missed.clone(), std::mem::take(&mut state.sample))
    };
    if fields.iter().all(|field| had.contains(field)) || sample.is_empty() {
        return Ok(had);
    }
    for link in links(stream, &sample).await? {
        let snapshot = Pulled::read(&link.snapshot)?;
        let supplied = link.supplied.map(|s| s.0).unwrap_or_default();
        had.extend(fields.iter().filter(|field| {
            let target = stream.mapping.field(**field).map(|(_, target)| target);
            target.is_some_and(|target| {
                !has_none(snapshot.get(target))
                    && is_of_vendor(target, &supplied, &link.vendor_values)
            })
        }));
    }
    Ok(had)
}

/// What is stored of these records of the vendor.
async fn links<R: Synced>(stream: &Stream<'_, R>, ids: &[Box<str>]) -> Result<Vec<ExternalLink>> {
    let connection = stream.plan.connection.id;
    let keys: Vec<_> = ids
        .iter()
        .map(|id| [connection.cell(), R::ENTITY.cell(), Cell::text(id)])
        .collect();
    let keys: Vec<&[Cell<'_>]> = keys.iter().map(<[_; 3]>::as_slice).collect();
    let store = &stream.app.store;
    let mut tx = store.begin(&stream.cx.scope, TxMode::Snapshot).await?;
    tx.of::<ExternalLink>().get_all(&keys).await
}

/// Maps stored records again, now that it is known which fields are empty.
async fn again<R: Synced>(
    stream: &mut Stream<'_, R>,
    run: &mut SyncRun,
    ids: &[Box<str>],
) -> Result<()> {
    stream.cx.check()?;
    let links = links(stream, ids).await?;
    let mut page = SievedPage::waiting();
    for link in links {
        let RawJson(raw) = link.raw;
        let record = ExternalRecord {
            external_id: None,
            updated_at: link.vendor_updated_at,
            raw,
            listed_archived: None,
        };
        let digest = digest(&stream.mapping, &record);
        if digest == link.digest {
            // It came once more and named all.
            continue;
        }
        let known = Some(link.record_id);
        let (mapping, id) = (&stream.mapping, link.external_id);
        let item = Item::new(mapping, None, id, record, digest, known, false);
        page.items.extend(item.ok());
    }
    if page.items.is_empty() {
        return Ok(());
    }
    commit_again(stream, run, page).await
}

/// Whether a field stays as it was pulled.
pub(super) fn stays(fields: &[Cow<'static, str>], name: &str) -> bool {
    fields.iter().any(|field| field == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_believed_where_a_record_names_the_field_or_few_lack_it() {
        for (records, is_whole, unnamed, believed) in [
            (1, false, vec![], true),
            (1, false, vec![7], false),
            (MANY - 1, true, vec![7], true),
            (MANY, true, vec![7], false),
            (MANY, true, vec![6], true),
        ] {
            let state = State {
                records,
                is_whole,
                unnamed: unnamed.clone(),
                ..State::default()
            };
            assert_eq!(state.believes(7), believed, "{records} {unnamed:?}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut state = State::default();
        for id in 0..HELD_MAX + 100 {
            state.hold(&[1, 2], &id.to_string());
        }
        let held: usize = state.held.values().map(BTreeSet::len).sum();
        assert_eq!((held, state.held_count), (HELD_MAX, HELD_MAX));
    }
}
