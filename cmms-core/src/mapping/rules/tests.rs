use super::*;
use serde_json::json;

fn rule(value: Value) -> Rule {
    parsed(value, Shape::Any).unwrap()
}

fn parsed(value: Value, shape: Shape) -> Result<Rule, Vec<Violation>> {
    let mut wrong = Vec::new();
    Rule::parse(&value, shape, &mut wrong).ok_or(wrong)
}

fn made(rule: &Rule, value: &Value) -> Result<Option<Value>, &'static str> {
    let source = Some(value).filter(|v| !v.is_null());
    rule.apply(value, source)
        .map(|c| c.map(|c| c.value.into_owned()))
        .map_err(|(reason, _)| reason)
}

#[test]
fn rules_do_what_their_names_say() {
    let strings = |steps: Value| json!({ "type": "string_manipulation", "steps": steps });
    let convert = |to: &str| json!({ "type": "type_conversion", "to": to });
    let cases = [
        (convert("string"), json!(12.5), Ok(json!("12.5"))),
        (convert("string"), json!(true), Ok(json!("true"))),
        (convert("string"), json!([1]), Err("wrong_type")),
        (convert("integer"), json!(" 12 "), Ok(json!(12))),
        (convert("integer"), json!(12.0), Ok(json!(12))),
        (convert("integer"), json!("12.5"), Err("bad_number")),
        (
            convert("integer"),
            json!(9_007_199_254_740_993_i64),
            Ok(json!(9_007_199_254_740_993_i64)),
        ),
        (convert("number"), json!("1e3"), Ok(json!(1000.0))),
        (convert("number"), json!("12 h"), Err("bad_number")),
        (convert("number"), json!("NaN"), Err("bad_number")),
        (convert("boolean"), json!("Yes"), Ok(json!(true))),
        (convert("boolean"), json!(0), Ok(json!(false))),
        (convert("boolean"), json!("maybe"), Err("bad_boolean")),
        (convert("money"), json!(0.1), Ok(json!("0.10"))),
        (convert("list"), json!("a"), Ok(json!(["a"]))),
        (
            strings(json!(["trim", "upper"])),
            json!(" ab "),
            Ok(json!("AB")),
        ),
        (
            strings(json!(["title"])),
            json!("o'neill PUMP-room"),
            Ok(json!("O'neill Pump-Room")),
        ),
        (
            strings(json!(["single_line"])),
            json!("a\n\t b "),
            Ok(json!("a b")),
        ),
        (
            strings(json!([{ "op": "replace", "find": "a", "with": "" }])),
            json!("banana"),
            Ok(json!("bnn")),
        ),
        (
            strings(json!([{ "op": "prefix", "value": "W-" }])),
            json!(7),
            Ok(json!("W-7")),
        ),
        (
            strings(json!([{ "op": "strip_prefix", "value": "W-" }])),
            json!("7"),
            Ok(json!("7")),
        ),
        (
            strings(json!([{ "op": "strip_prefix", "value": "W-", "must": true }])),
            json!("7"),
            Err("no_prefix"),
        ),
        (
            json!({ "type": "substring", "start": 1, "length": 2 }),
            json!("äöüß"),
            Ok(json!("öü")),
        ),
        (
            json!({ "type": "substring", "start": 1, "end": 2 }),
            json!("äöü"),
            Ok(json!("ö")),
        ),
        (
            json!({ "type": "substring", "start": 9 }),
            json!("äöü"),
            Ok(json!("")),
        ),
        (
            json!({ "type": "default", "value": 3 }),
            json!(null),
            Ok(json!(3)),
        ),
        (
            json!({ "type": "default", "value": 3 }),
            json!(0),
            Ok(json!(0)),
        ),
        (
            json!({ "type": "lookup", "table": { "In Work": "x" } }),
            json!("in_work"),
            Ok(json!("x")),
        ),
        (
            json!({ "type": "lookup", "table": { "a": "x" }, "case": "exact" }),
            json!("A"),
            Err("not_in_table"),
        ),
        (
            json!({ "type": "lookup", "table": { "a": "x" }, "default": "z" }),
            json!("b"),
            Ok(json!("z")),
        ),
    ];
    for (given, value, want) in cases {
        let want = want.map(Some);
        assert_eq!(
            made(&rule(given.clone()), &value),
            want,
            "{given} on {value}"
        );
    }
}

#[test]
fn dates_are_read_in_their_zone() {
    let read = |from: &str, zone: &str, value: Value| {
        let given = json!({ "type": "date_format", "from": from, "timezone": zone });
        made(&rule(given), &value).map(Option::unwrap)
    };
    let berlin = "Europe/Berlin";
    for (from, zone, value, want) in [
        (
            "%d.%m.%Y %H:%M",
            berlin,
            json!("15.01.2024 10:00"),
            "2024-01-15T09:00:00Z",
        ),
        (
            "%d.%m.%Y %H:%M",
            berlin,
            json!("15.07.2024 10:00"),
            "2024-07-15T08:00:00Z",
        ),
        // The hour that comes twice is the earlier one.
        (
            "%d.%m.%Y %H:%M",
            berlin,
            json!("27.10.2024 02:30"),
            "2024-10-27T00:30:00Z",
        ),
        (
            "%d.%m.%Y",
            berlin,
            json!("15.01.2024"),
            "2024-01-14T23:00:00Z",
        ),
        // There a day began at one o'clock.
        (
            "%Y-%m-%d",
            "America/Sao_Paulo",
            json!("2018-11-04"),
            "2018-11-04T03:00:00Z",
        ),
        (
            "%Y-%m-%d %H:%M %z",
            berlin,
            json!("2024-01-15 10:00 -0500"),
            "2024-01-15T15:00:00Z",
        ),
        (
            "unix_s",
            "UTC",
            json!(1_705_309_200),
            "2024-01-15T09:00:00Z",
        ),
        (
            "unix_ms",
            "UTC",
            json!("1705309200123"),
            "2024-01-15T09:00:00.123Z",
        ),
        (
            "rfc2822",
            "UTC",
            json!("Mon, 15 Jan 2024 10:00:00 +0100"),
            "2024-01-15T09:00:00Z",
        ),
    ] {
        assert_eq!(
            read(from, zone, value.clone()),
            Ok(json!(want)),
            "{from} on {value}"
        );
    }
    // An hour that the clocks leap over is no time.
    assert_eq!(
        read("%d.%m.%Y %H:%M", berlin, json!("31.03.2024 02:30")),
        Err("bad_date")
    );
    assert_eq!(
        read("%d.%m.%Y", berlin, json!("30.02.2024")),
        Err("bad_date")
    );
    assert_eq!(
        read("%d.%m.%Y", berlin, json!("15.01.2024 10:00")),
        Err("bad_date")
    );
}

#[test]
fn conditions_look_at_the_whole_record() {
    let rule = rule(json!({ "type": "conditional", "cases": [
        { "if": { "field": "a.b", "op": "ge", "value": 3 }, "then": "high" },
        { "if": { "field": "tags", "op": "contains", "value": "x" }, "then": { "field": "other" } },
        { "if": { "op": "missing" }, "then": "none" },
        { "if": { "op": "in", "value": ["p", "q"] }, "then": "listed" },
        { "if": { "op": "starts_with", "value": "z" }, "then": "tail" },
    ]}));
    for (record, want) in [
        (json!({ "v": "k", "a": { "b": "10" } }), Some(json!("high"))),
        (json!({ "v": "k", "a": { "b": 2 } }), Some(json!("k"))),
        (
            json!({ "v": "k", "tags": ["x"], "other": 5 }),
            Some(json!(5)),
        ),
        (json!({}), Some(json!("none"))),
        (json!({ "v": "q" }), Some(json!("listed"))),
        (json!({ "v": "zoo" }), Some(json!("tail"))),
    ] {
        let got = rule.apply(&record, record.get("v")).unwrap();
        assert_eq!(got.map(|c| c.value.into_owned()), want, "{record}");
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_named_by_its_path() {
    let word = Shape::Word {
        words: &["high", "low"],
        fallback: None,
    };
    let cases = [
        (json!(5), "transformation_rule", "types are"),
        (json!({}), "transformation_rule.type", "must be one of"),
        (
            json!({ "type": "lokup" }),
            "transformation_rule.type",
            "did you mean lookup?",
        ),
        (
            json!({ "type": "unit" }),
            "transformation_rule.type",
            "not supported yet; supported are: type_conversion",
        ),
        (
            json!({ "type": "lookup" }),
            "transformation_rule.table",
            "missing",
        ),
        (
            json!({ "type": "lookup", "tabel": {}, "table": { "a": "low" } }),
            "transformation_rule.tabel",
            "did you mean table?",
        ),
        (
            json!({ "type": "lookup", "table": { "3": "hihg" } }),
            "transformation_rule.table.3",
            "did you mean high?",
        ),
        (
            json!({ "type": "lookup", "table": { "A b": "low", "ab": "high" } }),
            "transformation_rule.table.ab",
            "same word",
        ),
        (
            json!({ "type": "default", "value": "medium" }),
            "transformation_rule.value",
            "must be one of: high, low",
        ),
        (
            json!({ "type": "default", "value": "" }),
            "transformation_rule.value",
            "may not be empty",
        ),
        (
            json!({ "type": "type_conversion", "to": "integr" }),
            "transformation_rule.to",
            "did you mean",
        ),
        (
            json!({ "type": "date_format", "from": "%d.%m" }),
            "transformation_rule.from",
            "whole day",
        ),
        (
            json!({ "type": "date_format", "from": "%Q" }),
            "transformation_rule.from",
            "means nothing",
        ),
        (
            json!({ "type": "date_format", "from": "dd.mm.yyyy" }),
            "transformation_rule.from",
            "no pattern",
        ),
        (
            json!({ "type": "date_format", "from": "unix_s", "timezone": "Europe/Berln" }),
            "transformation_rule.timezone",
            "did you mean Europe/Berlin?",
        ),
        (
            json!({ "type": "substring", "start": 2, "length": 1, "end": 3 }),
            "transformation_rule.end",
            "beside length",
        ),
        (
            json!({ "type": "substring" }),
            "transformation_rule.length",
            "missing",
        ),
        (
            json!({ "type": "string_manipulation", "steps": ["uper"] }),
            "transformation_rule.steps[0].op",
            "did you mean upper?",
        ),
        (
            json!({ "type": "string_manipulation", "steps": [{ "op": "prefix" }] }),
            "transformation_rule.steps[0].value",
            "missing",
        ),
        (
            json!({ "type": "conditional", "cases": [{ "if": { "op": "like", "value": 1 }, "then": "low" }] }),
            "transformation_rule.cases[0].if.op",
            "must be one of: eq",
        ),
        (
            json!({ "type": "conditional", "if": { "op": "eq", "value": 1 }, "then": "none" }),
            "transformation_rule.then",
            "must be one of: high",
        ),
    ];
    for (given, field, says) in cases {
        let wrong = parsed(given.clone(), word).unwrap_err();
        let found = wrong
            .iter()
            .any(|v| v.field == field && v.detail.contains(says));
        assert!(found, "{given}: {wrong:?}");
    }
}

#[test]
fn counted_times_and_days_of_eight_digits_are_read_where_they_are_likely() {
    let read = |from: &str, value: Value| {
        made(
            &rule(json!({ "type": "date_format", "from": from })),
            &value,
        )
    };
    for (from, value, want) in [
        ("unix_s", json!(1_767_225_600), "2026-01-01T00:00:00Z"),
        ("unix_s", json!("1767225600.0"), "2026-01-01T00:00:00Z"),
        (
            "unix_ms",
            json!(1_767_225_600_000.0),
            "2026-01-01T00:00:00Z",
        ),
        ("basic_date", json!("20261130"), "2026-11-30T00:00:00Z"),
        ("basic_date", json!(20_261_130), "2026-11-30T00:00:00Z"),
    ] {
        assert_eq!(read(from, value), Ok(Some(json!(want))));
    }
    for (from, value) in [
        ("unix_s", json!(0)),
        ("unix_s", json!(1_767_225_600_000_i64)),
        ("unix_ms", json!(1_767_225_600)),
        ("basic_date", json!("2026-11-30")),
        ("basic_date", json!("20261131")),
        ("rfc3339", json!("9999-12-31T23:59:60Z")),
        ("%Y-%m-%d %H:%M:%S", json!("2016-12-31 23:59:60")),
    ] {
        assert_eq!(read(from, value.clone()), Err("bad_date"), "{from} {value}");
    }
}

#[test]
fn no_time_of_a_zone_leaves_the_years_of_four_digits() {
    for to in ["rfc2822", "%Y-%m-%d", "date", "basic_date"] {
        let rule = rule(
            json!({ "type": "date_format", "from": "rfc3339", "to": to, "timezone": "Asia/Tokyo" }),
        );
        let late = made(&rule, &json!("9999-12-31T23:59:59Z"));
        assert_eq!(late, Err("out_of_range"), "{to}");
        assert!(made(&rule, &json!("9999-12-31T10:00:00Z")).is_ok(), "{to}");
    }
}

#[test]
fn round_rounds_numbers_and_the_texts_of_numbers() {
    for (places, value, want) in [
        (2, json!(12.345), json!(12.35)),
        (2, json!("12.344"), json!("12.34")),
        (2, json!("-12.345"), json!("-12.35")),
        (0, json!(2.5), json!(3)),
        (4, json!(0.300_000_000_000_000_04), json!(0.3)),
        (2, json!("1e-7"), json!("0")),
        (3, json!(7), json!(7)),
    ] {
        let rule = rule(json!({ "type": "round", "places": places }));
        assert_eq!(made(&rule, &value), Ok(Some(want)), "{value}");
    }
    let rule = rule(json!({ "type": "round", "places": 2 }));
    assert_eq!(made(&rule, &json!("much")), Err("bad_number"));
    assert_eq!(made(&rule, &json!(true)), Err("bad_number"));
    assert!(parsed(json!({ "type": "round" }), Shape::Any).is_err());
    assert!(parsed(json!({ "type": "round", "places": 16 }), Shape::Any).is_err());
    assert!(!rule.inverse().unwrap_err().is_empty());
}

#[test]
fn rules_without_a_way_back_say_why() {
    for given in [
        json!({ "type": "substring", "start": 1 }),
        json!({ "type": "type_conversion", "to": "integer" }),
        json!({ "type": "string_manipulation", "steps": ["upper"] }),
        json!({ "type": "string_manipulation", "steps": [{ "op": "replace", "find": "a", "with": "b" }] }),
        json!({ "type": "string_manipulation", "steps": [{ "op": "strip_prefix", "value": "a" }] }),
        json!({ "type": "lookup", "table": { "a": "x", "b": "x" } }),
        json!({ "type": "lookup", "table": { "a": "x" }, "default": "x" }),
        json!({ "type": "date_format", "from": "%Y-%m-%d %H:%M", "to": "date" }),
        json!({ "type": "conditional", "if": { "op": "exists" }, "then": "x" }),
    ] {
        assert!(
            !rule(given.clone()).inverse().unwrap_err().is_empty(),
            "{given}"
        );
    }
}

#[test]
fn a_text_cannot_be_made_to_grow_without_end() {
    let long = "b".repeat(400);
    let step = json!({ "op": "replace", "find": "a", "with": long });
    let rule = rule(json!({ "type": "string_manipulation", "steps": [step] }));
    assert_eq!(made(&rule, &json!("a".repeat(10_000))), Err("too_long"));
    assert_eq!(made(&rule, &json!("a".repeat(10_000_000))), Err("too_long"));
}

mod inverses;
