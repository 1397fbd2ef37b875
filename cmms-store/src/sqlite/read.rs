//! Reads, from the state that the connection sees.

use super::bind::{RowCells, bind_key, bind_param, cell};
use super::errors::Fault;
use crate::keys::distinct;
use crate::sql::{self, Statements, select};
use cmms_core::ports::count::{Count, Group, together};
use cmms_core::ports::store::Query;
use cmms_core::record::{Cell, RowTarget};
use rusqlite::{Connection, Row};
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
        if !to.takes_more() {
            break;
        }
    }
    Ok(())
}

/// Counts the rows that a filter takes.
pub(super) fn count(
    connection: &Connection,
    statements: &Statements,
    org: Uuid,
    count: &Count<'_>,
) -> Result<Vec<Group>, Fault> {
    let (sql, params) = sql::count(statements, count)?;
    let mut statement = connection.prepare_cached(&sql)?;
    statement.raw_bind_parameter(1, org.as_bytes().as_slice())?;
    for (i, param) in params.iter().enumerate() {
        bind_param(&mut statement, i + 2, param)?;
    }
    let table = statements.base;
    let by = count.place(table)?.and_then(|i| table.columns.get(i));
    let number = |row: &Row<'_>, place: usize| -> rusqlite::Result<u64> {
        row.get(place).map(i64::unsigned_abs)
    };
    let mut rows = statement.raw_query();
    let mut groups = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(column) = by else {
            return Ok(together(number(row, 0)?));
        };
        groups.push(Group {
            value: cell(row.get_ref(0)?, table, column)?.into_owned(),
            rows: number(row, 1)?,
        });
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate;
    use crate::sql::{Dialect, Param};
    use cmms_core::domain::asset::Asset;
    use cmms_core::domain::idempotency::KeptAnswer;
    use cmms_core::domain::sync_state::{ExternalLink, LinkView};
    use cmms_core::domain::work_order::WorkOrder;
    use cmms_core::ports::store::{Cmp, Dir, Filter, Related};
    use cmms_core::record::{Col, Kind, Record};

    /// How SQLite goes about a query.
    fn plan<R: Record>(query: &Query<'_>) -> String {
        let db = Connection::open_in_memory().unwrap();
        rusqlite::vtab::array::load_module(&db).unwrap();
        for migration in migrate::SQLITE {
            db.execute_batch(migration.sql).unwrap();
        }
        let (sql, params) = select(&Statements::of(R::TABLE, &Dialect::Sqlite, 0), query).unwrap();
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

    /// A page of one status in an order, from behind a place on.
    fn of_status(order: &[(Col, Cell<'static>)], dir: Dir) -> Query<'static> {
        Query {
            filter: Filter::eq(WorkOrder::STATUS, Cell::text("scheduled")),
            order: order.iter().map(|(col, _)| (*col, dir)).collect(),
            after: Some(order.iter().map(|(_, cell)| cell.clone()).collect()),
            limit: Some(51),
            ..Query::default()
        }
    }

    #[test]
    fn a_page_of_a_status_is_a_range_of_an_index_in_every_order() {
        let id = (WorkOrder::ID, Cell::Id(Uuid::nil()));
        let time = |col| vec![(col, Cell::Time(1)), id.clone()];
        for (order, index, range) in [
            (vec![id.clone()], "work_orders_by_status", "id"),
            (
                time(WorkOrder::UPDATED_AT),
                "work_orders_by_updated_at",
                "(updated_at,id)",
            ),
            (
                time(WorkOrder::DUE_AT),
                "work_orders_by_due_at",
                "(due_at,id)",
            ),
        ] {
            for (dir, sign) in [(Dir::Asc, '>'), (Dir::Desc, '<')] {
                let mut query = of_status(&order, dir);
                let plan = plan::<WorkOrder>(&query);
                let index = format!("INDEX {index} (org_id=? AND status=?");
                assert!(plan.contains(&index), "{plan}");
                assert!(plan.contains(&format!(" AND {range}{sign}")), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
                query.after = None;
                let first = self::plan::<WorkOrder>(&query);
                assert!(first.contains(&index), "{first}");
                assert!(!first.contains("TEMP B-TREE"), "{first}");
            }
        }
    }

    #[test]
    fn work_orders_without_due_date_are_a_range_of_the_same_index() {
        let mut query = of_status(&[(WorkOrder::ID, Cell::Id(Uuid::nil()))], Dir::Desc);
        let null = Filter::Null(WorkOrder::DUE_AT);
        query.filter = Filter::And(vec![null, query.filter]);
        let plan = plan::<WorkOrder>(&query);
        let range = "work_orders_by_due_at (org_id=? AND status=? AND due_at=? AND id<?)";
        assert!(plan.contains(range), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    #[test]
    fn a_time_and_a_status_are_one_range() {
        let times = [
            (WorkOrder::UPDATED_AT, Cmp::Ge, "updated_at>?"),
            (WorkOrder::DUE_AT, Cmp::Lt, "due_at<?"),
        ];
        for (col, cmp, range) in times {
            let mut query = of_status(
                &[(col, Cell::Time(1)), (WorkOrder::ID, Cell::Null)],
                Dir::Asc,
            );
            query.after = None;
            query.filter = Filter::And(vec![Filter::Is(col, cmp, Cell::Time(1)), query.filter]);
            let plan = plan::<WorkOrder>(&query);
            assert!(
                plan.contains("status=? AND ") && plan.contains(range),
                "{plan}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[test]
    fn pages_by_key_and_of_assets_need_no_sort() {
        let by_key = Query {
            after: Some(vec![Cell::Id(Uuid::nil())]),
            ..Query::default()
        };
        let by = |col| Query {
            order: vec![(col, Dir::Desc), (Asset::ID, Dir::Desc)],
            limit: Some(51),
            ..Query::default()
        };
        for plan in [
            plan::<WorkOrder>(&by_key),
            plan::<Asset>(&by_key),
            plan::<Asset>(&by(Asset::UPDATED_AT)),
            plan::<Asset>(&by(Asset::ASSET_ID)),
            plan::<Asset>(&Query::filter(Filter::eq(
                Asset::STATUS,
                Cell::text("spare"),
            ))),
        ] {
            assert!(plan.contains("SEARCH"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[test]
    fn what_is_asked_for_by_creation_or_by_a_missing_asset_is_a_range_of_an_index() {
        let since = |col| Filter::Is(col, Cmp::Ge, Cell::Time(1));
        let by = |filter, col, id| Query {
            filter,
            order: vec![(col, Dir::Asc), (id, Dir::Asc)],
            limit: Some(51),
            ..Query::default()
        };
        let orders = (WorkOrder::CREATED_AT, WorkOrder::ID);
        let plans = [
            plan::<WorkOrder>(&by(since(orders.0), orders.0, orders.1)),
            plan::<Asset>(&by(since(Asset::CREATED_AT), Asset::CREATED_AT, Asset::ID)),
            plan::<WorkOrder>(&Query::filter(Filter::Null(WorkOrder::ASSET_ID))),
        ];
        for (plan, range) in plans.iter().zip([
            "work_orders_by_created_at (org_id=? AND created_at>?)",
            "assets_by_created_at (org_id=? AND created_at>?)",
            "work_orders_by_asset_id (org_id=? AND asset_id=?)",
        ]) {
            assert!(plan.contains(range), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
        let named = Filter::eq(WorkOrder::NUMBER, Cell::text("WO-20240115-0001"));
        let number = plan::<WorkOrder>(&Query::filter(named));
        assert!(number.contains("work_orders_by_number"), "{number}");
    }

    #[test]
    fn forgotten_answers_are_a_range_of_their_index() {
        let query = Query {
            filter: Filter::Is(KeptAnswer::EXPIRES_AT, Cmp::Le, Cell::Time(1)),
            order: vec![
                (KeptAnswer::EXPIRES_AT, Dir::Asc),
                (KeptAnswer::ID, Dir::Asc),
            ],
            limit: Some(10),
            ..Query::default()
        };
        let plan = plan::<KeptAnswer>(&query);
        let range = "idempotency_keys_by_expires_at (org_id=? AND expires_at<?)";
        assert!(plan.contains(range), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    /// Of each row of a list it is asked whether a link names it: from the index alone.
    #[test]
    fn whether_a_link_names_a_row_is_read_from_the_index() {
        let by = Related {
            table: ExternalLink::TABLE,
            column: ExternalLink::RECORD_ID,
            names: WorkOrder::ID,
        };
        let archived = || Box::new(Filter::eq(ExternalLink::ARCHIVED, Cell::Bool(true)));
        for filter in [
            Filter::Named(by, archived()),
            Filter::Unnamed(by, archived()),
        ] {
            let plan = plan::<WorkOrder>(&Query::filter(filter));
            let index = "COVERING INDEX external_links_by_record_id";
            assert!(plan.contains(index), "{plan}");
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

    /// rusqlite 0.39 leaks the values of an array that is bound as an `Rc`: a sync of 60,000 assets kept 17 MB.
    #[cfg(target_os = "linux")]
    #[test]
    fn regression_many_values_are_freed_with_their_statement() {
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
            pages * 4096
        };
        let db = Connection::open_in_memory().unwrap();
        rusqlite::vtab::array::load_module(&db).unwrap();
        let texts = vec![Cell::text("a text of a few octets"); 10_000];
        let count = || {
            let mut statement = db
                .prepare_cached("SELECT count(*) FROM rarray(?1)")
                .unwrap();
            bind_param(&mut statement, 1, &Param::Many(Kind::Text, &texts)).unwrap();
            let mut rows = statement.raw_query();
            let count: i64 = rows.next().unwrap().unwrap().get(0).unwrap();
            assert_eq!(count, 10_000);
        };
        count();
        let before = resident();
        for _ in 0..200 {
            count();
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 40 << 20, "{grown} octets stayed");
    }
}
