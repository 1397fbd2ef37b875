//! Opening: what is refused stays as it is, and every refusal says which file and what to do.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use cmms_core::domain::setting::Setting;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Query, SaveRule, Store as _, TxMode};
use cmms_core::testing::samples;
use cmms_core::{Error, code};
use cmms_store::{SqliteOptions, SqliteStore};
use common::{open, place, scope};
use rusqlite::Connection;
use std::path::Path;

fn refused(path: &Path) -> Error {
    SqliteStore::open(path, SqliteOptions::default()).unwrap_err()
}

/// What stands in a folder: names and contents.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

fn names_file_and_remedy(e: &Error, path: &Path) {
    assert!(
        e.message()
            .contains(&format!("{:?}", path.display().to_string())),
        "{e}"
    );
    for word in ["SELECT", "PRAGMA", "rusqlite"] {
        assert!(!e.message().contains(word), "{e}");
    }
    assert!(!e.remedy().is_empty());
}

#[test]
fn a_new_file_gets_the_schema_and_an_old_one_keeps_it() {
    let (_folder, path) = place();
    drop(open(&path));
    let ledger = |db: &Connection| -> (u32, String, Vec<u8>, i64) {
        let sql = "SELECT number, name, checksum, applied_at FROM _cmms_migrations";
        db.query_row(sql, [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })
        .unwrap()
    };
    let db = Connection::open(&path).unwrap();
    let first = ledger(&db);
    assert_eq!(
        (first.0, first.1.as_str(), first.2.len()),
        (1, "0001_foundation", 32)
    );
    assert!(first.3 > 1_600_000_000_000_000, "microseconds");
    drop(open(&path));
    assert_eq!(ledger(&db), first);
}

#[tokio::test]
async fn info_shows_the_path_as_given_and_health_the_schema() {
    let (_folder, path) = place();
    let store = open(&path);
    assert_eq!(store.info().engine, "sqlite");
    assert_eq!(store.info().location, path.display().to_string());
    assert_eq!(store.health().await.unwrap().schema, 1);
    let migrated = store.migrate().await.unwrap();
    assert_eq!((migrated.from, migrated.to), (1, 1));
}

#[test]
fn a_missing_folder_is_named_and_not_made() {
    let (folder, _) = place();
    let path = folder.path().join("plant").join("cmms.db");
    let e = refused(&path);
    assert!(e.is(code::STORE_OPEN), "{e}");
    names_file_and_remedy(&e, &path);
    let parent = format!("{:?}", path.parent().unwrap().display().to_string());
    assert!(
        e.message()
            .contains(&format!("the folder {parent} does not exist")),
        "{e}"
    );
    assert!(content(folder.path()).is_empty());
}

#[test]
fn a_folder_is_no_database() {
    let (folder, _) = place();
    let e = refused(folder.path());
    assert!(e.is(code::STORE_OPEN), "{e}");
    assert!(e.message().contains("it is a folder"), "{e}");
}

#[test]
fn a_file_that_is_no_database_stays_octet_by_octet() {
    let long = "maintenance,pump\n".repeat(2_000);
    let half = b"SQLite format 3".to_vec();
    let fake = [b"SQLite format 3\0".to_vec(), vec![0xA5; 8_000]].concat();
    for text in [
        b"x".to_vec(),
        b"hello".to_vec(),
        long.into_bytes(),
        half,
        fake,
    ] {
        let (folder, path) = place();
        std::fs::write(&path, &text).unwrap();
        let e = refused(&path);
        assert!(e.is(code::STORE_NOT_DATABASE), "{e:?}");
        names_file_and_remedy(&e, &path);
        assert_eq!(content(folder.path()), [("cmms.db".to_owned(), text)]);
    }
}

#[test]
fn another_programs_database_stays_unless_it_is_to_be_shared() {
    let (folder, path) = place();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
    drop(db);
    let before = content(folder.path());
    let e = refused(&path);
    assert!(e.is(code::STORE_NOT_DATABASE), "{e}");
    assert!(e.message().contains("\"bookmarks\""), "{e}");
    assert_eq!(content(folder.path()), before);
    SqliteStore::open(&path, SqliteOptions::default().share_file(true)).unwrap();
    open(&path);
}

#[test]
fn an_empty_file_becomes_a_database() {
    let (_folder, path) = place();
    std::fs::write(&path, b"").unwrap();
    open(&path);
}

#[test]
fn a_newer_schema_is_refused_naming_both_versions() {
    let (folder, path) = place();
    drop(open(&path));
    let db = Connection::open(&path).unwrap();
    let sql = "INSERT INTO _cmms_migrations VALUES (900, '0900_later', x'00', 0)";
    db.execute_batch(sql).unwrap();
    drop(db);
    let before = content(folder.path());
    let e = refused(&path);
    assert!(e.is(code::STORE_NEWER), "{e}");
    names_file_and_remedy(&e, &path);
    assert!(e.message().contains("schema version 900"), "{e}");
    assert!(e.message().contains("up to 1"), "{e}");
    assert_eq!(content(folder.path()), before);
}

#[test]
fn a_migration_that_differs_is_refused() {
    let (folder, path) = place();
    drop(open(&path));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("UPDATE _cmms_migrations SET checksum = x'00'")
        .unwrap();
    drop(db);
    let before = content(folder.path());
    let e = refused(&path);
    assert!(e.is(code::STORE_OPEN), "{e}");
    names_file_and_remedy(&e, &path);
    assert!(e.message().contains("migration 1 (0001_foundation)"), "{e}");
    assert_eq!(content(folder.path()), before);
}

#[test]
fn a_migration_without_room_leaves_nothing_and_can_be_repeated() {
    let (_folder, path) = place();
    let small = SqliteOptions::default().max_pages(8);
    let e = SqliteStore::open(&path, small).unwrap_err();
    assert!(e.is(code::STORE_FULL), "{e:?}");
    names_file_and_remedy(&e, &path);
    let db = Connection::open(&path).unwrap();
    let tables: u32 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
        .unwrap();
    assert_eq!(tables, 0);
    drop(db);
    open(&path);
}

/// Found when a writer read 20,000 pages where 3,000 are: with one cache for all connections, a reader's pages kept
/// the writer's out once the sum of both was reached.
#[test]
fn connections_have_page_caches_of_their_own() {
    let db = Connection::open_in_memory().unwrap();
    let shared: bool = db
        .query_row(
            "SELECT sqlite_compileoption_used('ENABLE_MEMORY_MANAGEMENT')",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert!(
        !shared,
        "LIBSQLITE3_FLAGS of .cargo/config.toml did not reach the build"
    );
}

#[test]
fn programs_that_open_a_new_file_at_once_all_get_it() {
    let (_folder, path) = place();
    std::thread::scope(|threads| {
        let started: Vec<_> = (0..6).map(|_| threads.spawn(|| open(&path))).collect();
        for thread in started {
            thread.join().unwrap();
        }
    });
    let db = Connection::open(&path).unwrap();
    let applied: u32 = db
        .query_row("SELECT count(*) FROM _cmms_migrations", [], |r| r.get(0))
        .unwrap();
    assert_eq!(applied, 1);
}

/// The octets of a page of the files.
const PAGE: usize = 16 << 10;

#[tokio::test]
async fn a_damaged_file_is_told() {
    let (_folder, path) = place();
    let store = open(&path);
    let scope = scope(&store).await;
    let rows: Vec<_> = (0..20_000)
        .map(|n| samples::setting(&format!("setting {n:05}"), "value"))
        .collect();
    let mut tx = store.begin(&scope, TxMode::Once).await.unwrap();
    tx.of::<Setting>()
        .save_all(&rows, SaveRule::Insert)
        .await
        .unwrap();
    drop((tx, store));
    let mut octets = std::fs::read(&path).unwrap();
    // The schema stays; the rows behind it are overwritten, in whole pages: what is torn within one may look like rows of
    // somebody else, and SQLite keeps no checksums that would tell.
    let from = octets.len() / 2 / PAGE * PAGE;
    octets.get_mut(from..).unwrap().fill(0x5A);
    std::fs::write(&path, octets).unwrap();
    let store = open(&path);
    let mut tx = store.begin(&scope, TxMode::Once).await.unwrap();
    let e = tx
        .of::<Setting>()
        .list(&Query::default())
        .await
        .unwrap_err();
    assert!(e.is(code::STORE_DAMAGED), "{e:?}");
    names_file_and_remedy(&e, &path);
}
