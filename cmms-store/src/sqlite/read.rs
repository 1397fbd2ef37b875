//! Reads, from the state that the connection sees.

use super::bind::{RowCells, bind_key, bind_param, hash_cell};
use super::errors::Fault;
use crate::sql::{Statements, select};
use cmms_core::ports::store::Query;
use cmms_core::record::{Cell, RowTarget};
use rusqlite::Connection;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher, RandomState};
use uuid::Uuid;

/// Reads the rows of keys, each row once.
pub(super) fn get(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    keys: &[&[Cell<'_>]],
    to: &mut dyn RowTarget,
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(&statements.get)?;
    statement.raw_bind_parameter(1, org.as_bytes().as_slice())?;
    for key in distinct(keys) {
        bind_key(&mut statement, statements, key)?;
        if let Some(row) = statement.raw_query().next()? {
            to.row(&mut RowCells::new(row, statements.table))?;
        }
    }
    Ok(())
}

/// Reads the rows of a query, in its order.
pub(super) fn list(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    query: &Query<'_>,
    to: &mut dyn RowTarget,
) -> Result<(), Fault> {
    let (sql, params) = select(statements, query)?;
    let mut statement = connection.prepare_cached(&sql)?;
    statement.raw_bind_parameter(1, org.as_bytes().as_slice())?;
    for (i, param) in params.iter().enumerate() {
        bind_param(&mut statement, i + 2, param)?;
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        to.row(&mut RowCells::new(row, statements.table))?;
    }
    Ok(())
}

/// The keys, each once.
fn distinct<'k, 'c>(keys: &'k [&'k [Cell<'c>]]) -> Vec<&'k [Cell<'c>]> {
    if keys.len() <= 1 {
        return keys.to_vec();
    }
    let hashes = RandomState::new();
    let mut seen: HashMap<u64, &[Cell<'c>]> = HashMap::with_capacity(keys.len());
    let mut out = Vec::with_capacity(keys.len());
    'keys: for key in keys {
        let mut hasher = hashes.build_hasher();
        key.iter().for_each(|cell| hash_cell(cell, &mut hasher));
        let mut hash = hasher.finish();
        loop {
            match seen.entry(hash) {
                Entry::Vacant(place) => {
                    place.insert(key);
                    break;
                }
                Entry::Occupied(other) if other.get() == key => continue 'keys,
                Entry::Occupied(_) => hash = hash.wrapping_add(1),
            }
        }
        out.push(*key);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate;
    use cmms_core::domain::sync_state::LinkView;
    use cmms_core::domain::work_order::WorkOrder;
    use cmms_core::ports::store::{Dir, Filter};
    use cmms_core::record::Record;

    /// How SQLite goes about a query.
    fn plan<R: Record>(query: &Query<'_>) -> String {
        let db = Connection::open_in_memory().unwrap();
        rusqlite::vtab::array::load_module(&db).unwrap();
        for migration in migrate::SQLITE {
            db.execute_batch(migration.sql).unwrap();
        }
        let (sql, params) = select(&Statements::of(R::TABLE), query).unwrap();
        let mut statement = db
            .prepare_cached(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        for (i, param) in params.iter().enumerate() {
            bind_param(&mut statement, i + 2, param).unwrap();
        }
        let mut rows = statement.raw_query();
        let mut steps: Vec<String> = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        steps.join("; ")
    }

    #[test]
    fn a_page_is_a_range_of_an_index() {
        let order = vec![
            (WorkOrder::UPDATED_AT, Dir::Desc),
            (WorkOrder::ID, Dir::Desc),
        ];
        let page = Query {
            order,
            after: Some(vec![Cell::Time(1), Cell::Id(Uuid::nil())]),
            limit: Some(50),
            ..Query::default()
        };
        let plan = plan::<WorkOrder>(&page);
        assert!(plan.contains("work_orders_by_updated_at"), "{plan}");
        assert!(plan.contains("updated_at,id)<(?,?)"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    #[test]
    fn a_page_by_status_and_one_by_key_need_no_sort() {
        let by_status = Query {
            filter: Filter::eq(WorkOrder::STATUS, Cell::text("draft")),
            after: Some(vec![Cell::Id(Uuid::nil())]),
            ..Query::default()
        };
        let by_key = Query {
            after: Some(vec![Cell::Id(Uuid::nil())]),
            ..Query::default()
        };
        for query in [by_status, by_key] {
            let plan = plan::<WorkOrder>(&query);
            assert!(plan.contains("SEARCH"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[test]
    fn many_values_and_null_columns_use_their_index() {
        for count in [1, 4, 16, 500] {
            let ids = vec![Cell::Id(Uuid::nil()); count];
            let links = plan::<LinkView>(&Query::filter(Filter::In(LinkView::RECORD_ID, ids)));
            assert!(
                links.contains("external_links_by_record_id"),
                "{count}: {links}"
            );
        }
        let of_asset = Filter::eq(WorkOrder::ASSET_ID, Cell::text("PUMP-1"));
        let orders = plan::<WorkOrder>(&Query::filter(of_asset));
        assert!(orders.contains("work_orders_by_asset_id"), "{orders}");
    }
}
