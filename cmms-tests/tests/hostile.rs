//! Thousands of records that nobody would send on purpose, beside as many good ones: all good ones are stored, every
//! other one is stored as it is or waits in quarantine with field and reason, and nothing stops.

use cmms::core::clock::SystemClock;
use cmms::core::ports::adapter::ExternalRecord;
use cmms::core::services::copy::copy;
use cmms::{Client, Config, Entity, ListWorkOrders, SyncStatus};
use cmms_tests::listed::{Bench, record};
use cmms_tests::{Where, release_tier};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const SEED: u64 = 20_260_601;
const FIELDS: &[&str] = &[
    "title",
    "description",
    "asset",
    "priority",
    "status",
    "reason",
    "type",
    "location",
    "assignee",
    "team",
    "requester",
    "start",
    "end",
    "due",
    "hours",
    "budget",
    "cost",
    "done",
    "safety",
    "tags",
    "fields",
    "number",
    "unmapped",
];

/// A value of JSON that is odd for most fields, as a text of JSON.
fn value(rng: &mut Rng) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    match rng.u8(..26) {
        0 => "null".to_owned(),
        1 => rng.bool().to_string(),
        2 => rng.i64(..).to_string(),
        3 => rng.u64(..).to_string(),
        4 => format!("{}{}", rng.u64(..), rng.u64(..)),
        5 => format!("{:e}", f64::from_bits(rng.u64(..))),
        6 => format!("-{}.{}e-{}", rng.u8(..), rng.u32(..), rng.u16(..)),
        7 => format!("1e{}", rng.u16(300..2_000)),
        8 => [
            "NaN",
            "Infinity",
            "-Infinity",
            "undefined",
            "01",
            "1.",
            "'x'",
        ][rng.usize(..7)]
        .to_owned(),
        9 => quoted(&"x".repeat(rng.usize(..40_000))),
        10 => quoted(&"é\u{301}𝕏\u{200b}\u{202e}".repeat(rng.usize(1..300))),
        11 => quoted(
            &(0..rng.usize(1..40))
                .map(|_| rng.char(..))
                .collect::<String>(),
        ),
        12 => quoted(
            [
                "\0",
                "a\0b",
                "a\nb\tc",
                "\u{1b}[2J",
                "\u{7f}",
                "\u{feff}x",
                "  ",
            ][rng.usize(..7)],
        ),
        13 => [
            "\"\\ud800\"",
            "\"\\udfff\\ud800\"",
            "\"\\u0000\"",
            "\"\\x\"",
            "\"a\tb\"",
            "\"a\0b\"",
        ][rng.usize(..6)]
        .to_owned(),
        14 => quoted(
            [
                "'; DROP TABLE work_orders; --",
                "{{7*7}}",
                "../../etc/passwd",
                "<script>",
            ][rng.usize(..4)],
        ),
        15 => quoted(
            [
                "0000-00-00",
                "-4714-01-01T00:00:00Z",
                "9999-12-31T23:59:60Z",
                "+262142-01-01T00:00:00Z",
            ][rng.usize(..4)],
        ),
        16 => quoted(
            [
                "9999-12-31T23:59:59.999999999Z",
                "0001-01-01T00:00:00+14:00",
                "2026-02-30",
                "20261130",
            ][rng.usize(..4)],
        ),
        17 => rng.i64(-(1 << 55)..1 << 55).to_string(),
        18 => deep(rng.usize(1..60)),
        19 => deep(rng.usize(60..140)),
        20 => deep(rng.usize(140..4_000)),
        21 => format!(
            "{{{}:{}}}",
            quoted(&rng.char(..).to_string().repeat(rng.usize(1..400))),
            rng.u8(..)
        ),
        22 => "{\"\\u0000\":1}".to_owned(),
        23 => format!("[{}]", vec!["\"tag\""; rng.usize(..400)].join(",")),
        24 => format!("{{\"id\":{},\"name\":\"\"}}", rng.u32(..)),
        _ => format!("[{}]", vec!["null"; rng.usize(..20)].join(",")),
    }
}

/// A record with some odd fields, or one that is none.
fn hostile(rng: &mut Rng, n: usize) -> ExternalRecord {
    let raw = match rng.u8(..20) {
        0 => value(rng),
        1 => "{\"title\":\"cut".to_owned(),
        2 => String::new(),
        _ => {
            let mut fields = BTreeMap::from([("title", format!("\"hostile {n}\""))]);
            for _ in 0..rng.usize(1..4) {
                fields.insert(FIELDS[rng.usize(..FIELDS.len())], value(rng));
            }
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{name:?}:{value}"));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
    };
    let id = match rng.u8(..40) {
        0 => None,
        1 => Some(format!("h{n}{}", "\0".repeat(rng.usize(1..3)))),
        2 => Some(format!("h{n}{}", "x".repeat(rng.usize(150..5_000)))),
        3 => Some(format!("h{n} é𝕏'\"; --%_")),
        _ => Some(format!("h{n}")),
    };
    let (updated_at, raw) = (None, raw.into());
    ExternalRecord {
        listed_archived: None,
        external_id: id,
        updated_at,
        raw,
    }
}

async fn come_in(place: Where, count: usize) {
    let bench = Bench::new(place).await;
    let mut rng = Rng::with_seed(SEED);
    let good = (0..count).map(|n| {
        let title = format!("good {n}");
        record(
            &format!("g{n}"),
            json!({ "title": title, "due": "2026-05-01T08:00:00Z", "cost": 12.5 }),
        )
    });
    let mut records: Vec<_> = good
        .chain((0..count).map(|n| hostile(&mut rng, n)))
        .collect();
    rng.shuffle(&mut records);
    let pages = records.chunks(1_000).map(<[_]>::to_vec).collect();
    bench.vendor.list(Entity::WorkOrder, pages);
    let run = bench.sync().await;
    assert_eq!(run.status, SyncStatus::Partial, "{run:?}");

    let stored = stored(&bench.client).await;
    let waiting = bench.quarantine().await;
    for n in 0..count {
        assert_eq!(
            stored.get(&format!("g{n}")),
            Some(&format!("good {n}")),
            "all good ones are stored"
        );
    }
    // Each of the others is in one of the two places; those without an id that is kept wait under another.
    let named = |r: &&ExternalRecord| {
        r.external_id
            .as_ref()
            .is_some_and(|id| stored.contains_key(id) || waiting.contains_key(id))
    };
    let nameless = records.iter().filter(|r| !named(r)).count();
    let digests = waiting
        .keys()
        .filter(|id| id.starts_with("digest:"))
        .count();
    let raws: std::collections::BTreeSet<_> = records
        .iter()
        .filter(|r| !named(r))
        .map(|r| &r.raw)
        .collect();
    assert_eq!(digests, raws.len(), "of {nameless}");
    assert_eq!(run.created as usize, stored.len());
    assert_eq!(run.quarantined as usize, waiting.len());
    assert!(
        stored.len() > count + count / 10,
        "some are only odd: {}",
        stored.len() - count
    );
    for item in waiting.values() {
        assert!(
            !item.reason.is_empty() && !item.detail.is_empty(),
            "{item:?}"
        );
        let answer = serde_json::to_string(item).unwrap();
        serde_json::from_str::<Value>(&answer).unwrap();
        assert_ne!(item.reason, "mapping_fault", "{item:?}");
        assert_ne!(item.reason, "store_refused", "{item:?}");
    }
    println!(
        "{place:?}: {} good, {} odd ones stored, {} in quarantine",
        count,
        stored.len() - count,
        waiting.len()
    );

    // What waits can be tried again and left out.
    for item in waiting.values().take(60) {
        let again = bench.client.quarantine().retry(item.id).await.unwrap();
        assert_eq!(
            (again.attempts, &again.reason),
            (item.attempts + 1, &item.reason)
        );
    }
    let again = bench.force().await;
    let told = (again.created, again.updated, again.unchanged);
    assert_eq!(told, (0, 0, run.created), "{:?}", again.streams);
    for item in waiting.values().take(60) {
        bench.client.quarantine().discard(item.id).await.unwrap();
    }

    // All of it goes to another store.
    for target in [Where::Memory, Where::Sqlite, Where::Postgres] {
        let (to, _folder) = Bench::store(target).await;
        copy(&*bench.store, &*to, &SystemClock::default(), |done| {
            assert_eq!(done.refused, [])
        })
        .await
        .unwrap();
        let config = Config::from_pairs([("USER", "tester".to_owned())]).unwrap();
        let copied = Client::builder(Arc::clone(&to))
            .config(config)
            .build()
            .await
            .unwrap();
        assert_eq!(self::stored(&copied).await, stored);
    }
}

/// The titles of all orders, by the vendor's id.
async fn stored(client: &cmms::Client) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut ask = ListWorkOrders::new().limit(500_u32);
    loop {
        let page = client.work_orders().list(ask.clone()).await.unwrap();
        let orders = page.items.into_iter();
        all.extend(orders.map(|mut o| (o.external.remove(0).external_id, o.title)));
        match page.next {
            Some(cursor) => ask = ask.cursor(cursor),
            None => return all,
        }
    }
}

fn count() -> usize {
    if release_tier() { 10_000 } else { 1_500 }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_records_stop_no_good_one_in_memory() {
    come_in(Where::Memory, count()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_records_stop_no_good_one_on_sqlite() {
    come_in(Where::Sqlite, count()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_records_stop_no_good_one_on_postgresql() {
    come_in(Where::Postgres, count()).await;
}
