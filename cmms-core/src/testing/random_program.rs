//! Random programs: the same operations on two stores have the same answers.

use super::polling::polled;
use super::samples;
use super::store_suite::harness::scope;
use crate::context::Scope;
use crate::domain::asset::Asset;
use crate::domain::connection::Connection;
use crate::domain::entity::Entity;
use crate::domain::numbering::DailyNumber;
use crate::domain::setting::Setting;
use crate::domain::sync_state::{Checkpoint, ExternalLink, LinkDigest, LinkView};
use crate::domain::work_order::WorkOrder;
use crate::ports::count::{Count, Group};
use crate::ports::store::{Cmp, Dir, Filter, Lock, Query, SaveRule, Saved, Store, Tx, TxMode};
use crate::record::{Cell, Col, Column, Digest, Kind, Record, Role, Row, Rows, Table};
use crate::{Error, Result};
use fastrand::Rng;
use std::sync::Arc;

/// A table with a maker of rows that often meet each other.
struct Rowed {
    table: &'static Table,
    make: fn(&mut Rng) -> Row,
    /// Views of the table.
    views: &'static [&'static Table],
}

const TABLES: &[Rowed] = &[
    Rowed {
        table: WorkOrder::TABLE,
        make: work_order,
        views: &[],
    },
    Rowed {
        table: Asset::TABLE,
        make: asset,
        views: &[],
    },
    Rowed {
        table: Connection::TABLE,
        make: connection,
        views: &[],
    },
    Rowed {
        table: ExternalLink::TABLE,
        make: external_link,
        views: &[LinkDigest::TABLE, LinkView::TABLE],
    },
    Rowed {
        table: Checkpoint::TABLE,
        make: checkpoint,
        views: &[],
    },
    Rowed {
        table: DailyNumber::TABLE,
        make: daily_number,
        views: &[],
    },
    Rowed {
        table: Setting::TABLE,
        make: setting,
        views: &[],
    },
];

/// How many keys rows of one table share.
const KEYS: u32 = 8;

const TEXTS: &[&str] = &[
    "", "a", "A", "ab", "a%", "a_b", "ä", "Ä", "z", "𝄞", "\u{fffd}",
];

fn text(random: &mut Rng) -> String {
    TEXTS[random.usize(..TEXTS.len())].to_owned()
}

fn maybe<T>(random: &mut Rng, some: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    random.bool().then(|| some(random))
}

fn work_order(random: &mut Rng) -> Row {
    let mut order = samples::work_order(random.u32(..40));
    order.id.0 = samples::id(1, random.u32(..KEYS));
    order.version = random.i64(1..5);
    order.number = format!("WO-{}", random.u32(..KEYS));
    order.title = text(random);
    order.description = maybe(random, text);
    order.due_at = maybe(random, |r| samples::at(r.u32(..4)));
    order.estimated_hours = maybe(random, |r| f64::from(r.u32(..8)) / 4.0);
    Row::of(&order)
}

fn asset(random: &mut Rng) -> Row {
    let mut asset = samples::asset(random.u32(..40));
    asset.id.0 = samples::id(2, random.u32(..KEYS));
    asset.version = random.i64(1..4);
    asset.asset_id = text(random);
    asset.parent_uid = maybe(random, |r| {
        crate::ids::AssetId(samples::id(2, r.u32(..KEYS)))
    });
    asset.replacement_value = maybe(random, |r| samples::money(r.u32(..4)));
    Row::of(&asset)
}

fn connection(random: &mut Rng) -> Row {
    let mut connection = samples::connection(random.u32(..20));
    connection.id = samples::connection_id(random.u32(..KEYS));
    connection.version = random.i64(1..4);
    connection.connection_name = text(random);
    connection.slug = format!("slug-{}", random.u32(..KEYS));
    connection.sync_interval = maybe(random, |r| r.i64(-2..2));
    Row::of(&connection)
}

fn external_link(random: &mut Rng) -> Row {
    let connection = samples::connection_id(random.u32(..2));
    let mut link = samples::external_link(connection, random.u32(..20));
    link.external_id = text(random);
    link.entity = [Entity::Asset, Entity::WorkOrder][random.usize(..2)];
    link.digest = Digest([random.u8(..3) * 100; 16]);
    link.number = maybe(random, text);
    Row::of(&link)
}

fn checkpoint(random: &mut Rng) -> Row {
    let entity = [Entity::Asset, Entity::WorkOrder][random.usize(..2)];
    let connection = samples::connection_id(random.u32(..3));
    let mut checkpoint = samples::checkpoint(connection, entity, random.u32(..20));
    checkpoint.position = maybe(random, text);
    Row::of(&checkpoint)
}

fn daily_number(random: &mut Rng) -> Row {
    let last = random.i64(-3..10);
    let mut number = samples::daily_number(random.u32(..3), last);
    number.day = samples::day(random.u32(..3));
    Row::of(&number)
}

fn setting(random: &mut Rng) -> Row {
    let (name, value) = (text(random), text(random));
    Row::of(&samples::setting(&name, value))
}

/// The cell of a column that a row of the table has.
fn cell(table: &Table, row: &Row, column: &Column) -> Cell<'static> {
    row.0[table.position(column.name).unwrap()].clone()
}

fn key(table: &Table, row: &Row) -> Vec<Cell<'static>> {
    table.key().map(|(i, _)| row.0[i].clone()).collect()
}

/// A filter over the columns of a table, with values that its rows have.
fn filter(random: &mut Rng, rowed: &Rowed, seen: &'static Table, depth: u32) -> Filter<'static> {
    let choice = random.u32(..if depth == 0 { 7 } else { 10 });
    if choice >= 7 {
        let parts = (0..random.u32(..4))
            .map(|_| filter(random, rowed, seen, depth - 1))
            .collect();
        return if random.bool() {
            Filter::And(parts)
        } else {
            Filter::Or(parts)
        };
    }
    let column = &seen.columns[random.usize(..seen.columns.len())];
    let col = Col(column.name);
    if choice == 0 || column.kind == Kind::Json {
        return match random.u32(..3) {
            0 => Filter::All,
            _ => Filter::Null(col),
        };
    }
    let value = |random: &mut Rng| cell(rowed.table, &(rowed.make)(random), column);
    match choice {
        1 if column.kind == Kind::Text => Filter::Prefix(col, text(random).into()),
        1 | 2 => Filter::In(col, (0..random.u32(..4)).map(|_| value(random)).collect()),
        _ => {
            use Cmp::{Eq, Ge, Gt, Le, Lt, Ne};
            let cmp = [Eq, Ne, Lt, Le, Gt, Ge][random.usize(..6)];
            Filter::Is(col, cmp, value(random))
        }
    }
}

/// A query whose order ends in the key.
fn query(random: &mut Rng, rowed: &Rowed, seen: &'static Table) -> Query<'static> {
    let dir = |random: &mut Rng| [Dir::Asc, Dir::Desc][random.usize(..2)];
    let mut order: Vec<&'static Column> = Vec::new();
    if random.bool() {
        let able = |c: &&Column| !c.nullable && c.kind != Kind::Json && c.role != Role::Key;
        let able: Vec<_> = seen.columns.iter().filter(able).collect();
        if !able.is_empty() && random.bool() {
            order.push(able[random.usize(..able.len())]);
        }
        order.extend(seen.key().map(|(_, column)| column));
    }
    let columns: Vec<_> = if order.is_empty() {
        seen.key().map(|(_, column)| column).collect()
    } else {
        order.clone()
    };
    let row = (rowed.make)(random);
    let position = columns.iter().map(|c| cell(rowed.table, &row, c)).collect();
    Query {
        filter: filter(random, rowed, seen, 2),
        order: order
            .into_iter()
            .map(|column| (Col(column.name), dir(random)))
            .collect(),
        after: random.bool().then_some(position),
        limit: maybe(random, |r| r.u32(..6)),
        lock: Lock::None,
    }
}

/// A count by a column or none.
fn count(random: &mut Rng, rowed: &Rowed, seen: &'static Table) -> Count<'static> {
    let column = &seen.columns[random.usize(..seen.columns.len())];
    Count {
        filter: filter(random, rowed, seen, 2),
        by: (column.kind != Kind::Json && random.bool()).then_some(Col(column.name)),
        limit: maybe(random, |r| r.u32(..4)),
    }
}

/// One operation on an open transaction.
#[derive(Debug)]
enum Op {
    Save(&'static Table, Rows, SaveRule),
    Get(&'static Table, Vec<Vec<Cell<'static>>>),
    List(&'static Table, Query<'static>),
    Count(&'static Table, Count<'static>),
    Delete(&'static Table, Vec<Vec<Cell<'static>>>),
}

/// What an operation answers.
#[derive(Debug, PartialEq)]
enum Answer {
    Saved(Vec<Saved>),
    Rows(Vec<Row>),
    Groups(Vec<Group>),
    Count(u64),
    Failed(&'static str),
}

impl Op {
    fn random(random: &mut Rng) -> Self {
        let rowed = &TABLES[random.usize(..TABLES.len())];
        let table = rowed.table;
        let rows = |random: &mut Rng| -> Vec<Row> {
            (0..random.u32(1..5))
                .map(|_| (rowed.make)(random))
                .collect()
        };
        let seen = match rowed.views {
            [] => table,
            views if random.bool() => views[random.usize(..views.len())],
            _ => table,
        };
        match random.u32(..11) {
            0..5 => {
                use SaveRule::{Insert, Update, Upsert};
                let rule = [Insert, Update, Upsert, Upsert][random.usize(..4)];
                let mut batch = Rows::of_width(table.columns.len());
                batch.rows = rows(random);
                Self::Save(table, batch, rule)
            }
            5 => Self::Delete(seen, rows(random).iter().map(|r| key(table, r)).collect()),
            6 | 7 => Self::Get(seen, rows(random).iter().map(|r| key(table, r)).collect()),
            8 => Self::Count(seen, count(random, rowed, seen)),
            _ => Self::List(seen, query(random, rowed, seen)),
        }
    }

    async fn run(&self, tx: &mut dyn Tx) -> Answer {
        let answer: Result<Answer> = match self {
            Self::Save(table, rows, rule) => tx.save(table, rows, *rule).await.map(Answer::Saved),
            Self::Delete(table, keys) => {
                let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
                tx.delete(table, &keys).await.map(Answer::Count)
            }
            Self::Get(table, keys) => {
                let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
                let mut found = Rows::of_width(table.columns.len());
                let got = tx.get(table, &keys, Lock::None, &mut found).await;
                found.rows.sort_by_cached_key(|row| format!("{row:?}"));
                got.map(|()| Answer::Rows(found.rows))
            }
            Self::List(table, query) => {
                let mut found = Rows::of_width(table.columns.len());
                let listed = tx.list(table, query, &mut found).await;
                listed.map(|()| Answer::Rows(found.rows))
            }
            Self::Count(table, count) => tx.count(table, count).await.map(Answer::Groups),
        };
        answer.unwrap_or_else(|e: Error| Answer::Failed(e.code().id()))
    }
}

/// Every row of every table, by key.
async fn canonical(store: &dyn Store, scope: &Scope) -> Vec<(&'static str, Vec<Row>)> {
    let mut tx = store.begin(scope, TxMode::Snapshot).await.unwrap();
    let mut state = Vec::new();
    for Rowed { table, .. } in TABLES {
        let mut found = Rows::of_width(table.columns.len());
        let listed = tx.list(table, &Query::default(), &mut found).await;
        listed.unwrap();
        state.push((table.name, found.rows));
    }
    state
}

/// How often a program was disturbed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disturbed {
    /// Calls that were dropped before they ended.
    pub dropped: usize,
    /// How often the store was opened anew.
    pub reopened: usize,
}

impl std::ops::AddAssign for Disturbed {
    fn add_assign(&mut self, other: Self) {
        self.dropped += other.dropped;
        self.reopened += other.reopened;
    }
}

/// Whether a call is to be dropped, and after how many polls.
fn leaves(random: &mut Rng) -> Option<usize> {
    (random.u32(..24) == 0).then(|| random.usize(1..12))
}

/// Waits until what was dropped has ended, one way or the other.
async fn settle(store: &dyn Store, scope: &Scope) {
    let tx = store.begin(scope, TxMode::Write).await.unwrap();
    tx.commit().await.unwrap();
}

/// Runs transactions of random operations in two organizations on two stores: every answer and the states
/// at the end are equal. A failure names the seed and the operation.
///
/// Calls on the second store are dropped at any of their awaits, and it is opened anew in between, by `open`: what was
/// dropped is done whole or not at all, and everything goes on. Programs of different seeds can share their stores.
pub async fn random_programs_agree(
    a: &dyn Store,
    open: impl AsyncFn() -> Arc<dyn Store>,
    seed: u64,
    operations: usize,
) -> Disturbed {
    let mut random = Rng::with_seed(seed);
    let mut b = open().await;
    let mut disturbed = Disturbed::default();
    let mut scopes = Vec::new();
    for name in ["one", "two"] {
        let name = format!("random {seed} {name}");
        scopes.push((scope(a, &name).await, scope(&*b, &name).await));
    }
    let mut done = 0;
    while done < operations {
        let (of_a, of_b) = &scopes[random.usize(..scopes.len())];
        use TxMode::{Once, Snapshot, Write};
        let mode = [Write, Write, Write, Once, Once, Snapshot][random.usize(..6)];
        if random.u32(..24) == 0 {
            drop(b);
            b = open().await;
            disturbed.reopened += 1;
        }
        if let Some(polls) = leaves(&mut random) {
            let begun = polled(polls, b.begin(of_b, mode)).await;
            disturbed.dropped += usize::from(begun.is_none());
        }
        let mut tx_a = a.begin(of_a, mode).await.unwrap();
        let mut tx_b = b.begin(of_b, mode).await.unwrap();
        let mut left = false;
        for _ in 0..random.u32(1..12) {
            let op = Op::random(&mut random);
            let context = || format!("seed {seed}, operation {done} in {mode:?}: {op:#?}");
            let answer_b = match leaves(&mut random) {
                Some(polls) => polled(polls, op.run(&mut *tx_b)).await,
                None => Some(op.run(&mut *tx_b).await),
            };
            if let Some(answer_b) = answer_b {
                assert_eq!(op.run(&mut *tx_a).await, answer_b, "{}", context());
                done += 1;
                continue;
            }
            left = true;
            disturbed.dropped += 1;
            if mode == Once {
                settle(&*b, of_b).await;
                let state_b = canonical(&*b, of_b).await;
                if canonical(a, of_a).await != state_b {
                    op.run(&mut *tx_a).await;
                }
                assert_eq!(canonical(a, of_a).await, state_b, "{}", context());
            }
            break;
        }
        if left {
            continue;
        }
        match random.u32(..6) {
            0 => {
                tx_a.rollback().await.unwrap();
                tx_b.rollback().await.unwrap();
            }
            1 => drop((tx_a, tx_b)),
            _ => match leaves(&mut random) {
                None => {
                    tx_a.commit().await.unwrap();
                    tx_b.commit().await.unwrap();
                }
                Some(polls) => {
                    let committed = polled(polls, tx_b.commit()).await;
                    settle(&*b, of_b).await;
                    let state_b = canonical(&*b, of_b).await;
                    let differs = canonical(a, of_a).await != state_b;
                    match committed {
                        Some(committed) => committed.unwrap(),
                        None => disturbed.dropped += 1,
                    }
                    if differs {
                        tx_a.commit().await.unwrap();
                    } else {
                        drop(tx_a);
                    }
                    let state_a = canonical(a, of_a).await;
                    assert_eq!(state_a, state_b, "seed {seed}, a commit that was dropped");
                }
            },
        }
    }
    for (of_a, of_b) in &scopes {
        settle(&*b, of_b).await;
        let (state_a, state_b) = (canonical(a, of_a).await, canonical(&*b, of_b).await);
        assert_eq!(state_a, state_b, "seed {seed}, the states at the end");
    }
    disturbed
}
