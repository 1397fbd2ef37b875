//! Workers: runs outlive the program that began them, and nobody writes for a run that was taken over.

use cmms::core::domain::secret::SealedSecret;
use cmms::core::ids::RunId;
use cmms::core::ports::repository::TxExt as _;
use cmms::core::ports::store::{Query, SaveRule, Store, TxMode};
use cmms::core::testing::SteppedClock;
use cmms::secrets::KeyVault;
use cmms::{
    Builder, Client, ConnectionOptions, CreateConnection, HealthState, ListRuns, StartSync,
    SyncRun, SyncStatus, SyncType, UpdateConnection,
};
use cmms_sim::upkeep::UpkeepConfig;
use cmms_tests::crash::{Ground, LEASE, SKIP_FENCE};
use cmms_tests::{KEY, Plant, Where, config, open, release_tier};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

const WORKER: &str = env!("CARGO_BIN_EXE_crash_worker");
/// How long leases count here.
const SHORT: Duration = Duration::from_millis(400);
/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(60);

/// Another process, as far as leases can tell: it knows nothing of the runs that the first one works on.
async fn other(store: Arc<dyn Store>, ground: &Ground) -> Client {
    builder(store, ground).build().await.unwrap()
}

fn builder(store: Arc<dyn Store>, ground: &Ground) -> Builder {
    Client::builder(store)
        .config(config(&ground.sim))
        .vault(KeyVault::with_key(KEY))
        .lease(SHORT)
}

/// Looks until the worker has claimed a run and that has ended.
async fn goes_on(client: &Client) -> (SyncRun, Duration) {
    let worker = client.worker();
    let began = Instant::now();
    let claimed = timeout(LONG, async {
        loop {
            if let Some(run) = worker.tick().await.unwrap().claimed.first() {
                return *run;
            }
            sleep(Duration::from_millis(20)).await;
        }
    });
    let run = claimed.await.expect("nobody claimed the run");
    let took = began.elapsed();
    client.settled().await;
    (client.runs().get(run).await.unwrap(), took)
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = i32::try_from(child.id().expect("it runs")).unwrap();
    let id = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

async fn killed_run_goes_on(place: Where) {
    let ground = Ground::new(WORKER, &[LEASE, "400"], place).await;
    for batches in [1, 3, 6] {
        let (_folder, url) = ground.copy().await;
        let (mut child, mut lines) = ground.start(&url);
        for _ in 0..batches {
            lines.next_line().await.unwrap().unwrap();
        }
        child.kill().await.unwrap();
        let client = other(open(&url).await, &ground).await;
        let (run, took) = goes_on(&client).await;
        println!("taken over {took:.0?} after the kill");
        assert_eq!(run.status, SyncStatus::Ok, "{:?}", run.errors);
        let (wrong, runs) = ground.wrong(&url).await;
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(runs, 1, "the same run went on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_of_a_killed_process_goes_on_in_another() {
    killed_run_goes_on(Where::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_of_a_killed_process_goes_on_in_another_on_postgresql() {
    killed_run_goes_on(Where::Postgres).await;
}

/// Stops a process in the middle of its run until another one took that over and ended it, then lets it go on.
/// Answers what is wrong then, and what the first process said; none where its run ended before it was stopped.
async fn stop_and_continue(ground: &Ground, n: usize) -> Option<(Vec<String>, String)> {
    let (_folder, url) = ground.copy().await;
    let (mut child, mut lines) = ground.start(&url);
    for _ in 0..1 + n % (ground.batches() / 2) {
        lines.next_line().await.unwrap()?;
    }
    sleep(Duration::from_micros(
        u64::try_from(n * 997 % 5_000).unwrap(),
    ))
    .await;
    signal(&child, rustix::process::Signal::STOP);
    // That the process lives says nothing.
    let client = other(open(&url).await, ground).await;
    let runs = client.runs().list(ListRuns::new()).await.unwrap().items;
    if runs.iter().all(|run| run.finished_at.is_some()) {
        return None;
    }
    let (run, _) = goes_on(&client).await;
    signal(&child, rustix::process::Signal::CONT);
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    timeout(LONG, stderr.read_to_string(&mut said))
        .await
        .unwrap()
        .unwrap();
    let ended = timeout(LONG, child.wait()).await.unwrap().unwrap();
    let (mut wrong, runs) = ground.wrong(&url).await;
    if run.status != SyncStatus::Ok || runs != 1 {
        wrong.push(format!("{runs} runs, the last is {run:?}"));
    }
    let stored = client.runs().get(run.id).await.unwrap();
    if stored != run {
        wrong.push(format!("the run was {run:?} and is {stored:?}"));
    }
    // Either it found its fence gone, or the server had ended its transaction.
    let told = ["CMMS-SYNC-014", "CMMS-STORE-012"];
    if !told.iter().any(|code| said.contains(code)) {
        wrong.push(format!("it says nothing of it: {said}"));
    }
    if ended.success() {
        wrong.push("the process that was stopped ended well".to_owned());
    }
    Some((wrong, said))
}

/// On PostgreSQL, whose server ends the transaction of a program that says nothing more. A program that is stopped inside
/// of one keeps an SQLite file to itself, so that nobody else can write at all.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_stopped_is_fenced_off() {
    let times = if release_tier() { 100 } else { 5 };
    let ground = Ground::new(WORKER, &[LEASE, "400"], Where::Postgres).await;
    let mut fenced = 0;
    for n in 0.. {
        let Some((wrong, said)) = stop_and_continue(&ground, n).await else {
            continue;
        };
        assert!(wrong.is_empty(), "try {n}: {wrong:#?} {said}");
        fenced += 1;
        if fenced == times {
            break;
        }
    }
    println!("{fenced} of {times} fenced off");
}

#[tokio::test(flavor = "multi_thread")]
async fn twin_an_owner_that_does_not_ask_for_its_lease_is_caught() {
    let ground = Ground::new(WORKER, &[LEASE, "400", SKIP_FENCE], Where::Postgres).await;
    for n in 0..10 {
        let Some((wrong, said)) = stop_and_continue(&ground, n).await else {
            continue;
        };
        if !wrong.is_empty() {
            println!("caught by try {}: {wrong:?} {said}", n + 1);
            return;
        }
    }
    panic!("ten tries did not show that the fence was not asked for");
}

/// Several workers at one store, each look of each at the same time: every run is queued and claimed once.
async fn workers_share(place: Where) {
    let plant = Plant::small(place).await;
    let id = plant.connection.id;
    let input = UpdateConnection::new(id).sync_interval(60);
    plant.client.connections().update(input).await.unwrap();
    let clock = Arc::new(SteppedClock::default());
    let mut clients = Vec::new();
    for _ in 0..3 {
        let store = match place {
            Where::Memory => Arc::clone(&plant.store),
            _ => open(&plant.url).await,
        };
        let builder = Client::builder(store)
            .config(config(&plant.sim))
            .clock(Arc::clone(&clock) as _);
        let built = builder.vault(KeyVault::with_key(KEY)).build().await;
        clients.push(built.unwrap());
    }
    for round in 1..=5 {
        let workers: Vec<_> = clients.iter().map(|c| c.worker()).collect();
        let (a, b, c) = tokio::join!(workers[0].tick(), workers[1].tick(), workers[2].tick());
        let all = [a.unwrap(), b.unwrap(), c.unwrap()];
        assert_eq!(
            all.iter().map(|w| w.queued.len()).sum::<usize>(),
            1,
            "{all:?}"
        );
        assert_eq!(
            all.iter().map(|w| w.claimed.len()).sum::<usize>(),
            1,
            "{all:?}"
        );
        for client in &clients {
            client.settled().await;
        }
        let runs = plant
            .client
            .runs()
            .list(ListRuns::new())
            .await
            .unwrap()
            .items;
        assert_eq!(runs.len(), round);
        assert!(runs.iter().all(|r| r.status == SyncStatus::Ok), "{runs:?}");
        assert!(runs.iter().all(|r| r.sync_type == SyncType::All));
        assert_eq!(runs[0].requested_by, "service:worker");
        let nothing = workers[0].tick().await.unwrap();
        assert_eq!(
            (nothing.queued, nothing.claimed),
            (vec![], vec![]),
            "not yet"
        );
        clock.advance(Duration::from_secs(61));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interval_of_a_connection_queues_one_run_whoever_looks() {
    workers_share(Where::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interval_of_a_connection_queues_one_run_whoever_looks_on_postgresql() {
    workers_share(Where::Postgres).await;
}

/// A run that a program put back when it was stopped.
async fn put_back() -> (Plant, RunId) {
    let sim = UpkeepConfig::default()
        .assets(40)
        .work_orders(400)
        .latency(Duration::from_millis(20));
    let options = ConnectionOptions {
        batch_records: Some(50),
        page_size: Some(25),
        ..ConnectionOptions::default()
    };
    let plant = Plant::with(sim, Where::Sqlite, options).await;
    let _worker = plant.client.worker();
    let start = StartSync::new(plant.connection.id).wait(false);
    let begun = plant.client.sync().all(start).await.unwrap();
    assert_eq!(begun.status, SyncStatus::Running);
    plant.client.stop().await;
    let run = plant.client.runs().get(begun.id).await.unwrap();
    assert_eq!(
        (run.status, run.finished_at),
        (SyncStatus::Queued, None),
        "{:?}",
        run.errors
    );
    (plant, begun.id)
}

/// The next program.
async fn next(plant: &Plant) -> Client {
    cmms_tests::client(open(&plant.url).await, &plant.sim).await
}

#[tokio::test(flavor = "multi_thread")]
async fn run_of_a_program_that_stops_goes_on_in_the_next() {
    let (plant, run) = put_back().await;
    let next = next(&plant).await;
    assert_eq!(next.worker().tick().await.unwrap().claimed, [run]);
    next.settled().await;
    let ended = next.runs().get(run).await.unwrap();
    assert_eq!(ended.status, SyncStatus::Ok, "{:?}", ended.errors);
    let oracle = plant.vendor().oracle();
    let all = oracle.assets.len() + oracle.work_orders.len();
    assert_eq!(usize::try_from(ended.created).unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_run_can_be_cancelled() {
    let (plant, run) = put_back().await;
    let next = next(&plant).await;
    let cancelled = next.runs().cancel(run).await.unwrap();
    assert_eq!(cancelled.status, SyncStatus::Cancelled);
    assert_eq!(next.worker().tick().await.unwrap().claimed, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_run_that_cannot_be_carried_out_ends_with_the_reason() {
    let (plant, run) = put_back().await;
    let next = next(&plant).await;
    let off = UpdateConnection::new(plant.connection.id).enabled(false);
    next.connections().update(off).await.unwrap();
    assert_eq!(next.worker().tick().await.unwrap().claimed, []);
    let ended = next.runs().get(run).await.unwrap();
    assert_eq!(ended.status, SyncStatus::Failed);
    assert_eq!(ended.errors.0[0].code, "CMMS-CONN-007");
}

/// Leaves the credentials of the plant as a bad disk might.
async fn damage_secret(plant: &Plant) {
    let scope = plant.client.scope();
    let mut tx = plant.store.begin(scope, TxMode::Write).await.unwrap();
    let secrets: Vec<SealedSecret> = tx.of().list(&Query::default()).await.unwrap();
    for mut secret in secrets {
        secret.version += 1;
        secret.envelope.reverse();
        tx.of().save(&secret, SaveRule::Update).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Found by reading: a secret that could not be opened counted as a failure that passes, so the look ended with it, and
/// runs behind it waited for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_secret_cannot_be_opened_ends_and_keeps_no_other_waiting() {
    let (plant, first) = put_back().await;
    damage_secret(&plant).await;
    let elsewhere = next(&plant).await;
    let login = UpkeepConfig::default();
    let input = CreateConnection::new("upkeep", plant.sim.base_url(), "Readable")
        .username(login.email)
        .password(login.password)
        .sync_interval(60)
        .allow_same_account(true);
    let readable = elsewhere.connections().create(input).await.unwrap().id;
    let worked = elsewhere.worker().tick().await.unwrap();
    elsewhere.settled().await;
    let ended = elsewhere.runs().get(first).await.unwrap();
    assert_eq!(ended.status, SyncStatus::Failed);
    assert_eq!(ended.errors.0[0].code, "CMMS-SECRET-001");
    let connection = plant.connection.id;
    let connection = elsewhere.connections().get(connection).await.unwrap();
    assert_eq!(connection.health.state, HealthState::AuthRequired);
    assert_eq!(worked.claimed, worked.queued, "{worked:?}");
    let other = elsewhere.runs().get(worked.queued[0]).await.unwrap();
    assert_eq!(other.cmms_connection_id, readable);
    assert_eq!(other.status, SyncStatus::Ok, "{:?}", other.errors);
}
