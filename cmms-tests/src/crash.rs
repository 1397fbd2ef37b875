//! Kills a syncing process at random moments.
//!
//! A [`Ground`] is a simulated vendor and a database that is connected to it and has nothing of it yet. Each
//! [`Ground::strike`] copies the database, lets the worker (`src/bin/crash_worker.rs`) sync it, kills the
//! worker, syncs once more without a kill, and compares what is stored with what the vendor has.

use crate::oracle::{ALL, differences};
use crate::{Plant, Where, client};
use cmms::core::clock::SystemClock;
use cmms::core::domain::audit::AuditEntry;
use cmms::core::domain::sync_run::{SyncRun, SyncStatus};
use cmms::core::domain::sync_state::{Checkpoint, ExternalLink, SyncLease};
use cmms::core::ids::ConnectionId;
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{Query, Store, TxMode};
use cmms::core::services::copy::copy;
use cmms::{Client, ConnectionOptions};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::Instant;

/// The argument that lets the worker commit the checkpoint before the rows that it covers.
pub const CHECKPOINT_FIRST: &str = "--checkpoint-first";
/// The argument that lets the worker write without asking for its lease.
pub const SKIP_FENCE: &str = "--skip-fence";
/// The argument before how many milliseconds a lease counts.
pub const LEASE: &str = "--lease";
/// Records of a batch.
const BATCH: u32 = 100;
/// Records of a page.
const PAGE: u32 = 50;

/// A vendor, a database that is connected to it, and a worker that syncs.
pub struct Ground {
    pub sim: UpkeepSim,
    /// The database that each strike copies.
    base: Arc<dyn Store>,
    place: Where,
    connection: ConnectionId,
    worker: PathBuf,
    arguments: Vec<String>,
    pace: Pace,
}

/// How fast an uninterrupted run goes.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Batches that it commits.
    batches: usize,
    /// From the first to the last of them.
    span: Duration,
}

/// What a kill left behind and what became of it.
#[derive(Debug)]
pub struct Outcome {
    /// Kills.
    pub kills: u64,
    /// Those of them that fell between the first and the last commit of a batch.
    pub landed: u64,
    /// Everything that is wrong after one more run.
    pub wrong: Vec<String>,
}

/// When the worker is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after its first batch.
    After(Duration),
    /// So long after its n-th batch.
    Behind(usize, Duration),
}

impl Ground {
    /// One whose worker is this program with these arguments.
    pub async fn new(worker: &str, arguments: &[&str], place: Where) -> Self {
        let config = UpkeepConfig::default()
            .assets(100)
            .work_orders(1_800)
            .latency(Duration::from_millis(2));
        let options = ConnectionOptions {
            batch_records: Some(BATCH),
            page_size: Some(PAGE),
            ..ConnectionOptions::default()
        };
        let Plant {
            sim,
            client,
            store,
            connection,
            folder,
            ..
        } = Plant::with(config, Where::Memory, options).await;
        drop((client, folder));
        let mut ground = Self {
            sim,
            base: store,
            place,
            connection: connection.id,
            worker: worker.into(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            pace: Pace {
                batches: 0,
                span: Duration::ZERO,
            },
        };
        ground.calibrate().await;
        ground
    }

    /// How much time lies between the first and the last change of the vendor's records.
    pub fn spread(&self) -> chrono::TimeDelta {
        let oracle = self.sim.vendor().oracle();
        let all = oracle.assets.values().chain(oracle.work_orders.values());
        let times = all.map(|v| v["updatedAt"].as_str().unwrap_or_default());
        let times: BTreeSet<_> = times
            .map(|text| chrono::DateTime::parse_from_rfc3339(text).unwrap())
            .collect();
        *times.last().unwrap() - *times.first().unwrap()
    }

    fn total(&self) -> usize {
        let oracle = self.sim.vendor().oracle();
        oracle.assets.len() + oracle.work_orders.len()
    }

    /// A copy of the database, and its URL.
    pub async fn copy(&self) -> (TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let url = match self.place {
            Where::Postgres => crate::postgres::fresh().await,
            _ => format!("sqlite://{}", folder.path().join("cmms.db").display()),
        };
        copy(
            &*self.base,
            &*crate::open(&url).await,
            &SystemClock::default(),
            |_| {},
        )
        .await
        .unwrap();
        (folder, url)
    }

    /// Starts the worker on a database.
    pub fn start(&self, url: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = Command::new(&self.worker)
            .arg(url)
            .arg(self.connection.to_string())
            .args(&self.arguments)
            .env_clear()
            .env("CMMS_EGRESS_ALLOW", self.sim.base_url())
            .env("USER", "worker")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }

    /// What is wrong with a database after its run ended, and how many runs it has.
    pub async fn wrong(&self, url: &str) -> (Vec<String>, usize) {
        let (client, store) = self.open(url).await;
        let vendor = self.sim.vendor();
        let mut wrong = differences(&client, &*store, vendor, self.connection, ALL).await;
        let seen = Seen::read(&client, &*store).await;
        wrong.extend(seen.consistent());
        (wrong, seen.runs.len())
    }

    /// The connection.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// How many batches an uninterrupted run commits.
    pub fn batches(&self) -> usize {
        self.pace.batches
    }

    /// Lets one run come to its end.
    async fn calibrate(&mut self) {
        let (_folder, url) = self.copy().await;
        let (mut child, mut lines) = self.start(&url);
        let mut times = Vec::new();
        while lines.next_line().await.unwrap().is_some() {
            times.push(Instant::now());
        }
        assert!(child.wait().await.unwrap().success());
        self.pace = Pace {
            batches: times.len(),
            span: *times.last().unwrap() - *times.first().unwrap(),
        };
        println!("uninterrupted: {:?}", self.pace);
        assert!(self.pace.batches >= 6, "{:?}", self.pace);
    }

    fn moment(&self, random: &mut fastrand::Rng) -> Moment {
        let micros = |d: Duration| u64::try_from(d.as_micros()).unwrap().max(1);
        if random.bool() {
            let after = random.u64(..micros(self.pace.span));
            Moment::After(Duration::from_micros(after))
        } else {
            let n = random.usize(1..self.pace.batches);
            let step = self.pace.span / u32::try_from(self.pace.batches).unwrap();
            let behind = random.u64(..micros(step));
            Moment::Behind(n, Duration::from_micros(behind))
        }
    }

    /// Kills one run, sometimes a second one that goes on, lets another come to its end, and looks at what is
    /// there each time.
    pub async fn strike(&self, seed: u64) -> Outcome {
        let mut random = fastrand::Rng::with_seed(seed);
        let (_folder, url) = self.copy().await;
        let mut told = format!("seed {seed}:");
        let mut wrong = Vec::new();
        let (mut kills, mut landed) = (0, 0);
        let mut before;
        loop {
            let moment = self.moment(&mut random);
            self.kill(&url, moment).await;
            let (client, store) = self.open(&url).await;
            before = Seen::read(&client, &*store).await;
            wrong.extend(before.consistent());
            let committed = before.links.len();
            let between = before.runs.iter().any(|r| r.status == SyncStatus::Running)
                && committed > 0
                && committed < self.total();
            kills += 1;
            landed += u64::from(between);
            told += &format!(
                " killed {moment:?}, {committed} of {} records are there,",
                self.total()
            );
            if random.bool() {
                // Else all edits of a long loop would lie within the look-back and come again each time.
                self.sim.vendor().advance_clock(Duration::from_secs(3_600));
                self.sim.vendor().edit(10);
            }
            if committed == self.total() || random.u8(..4) > 0 {
                break;
            }
        }
        let other = random.bool();
        if other {
            let (mut child, mut lines) = self.start(&url);
            while lines.next_line().await.unwrap().is_some() {}
            if !child.wait().await.unwrap().success() {
                wrong.push("the next run in another process failed".to_owned());
            }
        } else {
            let (client, _store) = self.open(&url).await;
            match client.sync().all(self.connection).await {
                Ok(run) if run.status == SyncStatus::Ok => {}
                not => wrong.push(format!("the next run: {not:?}")),
            }
        }
        let (client, store) = self.open(&url).await;
        let vendor = self.sim.vendor();
        wrong.extend(differences(&client, &*store, vendor, self.connection, ALL).await);
        let after = Seen::read(&client, &*store).await;
        wrong.extend(after.consistent());
        wrong.extend(after.went_on_from(&before, self.total()));
        let place = if other { "another process" } else { "this one" };
        println!(
            "{told} {landed} of {kills} landed, then ran in {place}: {} wrong",
            wrong.len()
        );
        Outcome {
            kills,
            landed,
            wrong,
        }
    }

    /// Starts a run and kills it at this moment.
    async fn kill(&self, url: &str, moment: Moment) {
        let (mut child, mut lines) = self.start(url);
        let (batches, wait) = match moment {
            Moment::After(wait) => (1, wait),
            Moment::Behind(n, wait) => (n, wait),
        };
        for _ in 0..batches {
            if lines.next_line().await.unwrap().is_none() {
                break;
            }
        }
        std::thread::sleep(wait);
        child.kill().await.unwrap();
    }

    async fn open(&self, url: &str) -> (Client, Arc<dyn Store>) {
        let store = crate::open(url).await;
        (client(Arc::clone(&store), &self.sim).await, store)
    }
}

/// What a database says about its runs.
struct Seen {
    runs: Vec<SyncRun>,
    audit: Vec<AuditEntry>,
    links: Vec<ExternalLink>,
    leases: Vec<SyncLease>,
    checkpoints: Vec<Checkpoint>,
}

impl Seen {
    async fn read(client: &Client, store: &dyn Store) -> Self {
        let mut tx = store.begin(client.scope(), TxMode::Snapshot).await.unwrap();
        let all = Query::default();
        Self {
            runs: tx.of().list(&all).await.unwrap(),
            audit: tx.of().list(&all).await.unwrap(),
            links: tx.of().list(&all).await.unwrap(),
            leases: tx.of().list(&all).await.unwrap(),
            checkpoints: tx.of().list(&all).await.unwrap(),
        }
    }

    /// The audit, the runs and the records tell the same story, at every moment.
    fn consistent(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let linked: BTreeMap<_, _> = self.links.iter().map(|l| (l.record_id, 0)).collect();
        let mut created = linked.clone();
        let mut by_run: BTreeMap<_, (i64, i64)> = BTreeMap::new();
        for entry in &self.audit {
            let Some(batch) = &entry.batch else { continue };
            if !self.runs.iter().any(|r| r.id == batch.0.run) {
                wrong.push(format!("a batch of run {}, which is unknown", batch.0.run));
            }
            for record in &batch.0.records {
                if !linked.contains_key(&record.id) {
                    wrong.push(format!("record {} of a batch does not exist", record.id));
                }
                let counts = by_run.entry(batch.0.run).or_default();
                match record.action.as_str() {
                    "create" => {
                        counts.0 += 1;
                        *created.entry(record.id).or_default() += 1;
                    }
                    "update" | "payload" => counts.1 += 1,
                    _ => {}
                }
            }
        }
        let not_once = created.iter().filter(|(_, times)| **times != 1);
        wrong.extend(not_once.map(|(id, n)| format!("record {id} was created {n} times")));
        for run in &self.runs {
            let counts = by_run.get(&run.id).copied().unwrap_or_default();
            if counts != (run.created, run.updated) {
                wrong.push(format!("the audit says {counts:?} of {run:?}"));
            }
        }
        wrong
    }

    /// The run after a killed one took over at once, said so, and went on where that one stood.
    fn went_on_from(&self, before: &Self, total: usize) -> Vec<String> {
        let mut wrong = Vec::new();
        for run in &self.runs {
            let told = run.status == SyncStatus::Failed
                && run.finished_at.is_some()
                && run.errors.0.iter().any(|e| e.code == "CMMS-SYNC-006");
            if run.status != SyncStatus::Ok && !told {
                wrong.push(format!("a killed run stands as {run:?}"));
            }
        }
        let known: BTreeSet<_> = before.runs.iter().map(|r| r.id).collect();
        let new: Vec<_> = self
            .runs
            .iter()
            .filter(|r| !known.contains(&r.id))
            .collect();
        let [run] = new.as_slice() else {
            wrong.push(format!("{} runs after the kill", new.len()));
            return wrong;
        };
        let created = usize::try_from(run.created).unwrap();
        if run.status != SyncStatus::Ok || created + before.links.len() != total {
            let had = before.links.len();
            wrong.push(format!("{had} of {total} were there; then {run:?}"));
        }
        // Where a listing is unfinished it goes on behind the last committed batch: what comes again are the
        // records of one time and the look-back of what is complete.
        if run.unchanged > i64::from(2 * BATCH) && !before.checkpoints.is_empty() {
            wrong.push(format!("read again from the beginning: {run:?}"));
        }
        for lease in &self.leases {
            if let Some(holder) = lease.run_id {
                wrong.push(format!("run {holder} still holds a lease"));
            }
        }
        wrong
    }
}
