//! A run belongs to who works on it: neither another client of the process, nor a container with process numbers of its
//! own, nor a host whose clock is ahead or is set takes it, and who is not heard of loses it.

use chrono::{DateTime, TimeDelta, Utc};
use cmms::core::clock::{Clock, SystemClock};
use cmms::core::domain::sync_state::{ExternalLink, SyncLease};
use cmms::core::failpoint::{Failpoint, set};
use cmms::core::ids::RunId;
use cmms::core::ports::repository::TxExt as _;
use cmms::core::ports::store::{Query, SaveRule, Saved, Store, TxMode};
use cmms::core::record::RawJson;
use cmms::core::testing::SteppedClock;
use cmms::secrets::KeyVault;
use cmms::{Client, ConnectionOptions, StartSync, SyncRun, SyncStatus, UpdateConnection, code};
use cmms_sim::upkeep::UpkeepConfig;
use cmms_tests::{KEY, Plant, Where, config, open};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::RwLock;
use tokio::time::sleep;

/// The switches are of the whole process: written while one is on.
static SWITCHES: RwLock<()> = RwLock::const_new(());

/// A host's clock that is wrong by so many seconds, as it is set; time passes as it does.
#[derive(Debug)]
struct Wrong {
    clock: SystemClock,
    by: AtomicI64,
}

impl Wrong {
    fn by(seconds: i64) -> Arc<Self> {
        Arc::new(Self {
            clock: SystemClock::default(),
            by: AtomicI64::new(seconds),
        })
    }
}

#[async_trait::async_trait]
impl Clock for Wrong {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now() + TimeDelta::seconds(self.by.load(Ordering::SeqCst))
    }
    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

/// A vendor that takes its time.
async fn plant(place: Where) -> Plant {
    let sim = UpkeepConfig::default()
        .assets(20)
        .work_orders(300)
        .latency(Duration::from_millis(20));
    let options = ConnectionOptions {
        batch_records: Some(50),
        page_size: Some(10),
        ..ConnectionOptions::default()
    };
    Plant::with(sim, place, options).await
}

/// Another client of the same database.
async fn other(plant: &Plant, place: Where, clock: Arc<dyn Clock>) -> Client {
    let store: Arc<dyn Store> = match place {
        Where::Memory => Arc::clone(&plant.store),
        _ => open(&plant.url).await,
    };
    let builder = Client::builder(store)
        .config(config(&plant.sim))
        .clock(clock);
    let builder = builder.vault(KeyVault::with_key(KEY));
    builder.build().await.unwrap()
}

/// Lets the leases look as those of a process of another host, or of another namespace of process numbers.
async fn move_elsewhere(client: &Client) {
    let store = &client.app().store;
    let mut tx = store.begin(client.scope(), TxMode::Write).await.unwrap();
    let leases = tx.of::<SyncLease>().list(&Query::default()).await.unwrap();
    assert!(!leases.is_empty());
    for mut lease in leases {
        let owner = r#"{"process":{"boot":"elsewhere pid:[1]","pid":1,"started":1},"number":1}"#;
        lease.owner = RawJson(owner.into());
        lease.version += 1;
        let saved = tx.of().save(&lease, SaveRule::Update).await;
        assert_eq!(saved.unwrap(), Saved::Updated);
    }
    tx.commit().await.unwrap();
}

/// What another client claims while a run goes on, and how that ends. At each look its clock is set by so many seconds.
async fn claimed(place: Where, elsewhere: bool, ahead: i64, step: i64) -> (Vec<RunId>, SyncRun) {
    let plant = plant(place).await;
    let clock = Wrong::by(ahead);
    let other = other(&plant, place, Arc::clone(&clock) as _).await;
    let start = StartSync::new(plant.connection.id).wait(false);
    let run = plant.client.sync().all(start).await.unwrap().id;
    if elsewhere {
        move_elsewhere(&plant.client).await;
    }
    let worker = other.worker();
    let (mut claimed, mut looks) = (Vec::new(), 0);
    loop {
        claimed.extend(worker.tick().await.unwrap().claimed);
        looks += 1;
        clock.by.fetch_add(step, Ordering::SeqCst);
        let run = plant.client.runs().get(run).await.unwrap();
        if run.finished_at.is_some() || !claimed.is_empty() {
            plant.client.settled().await;
            other.settled().await;
            assert!(
                looks > 3 || !claimed.is_empty(),
                "it ended before anybody looked"
            );
            return (claimed, run);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn is_left_alone(elsewhere: bool, ahead: i64, step: i64) {
    let _quiet = SWITCHES.read().await;
    for place in [Where::Memory, Where::Sqlite, Where::Postgres] {
        let (claimed, run) = claimed(place, elsewhere, ahead, step).await;
        assert_eq!(claimed, [], "{place:?}");
        assert_eq!(run.status, SyncStatus::Ok, "{place:?}: {:?}", run.errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_of_a_process_leave_each_other_their_runs() {
    is_left_alone(false, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_namespace_is_left_alone_while_it_is_heard_of() {
    is_left_alone(true, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_clock_is_ahead_takes_no_run() {
    is_left_alone(true, 60, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_takes_no_run() {
    is_left_alone(true, 0, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_leases_by_the_clocks_of_hosts_are_caught() {
    let _broken = SWITCHES.write().await;
    set(Failpoint::TrustHostClocks, true);
    let mut caught = Vec::new();
    for place in [Where::Sqlite, Where::Postgres] {
        let (ahead, _) = claimed(place, true, 60, 0).await;
        let (stepped, _) = claimed(place, true, 0, 12).await;
        caught.push(!ahead.is_empty() && !stepped.is_empty());
    }
    set(Failpoint::TrustHostClocks, false);
    assert_eq!(caught, [true, true]);
}

/// By the observer's own time, from its first look on.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_elsewhere_that_is_not_heard_of_loses_its_run_after_the_length_of_a_lease() {
    let _quiet = SWITCHES.read().await;
    let plant = plant(Where::Sqlite).await;
    let client = plant.client.clone();
    let connection = plant.connection.id;
    #[expect(
        clippy::disallowed_methods,
        reason = "the test owns the task and joins it"
    )]
    let owner = tokio::spawn(async move { client.sync().all(connection).await });
    let started = async || {
        let runs = plant.client.runs();
        let runs = runs.list(cmms::ListRuns::new()).await.unwrap().items;
        runs.first().map(|run| run.id)
    };
    let run = loop {
        if let Some(run) = started().await {
            break run;
        }
        sleep(Duration::from_millis(2)).await;
    };
    move_elsewhere(&plant.client).await;
    owner.abort();
    assert!(owner.await.is_err_and(|e| e.is_cancelled()));
    let clock = Arc::new(SteppedClock::default());
    let other = other(&plant, Where::Sqlite, Arc::clone(&clock) as _).await;
    let worker = other.worker();
    let mut waited = 0;
    let claimed = loop {
        let claimed = worker.tick().await.unwrap().claimed;
        if !claimed.is_empty() {
            break claimed;
        }
        waited += 1;
        assert!(waited < 60, "nobody takes it over");
        clock.advance(Duration::from_secs(1));
    };
    assert_eq!((claimed, waited), (vec![run], 12));
    other.settled().await;
    let ended = other.runs().get(run).await.unwrap();
    assert_eq!(ended.status, SyncStatus::Ok, "{:?}", ended.errors);
}

/// Its process only stood still, and goes on once the account is another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_not_heard_of_writes_nothing_once_the_account_was_changed() {
    let _quiet = SWITCHES.read().await;
    let place = Where::Sqlite;
    let plant = plant(place).await;
    plant.vendor().set_latency(Duration::from_millis(200));
    let start = StartSync::new(plant.connection.id).wait(false);
    let run = plant.client.sync().all(start).await.unwrap().id;
    move_elsewhere(&plant.client).await;
    let clock = Arc::new(SteppedClock::default());
    let other = other(&plant, place, Arc::clone(&clock) as _).await;
    let forget = || UpdateConnection::new(plant.connection.id).forget_links(true);
    let busy = other.connections().update(forget()).await.unwrap_err();
    assert!(busy.is(code::CONNECTION_BUSY), "{busy}");
    clock.advance(Duration::from_secs(60));
    other.connections().update(forget()).await.unwrap();
    plant.client.settled().await;
    let ended = plant.client.runs().get(run).await.unwrap();
    assert_eq!(ended.status, SyncStatus::Failed);
    assert_eq!(ended.errors.0[0].code, code::SYNC_INTERRUPTED.id());
    let scope = plant.client.scope().clone();
    let mut tx = plant.store.begin(&scope, TxMode::Once).await.unwrap();
    let links = tx.of::<ExternalLink>().list(&Query::default()).await;
    assert_eq!(links.unwrap().len(), 0);
}
