//! Values that vendors send and careless readers get wrong, and what comes of them here.

use super::application::{Application, Columns, assert_stored};
use super::record_text::with;
use super::rig::{PATIENT, Rig, assert_same, by_id, first, pages, readable};
use crate::domain::sync_run::SyncStatus;
use crate::domain::sync_state::{ExternalLink, QuarantineItem};
use crate::mapping::{FieldRule, Transform};
use crate::ports::adapter::Remark;
use crate::record::{Cell, Field as _};
use crate::services::mappings::CreateMapping;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The number of a SIM card: 67 bits.
const LARGE: &str = "89014103211118510720";

/// What becomes of a value.
enum Becomes {
    /// It is stored so.
    Stored(Cell<'static>),
    /// It is stored so, and the vendor's own value stays beside it.
    Beside(Option<Cell<'static>>),
    /// Its record goes into quarantine with this reason and a detail that has these words.
    Refused(&'static str, &'static str),
}
use Becomes::{Beside, Refused, Stored};

/// Puts each of the values that `values` has for a rule in a record of its own, and checks what comes of it: in the
/// fields of this record, and of no other.
async fn come_to(rig: &dyn Rig, values: impl Fn(&FieldRule) -> Vec<(&'static str, Becomes)>) {
    let adapter = rig.adapter(PATIENT);
    let mut tried = 0;
    for entity in readable(&*adapter) {
        let site = Application::connected(rig).await;
        assert_eq!(site.force().await.status, SyncStatus::Ok);
        let before = site.stored(entity).await;
        let served = rig.records(entity);
        let mut records = served.iter();
        let mut cases = Vec::new();
        for rule in &adapter.default_mapping(entity).unwrap().rules {
            for (value, becomes) in values(rule) {
                let path = rule.sources[0].to_string();
                let (id, raw) = records.next().unwrap();
                rig.serve(entity, id, &with(raw, &path, value));
                cases.push((id, path, rule.target, value, becomes));
            }
        }
        tried += cases.len();
        let run = site.force().await;
        let (after, links) = (site.stored(entity).await, site.links(entity).await);
        let waiting = site.quarantine().await;
        for (id, path, target, value, becomes) in &cases {
            let about = format!("{entity}: {value} in {path}, which becomes {target}");
            let here: (&Columns, &ExternalLink) = (&after[*id], &links[*id]);
            check(&about, path, target, becomes, here, waiting.get(*id));
            if waiting.contains_key(*id) {
                assert_eq!(after[*id], before[*id], "{about}: half of it is stored");
            }
        }
        let changed: BTreeSet<_> = cases.iter().map(|(id, ..)| id.as_str()).collect();
        for (id, row) in before
            .iter()
            .filter(|(id, _)| !changed.contains(id.as_str()))
        {
            assert_eq!(after[id], *row, "{entity} {id}");
        }
        let refused = cases.iter().filter(|(.., b)| matches!(b, Refused(..)));
        assert_eq!(run.quarantined, refused.count() as i64, "{run:?}");
        for (id, raw) in &served {
            rig.serve(entity, id, raw);
        }
    }
    assert!(tried > 0, "no rule of the mapping reads such values");
}

fn check(
    about: &str,
    path: &str,
    target: &str,
    becomes: &Becomes,
    (row, link): (&Columns, &ExternalLink),
    waiting: Option<&QuarantineItem>,
) {
    let detail = waiting.map(|item| &item.detail);
    let is_refused = matches!(becomes, Refused(..));
    assert_eq!(
        detail.is_some(),
        is_refused,
        "{about}: {detail:?}, {:?}",
        row[target]
    );
    match (becomes, waiting) {
        (Refused(reason, words), Some(item)) => {
            let told = (item.field.as_str(), item.reason.as_str());
            assert_eq!(told, (path, *reason), "{about}: {}", item.detail);
            assert!(item.detail.contains(words), "{about}: {}", item.detail);
        }
        (Stored(cell), None) => assert_eq!(row[target], *cell, "{about}"),
        (Beside(cell), None) => {
            assert!(link.vendor_values.contains_key(target), "{about}: is lost");
            if let Some(cell) = cell {
                assert_eq!(row[target], *cell, "{about}");
            }
        }
        _ => {}
    }
}

fn time(at: &str) -> Cell<'static> {
    let at: DateTime<Utc> = at.parse().unwrap();
    at.cell().into_owned()
}

/// Large numbers keep their digits where they are texts and are refused where they would be rounded; what arithmetic
/// left of money is rounded away; 3.0 is 3, and -3 is not.
pub async fn numbers_are_what_the_vendor_wrote(rig: &dyn Rig) {
    come_to(rig, |rule| match &rule.transform {
        Transform::Text | Transform::Id | Transform::Name => {
            vec![
                (LARGE, Stored(Cell::text(LARGE).into_owned())),
                ("17.0", Stored(Cell::text("17").into_owned())),
            ]
        }
        Transform::Number => vec![
            (LARGE, Refused("large_number", "as text")),
            ("0.9333333333333333", Stored(Cell::Real(14.0 / 15.0))),
        ],
        Transform::Object => vec![(
            r#"{"sim": 89014103211118510720}"#,
            Refused("large_number", "as text"),
        )],
        Transform::Money => vec![
            ("0.30000000000000004", Beside(Some(Cell::Int(3_000)))),
            (
                r#""12345678901234.5678""#,
                Stored(Cell::Int(123_456_789_012_345_678)),
            ),
            ("12345678901234.5", Refused("bad_number", "as text")),
        ],
        Transform::Time => vec![("1767225600000.0", Stored(time("2026-01-01T00:00:00Z")))],
        Transform::Words(words) if words.table.iter().any(|(theirs, _)| *theirs == "3") => {
            vec![("-3", Beside(None))]
        }
        _ => Vec::new(),
    })
    .await;
}

/// A time that is unlikely for its unit, or that no calendar has, is refused with the unit that it looks like.
pub async fn unlikely_times_are_refused(rig: &dyn Rig) {
    come_to(rig, |rule| match &rule.transform {
        Transform::Time => vec![
            ("0", Refused("bad_date", "no time at all")),
            ("1767225600", Refused("bad_date", "unix_s")),
            (r#""20261130""#, Refused("bad_date", "basic_date")),
            (r#""9999-12-31T23:59:60Z""#, Refused("bad_date", "")),
            (r#""2016-12-31T23:59:60Z""#, Refused("bad_date", "")),
            (r#""10000-01-01T00:00:00Z""#, Refused("bad_date", "")),
            (r#""-4714-01-01T00:00:00Z""#, Refused("bad_date", "")),
            (
                r#""9999-12-31T23:59:59Z""#,
                Stored(time("9999-12-31T23:59:59Z")),
            ),
            (
                r#""0001-01-01T00:00:00Z""#,
                Stored(time("0001-01-01T00:00:00Z")),
            ),
        ],
        Transform::Date => vec![
            (r#""2026-02-30""#, Refused("bad_date", "")),
            (r#""9999-12-31T23:59:60Z""#, Refused("bad_date", "")),
        ],
        _ => Vec::new(),
    })
    .await;
}

/// Members of a record that no store keeps or nobody can read, each with the reason.
fn poison() -> Vec<(String, &'static str)> {
    let deep = |levels: usize| format!(r#""x":{}1{}"#, "[".repeat(levels), "]".repeat(levels));
    let plain = |member: &str, reason| (member.to_owned(), reason);
    vec![
        plain(r#""fi\u0000eld":1"#, "nul_character"),
        plain(r#""x":{"y":"\u0000"}"#, "nul_character"),
        plain("\"x\":\"a\0b\"", "unreadable"),
        plain("\"x\":\"a\tb\"", "unreadable"),
        plain(r#""x":1e999"#, "unreadable"),
        plain(r#""x":NaN"#, "unreadable"),
        plain(r#""x":-Infinity"#, "unreadable"),
        plain(r#""x":"\ud800""#, "unreadable"),
        (deep(64), "too_deep"),
        (deep(100), "too_deep"),
        (deep(5_000), "unreadable"),
        // By the rule of a mapping it is in the year 10000.
        plain(r#""local":"9999-12-31T23:59:59Z""#, "out_of_range"),
    ]
}

/// A record that no store keeps, that nobody can read or on which a rule fails goes into quarantine as it was sent, and
/// stops no other.
pub async fn odd_records_stop_no_other(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    for entity in readable(&*adapter) {
        let site = Application::connected(rig).await;
        let rule = json!({
            "type": "date_format", "from": "rfc3339", "to": "%Y-%m-%d %H:%M", "timezone": "Asia/Tokyo",
        });
        let target = format!("{entity}.custom_fields.local");
        let mapping = CreateMapping::new(site.connection.id, "local", target);
        let mapping = mapping.transformation_rule(rule);
        site.client.mappings().create(mapping).await.unwrap();
        assert_eq!(site.force().await.status, SyncStatus::Ok);
        let (before, served) = (site.stored(entity).await, rig.records(entity));
        let poison = poison();
        // One of a kind in each part of the list.
        let each = served.len() / poison.len();
        let odd: Vec<_> = served.iter().step_by(each.max(1)).zip(&poison).collect();
        assert_eq!(odd.len(), poison.len(), "the rig has too few records");
        for ((id, raw), (member, _)) in &odd {
            let rest = raw.strip_prefix('{').unwrap();
            rig.serve(entity, id, &format!("{{{member},{rest}"));
        }
        let (cx, req) = (rig.connection(), first(entity, None));
        let whole = pages(&*adapter, &cx, req).await.unwrap();
        let given = by_id(whole.into_iter().flat_map(|page| page.records));
        assert_same(&given, &rig.records(entity), entity.as_str());
        let run = site.force().await;
        let told = (run.status, run.quarantined);
        assert_eq!(told, (SyncStatus::Partial, odd.len() as i64), "{run:?}");
        let waiting = site.quarantine().await;
        for ((id, _), (member, reason)) in &odd {
            let item = &waiting[*id];
            let about: String = member.chars().take(40).collect();
            assert_eq!(item.reason, *reason, "{about}: {}", item.detail);
            assert_eq!(item.raw.text(), given[*id], "{about}");
            let again = site.client.quarantine().retry(item.id).await.unwrap();
            assert_eq!(again.reason, *reason, "{about}: {}", again.detail);
            // Every language reads the answer.
            let text = serde_json::to_string(&again).unwrap();
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "{about}");
        }
        assert_stored(&site.stored(entity).await, &before, entity.as_str());
        for ((id, raw), _) in &odd {
            rig.serve(entity, id, raw);
        }
        let run = site.force().await;
        assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
        assert!(site.quarantine().await.is_empty());
    }
}

/// Where the vendor does not heed a filter that the adapter asks for, that is noticed on the first page and told: no
/// record is read twice.
pub async fn filters_that_are_not_heeded_are_noticed_on_the_first_page(rig: &dyn Rig) {
    let mut told = 0;
    let mut counts = Vec::new();
    let mut has_filters = false;
    for heeded in [true, false] {
        has_filters = rig.heed_filters(heeded);
        let adapter = rig.adapter(PATIENT);
        for (at, entity) in readable(&*adapter).into_iter().enumerate() {
            let before = rig.requests();
            let req = first(entity, None);
            let whole = pages(&*adapter, &rig.connection(), req).await.unwrap();
            let remarks = whole.iter().flat_map(|page| &page.remarks);
            let ignored = remarks.filter(|r| matches!(r, Remark::Ignored(_))).count();
            let records = whole.into_iter().flat_map(|page| page.records);
            let records: Vec<_> = records.collect();
            let given = by_id(records.clone());
            assert_eq!(records.len(), given.len(), "{entity} is read twice");
            let asked = rig.requests() - before;
            if heeded {
                assert_eq!(ignored, 0, "{entity}: all is heeded");
                assert_same(&given, &rig.records(entity), entity.as_str());
                counts.push(asked);
                continue;
            }
            told += ignored;
            let most = counts[at] + 1;
            assert!(asked <= most, "{entity}: {asked} requests, not {most}");
            if ignored == 0 {
                assert_same(&given, &rig.records(entity), entity.as_str());
            }
        }
    }
    rig.heed_filters(true);
    assert_eq!(told > 0, has_filters, "{told} filters are told");
}
