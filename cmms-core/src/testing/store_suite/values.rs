//! Values that no store keeps: every store refuses the same ones, before its database is asked.

use super::harness::{all, once, scope, write};
use crate::domain::asset::Asset;
use crate::domain::sync_state::ExternalLink;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{SaveRule, Saved, Store};
use crate::record::{INDEXED, RawJson, Record, TIMES};
use crate::testing::samples;
use crate::{Error, code};
use chrono::{DateTime, Utc};
use std::fmt::Debug;

fn refused(e: &Error, column: &str) {
    assert!(e.is(code::STORE_VALUE), "{column}: {e:?}");
    assert_eq!(e.first_field(), Some(column), "{e:?}");
}

/// Refused alone, among others and put off; nothing is stored, and others are afterwards.
async fn is_refused<R: Record + Clone + PartialEq + Debug>(
    store: &dyn Store,
    good: &R,
    bad: &R,
    column: &str,
) {
    let scope = scope(store, "a").await;
    let mut tx = once(store, &scope).await;
    let alone = tx.of::<R>().save(bad, SaveRule::Insert).await;
    refused(&alone.unwrap_err(), column);
    let both = [good.clone(), bad.clone()];
    let among = tx.of::<R>().save_all(&both, SaveRule::Upsert).await;
    refused(&among.unwrap_err(), column);
    for rows in [&both[1..], &both] {
        let mut tx = write(store, &scope).await;
        let put_off = tx.of::<R>().insert_all_later(rows).await;
        let done = match put_off {
            Ok(()) => tx.commit().await,
            refused => refused,
        };
        refused(&done.unwrap_err(), column);
    }
    assert_eq!(all::<R>(store, &scope).await, []);
    let saved = tx.of::<R>().save(good, SaveRule::Insert).await.unwrap();
    assert_eq!(saved, Saved::Inserted);
    let mut last = write(store, &scope).await;
    let key = super::harness::key(good);
    assert!(last.of::<R>().delete(&key).await.unwrap());
    last.commit().await.unwrap();
}

/// U+0000, numbers that are none, times outside of four-digit years and texts that no index holds are refused.
pub async fn values_that_no_store_keeps_are_refused(store: &dyn Store) {
    let good = samples::asset(1);
    let asset = |change: &dyn Fn(&mut Asset)| {
        let mut asset = samples::asset(2);
        change(&mut asset);
        asset
    };
    let at = |micros| DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
    for (bad, column) in [
        (asset(&|a| a.name = "a\0b".to_owned()), "name"),
        (
            asset(&|a| a.expected_lifespan = Some(f64::NAN)),
            "expected_lifespan",
        ),
        (
            asset(&|a| a.expected_lifespan = Some(f64::INFINITY)),
            "expected_lifespan",
        ),
        (
            asset(&|a| a.created_at = at(*TIMES.start() - 1)),
            "created_at",
        ),
        (
            asset(&|a| a.updated_at = at(*TIMES.end() + 1)),
            "updated_at",
        ),
        (asset(&|a| a.asset_id = "x".repeat(INDEXED + 1)), "asset_id"),
    ] {
        is_refused(store, &good, &bad, column).await;
    }
    let link = |n| samples::external_link(samples::connection_id(1), n);
    let mut bad = link(2);
    bad.raw = RawJson("{\"a\":\"\0\"}".into());
    is_refused::<ExternalLink>(store, &link(1), &bad, "raw").await;
}

/// The longest text of an index is kept, also where it is as hard to press as can be.
pub async fn the_longest_indexed_text_is_kept(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut asset = samples::asset(1);
    let mut state = 7_u64;
    let letters = std::iter::from_fn(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from_u32(0x21 + ((state >> 33) % 94) as u32)
    });
    asset.asset_id = letters.take(INDEXED).collect();
    asset.parent_pending = Some(asset.asset_id.clone());
    super::harness::insert(store, &scope, std::slice::from_ref(&asset)).await;
    assert_eq!(all::<Asset>(store, &scope).await, [asset]);
}
