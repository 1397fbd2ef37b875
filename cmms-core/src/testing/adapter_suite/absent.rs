//! Fields that the vendor leaves out.

use super::application::{Application, Columns, assert_stored};
use super::record_text::{at, put, remove};
use super::rig::{PATIENT, Rig, readable};
use crate::code;
use crate::domain::entity::Entity;
use crate::domain::sync_run::{SyncRun, SyncStatus};
use crate::mapping::{FieldRule, Transform};
use crate::record::Cell;
use serde_json::Value;
use std::collections::BTreeMap;

/// The kind of record, as the vendor has it, and what the adapter's mapping says of it.
struct Kind<'r> {
    rig: &'r dyn Rig,
    entity: Entity,
    records: BTreeMap<String, Value>,
    rules: Vec<FieldRule>,
}

impl Kind<'_> {
    fn paths(&self) -> impl Iterator<Item = (String, &FieldRule)> {
        let each = |rule: &FieldRule| rule.sources.iter().map(ToString::to_string).collect();
        self.rules.iter().flat_map(move |rule| {
            let paths: Vec<String> = each(rule);
            paths.into_iter().map(move |path| (path, rule))
        })
    }

    /// The last rule of each target, which says what it means that a record is silent about it.
    fn targets(&self) -> BTreeMap<&'static str, &FieldRule> {
        self.rules.iter().map(|rule| (rule.target, rule)).collect()
    }

    /// The record that has the most values.
    fn fullest(&self) -> &str {
        let values = |record: &Value| {
            let has = |path: &str| at(record, path).is_some_and(|v| !v.is_null() && *v != "");
            self.paths().filter(|(path, _)| has(path)).count()
        };
        let fullest = self.records.iter().max_by_key(|(_, r)| values(r));
        fullest.unwrap().0
    }

    /// Whether another record names what a rule reads.
    fn is_named_besides(&self, id: &str, rule: &FieldRule) -> bool {
        let names = |record: &Value| {
            let mut paths = rule.sources.iter().map(ToString::to_string);
            paths.any(|path| at(record, &path).is_some())
        };
        self.records.iter().any(|(i, r)| i != id && names(r))
    }

    fn serve(&self, id: &str, change: impl Fn(&mut Value, &str, &FieldRule)) {
        let mut record = self.records[id].clone();
        for (path, rule) in self.paths() {
            change(&mut record, &path, rule);
        }
        self.rig.serve(self.entity, id, &record.to_string());
    }

    fn restore(&self) {
        for (id, record) in &self.records {
            self.rig.serve(self.entity, id, &record.to_string());
        }
    }
}

fn gone(run: &SyncRun) -> usize {
    let told = run.errors.0.iter();
    told.filter(|e| e.code == code::FIELD_GONE.id()).count()
}

/// A field that one record does not name stays, or is empty where the vendor leaves out what is empty; null empties it;
/// and what vanished from all records is told and stays in all.
pub async fn absent_fields_are_no_empty_fields(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    for entity in readable(&*adapter) {
        let read = |(id, raw): (String, String)| (id, serde_json::from_str(&raw).unwrap());
        let kind = Kind {
            rig,
            entity,
            records: rig.records(entity).into_iter().map(read).collect(),
            rules: adapter.default_mapping(entity).unwrap().rules.clone(),
        };
        let site = Application::connected(rig).await;
        assert_eq!(site.force().await.status, SyncStatus::Ok);
        let set = site.stored(entity).await;
        let id = kind.fullest();
        // Emptied at the vendor.
        kind.serve(id, |record, path, rule| {
            if !rule.required {
                put(record, path, Value::Null);
            }
        });
        let run = site.force().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        let emptied = site.stored(entity).await;
        let is_empty = |row: &Columns, target: &str| row[target] == Cell::Null;
        for (target, rule) in kind.targets() {
            let has_word = matches!(&rule.transform, Transform::Words(w) if w.missing.is_some());
            let may_be_empty = kind.records.len() == set.len() && !rule.required && !has_word;
            if may_be_empty && !is_list(&set[id][target]) {
                assert!(is_empty(&emptied[id], target), "{entity}.{target}: null");
            }
        }
        kind.restore();
        site.force().await;
        assert_stored(
            &site.stored(entity).await,
            &set,
            &format!("{entity}: back again"),
        );
        // Absent in one record.
        kind.serve(id, |record, path, _| remove(record, path));
        let run = site.force().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        let absent = site.stored(entity).await;
        for (target, rule) in kind.targets() {
            let want = match rule.clears {
                true if kind.is_named_besides(id, rule) => &emptied[id][target],
                _ => &set[id][target],
            };
            assert_eq!(&absent[id][target], want, "{entity}.{target}: absent");
        }
        kind.restore();
        site.force().await;
        assert_stored(
            &site.stored(entity).await,
            &set,
            &format!("{entity}: back again"),
        );
        // Vanished from all.
        for id in kind.records.keys() {
            kind.serve(id, |record, path, _| remove(record, path));
        }
        let run = site.force().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        assert!(gone(&run) > 0, "{entity}: it is not told: {run:?}");
        assert_stored(
            &site.stored(entity).await,
            &set,
            &format!("{entity}: all vanished"),
        );
        kind.restore();
        let run = site.force().await;
        assert_eq!((run.status, gone(&run)), (SyncStatus::Ok, 0), "{run:?}");
        assert_stored(
            &site.stored(entity).await,
            &set,
            &format!("{entity}: back again"),
        );
    }
}

/// Columns of lists and objects are never null.
fn is_list(cell: &Cell<'_>) -> bool {
    matches!(cell, Cell::Json(_))
}
