//! Rows of a query together with those of another table that name them.

use super::harness::{filter, insert, scope, write};
use crate::domain::sync_state::{ExternalLink, LinkView};
use crate::domain::work_order::WorkOrder;
use crate::ports::count::Count;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Cmp, Dir, Filter, Query, Related, Store, TxMode};
use crate::record::{Cell, Field as _, Record as _};
use crate::testing::samples;

/// The rows come in the order of the query, the others beside them: those of rows that were found, and of no others,
/// several of one row, too; in every mode, and of one's own organization only.
pub async fn rows_come_with_those_that_name_them(store: &dyn Store) {
    let scopes = [scope(store, "a").await, scope(store, "b").await];
    let orders: Vec<_> = (0..40).map(samples::work_order).collect();
    let links: Vec<ExternalLink> = (0..60)
        .map(|n| {
            let mut link = samples::external_link(samples::connection_id(1 + n % 2), n);
            // The last third names the first twenty once more.
            link.record_id = orders[(n % 40) as usize].id.0;
            link
        })
        .collect();
    for scope in &scopes {
        insert(store, scope, &orders).await;
        insert(store, scope, &links).await;
    }
    let query = Query {
        filter: Filter::Is(WorkOrder::ID, Cmp::Ge, orders[5].id.cell()),
        order: vec![(WorkOrder::ID, Dir::Desc)],
        after: Some(vec![orders[25].id.cell()]),
        limit: Some(10),
        ..Query::default()
    };
    let found: Vec<_> = orders[15..25].iter().rev().collect();
    let mut named: Vec<_> = links
        .iter()
        .filter(|l| found.iter().any(|o| o.id.0 == l.record_id))
        .map(|l| l.external_id.clone())
        .collect();
    named.sort();
    assert_eq!(named.len(), 15);
    for mode in [TxMode::Once, TxMode::Snapshot, TxMode::Write] {
        let mut tx = store.begin(&scopes[0], mode).await.unwrap();
        let (rows, others) = tx
            .of::<WorkOrder>()
            .list_with::<LinkView>(&query, LinkView::RECORD_ID, WorkOrder::ID, usize::MAX)
            .await
            .unwrap();
        assert_eq!(rows.records.iter().collect::<Vec<_>>(), found, "{mode:?}");
        let mut others: Vec<_> = others.into_iter().map(|l| l.external_id).collect();
        others.sort();
        assert_eq!(others, named, "{mode:?}");
    }
    let alone = samples::work_order(40);
    insert(store, &scopes[0], std::slice::from_ref(&alone)).await;
    let mut tx = write(store, &scopes[0]).await;
    let query = Query::filter(Filter::In(WorkOrder::ID, vec![alone.id.cell()]));
    let unnamed = tx
        .of::<WorkOrder>()
        .list_with::<LinkView>(&query, LinkView::RECORD_ID, WorkOrder::ID, usize::MAX)
        .await;
    let (found, others) = unnamed.unwrap();
    assert_eq!((found.records, others), (vec![alone.clone()], Vec::new()));
    let none = Query::filter(Filter::In(WorkOrder::ID, Vec::new()));
    let nothing = tx
        .of::<WorkOrder>()
        .list_with::<LinkView>(&none, LinkView::RECORD_ID, WorkOrder::ID, usize::MAX)
        .await;
    let (found, others) = nothing.unwrap();
    assert_eq!((found.records, others), (Vec::new(), Vec::new()));
}

/// Rows that a row of another table names, and those that none names: by what that row is, in lists and counts, beside
/// other filters, and of one's own organization only.
pub async fn rows_are_found_by_those_that_name_them(store: &dyn Store) {
    let scopes = [scope(store, "a").await, scope(store, "b").await];
    let orders: Vec<_> = (0..6).map(samples::work_order).collect();
    // The first two have two links each, the next two one; what they say of being archived differs.
    let links: Vec<ExternalLink> = [(0, true), (0, false), (1, false), (1, false), (2, true)]
        .into_iter()
        .chain([(3, false)])
        .enumerate()
        .map(|(n, (of, archived))| {
            let n = u32::try_from(n).unwrap();
            let mut link = samples::external_link(samples::connection_id(1), n);
            link.record_id = orders[of as usize].id.0;
            link.archived = archived;
            link
        })
        .collect();
    insert(store, &scopes[0], &orders).await;
    insert(store, &scopes[0], &links).await;
    // Of another organization all are archived.
    let other: Vec<_> = (0..6)
        .map(|n| {
            let mut link = samples::external_link(samples::connection_id(1), n);
            link.record_id = orders[n as usize].id.0;
            link.archived = true;
            link
        })
        .collect();
    insert(store, &scopes[1], &other).await;
    let by = Related {
        table: ExternalLink::TABLE,
        column: ExternalLink::RECORD_ID,
        names: WorkOrder::ID,
    };
    let archived = || Box::new(Filter::eq(ExternalLink::ARCHIVED, Cell::Bool(true)));
    let late = Filter::Is(WorkOrder::ID, Cmp::Ge, orders[2].id.cell());
    for (by_filter, found) in [
        (Filter::Named(by, archived()), vec![0, 2]),
        (Filter::Unnamed(by, archived()), vec![1, 3, 4, 5]),
        (Filter::Named(by, Box::new(Filter::All)), vec![0, 1, 2, 3]),
        (Filter::Unnamed(by, Box::new(Filter::All)), vec![4, 5]),
        (
            Filter::And(vec![late.clone(), Filter::Unnamed(by, archived())]),
            vec![3, 4, 5],
        ),
        (
            Filter::Or(vec![late, Filter::Named(by, archived())]),
            vec![0, 2, 3, 4, 5],
        ),
    ] {
        let expected: Vec<_> = found.iter().map(|n: &usize| orders[*n].id).collect();
        let rows = filter::<WorkOrder>(store, &scopes[0], by_filter.clone()).await;
        let ids: Vec<_> = rows.iter().map(|order| order.id).collect();
        assert_eq!(ids, expected, "{by_filter:?}");
        let mut tx = store.begin(&scopes[0], TxMode::Once).await.unwrap();
        let count = Count {
            filter: by_filter.clone(),
            ..Count::default()
        };
        let counted = tx.count(WorkOrder::TABLE, &count).await.unwrap();
        assert_eq!(counted[0].rows, found.len() as u64, "{by_filter:?}");
    }
}
