//! Files, folders and ports that cannot be used: a message that says what to do, and nothing half-done.

use cmms::core::ports::store::Store;
use cmms::store::{SqliteOptions, SqliteStore};
use cmms::{ConnectionOptions, CreateConnection, SyncStatus, code};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use cmms_tests::desk::{Desk, err, out};
use cmms_tests::{client, oracle};
use std::fs;
use std::net::TcpListener;
use std::process::Output;
use std::sync::Arc;

/// It ended with this code, says what to do, and shows no trace of a crash.
fn refused(output: &Output, code: &str, says: &str) {
    let text = err(output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", out(output));
    assert!(text.contains(code) && text.contains(says), "{text}");
    assert!(
        !text.contains("panicked") && text.lines().count() >= 2,
        "{text}"
    );
}

const LIST: &[&str] = &["op", "work_orders.list"];

#[test]
fn a_file_that_is_no_database_stays_as_it_is() {
    let desk = Desk::default();
    let text = "Dear diary, today the pump failed again.\n".repeat(100);
    fs::write(desk.file("cmms.db"), &text).unwrap();
    refused(&desk.run(LIST), "CMMS-STORE-005", "CMMS_DATABASE_URL");
    refused(
        &desk.run(&["serve", "--no-auth", "--port", "0"]),
        "CMMS-STORE-005",
        "cmms.db",
    );
    assert_eq!(fs::read_to_string(desk.file("cmms.db")).unwrap(), text);
    assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 1);
}

#[test]
fn a_newer_schema_is_refused_naming_both() {
    let desk = Desk::default();
    assert!(desk.run(&["migrate", "up"]).status.success());
    let database = rusqlite::Connection::open(desk.file("cmms.db")).unwrap();
    database
        .execute_batch(
            "INSERT INTO _cmms_migrations (number, name, checksum, applied_at)
             SELECT 900, 'later', checksum, applied_at FROM _cmms_migrations LIMIT 1;
             PRAGMA journal_mode = DELETE;",
        )
        .unwrap();
    drop(database);
    let before = fs::read(desk.file("cmms.db")).unwrap();
    let refusal = desk.run(LIST);
    refused(&refusal, "CMMS-STORE-006", "900");
    assert!(err(&refusal).contains("newer version"), "{}", err(&refusal));
    assert_eq!(fs::read(desk.file("cmms.db")).unwrap(), before);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let desk = Desk::default();
    let refusal = desk.run(&[
        "op",
        "work_orders.list",
        "--database-url",
        "sqlite://missing/cmms.db",
    ]);
    refused(&refusal, "CMMS-STORE-007", "missing");
    let url = desk.run(&["op", "work_orders.list", "--database-url", "mysql://x"]);
    refused(&url, "CMMS-STORE-009", "sqlite://cmms.db");
}

/// Permissions do not bind the super-user, so the command runs as somebody else.
#[cfg(unix)]
#[test]
fn a_read_only_file_is_said_to_be_read_only() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let desk = Desk::default();
    assert!(desk.run(&["migrate", "up"]).status.success());
    let before = fs::read(desk.file("cmms.db")).unwrap();
    fs::set_permissions(desk.file("cmms.db"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = desk.command(&["op", "work_orders.create", r#"{"title": "x"}"#]);
    let ours = fs::metadata(desk.folder.path()).unwrap().uid() == 0;
    let mut program = None;
    if ours {
        // The build's folder may be closed to others, so they get a copy of the program.
        let open = tempfile::tempdir().unwrap();
        fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = open.path().join("cmms");
        fs::copy(cmms_tests::desk::program("cmms"), &copy).unwrap();
        let mut other = std::process::Command::new(&copy);
        other
            .args(command.get_args())
            .current_dir(desk.folder.path())
            .env_clear()
            .env("HOME", desk.folder.path())
            .uid(65_534)
            .gid(65_534);
        command = other;
        program = Some(open);
    }
    let refusal = command.output().unwrap();
    refused(&refusal, "CMMS-STORE-004", "right to write");
    drop(program);
    fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fs::read(desk.file("cmms.db")).unwrap(), before);
}

#[test]
fn a_port_in_use_is_named_before_anything_is_done() {
    let desk = Desk::default();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refused(
        &desk.run(&["serve", "--no-auth", "--port", &port]),
        "CMMS-SERVE-001",
        "--port",
    );
    refused(
        &desk.run(&["simulate", "upkeep", "--port", &port]),
        "CMMS-SERVE-001",
        "--port",
    );
    refused(
        &desk.run(&["demo", "--port", &port]),
        "CMMS-SERVE-001",
        "--port",
    );
    assert!(
        !desk.file("cmms-demo.db").exists(),
        "the demo looks before it works"
    );
}

#[test]
fn without_a_home_a_secret_needs_a_key_file() {
    let desk = Desk::default();
    let add = [
        "connections",
        "add",
        "upkeep",
        "https://api.onupkeep.com",
        "--name",
        "a",
        "--secret-file",
        "s",
    ];
    fs::write(desk.file("s"), "secret\n").unwrap();
    let refusal = desk.command(&add).env_remove("HOME").output().unwrap();
    refused(&refusal, "CMMS-SECRET-002", "CMMS_MASTER_KEY_FILE");
    let listed = desk
        .command(&["op", "connections.list"])
        .env_remove("HOME")
        .output()
        .unwrap();
    assert!(
        out(&listed).contains("\"items\": []"),
        "{}{}",
        out(&listed),
        err(&listed)
    );
    let made = desk.run(&add);
    assert!(
        made.status.success() && err(&made).contains("master.key"),
        "{}",
        err(&made)
    );
}

#[test]
fn the_demo_replaces_no_file_but_its_own() {
    let desk = Desk::default();
    fs::write(desk.file("cmms-demo.db"), "mine").unwrap();
    refused(&desk.run(&["demo", "--no-serve"]), "CMMS-DEMO-001", "Move");
    assert_eq!(
        fs::read_to_string(desk.file("cmms-demo.db")).unwrap(),
        "mine"
    );
    fs::remove_file(desk.file("cmms-demo.db")).unwrap();
    let url = ["--database-url", "sqlite://cmms-demo.db"];
    assert!(
        desk.run(&["migrate", "up", url[0], url[1]])
            .status
            .success()
    );
    let made = desk.run(&[
        "op",
        "work_orders.create",
        r#"{"title": "x"}"#,
        "--database-url",
        "sqlite://cmms-demo.db",
    ]);
    assert!(made.status.success(), "{}", err(&made));
    refused(&desk.run(&["demo", "--no-serve"]), "CMMS-DEMO-001", "Move");
    let kept = desk.run(&[
        "op",
        "work_orders.list",
        "{}",
        "--database-url",
        "sqlite://cmms-demo.db",
    ]);
    assert!(out(&kept).contains("\"title\": \"x\""));
}

/// A disk that fills up while a sync runs: what was committed stays, and the rest comes when there is room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_a_sync_at_its_last_commit() {
    let config = UpkeepConfig::default();
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cmms.db");
    let small = SqliteOptions::default().max_pages(250);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file, small).unwrap());
    let full = client(Arc::clone(&store), &sim).await;
    let options = ConnectionOptions {
        batch_records: Some(100),
        ..ConnectionOptions::default()
    };
    let input = CreateConnection::new("upkeep", sim.base_url(), "Full")
        .username(email)
        .password(password)
        .options(options);
    let connection = full.connections().create(input).await.unwrap();
    let error = full.sync().all(connection.id).await.unwrap_err();
    assert!(error.is(code::STORE_FULL), "{error}");
    assert_eq!(error.kind().http_status(), 507);
    drop((full, store));
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&file, SqliteOptions::default()).unwrap());
    let roomy = client(Arc::clone(&store), &sim).await;
    let run = roomy.sync().all(connection.id).await.unwrap();
    assert_eq!(run.status, SyncStatus::Ok, "{run:?}");
    assert!(run.created > 0 && run.created < 2200, "{run:?}");
    oracle::assert_equal(&roomy, &*store, sim.vendor(), connection.id).await;
}
