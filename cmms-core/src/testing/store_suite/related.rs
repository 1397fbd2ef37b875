//! Rows of a query together with those of another table that name them.

use super::harness::{insert, scope, write};
use crate::domain::sync_state::{ExternalLink, LinkView};
use crate::domain::work_order::WorkOrder;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Cmp, Dir, Filter, Query, Store, TxMode};
use crate::record::Field as _;
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
