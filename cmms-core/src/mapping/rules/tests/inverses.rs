//! What a rule made leads back to the value.

use super::*;
use chrono::{DateTime, TimeZone};
use proptest::prelude::*;

/// Rules that lead back, each with a value that it writes in one way only.
fn pairs() -> impl Strategy<Value = (Value, Value)> {
    let text = "[ -~äöü]{1,20}";
    let part = "[a-zA-Z0-9 -]{1,8}";
    let seconds = 100_000_000_i64..4_000_000_000;
    let zones = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
    ]);
    let from = |to: &str, from: &str| json!({ "type": "type_conversion", "to": to, "from": from });
    prop_oneof![
        (text, any::<i32>()).prop_map(|(v, d)| (json!({ "type": "default", "value": d }), json!(v))),
        any::<i64>().prop_map(move |n| (from("integer", "string"), json!(n.to_string()))),
        any::<i64>().prop_map(move |n| (from("string", "integer"), json!(n))),
        any::<bool>().prop_map(move |b| (from("string", "boolean"), json!(b))),
        any::<bool>().prop_map(move |b| (from("boolean", "string"), json!(b.to_string()))),
        // A number without a fraction is a whole one, so `3.0` comes back as 3.
        (-1e15..1e15_f64)
            .prop_filter("has a fraction", |n| n.fract() != 0.0)
            .prop_map(move |n| (from("string", "number"), json!(n))),
        (part, part, text).prop_map(|(p, s, v)| {
            let steps = json!([{ "op": "prefix", "value": p }, { "op": "suffix", "value": s }]);
            (json!({ "type": "string_manipulation", "steps": steps }), json!(v))
        }),
        (part, text).prop_map(|(p, v)| {
            let step = json!({ "op": "strip_prefix", "value": p, "must": true });
            (json!({ "type": "string_manipulation", "steps": [step] }), json!(format!("{p}{v}")))
        }),
        (prop::collection::btree_map("[a-z]{1,8}", 0..1_000_000_u32, 1..8), any::<prop::sample::Index>())
            .prop_map(|(words, at)| {
                let table: serde_json::Map<_, _> = words
                    .keys()
                    .enumerate()
                    .map(|(i, w)| (w.clone(), json!(format!("ours {i}"))))
                    .collect();
                let word = at.get(&words.keys().collect::<Vec<_>>()).to_string();
                (json!({ "type": "lookup", "table": table }), json!(word))
            }),
        (seconds.clone(), zones.clone()).prop_map(|(s, zone)| {
            let at = DateTime::from_timestamp(s, 0).unwrap();
            let zone: chrono_tz::Tz = zone.parse().unwrap();
            let value = zone.from_utc_datetime(&at.naive_utc()).format("%d.%m.%Y %H:%M:%S").to_string();
            let rule = json!({ "type": "date_format", "from": "%d.%m.%Y %H:%M:%S", "timezone": zone.name() });
            (rule, json!(value))
        }),
        (seconds, zones).prop_map(|(s, zone)| {
            let rule = json!({ "type": "date_format", "from": "unix_s", "to": "%Y-%m-%dT%H:%M:%S%z", "timezone": zone });
            (rule, json!(s))
        }),
    ]
}

proptest! {
    #[test]
    fn what_a_rule_made_leads_back_to_the_value((given, value) in pairs()) {
        let rule = rule(given);
        let back = rule.inverse().unwrap();
        let there = made(&rule, &value).unwrap().unwrap();
        prop_assert_eq!(made(&back, &there), Ok(Some(value)));
    }
}
