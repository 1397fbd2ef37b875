//! The schema equals the descriptions of the records, column by column.

#![expect(clippy::unwrap_used, reason = "tests")]

use cmms_core::domain::TABLES;
use cmms_core::record::{Kind, Table};
use cmms_store::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use std::collections::BTreeSet;
use tempfile::TempDir;

/// Name, type, whether it refuses null, place in the key.
type Shape = (String, String, bool, u32);

/// A database that the store has made, and its folder.
fn made() -> (TempDir, Connection) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cmms.db");
    SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    let db = Connection::open(&path).unwrap();
    (folder, db)
}

fn stored(db: &Connection, table: &str) -> Vec<Shape> {
    let mut statement = db
        .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1) ORDER BY cid")
        .unwrap();
    statement
        .query_map([table], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn described(table: &Table) -> Vec<Shape> {
    let key: Vec<_> = table.key().map(|(_, c)| c.name).collect();
    let place = |name: &str| key.iter().position(|k| *k == name).map_or(0, |i| i + 2);
    let mut shapes = vec![("org_id".to_owned(), "BLOB".to_owned(), true, 1)];
    for column in table.columns {
        let kind = match column.kind {
            Kind::Bool | Kind::Int | Kind::Time => "INTEGER",
            Kind::Real => "REAL",
            Kind::Text | Kind::Json => "TEXT",
            Kind::Bytes | Kind::Id => "BLOB",
        };
        let place = u32::try_from(place(column.name)).unwrap();
        shapes.push((
            column.name.to_owned(),
            kind.to_owned(),
            !column.nullable,
            place,
        ));
    }
    shapes
}

/// The columns of each index, and whether it is unique; the key's own is left out.
fn indexes(db: &Connection, table: &str) -> BTreeSet<(bool, Vec<String>)> {
    let mut list = db
        .prepare("SELECT name, \"unique\" FROM pragma_index_list(?1) WHERE origin <> 'pk'")
        .unwrap();
    let mut columns = db
        .prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")
        .unwrap();
    list.query_map([table], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap()
        .map(|found| {
            let (name, unique): (String, bool) = found.unwrap();
            let of = columns.query_map([name], |r| r.get(0)).unwrap();
            (unique, of.collect::<Result<_, _>>().unwrap())
        })
        .collect()
}

#[test]
fn schema_equals_the_descriptions_column_by_column() {
    let (_folder, db) = made();
    for table in TABLES {
        assert!(!table.projection, "{}", table.name);
        assert_eq!(stored(&db, table.name), described(table), "{}", table.name);
        let sets = |sets: &[&[&str]], unique: bool| -> Vec<(bool, Vec<String>)> {
            let with_org = |set: &&[&str]| {
                let names = std::iter::once("org_id").chain(set.iter().copied());
                (unique, names.map(str::to_owned).collect())
            };
            sets.iter().map(with_org).collect()
        };
        let want: BTreeSet<_> = [sets(table.unique, true), sets(table.index, false)]
            .concat()
            .into_iter()
            .collect();
        assert_eq!(indexes(&db, table.name), want, "{}", table.name);
    }
}

#[test]
fn every_table_is_strict_and_described() {
    let (_folder, db) = made();
    let mut list = db
        .prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    let found: BTreeSet<(String, bool)> = list
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let own = ["organizations", "_cmms_migrations"];
    let names = TABLES.iter().map(|t| t.name).chain(own);
    let want: BTreeSet<_> = names.map(|n| (n.to_owned(), true)).collect();
    assert_eq!(found, want);
}

/// Null may hide a defect: a described unique column that may be null would need a partial index by design.
#[test]
fn partial_indexes_leave_out_nulls_only() {
    let (_folder, db) = made();
    let mut list = db
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'")
        .unwrap();
    let partial: Vec<String> = list
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(!partial.is_empty());
    for sql in partial {
        let (head, condition) = sql.split_once(" WHERE ").unwrap();
        let column = condition.strip_suffix(" IS NOT NULL").unwrap();
        assert!(head.contains(&format!("(org_id, {column}")), "{sql}");
    }
}

#[test]
fn every_index_has_its_statistics() {
    let (_folder, db) = made();
    let sql = "SELECT t.name, i.name, (SELECT count(*) FROM pragma_index_info(i.name)) \
               FROM pragma_table_list t JOIN pragma_index_list(t.name) i \
               WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%'";
    let mut list = db.prepare(sql).unwrap();
    let row = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?));
    let found = list.query_map([], row).unwrap().map(Result::unwrap);
    let mut seen = 0;
    for (table, index, columns) in found {
        let (table, index, columns): (String, String, u32) = (table, index, columns);
        // The key of a table without row ids has the table's own name there.
        let clustered = "SELECT wr FROM pragma_table_list WHERE name = ?1";
        let clustered: bool = db.query_row(clustered, [&table], |r| r.get(0)).unwrap();
        let own = clustered && index == format!("sqlite_autoindex_{table}_1");
        let name = if own { &table } else { &index };
        let sql = "SELECT stat FROM sqlite_stat1 WHERE tbl = ?1 AND idx = ?2";
        let stat: Result<String, _> = db.query_row(sql, [&table, name], |r| r.get(0));
        let stat = stat.unwrap_or_else(|e| panic!("{table}.{index}: {e}"));
        assert_eq!(
            stat.split(' ').count(),
            columns as usize + 1,
            "{index}: {stat}"
        );
        seen += 1;
    }
    let lines: u32 = db
        .query_row("SELECT count(*) FROM sqlite_stat1", [], |r| r.get(0))
        .unwrap();
    assert_eq!(lines, seen);
}
