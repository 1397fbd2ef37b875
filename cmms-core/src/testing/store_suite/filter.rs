//! Filters: which rows a list finds.

use super::harness::{filter, insert, scope};
use crate::context::Scope;
use crate::domain::asset::Asset;
use crate::domain::connection::Connection;
use crate::domain::setting::Setting;
use crate::domain::sync_run::SyncRun;
use crate::domain::sync_state::ExternalLink;
use crate::domain::work_order::{WorkOrder, WorkOrderStatus};
use crate::ports::store::{Cmp, Filter, Store};
use crate::record::{Cell, Col, Field as _};
use crate::testing::samples;

/// The compared columns of [`assets`] and which of the assets each comparison with the middle one takes.
const COMPARISONS: [(Cmp, &[u32]); 6] = [
    (Cmp::Eq, &[2]),
    (Cmp::Ne, &[1, 3]),
    (Cmp::Lt, &[1]),
    (Cmp::Le, &[1, 2]),
    (Cmp::Gt, &[3]),
    (Cmp::Ge, &[2, 3]),
];

/// Three assets with values and one, the fourth, with null in every column that takes it.
async fn assets(store: &dyn Store) -> Scope {
    let scope = scope(store, "a").await;
    let mut assets = [1, 2, 3, 4].map(samples::asset);
    let Asset { id, asset_id, .. } = assets[3].clone();
    let (kind, by) = (assets[3].asset_type, "user:a".to_owned());
    assets[3] = Asset::new(id, asset_id, "Pump 4".into(), kind, by, samples::at(4));
    insert(store, &scope, &assets).await;
    scope
}

async fn takes(store: &dyn Store, scope: &Scope, by: Filter<'_>, expected: &[u32]) {
    let text = format!("{by:?}");
    let found = filter::<Asset>(store, scope, by).await;
    let found: Vec<_> = found.into_iter().map(|a| a.asset_id).collect();
    let expected: Vec<_> = expected.iter().map(|n| format!("PUMP-{n}")).collect();
    assert_eq!(found, expected, "{text}");
}

fn is(col: Col, cmp: Cmp, cell: Cell<'_>) -> Filter<'_> {
    Filter::Is(col, cmp, cell)
}

/// Comparisons of text, numbers, fractions, times and ids, in columns with and without null.
pub async fn comparisons_take_what_compares_so(store: &dyn Store) {
    let scope = assets(store).await;
    let (middle, last) = (samples::asset(2), samples::asset(3));
    for (cmp, expected) in COMPARISONS {
        let real = middle.expected_lifespan.cell();
        takes(
            store,
            &scope,
            is(Asset::EXPECTED_LIFESPAN, cmp, real),
            expected,
        )
        .await;
        let money = middle.replacement_value.cell();
        takes(
            store,
            &scope,
            is(Asset::REPLACEMENT_VALUE, cmp, money),
            expected,
        )
        .await;
        let text = middle.manufacturer.cell();
        takes(store, &scope, is(Asset::MANUFACTURER, cmp, text), expected).await;
        let id = middle.parent_uid.cell();
        takes(store, &scope, is(Asset::PARENT_UID, cmp, id), expected).await;
        let day = middle.installation_date.cell();
        takes(
            store,
            &scope,
            is(Asset::INSTALLATION_DATE, cmp, day),
            expected,
        )
        .await;
        let three = is(Asset::ID, Cmp::Le, last.id.cell());
        let time = is(Asset::CREATED_AT, cmp, middle.created_at.cell());
        let both = Filter::And(vec![three, time]);
        takes(store, &scope, both, expected).await;
    }
}

/// Comparisons of numbers, truth values and octets.
pub async fn numbers_truths_and_octets_compare(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let c = samples::connection_id(1);
    let runs = [(1, i64::MIN), (2, 0), (3, i64::MAX)].map(|(n, created)| {
        let mut run = samples::sync_run(c, n);
        run.created = created;
        run
    });
    insert(store, &scope, &runs).await;
    let below = filter::<SyncRun>(store, &scope, is(SyncRun::CREATED, Cmp::Lt, Cell::Int(0))).await;
    assert_eq!(below, [runs[0].clone()]);
    let connections = [1, 2].map(samples::connection);
    insert(store, &scope, &connections).await;
    let on = Filter::eq(Connection::ENABLED, Cell::Bool(true));
    let found = filter::<Connection>(store, &scope, on).await;
    assert_eq!(found, [connections[1].clone()]);
    let links = [1, 2].map(|n| samples::external_link(c, n));
    insert(store, &scope, &links).await;
    let digest = Filter::eq(ExternalLink::DIGEST, links[0].digest.cell());
    let found = filter::<ExternalLink>(store, &scope, digest).await;
    assert_eq!(found, [links[0].clone()]);
}

/// Null is found by `Null` only: no comparison is ever true, on either side.
pub async fn null_never_compares(store: &dyn Store) {
    let scope = assets(store).await;
    let col = Asset::MANUFACTURER;
    for (cmp, _) in COMPARISONS {
        takes(store, &scope, is(col, cmp, Cell::Null), &[]).await;
    }
    takes(store, &scope, Filter::In(col, vec![Cell::Null]), &[]).await;
    let some = vec![Cell::Null, Cell::text("Maker 1")];
    takes(store, &scope, Filter::In(col, some), &[1]).await;
    takes(store, &scope, Filter::Prefix(col, "".into()), &[1, 2, 3]).await;
    takes(store, &scope, Filter::Null(col), &[4]).await;
    takes(store, &scope, Filter::Null(Asset::NAME), &[]).await;
    takes(store, &scope, Filter::Null(Asset::LOCATION), &[4]).await;
}

/// `In` takes each of its values, however many and however often.
pub async fn in_takes_each_of_its_values(store: &dyn Store) {
    let scope = assets(store).await;
    let col = Asset::NAME;
    takes(store, &scope, Filter::In(col, vec![]), &[]).await;
    let some = ["Pump 4", "Pump 1", "Pump 9", "Pump 1"].map(Cell::text);
    takes(store, &scope, Filter::In(col, some.to_vec()), &[1, 4]).await;
    let many: Vec<_> = (0..2_000).map(|n| Cell::Id(samples::id(2, n))).collect();
    takes(store, &scope, Filter::In(Asset::ID, many), &[1, 2, 3, 4]).await;
}

/// `And` and `Or` nest; an empty `And` takes all and an empty `Or` nothing.
pub async fn and_and_or_nest(store: &dyn Store) {
    let scope = assets(store).await;
    let name = |n: &'static str| Filter::eq(Asset::NAME, Cell::text(n));
    takes(store, &scope, Filter::All, &[1, 2, 3, 4]).await;
    takes(store, &scope, Filter::And(vec![]), &[1, 2, 3, 4]).await;
    takes(store, &scope, Filter::Or(vec![]), &[]).await;
    let or = Filter::Or(vec![name("Pump 1"), name("Pump 3")]);
    takes(store, &scope, or.clone(), &[1, 3]).await;
    let both = Filter::And(vec![name("Pump 1"), name("Pump 3")]);
    takes(store, &scope, both.clone(), &[]).await;
    let maker = Filter::Prefix(Asset::MANUFACTURER, "Maker".into());
    let nested = Filter::Or(vec![
        Filter::And(vec![or.clone(), maker, Filter::All]),
        Filter::And(vec![Filter::Null(Asset::MODEL), Filter::And(vec![])]),
        both,
        Filter::Or(vec![]),
    ]);
    takes(store, &scope, nested.clone(), &[1, 3, 4]).await;
    let last = is(Asset::NAME, Cmp::Gt, Cell::text("Pump 1"));
    takes(store, &scope, Filter::And(vec![last, nested]), &[3, 4]).await;
}

/// A filter may ask for as many things as a caller's list has.
pub async fn filters_may_be_large(store: &dyn Store) {
    let scope = assets(store).await;
    let name = |n: u32| Filter::eq(Asset::NAME, Cell::Text(format!("Pump {n}").into()));
    let mut deep = name(2);
    for n in 10..40 {
        deep = Filter::Or(vec![deep, Filter::And(vec![name(n), Filter::All])]);
    }
    takes(store, &scope, deep, &[2]).await;
    takes(
        store,
        &scope,
        Filter::Or((2..300).map(name).collect()),
        &[2, 3, 4],
    )
    .await;
}

/// A prefix is exact: wildcards are characters, case and accents count.
pub async fn prefix_is_exact(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let names = [
        "",
        "%",
        "%a",
        "A%b",
        "Ab",
        "_",
        "a",
        "a%",
        "a%b",
        "a*",
        "a\\",
        "a_",
        "ab",
        "abc",
        "b",
        "ä",
        "äb",
        "\u{10ffff}",
        "\u{10ffff}x",
    ];
    insert(store, &scope, &names.map(|n| samples::setting(n, 1))).await;
    for prefix in [
        "",
        "a",
        "A",
        "ab",
        "abcd",
        "%",
        "_",
        "a%",
        "a_",
        "a\\",
        "a*",
        "ä",
        "\u{10ffff}",
        "b",
        "é",
    ] {
        let mut expected: Vec<_> = names.iter().filter(|n| n.starts_with(prefix)).collect();
        expected.sort_unstable();
        let by = Filter::Prefix(Setting::NAME, prefix.into());
        let found = filter::<Setting>(store, &scope, by).await;
        let found: Vec<_> = found.iter().map(|s| s.name.as_str()).collect();
        assert!(found.iter().eq(expected), "prefix {prefix:?}: {found:?}");
    }
}

/// `Has` takes lists that hold exactly this text: no part of one, no number, no value of an object, no null.
pub async fn has_takes_lists_that_hold_the_text(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let tags: [&[&str]; 4] = [
        &["hot", "a \"b\"", "1"],
        &["Hot", "hot\\"],
        &[],
        &["x", "hot", "hot", "ä"],
    ];
    let assets: Vec<_> = (1..)
        .zip(tags)
        .map(|(n, tags)| Asset {
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
            specifications: serde_json::from_str(r#"{"a": "hot", "b": ["hot"]}"#).unwrap(),
            location: None,
            ..samples::asset(n)
        })
        .collect();
    insert(store, &scope, &assets).await;
    for (text, expected) in [
        ("hot", &[1, 4][..]),
        ("Hot", &[2]),
        ("hot\\", &[2]),
        ("a \"b\"", &[1]),
        ("ä", &[4]),
        ("ho", &[]),
        ("", &[]),
        ("1", &[1]),
        ("h%", &[]),
    ] {
        takes(
            store,
            &scope,
            Filter::Has(Asset::TAGS, text.into()),
            expected,
        )
        .await;
    }
    let none = Filter::Has(Asset::SPECIFICATIONS, "hot".into());
    takes(store, &scope, none, &[]).await;
    let null = Filter::Has(Asset::LOCATION, "hot".into());
    takes(store, &scope, null, &[]).await;
    let both = Filter::And(vec![
        Filter::Has(Asset::TAGS, "hot".into()),
        Filter::eq(Asset::NAME, Cell::text("Pump 4")),
    ]);
    takes(store, &scope, both, &[4]).await;
}

/// Equal text is equal code points: case, accents and trailing blanks count.
pub async fn equal_text_is_equal_code_points(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let titles = ["pump", "Pump", "pump ", "pümp", "pu\u{308}mp", "PUMP"];
    let orders: Vec<_> = (1..)
        .zip(titles)
        .map(|(n, title)| WorkOrder {
            title: title.to_owned(),
            ..samples::work_order(n)
        })
        .collect();
    insert(store, &scope, &orders).await;
    for order in &orders {
        let equal = Filter::eq(WorkOrder::TITLE, Cell::text(&order.title));
        let found = filter::<WorkOrder>(store, &scope, equal).await;
        assert_eq!(found, std::slice::from_ref(order));
    }
}

/// Words of an enum are found by their word.
pub async fn words_are_found(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let orders: Vec<_> = (0..16).map(samples::work_order).collect();
    insert(store, &scope, &orders).await;
    for status in WorkOrderStatus::ALL {
        let by = Filter::eq(WorkOrder::STATUS, status.cell());
        let found = filter::<WorkOrder>(store, &scope, by).await;
        assert!(found.len() == 2 && found.iter().all(|o| o.status == *status));
    }
}
