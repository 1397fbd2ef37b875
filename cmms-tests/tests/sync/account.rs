//! A connection belongs to one account of its vendor, and records of two accounts never meet.

use super::incremental::rows;
use cmms::core::domain::sync_state::Checkpoint;
use cmms::core::ports::repository::TxExt as _;
use cmms::core::ports::store::{Query, TxMode};
use cmms::secrets::KeyVault;
use cmms::{
    Client, Config, Connection, ConnectionOptions, CreateConnection, Error, SyncRun, SyncStatus,
    UpdateConnection, WorkOrder, code,
};
use cmms_sim::Fault;
use cmms_sim::upkeep::{SimEntity, UpkeepConfig, UpkeepSim};

use cmms_tests::{KEY, Plant, Where};
use serde_json::json;

pub const EVERYWHERE: [Where; 3] = [Where::Memory, Where::Sqlite, Where::Postgres];

/// A small account; accounts of different seeds have different users and records.
pub fn account(seed: u64) -> UpkeepConfig {
    let config = UpkeepConfig::default().assets(8).work_orders(30);
    config.seed(seed)
}

/// Gives an account a work order with an id that other accounts have as well.
fn shared_id(sim: &UpkeepSim, title: &str) {
    let order = json!({ "id": "SharedId01", "title": title, "status": "open", "priority": 1 });
    sim.vendor().insert(SimEntity::WorkOrder, order);
}

/// A client that may call all of these vendors.
async fn calls(plant: &Plant, other: &UpkeepSim) -> Client {
    let allow = format!("{},{}", plant.sim.base_url(), other.base_url());
    let config = [("CMMS_EGRESS_ALLOW", allow.as_str()), ("USER", "tester")];
    let config = Config::from_pairs(config).unwrap();
    let store = std::sync::Arc::clone(&plant.store);
    let builder = Client::builder(store)
        .config(config)
        .vault(KeyVault::with_key(KEY));
    builder.build().await.unwrap()
}

async fn plant(place: Where) -> Plant {
    let plant = Plant::with(account(1), place, ConnectionOptions::default()).await;
    shared_id(&plant.sim, "Of the first account");
    assert_eq!(plant.sync().await.created, 39);
    plant
}

async fn checkpoints(plant: &Plant) -> usize {
    let scope = plant.client.scope().clone();
    let mut tx = plant.store.begin(&scope, TxMode::Once).await.unwrap();
    let found = tx.of::<Checkpoint>().list(&Query::default()).await;
    found.unwrap().len()
}

/// The work orders, without the names under which they wait for an asset: those are of a connection or account.
async fn orders(plant: &Plant) -> Vec<WorkOrder> {
    let (_, mut orders, _) = rows(plant).await;
    for order in &mut orders {
        order.asset_pending = order.asset_pending.take().map(|_| "waits".to_owned());
    }
    orders
}

async fn titles(plant: &Plant) -> Vec<String> {
    let (_, orders, _) = rows(plant).await;
    let of_both = orders.into_iter().map(|order| order.title);
    let mut titles: Vec<String> = of_both.filter(|t| t.starts_with("Of the")).collect();
    titles.sort();
    titles
}

fn to(connection: &Connection, sim: &UpkeepSim) -> UpdateConnection {
    let moved = UpdateConnection::new(connection.id).api_url(sim.base_url());
    moved
        .username("integration@example.com")
        .password("upkeep-sim")
}

fn is_refused(error: &Error, field: &str) {
    assert!(error.is(code::ACCOUNT_CHANGED), "{error}");
    assert_eq!(error.kind().http_status(), 409);
    assert_eq!(error.first_field(), Some(field));
    assert!(error.remedy().contains("relink"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_or_login_needs_a_word_while_records_are_linked() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        let other = UpkeepSim::start(account(2), 0).await.unwrap();
        let client = calls(&plant, &other).await;
        let (connections, id) = (client.connections(), plant.connection.id);
        let before = connections.get(id).await.unwrap();
        let login = UpdateConnection::new(id).username("another@example.com");
        let error = connections.update(login.password("x")).await.unwrap_err();
        is_refused(&error, "credentials");
        let error = connections.update(to(&before, &other)).await.unwrap_err();
        is_refused(&error, "api_url");
        let both = to(&before, &other).relink(true).forget_links(true);
        let error = connections.update(both).await.unwrap_err();
        assert_eq!(error.first_field(), Some("relink"));
        // Nothing of it was stored; what is no other account needs no word.
        assert_eq!(connections.get(id).await.unwrap(), before);
        assert_eq!(checkpoints(&plant).await, 2);
        let same = to(&before, &plant.sim).password("upkeep-sim");
        connections
            .update(same.username("Integration@Example.com"))
            .await
            .unwrap();
        assert_eq!(checkpoints(&plant).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_the_same_plant_stay_and_cursors_are_cleared() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        // The same account behind another address.
        let gate = UpkeepSim::start(account(1), 0).await.unwrap();
        shared_id(&gate, "Of the first account");
        let client = calls(&plant, &gate).await;
        let moved = to(&plant.connection, &gate).relink(true);
        client.connections().update(moved).await.unwrap();
        assert_eq!(checkpoints(&plant).await, 0);
        let run = client.sync().all(plant.connection.id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 0), "{run:?}");
        assert_eq!(run.synced_count, 39);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_relinked_to_another_account_is_found_out() {
    let plant = plant(Where::Sqlite).await;
    let other = UpkeepSim::start(account(2), 0).await.unwrap();
    shared_id(&other, "Of the second account");
    let client = calls(&plant, &other).await;
    let before = rows(&plant).await;
    let moved = to(&plant.connection, &other).relink(true);
    client.connections().update(moved).await.unwrap();
    let run = client.sync().all(plant.connection.id).await.unwrap();
    is_of_another_account(&run);
    assert_eq!(rows(&plant).await, before);
    // Who says it once more is believed: the plant may have moved to another account with its ids.
    let again = UpdateConnection::new(plant.connection.id).relink(true);
    client.connections().update(again).await.unwrap();
    let run = client.sync().all(plant.connection.id).await.unwrap();
    assert_eq!(run.created, 38);
    assert_eq!(titles(&plant).await, ["Of the second account"]);
}

fn is_of_another_account(run: &SyncRun) {
    assert_eq!(run.status, SyncStatus::Failed, "{run:?}");
    assert_eq!(run.errors.0[0].code, code::ACCOUNT_CHANGED.id());
    assert_eq!(run.created + run.updated + run.unchanged, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_two_plants_never_meet() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        let other = UpkeepSim::start(account(2), 0).await.unwrap();
        shared_id(&other, "Of the second account");
        let client = calls(&plant, &other).await;
        let first = orders(&plant).await;
        let moved = to(&plant.connection, &other).forget_links(true);
        client.connections().update(moved).await.unwrap();
        assert_eq!(checkpoints(&plant).await, 0);
        assert!(orders(&plant).await == first);
        assert_eq!(rows(&plant).await.2.len(), 0);
        let run = client.sync().all(plant.connection.id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 39), "{run:?}");
        let both = ["Of the first account", "Of the second account"];
        assert_eq!(titles(&plant).await, both);
        // And back: what was linked is taken up again.
        let back = to(&plant.connection, &plant.sim).forget_links(true);
        client.connections().update(back).await.unwrap();
        let run = client.sync().all(plant.connection.id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 0), "{run:?}");
        assert_eq!(titles(&plant).await, both);
    }
}

/// A login that leads elsewhere by now. Answers what is wrong, if something is.
pub async fn a_foreign_account_is_found_out(place: Where) -> Result<(), String> {
    let plant = plant(place).await;
    let before = rows(&plant).await;
    plant.vendor().become_account(account(2));
    shared_id(&plant.sim, "Of the second account");
    let run = plant.sync().await;
    if run.status != SyncStatus::Failed || rows(&plant).await != before {
        return Err(format!("records of another account came in: {run:?}"));
    }
    is_of_another_account(&run);
    let connections = plant.client.connections();
    let error = connections.test(plant.connection.id).await.unwrap_err();
    is_refused(&error, "credentials");
    let health = connections.get(plant.connection.id).await.unwrap().health;
    assert!(
        health
            .reason
            .is_some_and(|why| why.contains("CMMS-CONN-009"))
    );
    // The right account again: nothing was lost.
    plant.vendor().become_account(account(1));
    shared_id(&plant.sim, "Of the first account");
    assert_eq!(plant.force().await.status, SyncStatus::Ok);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_leads_to_another_account_writes_nothing() {
    let _quiet = super::twins::quiet().await;
    for place in EVERYWHERE {
        a_foreign_account_is_found_out(place).await.unwrap();
    }
}

/// The session ends in the middle of a run, and the new one belongs to another account.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_renewed_into_another_account_ends_the_run() {
    let options = ConnectionOptions {
        page_size: Some(5),
        batch_records: Some(5),
        ..ConnectionOptions::default()
    };
    let plant = Plant::with(account(1), Where::Memory, options).await;
    let mut pages = 0;
    plant.vendor().after_each_request(move |vendor, request| {
        pages += usize::from(request.path.ends_with("work-orders"));
        if pages == 2 {
            vendor.become_account(account(2));
            pages += 1;
        }
    });
    let run = plant.sync().await;
    assert_eq!(run.status, SyncStatus::Failed, "{run:?}");
    assert_eq!(run.errors.0[0].code, code::ACCOUNT_CHANGED.id());
    let (_, _, links) = rows(&plant).await;
    let second = UpkeepSim::start(account(2), 0).await.unwrap();
    let foreign = second.vendor().oracle().work_orders;
    assert!(
        links
            .iter()
            .all(|link| !foreign.contains_key(&link.external_id))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_to_an_account_must_be_wanted() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        let connections = plant.client.connections();
        let second = || {
            let input = CreateConnection::new("upkeep", plant.sim.base_url(), "Second");
            input
                .username("integration@example.com")
                .password("upkeep-sim")
        };
        let error = connections.create(second()).await.unwrap_err();
        assert!(error.is(code::ACCOUNT_CONNECTED), "{error}");
        assert_eq!(error.kind().http_status(), 409);
        let first = plant.connection.id.to_string();
        assert_eq!(
            error.subject_of(),
            Some(("cmms_connection_id", first.as_str()))
        );
        assert!(error.message().contains("Plant"));
        // By its key nobody can tell; the run finds out before it writes.
        plant.vendor().add_token("r:of-the-same-account");
        let keyed = CreateConnection::new("upkeep", plant.sim.base_url(), "Keyed");
        let keyed = connections
            .create(keyed.api_key("r:of-the-same-account"))
            .await
            .unwrap();
        let run = plant.client.sync().all(keyed.id).await.unwrap();
        assert_eq!(run.status, SyncStatus::Failed);
        assert_eq!(run.errors.0[0].code, code::ACCOUNT_CONNECTED.id());
        let error = connections.test(keyed.id).await.unwrap_err();
        assert!(error.is(code::ACCOUNT_CONNECTED));
        let wanted = connections
            .create(second().allow_same_account(true))
            .await
            .unwrap();
        let run = plant.client.sync().all(wanted.id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 39));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_to_an_account_may_be_wanted_later() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        let connections = plant.client.connections();
        plant.vendor().add_token("r:of-the-same-account");
        let keyed = CreateConnection::new("upkeep", plant.sim.base_url(), "Keyed");
        let keyed = keyed.api_key("r:of-the-same-account");
        let keyed = connections.create(keyed).await.unwrap();
        let run = plant.client.sync().all(keyed.id).await.unwrap();
        assert_eq!(run.errors.0[0].code, code::ACCOUNT_CONNECTED.id());
        let wanted = || UpdateConnection::new(keyed.id).allow_same_account(true);
        let changed = connections.update(wanted()).await.unwrap();
        assert_eq!(changed.version, keyed.version + 1);
        let run = plant.client.sync().all(keyed.id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 39));
        let again = connections.update(wanted()).await.unwrap();
        assert_eq!(again.version, changed.version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_were_forgotten_under_the_same_login_are_not_taken_up_again() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        let connections = plant.client.connections();
        let forget = || UpdateConnection::new(plant.connection.id).forget_links(true);
        connections.update(forget()).await.unwrap();
        let run = plant.sync().await;
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 39), "{run:?}");
        assert_eq!(rows(&plant).await.1.len(), 62);
    }
}

/// An account whose only record cannot be stored, read once: there is a mark, but nothing is linked.
async fn refused(place: Where) -> Plant {
    let config = UpkeepConfig::default().assets(0).work_orders(0);
    let plant = Plant::with(config, place, ConnectionOptions::default()).await;
    let order = json!({ "id": "Refused01", "title": { "no": "text" }, "status": "open" });
    plant.vendor().insert(SimEntity::WorkOrder, order);
    let run = plant.sync().await;
    assert_eq!((run.created, run.quarantined), (0, 1), "{run:?}");
    assert!(checkpoints(&plant).await > 0);
    plant
}

async fn in_quarantine(plant: &Plant) -> usize {
    let all = plant.client.quarantine();
    let all = all.list(cmms::ListQuarantine::new()).await.unwrap();
    all.items.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_turns_out_to_be_of_another_account_is_read_from_the_beginning() {
    for place in EVERYWHERE {
        let plant = refused(place).await;
        plant.vendor().become_account(account(2));
        // A client without the session of the first account.
        let client = calls(&plant, &plant.sim).await;
        let run = client.sync().all(plant.connection.id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 38), "{run:?}");
        assert_eq!(in_quarantine(&plant).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_quarantine_goes_with_the_account_that_sent_it() {
    for place in EVERYWHERE {
        let plant = refused(place).await;
        let second = UpkeepSim::start(account(2), 0).await.unwrap();
        let client = calls(&plant, &second).await;
        let moved = to(&plant.connection, &second);
        client.connections().update(moved).await.unwrap();
        assert_eq!(in_quarantine(&plant).await, 0);
        let run = client.sync().all(plant.connection.id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 38), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_a_removed_connection_are_taken_up_by_the_next_one_to_the_account() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        let connections = plant.client.connections();
        let before = orders(&plant).await;
        let links = rows(&plant).await.2;
        let gone = connections.delete(plant.connection.id).await.unwrap();
        assert_eq!(gone.links_removed, 39);
        assert_eq!(rows(&plant).await.2.len(), 0);
        let again = CreateConnection::new("upkeep", plant.sim.base_url(), "Again");
        let login = again
            .username("integration@example.com")
            .password("upkeep-sim");
        let again = connections.create(login).await.unwrap();
        let run = plant.client.sync().all(again.id).await.unwrap();
        assert_eq!((run.created, run.unchanged), (0, 39), "{run:?}");
        // The same account by another login: the vendor says so.
        connections.delete(again.id).await.unwrap();
        plant.vendor().add_token("r:of-the-same-account");
        let keyed = CreateConnection::new("upkeep", plant.sim.base_url(), "Keyed");
        let keyed = connections
            .create(keyed.api_key("r:of-the-same-account"))
            .await
            .unwrap();
        let run = plant.client.sync().all(keyed.id).await.unwrap();
        assert_eq!((run.created, run.unchanged), (0, 39), "{run:?}");
        assert!(orders(&plant).await == before);
        let linked = rows(&plant).await.2;
        let ids = |links: &[cmms::core::domain::sync_state::ExternalLink]| {
            let pairs = links.iter().map(|l| (l.external_id.clone(), l.record_id));
            pairs.collect::<Vec<_>>()
        };
        assert_eq!(ids(&linked), ids(&links));
        assert!(linked.iter().all(|link| link.connection_id == keyed.id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_of_the_same_account_needs_no_word() {
    for place in EVERYWHERE {
        let sim = account(1).ready_token("r:first");
        let plant = Plant::with(sim, place, ConnectionOptions::default()).await;
        let connections = plant.client.connections();
        connections.delete(plant.connection.id).await.unwrap();
        let keyed = CreateConnection::new("upkeep", plant.sim.base_url(), "Keyed");
        let keyed = connections.create(keyed.api_key("r:first")).await.unwrap();
        let sync = || async { plant.client.sync().all(keyed.id).await.unwrap() };
        assert_eq!(sync().await.created, 38);
        let rotate = |key: &str| UpdateConnection::new(keyed.id).api_key(key.to_owned());
        plant.vendor().add_token("r:second");
        connections.update(rotate("r:second")).await.unwrap();
        let run = sync().await;
        assert_eq!((run.status, run.unchanged), (SyncStatus::Ok, 38), "{run:?}");
        // A key that turns out to open another account writes nothing.
        let before = rows(&plant).await;
        plant
            .vendor()
            .become_account(account(2).ready_token("r:third"));
        connections.update(rotate("r:third")).await.unwrap();
        is_of_another_account(&sync().await);
        assert_eq!(rows(&plant).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_stays_while_a_run_is_under_way() {
    let plant = plant(Where::Sqlite).await;
    plant
        .vendor()
        .set_latency(std::time::Duration::from_millis(20));
    let connections = plant.client.connections();
    let change = async {
        while plant
            .client
            .runs()
            .list(cmms::ListRuns::new())
            .await
            .unwrap()
            .items
            .len()
            < 2
        {
            tokio::task::yield_now().await;
        }
        let login = UpdateConnection::new(plant.connection.id).username("another@example.com");
        let login = login.password("x").relink(true);
        connections.update(login).await.unwrap_err()
    };
    let (run, error) = tokio::join!(plant.force(), change);
    assert!(error.is(code::CONNECTION_BUSY), "{error}");
    assert_eq!(run.status, SyncStatus::Ok);
}

/// What the vendor said of the login before was written down as the account of the one after.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_is_overtaken_by_a_change_notes_nothing() {
    for place in EVERYWHERE {
        let plant = plant(place).await;
        let other = UpkeepSim::start(account(2), 0).await.unwrap();
        let client = calls(&plant, &other).await;
        let (connections, id) = (client.connections(), plant.connection.id);
        let before = connections.get(id).await.unwrap();
        plant.vendor().inject(Fault::NoAnswer.on("auth"));
        let change = async {
            plant.vendor().held().await;
            let moved = to(&before, &other).forget_links(true);
            connections.update(moved).await.unwrap();
            plant.vendor().release();
        };
        let (tested, ()) = tokio::join!(connections.test(id), change);
        let e = tested.unwrap_err();
        assert!(e.is(code::CONNECTION_CHANGED), "{place:?}: {e:?}");
        let health = connections.get(id).await.unwrap().health;
        assert_eq!(health.state, before.health.state, "{place:?}");
        assert!(connections.test(id).await.unwrap().ok, "{place:?}");
        let run = client.sync().all(id).await.unwrap();
        assert_eq!((run.status, run.created), (SyncStatus::Ok, 38), "{place:?}");
        plant.vendor().end_faults();
    }
}
