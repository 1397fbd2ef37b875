//! Orders, positions and limits.

use super::harness::{all, insert, list, scope};
use crate::context::Scope;
use crate::domain::numbering::DailyNumber;
use crate::domain::setting::Setting;
use crate::domain::work_order::WorkOrder;
use crate::ports::store::{Cmp, Dir, Filter, Query, Store};
use crate::record::{Cell, Col, Record, Row};
use crate::testing::samples;
use std::cmp::Ordering;
use std::fmt::Debug;

type Order = Vec<(Col, Dir)>;

/// The cell of a column.
fn cell<R: Record>(record: &R, col: Col) -> Cell<'static> {
    let place = R::TABLE.position(col.0).unwrap();
    Row::of(record).0[place].clone()
}

/// Compares as the order says.
fn compare<R: Record>(order: &Order, a: &R, b: &R) -> Ordering {
    let by = |(col, dir): &(Col, Dir)| {
        let ordering = cell(a, *col).compare(&cell(b, *col));
        match dir {
            Dir::Asc => ordering,
            Dir::Desc => ordering.reverse(),
        }
    };
    order.iter().map(by).fold(Ordering::Equal, Ordering::then)
}

/// Reads page by page, each from behind the last row of the one before it.
async fn walk<R: Record>(
    store: &dyn Store,
    scope: &Scope,
    order: &Order,
    filter: &Filter<'static>,
    limit: u32,
) -> Vec<R> {
    let mut walked: Vec<R> = Vec::new();
    loop {
        let position = |last: &R| order.iter().map(|(col, _)| cell(last, *col)).collect();
        let query = Query {
            filter: filter.clone(),
            order: order.clone(),
            after: walked.last().map(position),
            limit: Some(limit),
            ..Query::default()
        };
        let page = list::<R>(store, scope, &query).await;
        assert!(page.len() <= limit as usize && walked.len() < 1_000);
        if page.is_empty() {
            return walked;
        }
        walked.extend(page);
    }
}

async fn pages_agree<R: Record + PartialEq + Debug + Clone>(
    store: &dyn Store,
    scope: &Scope,
    rows: &[R],
    order: Order,
) {
    let mut expected = rows.to_vec();
    expected.sort_by(|a, b| compare(&order, a, b));
    for limit in [1, 7, 50, 1_000] {
        let walked = walk::<R>(store, scope, &order, &Filter::All, limit).await;
        assert!(walked == expected, "{order:?} by {limit}");
    }
}

/// Work orders with few different values, so that the order has ties.
fn with_ties(seed: u64, count: u32) -> Vec<WorkOrder> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut order = |n| {
        let mut order = samples::work_order(n);
        let titles = ["", "A", "a", "b", "Ä", "ä", "\u{fffd}", "𝄞"];
        order.title = titles[random.usize(..titles.len())].to_owned();
        order.status = samples::work_order(random.u32(..8)).status;
        order.updated_at = samples::at(random.u32(..5));
        order.version = random.i64(-2..3);
        order
    };
    (0..count).map(&mut order).collect()
}

/// Ascending, descending and mixed orders with ties, in pages of any size: every row exactly once, in order.
pub async fn paging_walks_every_row_once_in_order(store: &dyn Store) {
    for seed in 1..=3 {
        let scope = scope(store, &format!("seed {seed}")).await;
        let rows = with_ties(seed, 60);
        insert(store, &scope, &rows).await;
        let id = WorkOrder::ID;
        use Dir::{Asc, Desc};
        for first in [
            WorkOrder::TITLE,
            WorkOrder::STATUS,
            WorkOrder::UPDATED_AT,
            WorkOrder::VERSION,
        ] {
            for (a, b) in [(Asc, Asc), (Asc, Desc), (Desc, Asc), (Desc, Desc)] {
                pages_agree(store, &scope, &rows, vec![(first, a), (id, b)]).await;
            }
        }
        let three = vec![
            (WorkOrder::STATUS, Desc),
            (WorkOrder::TITLE, Asc),
            (id, Desc),
        ];
        pages_agree(store, &scope, &rows, three).await;
        pages_agree(store, &scope, &rows, vec![(WorkOrder::NUMBER, Desc)]).await;
        pages_agree(store, &scope, &rows, vec![(id, Desc)]).await;
    }
}

/// A filter holds on every page.
pub async fn paging_keeps_its_filter(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let rows = with_ties(9, 60);
    insert(store, &scope, &rows).await;
    let order = vec![
        (WorkOrder::UPDATED_AT, Dir::Desc),
        (WorkOrder::ID, Dir::Asc),
    ];
    let filter = Filter::Or(vec![
        Filter::Prefix(WorkOrder::TITLE, "a".into()),
        Filter::Is(WorkOrder::VERSION, Cmp::Ge, Cell::Int(2)),
    ]);
    let mut expected: Vec<_> = rows
        .into_iter()
        .filter(|o| o.title.starts_with('a') || o.version >= 2)
        .collect();
    expected.sort_by(|a, b| compare(&order, a, b));
    assert!(!expected.is_empty());
    let walked = walk::<WorkOrder>(store, &scope, &order, &filter, 3).await;
    assert!(walked == expected);
}

/// Rows that have null in a column of the order are not found, whatever the direction; the others are, each once.
pub async fn null_has_no_place_in_an_order(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut rows = with_ties(4, 60);
    for (n, row) in (0..).zip(&mut rows) {
        row.due_at = (n % 3 != 0).then(|| samples::at(n % 5));
    }
    insert(store, &scope, &rows).await;
    let due: Vec<_> = rows
        .iter()
        .filter(|o| o.due_at.is_some())
        .cloned()
        .collect();
    assert!(!due.is_empty() && due.len() < rows.len());
    for (a, b) in [
        (Dir::Asc, Dir::Asc),
        (Dir::Desc, Dir::Desc),
        (Dir::Asc, Dir::Desc),
    ] {
        let order = vec![(WorkOrder::DUE_AT, a), (WorkOrder::ID, b)];
        pages_agree(store, &scope, &due, order).await;
    }
    let query = Query {
        filter: Filter::Null(WorkOrder::DUE_AT),
        order: vec![(WorkOrder::ID, Dir::Desc)],
        ..Query::default()
    };
    let found = list::<WorkOrder>(store, &scope, &query).await;
    assert!(found.len() == rows.len() - due.len() && found.iter().all(|o| o.due_at.is_none()));
}

/// Without an order rows come by key, ascending, and a position is a key; keys have several columns.
pub async fn no_order_is_the_order_of_keys(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let number = |prefix: u32, day: u32| DailyNumber {
        day: samples::day(day),
        ..samples::daily_number(prefix, 1)
    };
    let rows = [number(1, 1), number(1, 2), number(2, 0), number(2, 3)];
    let mixed = [3, 0, 2, 1].map(|i: usize| rows[i].clone());
    insert(store, &scope, &mixed).await;
    assert_eq!(all::<DailyNumber>(store, &scope).await, rows);
    let query = Query {
        after: Some(vec![Cell::text("P1"), cell(&rows[0], DailyNumber::DAY)]),
        limit: Some(2),
        ..Query::default()
    };
    let behind = list::<DailyNumber>(store, &scope, &query).await;
    assert_eq!(behind, rows[1..3]);
}

/// A position need not be a row's.
pub async fn position_may_lie_between_rows(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let names = ["b", "d", "f"];
    insert(store, &scope, &names.map(|n| samples::setting(n, 1))).await;
    for (dir, after, expected) in [
        (Dir::Asc, "a", &["b", "d", "f"][..]),
        (Dir::Asc, "c", &["d", "f"]),
        (Dir::Asc, "f", &[]),
        (Dir::Desc, "e", &["d", "b"]),
        (Dir::Desc, "b", &[]),
    ] {
        let query = Query {
            order: vec![(Setting::NAME, dir)],
            after: Some(vec![Cell::text(after)]),
            ..Query::default()
        };
        let found = list::<Setting>(store, &scope, &query).await;
        let found: Vec<_> = found.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(found, expected, "{dir:?} behind {after}");
    }
}

/// A limit takes the first rows of the order; 0 takes none.
pub async fn limit_takes_the_first_rows(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let rows = [1, 2, 3].map(samples::work_order);
    insert(store, &scope, &rows).await;
    for (limit, expected) in [
        (0, &[][..]),
        (1, &[3]),
        (2, &[3, 2]),
        (u32::MAX, &[3, 2, 1]),
    ] {
        let query = Query {
            order: vec![(WorkOrder::ID, Dir::Desc)],
            limit: Some(limit),
            ..Query::default()
        };
        let found = list::<WorkOrder>(store, &scope, &query).await;
        let expected: Vec<_> = expected.iter().map(|n| samples::work_order(*n)).collect();
        assert_eq!(found, expected, "limit {limit}");
        let query = Query {
            limit: Some(limit),
            ..Query::default()
        };
        let found = list::<WorkOrder>(store, &scope, &query).await;
        assert_eq!(found, rows[..expected.len()], "by key, limit {limit}");
    }
}

/// Text is ordered by code point: capitals first, umlauts last, astral characters behind all others.
pub async fn text_is_ordered_by_code_point(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let names = [
        "",
        " ",
        "10",
        "9",
        "A",
        "B",
        "Z",
        "a",
        "a ",
        "aa",
        "b",
        "z",
        "Ä",
        "ß",
        "ä",
        "é",
        "Я",
        "\u{fffd}",
        "𝄞",
        "\u{10ffff}",
    ];
    let mut mixed = names.map(|n| samples::setting(n, 1));
    fastrand::Rng::with_seed(5).shuffle(&mut mixed);
    insert(store, &scope, &mixed).await;
    let found = all::<Setting>(store, &scope).await;
    let found: Vec<_> = found.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(found, names);
}
