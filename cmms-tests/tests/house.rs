//! Moving house by the command: migrate, copy to PostgreSQL and back, go on where a copy broke off.

use cmms::core::clock::SystemClock;
use cmms::core::context::{Principal, Scope};
use cmms::core::domain::TABLES;
use cmms::core::domain::setting::Setting;
use cmms::core::memory::MemoryStore;
use cmms::core::ports::repository::TxExt as _;
use cmms::core::ports::store::{Query, SaveRule, Store, TxMode};
use cmms::core::record::{Json, Row, Rows};
use cmms::core::services::copy::copy;
use cmms::{
    AssetType, Client, Config, CreateWorkOrder, ListWorkOrders, RegisterAsset, UpdateWorkOrder,
};
use cmms_tests::desk::{Desk, err, out};
use cmms_tests::{open, postgres};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Everything in a store, by organization and table.
async fn state(store: &dyn Store) -> Vec<(String, &'static str, Vec<Row>)> {
    let mut all = Vec::new();
    for organization in store.organizations().await.unwrap() {
        let scope = Scope::new(organization.id, Principal::system());
        let mut tx = store.begin(&scope, TxMode::Snapshot).await.unwrap();
        for table in TABLES {
            let mut found = Rows::of_width(table.columns.len());
            tx.list(table, &Query::default(), &mut found).await.unwrap();
            all.push((organization.name.clone(), table.name, found.rows));
        }
    }
    all
}

/// A desk with the demo's file, and its URL.
fn demo() -> (Desk, String) {
    let desk = Desk::default();
    let shown = desk.run(&["demo", "--no-serve"]);
    assert!(shown.status.success(), "{}", err(&shown));
    let url = format!("sqlite://{}", desk.file("cmms-demo.db").display());
    (desk, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_equal_on_postgresql_and_back_again() {
    let (desk, sqlite) = tokio::task::spawn_blocking(demo).await.unwrap();
    let there = postgres::empty();
    let status = desk.run(&["migrate", "status", "--database-url", &there]);
    assert_eq!(status.status.code(), Some(3), "{}", err(&status));
    assert!(out(&status).contains("pending"), "{}", out(&status));
    let early = desk.run(&["copy", &sqlite, &there]);
    assert!(err(&early).contains("CMMS-STORE-010"), "{}", err(&early));
    assert!(err(&early).contains("cmms migrate up"), "{}", err(&early));
    let plan = desk.run(&["migrate", "plan", "--database-url", &there]);
    assert!(
        out(&plan).contains("CREATE TABLE work_orders"),
        "{}",
        err(&plan)
    );
    assert!(out(&plan).contains("ROW LEVEL SECURITY"), "{}", out(&plan));
    for says in ["from version 0 to 1", "up to date"] {
        let up = desk.run(&["migrate", "up", "--database-url", &there]);
        assert!(out(&up).contains(says), "{}{}", out(&up), err(&up));
    }
    let status = desk.run(&["migrate", "status", "--database-url", &there]);
    assert_eq!(status.status.code(), Some(0), "{}", out(&status));
    let plan = desk.run(&["migrate", "plan", "--database-url", &there]);
    assert_eq!(out(&plan), "");

    let copied = desk.run(&["copy", &sqlite, &there]);
    assert!(copied.status.success(), "{}{}", out(&copied), err(&copied));
    let again = desk.run(&["copy", &sqlite, &there]);
    assert!(err(&again).contains("CMMS-COPY-001"), "{}", err(&again));
    let back = format!("sqlite://{}", desk.file("back.db").display());
    let copied = desk.run(&["copy", &there, &back]);
    assert!(copied.status.success(), "{}", err(&copied));
    let before = state(&*open(&sqlite).await).await;
    let rows: usize = before.iter().map(|(_, _, rows)| rows.len()).sum();
    println!("{rows} rows there and back");
    assert!(rows > 4_400, "{rows}");
    assert_eq!(state(&*open(&there).await).await, before);
    assert_eq!(state(&*open(&back).await).await, before);
    let listed = desk.run(&[
        "op",
        "work_orders.list",
        r#"{"limit": 1}"#,
        "--database-url",
        &there,
    ]);
    assert!(out(&listed).contains("\"items\""), "{}", err(&listed));
}

/// A mistyped name was made as an empty file and copied.
#[test]
fn a_file_that_is_not_there_is_not_copied() {
    let desk = Desk::default();
    let [from, to] = ["missing.db", "copy.db"].map(|name| desk.file(name));
    let url = |file: &std::path::Path| format!("sqlite://{}", file.display());
    let refused = desk.run(&["copy", &url(&from), &url(&to)]);
    assert!(!refused.status.success());
    assert!(err(&refused).contains("missing.db"), "{}", err(&refused));
    assert!(
        err(&refused).contains("CMMS-STORE-014"),
        "{}",
        err(&refused)
    );
    assert!(!from.exists() && !to.exists());
}

/// Killed at many moments, the copy goes on each time and ends equal.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_goes_on() {
    let (desk, sqlite) = tokio::task::spawn_blocking(demo).await.unwrap();
    let before = state(&*open(&sqlite).await).await;
    let there = postgres::fresh().await;
    let mut unfinished = 0;
    for millis in [30, 60, 90, 130, 180] {
        let mut child = desk
            .command(&["copy", &sqlite, &there])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        child.kill().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines().count();
        child.wait().unwrap();
        unfinished += usize::from(said == 0);
    }
    assert!(unfinished > 0, "no kill fell into the copy");
    let copied = desk.run(&["copy", &sqlite, &there]);
    let refused = err(&copied).contains("CMMS-COPY-001");
    assert!(copied.status.success() || refused, "{}", err(&copied));
    assert_eq!(state(&*open(&there).await).await, before);
}

/// Without a master key PostgreSQL keeps no secret: each host would make a key of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_a_master_key_is_refused() {
    let desk = Desk::default();
    let url = postgres::fresh().await;
    let add = [
        "connections",
        "add",
        "upkeep",
        "https://api.onupkeep.com",
        "--name",
        "Up",
        "--secret-stdin",
        "--database-url",
        &url,
    ];
    let refused = desk.run_with(&add, "topsecret\n");
    assert!(
        err(&refused).contains("CMMS-SECRET-002"),
        "{}",
        err(&refused)
    );
    assert!(
        err(&refused).contains("CMMS_MASTER_KEY_FILE"),
        "{}",
        err(&refused)
    );
    assert!(!err(&refused).contains("topsecret"));
    let listed = desk.run(&["connections", "list", "--database-url", &url]);
    assert!(
        out(&listed).contains("No connections yet"),
        "{}",
        out(&listed)
    );
}

/// Writes in every table that a title and an asset come to.
async fn write_more(client: &Client, title: &str) {
    let order = CreateWorkOrder::new(title);
    client.work_orders().create(order).await.unwrap();
    let asset = RegisterAsset::new(title.replace([' ', ','], "-"), title, AssetType::Equipment);
    client.assets().register(asset).await.unwrap();
    let page = client.work_orders().list(ListWorkOrders::new()).await;
    let id = page.unwrap().items[0].id;
    let renamed = UpdateWorkOrder::new(id).title(format!("{title}, renamed"));
    client.work_orders().update(renamed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_the_state_of_one_moment_whatever_is_written_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("cmms.db").display());
    let sources: [Arc<dyn Store>; 3] = [
        Arc::new(MemoryStore::new()),
        open(&file).await,
        open(&postgres::fresh().await).await,
    ];
    for source in sources {
        let builder = Client::builder(Arc::clone(&source)).config(Config::default());
        let client = builder.build().await.unwrap();
        write_more(&client, "before").await;
        let before = state(&*source).await;
        let target = MemoryStore::new();
        let clock = SystemClock::default();
        let mut moments = BTreeSet::new();
        let copied = copy(&*source, &target, &clock, |done| {
            let title = format!("while {}", done.table);
            let write = write_more(&client, &title);
            tokio::task::block_in_place(|| Handle::current().block_on(write));
            moments.insert(done.as_of);
        });
        copied.await.unwrap();
        assert_eq!(moments.len(), 1);
        assert_eq!(state(&target).await, before);
        // As if it had broken off: what has changed since comes along.
        let info = source.info();
        let mark = Setting {
            name: "copy.unfinished".to_owned(),
            value: Json(format!("{} {}", info.engine, info.location).into()),
        };
        let mut tx = target.begin(client.scope(), TxMode::Write).await.unwrap();
        tx.of().save(&mark, SaveRule::Insert).await.unwrap();
        tx.commit().await.unwrap();
        let again = copy(&*source, &target, &clock, |_| {});
        again.await.unwrap();
        assert_eq!(state(&target).await, state(&*source).await);
    }
}
