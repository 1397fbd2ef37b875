//! Inserts: what goes in comes out, and what is taken stays.

use super::harness::{all, insert, key, save, scope, stored};
use crate::domain::asset::{Asset, AssetType};
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::setting::Setting;
use crate::domain::work_order::WorkOrder;
use crate::ids::{AssetId, WorkOrderId};
use crate::ports::repository::TxExt as _;
use crate::ports::store::{SaveRule, Saved, Store, TxMode};
use crate::record::{Digest, Json, RawJson, Record};
use crate::testing::samples;
use chrono::{DateTime, NaiveDate};
use serde_json::json;
use std::fmt::Debug;

/// Texts that a store could get wrong.
const TEXTS: &[&str] = &[
    "",
    " ",
    "'; DROP TABLE work_orders; --",
    "\"double\" `back` \\ % _ ? :a $1",
    "line\r\nline\ttab\u{1}",
    "Prüfung Größe ÄÖÜ é e\u{301}",
    "日本語 العربية 🛠\u{fe0f} \u{10ffff}",
    "null",
    "00123",
    "1e5",
];

async fn comes_back<R: Record + PartialEq + Debug>(store: &dyn Store, name: &str, records: &[R]) {
    let scope = scope(store, name).await;
    insert(store, &scope, records).await;
    for record in records {
        assert_eq!(stored(store, &scope, record).await.as_ref(), Some(record));
    }
    assert_eq!(
        all::<R>(store, &scope).await,
        records,
        "in the order of keys"
    );
    let keys: Vec<_> = records.iter().map(key).collect();
    let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
    let mut tx = store.begin(&scope, TxMode::Snapshot).await.unwrap();
    let found = tx.of::<R>().get_all(&keys).await.unwrap();
    assert_eq!(found.len(), records.len());
    assert!(records.iter().all(|r| found.contains(r)));
}

/// A record of every table comes back equal.
pub async fn insert_then_get_returns_equal_record(store: &dyn Store) {
    let c = samples::connection_id(1);
    let two = [1, 2];
    comes_back(store, "a", &two.map(samples::work_order)).await;
    comes_back(store, "a", &two.map(samples::asset)).await;
    comes_back(store, "a", &two.map(samples::connection)).await;
    comes_back(store, "a", &two.map(samples::health_note)).await;
    comes_back(store, "a", &two.map(samples::account)).await;
    let account = samples::account(1).id;
    comes_back(store, "a", &two.map(|n| samples::former_link(account, n))).await;
    comes_back(store, "a", &two.map(|n| samples::sealed_secret(c, n))).await;
    comes_back(store, "a", &two.map(|n| samples::external_link(c, n))).await;
    comes_back(store, "a", &two.map(|n| samples::quarantine_item(c, n))).await;
    comes_back(store, "a", &two.map(|n| samples::sync_run(c, n))).await;
    comes_back(store, "a", &two.map(samples::audit_entry)).await;
    comes_back(store, "a", &two.map(|n| samples::daily_number(n, 7))).await;
    let checkpoint = |e| samples::checkpoint(c, e, 1);
    comes_back(
        store,
        "a",
        &[Entity::Asset, Entity::WorkOrder].map(checkpoint),
    )
    .await;
    let lease = |e| samples::sync_lease(c, e, 1);
    comes_back(store, "a", &[Entity::Asset, Entity::WorkOrder].map(lease)).await;
    let setting = |n| samples::setting(n, json!({ "nested": [1, null, "x"] }));
    comes_back(store, "a", &["one", "two"].map(setting)).await;
}

/// Null in every column that takes it comes back as null.
pub async fn nulls_come_back(store: &dyn Store) {
    let id = |n| samples::id(1, n);
    let order = |n: u32| {
        let (number, by) = (format!("WO-{n}"), "user:a".to_owned());
        WorkOrder::new(WorkOrderId(id(n)), number, "t".into(), by, samples::at(n))
    };
    comes_back(store, "a", &[1, 2].map(order)).await;
    let asset = |n: u32| {
        let (tag, name, by) = (format!("T-{n}"), "Pump".to_owned(), "user:a".to_owned());
        Asset::new(
            AssetId(id(n)),
            tag,
            name,
            AssetType::Tool,
            by,
            samples::at(n),
        )
    };
    comes_back(store, "a", &[1, 2].map(asset)).await;
    let mut checkpoint = samples::checkpoint(samples::connection_id(1), Entity::Asset, 1);
    checkpoint.position = None;
    checkpoint.high_water = None;
    comes_back(store, "a", &[checkpoint]).await;
}

/// Quotes, wildcards, control characters and every script come back as they went in.
pub async fn texts_come_back_octet_by_octet(store: &dyn Store) {
    let order = |(n, text): (u32, &&str)| {
        let mut order = samples::work_order(n);
        order.title = (*text).to_owned();
        order.description = Some((*text).to_owned());
        order.number = format!("{text}{n}");
        order.tags = vec![(*text).to_owned(), String::new()];
        order.custom_fields.insert((*text).to_owned(), json!(text));
        order
    };
    let orders: Vec<_> = (1..).zip(TEXTS).map(order).collect();
    comes_back(store, "a", &orders).await;
    let long = samples::setting("long", "ä".repeat(300_000));
    comes_back(store, "a", &[long]).await;
}

/// A key of any text finds its own row only.
pub async fn text_keys_are_exact(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let names = ["", " ", "A", "a", "a ", "a%", "a_", "ab", "ä", "a\u{308}"];
    let records = names.map(|n| samples::setting(n, n));
    insert(store, &scope, &records).await;
    for record in &records {
        assert_eq!(stored(store, &scope, record).await.as_ref(), Some(record));
    }
    let missing = samples::setting("B", 1);
    assert_eq!(stored(store, &scope, &missing).await, None);
}

/// The smallest and largest numbers, amounts and fractions come back exactly.
pub async fn extreme_numbers_come_back(store: &dyn Store) {
    let ints = [i64::MIN, -1, 0, 1, (1 << 53) + 1, i64::MAX];
    let run = |(n, int): (u32, i64)| {
        let mut run = samples::sync_run(samples::connection_id(1), n);
        run.created = int;
        run
    };
    let runs: Vec<_> = (1..).zip(ints).map(run).collect();
    comes_back(store, "a", &runs).await;
    let reals = [
        f64::MIN,
        -1.5,
        0.0,
        5e-324,
        0.1,
        1.0,
        9_007_199_254_740_993.0,
        f64::MAX,
    ];
    let amounts = [
        "-899999999999999.9999",
        "0",
        "0.0001",
        "899999999999999.9999",
    ];
    let asset = |(n, real): (u32, f64)| {
        let mut asset = samples::asset(n);
        asset.expected_lifespan = Some(real);
        asset.replacement_value = Some(amounts[n as usize % amounts.len()].parse().unwrap());
        asset
    };
    let assets: Vec<_> = (1..).zip(reals).map(asset).collect();
    comes_back(store, "a", &assets).await;
}

/// The earliest and latest times and dates come back to the microsecond.
pub async fn extreme_times_come_back(store: &dyn Store) {
    let dates = ["0001-01-01", "1970-01-01", "2024-02-29", "9999-12-31"];
    let micros = [-62_135_596_800_000_000, -1, 1, 253_402_300_799_999_999];
    let asset = |n: u32| {
        let mut asset = samples::asset(n);
        asset.created_at = DateTime::from_timestamp_micros(micros[n as usize]).unwrap();
        asset.updated_at = asset.created_at;
        asset.installation_date = Some(dates[n as usize].parse::<NaiveDate>().unwrap());
        asset
    };
    comes_back(store, "a", &[0, 1, 2, 3].map(asset)).await;
}

/// Octets and JSON texts come back as they are, with blanks, repeated names and escapes.
pub async fn octets_and_json_come_back_as_they_are(store: &dyn Store) {
    let c = samples::connection_id(1);
    let mut secrets = [1, 2].map(|n| samples::sealed_secret(c, n));
    secrets[0].envelope = Vec::new();
    secrets[1].envelope = (0..=255).collect();
    comes_back(store, "a", &secrets).await;
    let texts = [
        "{}",
        "[]",
        "null",
        "\"\"",
        "1.0",
        "1e400",
        "{ \"b\":1 ,\"a\":1,\"a\":1.50, \"\\u00e9\\u0000\":\"é\" }",
    ];
    let link = |(n, text): (u32, &str)| {
        let mut link = samples::external_link(c, n);
        link.raw = RawJson(text.into());
        link.snapshot = RawJson(text.into());
        link.vendor_values = serde_json::Map::new();
        link.digest = Digest([n as u8; 16]);
        link
    };
    let links: Vec<_> = (1..).zip(texts).map(link).collect();
    comes_back(store, "a", &links).await;
    let empty = [json!({}), json!([]), json!(null), json!(""), json!(false)];
    let setting = |(n, value): (u32, _)| Setting {
        name: format!("s{n}"),
        value: Json(value),
    };
    let settings: Vec<_> = (1..).zip(empty).map(setting).collect();
    comes_back(store, "a", &settings).await;
}

/// A key that is taken: `Duplicate`, and the stored row stays as it is.
pub async fn insert_of_taken_key_is_duplicate_and_changes_nothing(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let first = samples::work_order(1);
    insert(store, &scope, std::slice::from_ref(&first)).await;
    let mut second = samples::work_order(2);
    second.id = first.id;
    let saved = save(store, &scope, &second, SaveRule::Insert).await;
    assert_eq!(saved, Saved::Duplicate);
    assert_eq!(
        all::<WorkOrder>(store, &scope).await,
        std::slice::from_ref(&first)
    );
    let again = save(store, &scope, &first, SaveRule::Insert).await;
    assert_eq!(again, Saved::Duplicate, "even where nothing differs");
}

/// A unique value that is taken: `Duplicate`, for each unique set, and nothing is stored.
pub async fn insert_of_taken_unique_key_is_duplicate(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let first = samples::connection(1);
    insert(store, &scope, std::slice::from_ref(&first)).await;
    let (mut name, mut slug) = (samples::connection(2), samples::connection(3));
    name.connection_name.clone_from(&first.connection_name);
    slug.slug.clone_from(&first.slug);
    for second in [name, slug] {
        let saved = save(store, &scope, &second, SaveRule::Insert).await;
        assert_eq!(saved, Saved::Duplicate);
    }
    assert_eq!(all::<Connection>(store, &scope).await, [first]);
    let free = samples::connection(2);
    let saved = save(store, &scope, &free, SaveRule::Insert).await;
    assert_eq!(
        saved,
        Saved::Inserted,
        "a refused row takes no unique value"
    );
}

/// Unique values differ in case, accents and blanks.
pub async fn unique_keys_are_exact(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let tags = ["p-1", "P-1", "p-1 ", "P-l", "p\u{e4}", "pa\u{308}"];
    let asset = |(n, tag): (u32, &str)| {
        let mut asset = samples::asset(n);
        asset.asset_id = tag.to_owned();
        asset
    };
    let assets: Vec<_> = (1..).zip(tags).map(asset).collect();
    insert(store, &scope, &assets).await;
    let mut taken = samples::asset(99);
    taken.asset_id = "P-1".into();
    let saved = save(store, &scope, &taken, SaveRule::Insert).await;
    assert_eq!(saved, Saved::Duplicate);
}
