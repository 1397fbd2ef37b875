//! What needs another process: a crash, and a user without rights.
//!
//! Each test runs a copy of this program in a folder of its own; the tests that the copy runs are ignored here,
//! and do nothing where no such folder is.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use cmms_core::code;
use cmms_core::domain::setting::Setting;
use cmms_core::ports::repository::TxExt as _;
use cmms_core::ports::store::{Query, SaveRule, Store as _, TxMode};
use cmms_core::testing::samples;
use cmms_store::{SqliteOptions, SqliteStore};
use common::{open, place, scope};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// The user that nothing belongs to.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// A file that tells a child that it is one.
const MARK: &str = "this-is-for-the-child";

fn is_child() -> bool {
    Path::new(MARK).exists()
}

/// A folder for a child, with a path for a database in it.
fn marked_place() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, path) = place();
    fs::write(folder.path().join(MARK), "").unwrap();
    (folder, path)
}

/// Runs one of the ignored tests in a folder; without root's power over files if it is to have no rights.
fn child(folder: &Path, test: &str, powerless: bool) -> Output {
    let own = std::env::current_exe().unwrap();
    let bin = tempfile::tempdir().unwrap();
    let program = bin.path().join("child");
    fs::copy(own, &program).unwrap();
    for path in [bin.path(), &program] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(&program);
    command
        .args(["--ignored", "--exact", test, "--nocapture"])
        .current_dir(folder);
    if powerless && is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output().unwrap()
}

fn passes(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{output:?}"
    );
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
#[ignore = "run by another test, without rights"]
fn child_cannot_write() {
    if !is_child() {
        return;
    }
    let path = Path::new("cmms.db");
    let e = SqliteStore::open(path, SqliteOptions::default()).unwrap_err();
    assert!(e.is(code::STORE_READ_ONLY), "{e:?}");
    assert!(e.message().contains("\"cmms.db\""), "{e}");
    assert!(e.message().contains("right to read and write"), "{e}");
}

#[test]
#[ignore = "run by another test, without rights"]
fn child_cannot_make_the_file() {
    if !is_child() {
        return;
    }
    let path = Path::new("cmms.db");
    let e = SqliteStore::open(path, SqliteOptions::default()).unwrap_err();
    assert!(e.is(code::STORE_OPEN), "{e:?}");
    assert!(e.message().contains("\"cmms.db\""), "{e}");
    assert!(
        e.message().contains("its folder exists and can be written"),
        "{e}"
    );
}

#[test]
fn a_file_that_may_not_be_written_is_read_only() {
    for rights in [0o444, 0o000] {
        let (folder, path) = marked_place();
        drop(open(&path));
        let before = fs::read(&path).unwrap();
        mode(folder.path(), 0o777);
        mode(&path, rights);
        passes(&child(folder.path(), "child_cannot_write", true));
        mode(&path, 0o644);
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_folder_that_may_not_be_written_cannot_take_a_new_file() {
    let (folder, path) = marked_place();
    mode(folder.path(), 0o555);
    passes(&child(folder.path(), "child_cannot_make_the_file", true));
    mode(folder.path(), 0o755);
    assert!(!path.exists());
}

#[test]
#[ignore = "run by another test; it crashes"]
fn child_crashes_in_a_transaction() {
    if !is_child() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(Path::new("cmms.db"));
        let scope = scope(&store).await;
        for n in 0..20 {
            let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
            let row = samples::setting(&format!("committed {n}"), n);
            tx.of::<Setting>()
                .save(&row, SaveRule::Insert)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        let lost: Vec<_> = (0..5_000)
            .map(|n| samples::setting(&format!("lost {n}"), "x".repeat(500)))
            .collect();
        let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
        tx.of::<Setting>()
            .save_all(&lost, SaveRule::Insert)
            .await
            .unwrap();
        std::process::abort();
    });
}

#[tokio::test]
async fn a_crash_keeps_what_was_committed_and_nothing_else() {
    let (folder, path) = marked_place();
    let crashed = child(folder.path(), "child_crashes_in_a_transaction", false);
    assert!(!crashed.status.success(), "{crashed:?}");
    let store = open(&path);
    let scope = scope(&store).await;
    let mut tx = store.begin(&scope, TxMode::Once).await.unwrap();
    let found = tx.of::<Setting>().list(&Query::default()).await.unwrap();
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|s| s.name.starts_with("committed ")));
    drop((tx, store));
    let db = rusqlite::Connection::open(&path).unwrap();
    let verdict: String = db
        .query_row("PRAGMA integrity_check", [], |r| r.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

async fn add(store: &SqliteStore, name: &str) {
    let scope = scope(store).await;
    let mut tx = store.begin(&scope, TxMode::Write).await.unwrap();
    let row = samples::setting(name, 1);
    let saved = tx.of::<Setting>().save(&row, SaveRule::Insert).await;
    saved.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
#[ignore = "run by another test, as another process"]
async fn child_adds_and_closes() {
    if is_child() {
        add(&open(Path::new("cmms.db")), "of the child").await;
    }
}

/// Closing any descriptor of a file gives up the locks of the process on it, those of SQLite, too: another process that
/// closes the file then takes itself for the last one, and deletes the log that this process goes on writing.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_opens_a_file_again_leaves_the_locks_of_the_process() {
    let (folder, path) = marked_place();
    let first = open(&path);
    add(&first, "before").await;
    let locks = || {
        let own = format!(" {} ", std::process::id());
        let node = format!(":{} ", fs::metadata(&path).unwrap().ino());
        let all = fs::read_to_string("/proc/locks").unwrap();
        let ours = |line: &&str| line.contains(&own) && line.contains(&node);
        all.lines().filter(ours).count()
    };
    assert_eq!(locks(), 1);
    let second = open(&path);
    assert_eq!(locks(), 1);
    passes(&child(folder.path(), "child_adds_and_closes", false));
    add(&first, "of the first").await;
    add(&second, "of the second").await;
    drop((first, second));
    let third = open(&path);
    let scope = scope(&third).await;
    let mut tx = third.begin(&scope, TxMode::Once).await.unwrap();
    let all: Vec<Setting> = tx.of().list(&Query::default()).await.unwrap();
    let names: Vec<&str> = all.iter().map(|setting| setting.name.as_str()).collect();
    assert_eq!(
        names,
        ["before", "of the child", "of the first", "of the second"]
    );
}
