//! Databases that cannot be used, as the command `cmms` meets them: what `files.rs` does not show.

use cmms::code;
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use cmms_tests::desk::{Desk, err, out};
use cmms_tests::oracle;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const LIST: &[&str] = &["op", "work_orders.list"];
const CREATE: &[&str] = &["op", "work_orders.create", r#"{"title": "x"}"#];

/// It ended with 1 and says what and what to do.
fn refused(output: &Output, code: &str, says: &str) {
    let text = err(output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", out(output));
    assert!(text.contains(code) && text.contains(says), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

/// The files of a folder with what is in them.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|e| e.path().is_file()).map(|e| {
        let name = e.file_name().to_string_lossy().into_owned();
        (name, fs::read(e.path()).unwrap())
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

#[test]
fn another_programs_database_stays_as_it_is() {
    let desk = Desk::default();
    for name in ["cmms.db", "cmms-demo.db"] {
        let other = rusqlite::Connection::open(desk.file(name)).unwrap();
        other
            .execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (1);")
            .unwrap();
    }
    let before = files(desk.folder.path());
    refused(&desk.run(LIST), "CMMS-STORE-005", "mine");
    refused(&desk.run(CREATE), "CMMS-STORE-005", "CMMS_DATABASE_URL");
    let demo = desk.run(&["demo", "--no-serve"]);
    refused(&demo, "CMMS-DEMO-001", "another folder");
    assert_eq!(files(desk.folder.path()), before);
}

/// An empty file is no database yet, and whose it is nobody knows.
#[test]
fn the_demo_leaves_an_empty_file_alone() {
    let desk = Desk::default();
    fs::write(desk.file("cmms-demo.db"), "").unwrap();
    let demo = desk.run(&["demo", "--no-serve"]);
    refused(&demo, "CMMS-DEMO-001", "another folder");
    let left = files(desk.folder.path());
    assert!(left.iter().all(|(_, bytes)| bytes.is_empty()));
}

#[test]
fn a_damaged_database_is_kept_for_a_look() {
    let desk = Desk::default();
    assert!(desk.run(&["migrate", "up"]).status.success());
    assert!(desk.run(CREATE).status.success());
    let whole = fs::read(desk.file("cmms.db")).unwrap();
    let half = whole[..whole.len() / 2].to_vec();
    let mut torn = whole;
    torn[2 * 16_384..].fill(0xff);
    for damaged in [half, torn] {
        fs::write(desk.file("cmms.db"), damaged).unwrap();
        let before = files(desk.folder.path());
        for command in [LIST, CREATE, &["serve", "--no-auth", "--port", "0"]] {
            refused(&desk.run(command), "CMMS-STORE-008", "last backup");
        }
        assert_eq!(files(desk.folder.path()), before);
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_named() {
    let desk = Desk::default();
    fs::create_dir(desk.file("cmms.db")).unwrap();
    refused(&desk.run(LIST), "CMMS-STORE-007", "name a file in it");
    assert_eq!(fs::read_dir(desk.file("cmms.db")).unwrap().count(), 0);
}

/// A small disk of its own, where the system allows one; gone with the value.
#[cfg(target_os = "linux")]
struct Disk<'a>(&'a Path);

#[cfg(target_os = "linux")]
impl<'a> Disk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]);
        let done = mount.arg(at).status().is_ok_and(|s| s.success());
        done.then_some(Self(at))
    }

    fn grow(&self) {
        let mut mount = Command::new("mount");
        let mount = mount.args(["-o", "remount,size=64m"]).arg(self.0);
        assert!(mount.status().unwrap().success());
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// The arguments of a command on this database.
#[cfg(target_os = "linux")]
fn on<'a>(url: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--database-url", url]].concat()
}

/// The disk of the database is really full, in the middle of a sync of the command.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_loses_nothing() {
    let config = UpkeepConfig::default();
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let desk = Desk {
        allow: sim.base_url(),
        ..Desk::default()
    };
    let small = desk.file("small");
    fs::create_dir(&small).unwrap();
    let Some(disk) = Disk::mount(&small) else {
        println!("skipped: no right to mount a disk");
        return;
    };
    let file = small.join("cmms.db");
    let url = format!("sqlite://{}", file.display());
    tokio::task::block_in_place(|| {
        let body = serde_json::json!({
            "cmms_type": "upkeep", "api_url": sim.base_url(), "connection_name": "Up",
            "username": email, "password": password, "options": {"batch_records": 100, "page_size": 50},
        });
        let made = desk.run(&on(&url, &["migrate", "up"]));
        assert!(made.status.success(), "{}", err(&made));
        let create = on(&url, &["op", "connections.create", "-"]);
        let added = desk.run_with(&create, &body.to_string());
        assert!(added.status.success(), "{}", err(&added));
        let synced = desk.run(&on(&url, &["sync", "Up"]));
        refused(&synced, code::STORE_FULL.id(), "room");
        // It is whole, can be read while there is no room, and has what was committed.
        let listed = desk.run(&on(&url, &["op", "assets.list", r#"{"limit": 500}"#]));
        let found: serde_json::Value = serde_json::from_str(&out(&listed)).unwrap();
        let assets = found["items"].as_array().unwrap().len();
        assert!((100..=200).contains(&assets), "{assets}");
        disk.grow();
        let database = rusqlite::Connection::open(&file).unwrap();
        let check = "PRAGMA integrity_check";
        let whole: String = database.query_row(check, [], |r| r.get(0)).unwrap();
        assert_eq!(whole, "ok");
        drop(database);
        let synced = desk.run(&on(&url, &["sync", "Up"]));
        assert!(synced.status.success(), "{}", err(&synced));
    });
    // Without a key of its own: it only reads.
    let builder = cmms::Client::builder(cmms_tests::open(&url).await);
    let client = builder.config(cmms_tests::config(&sim)).build().await;
    let client = client.unwrap();
    let page = client.connections().list(cmms::ListConnections::new());
    let connection = page.await.unwrap().items.remove(0).id;
    let store = std::sync::Arc::clone(&client.app().store);
    oracle::assert_equal(&client, &*store, sim.vendor(), connection).await;
}
