//! `cmms demo`: the main job, from nothing to served records, on a simulated vendor.

use super::simulate::sim_error;
use super::terminal::shown;
use super::{announce_key, asked_to_end, open, progress, sync, table};
use crate::rest::{Access, Server};
use cmms::core::clock::Clock;
use cmms::core::context::{Principal, Scope};
use cmms::core::domain::setting::Setting;
use cmms::core::ids::{IdGen, OrgId, SystemIds};
use cmms::core::ports::repository::TxExt;
use cmms::core::ports::store::{SaveRule, Store, TxMode};
use cmms::core::record::{Cell, Json};
use cmms::store::{SqliteOptions, SqliteStore};
use cmms::{
    Client, Config, CreateConnection, Error, ListWorkOrders, Result, StartSync, SyncRun,
    SyncStatus, SyncType, code,
};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim, UpkeepVendor};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// The file of the demo, in the present folder.
const FILE: &str = "cmms-demo.db";
/// The setting that marks it as a demo's.
const MARK: &str = "demo";
/// Records that are edited at the vendor before the third sync.
const EDITS: usize = 12;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// End after the syncs instead of serving the records.
    #[arg(long)]
    no_serve: bool,
    /// The port of the REST interface.
    #[arg(long, default_value_t = 8003)]
    port: u16,
    /// The seed of the vendor's records.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(mut config: Config, args: Args) -> Result<ExitCode> {
    let path = Path::new(FILE);
    if !args.no_serve {
        refuse_taken(args.port)?;
    }
    replace(path).await?;
    let clock = cmms::core::clock::SystemClock::default();
    let sim_config = UpkeepConfig::default().seed(args.seed).now(clock.now());
    let (email, password) = (sim_config.email.clone(), sim_config.password.clone());
    let sim = UpkeepSim::start(sim_config, 0).await.map_err(sim_error)?;
    config.egress_allow.push(sim.base_url());

    say!("1. A simulated UpKeep runs at {}", sim.base_url());
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, SqliteOptions::default())?);
    let opened = open(Arc::clone(&store), config).await?;
    let client = opened.client.clone();
    mark(&*store, client.scope()).await?;
    say!("2. A database is made at ./{FILE}");
    let input = CreateConnection::new("upkeep", sim.base_url(), "Demo UpKeep")
        .username(email)
        .password(password);
    let connection = client.connections().create(input).await?;
    announce_key(&opened);
    let tested = client.connections().test(connection.id).await?;
    say!("3. Connected: {}", tested.health.state);

    say!("4. The first sync brings everything in:");
    let first = timed(&client, StartSync::new(connection.id)).await?;
    say!("5. The second sync finds nothing new:");
    let second = timed(&client, StartSync::new(connection.id)).await?;
    sim.vendor().set_clock(clock.now());
    let edited = sim.vendor().edit(EDITS);
    say!(
        "6. At the vendor, {} assets and {} work orders are edited; the third sync brings just these:",
        edited.assets.len(),
        edited.work_orders.len()
    );
    let third = timed(&client, StartSync::new(connection.id)).await?;
    say!("7. What is in the database now:");
    some_orders(&client).await?;
    let oracle = sim.vendor().oracle();
    let all = i64::try_from(oracle.assets.len() + oracle.work_orders.len()).unwrap_or(i64::MAX);
    let changed = i64::try_from(edited.assets.len() + edited.work_orders.len()).unwrap_or(i64::MAX);
    let good = first.created == all
        && second.created + second.updated == 0
        && (third.created, third.updated) == (0, changed)
        && [&first, &second, &third]
            .iter()
            .all(|run| run.status == SyncStatus::Ok);
    say!(
        "Result: first sync {} of {all} in; second created + updated = {}; third updated {} of {changed} edited: {}",
        first.created,
        second.created + second.updated,
        third.updated,
        if good {
            "as it should be"
        } else {
            "NOT as it should be"
        },
    );
    if args.no_serve || !good {
        return Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        });
    }
    let access = Access::new("127.0.0.1", true)?;
    let server = Server::bind(client, "127.0.0.1", args.port, access).await?;
    let url = server.url();
    say!("8. Serving, until Ctrl-C:");
    say!("   {url}/health");
    say!("   {url}/work-orders?status=in_progress");
    say!("   {url}/assets?limit=5");
    say!("   {url}/cmms/connections");
    say!("   {url}/openapi.json");
    say!("   curl -X POST {url}/cmms/sync/all -H 'Content-Type: application/json' \\");
    say!(
        "        -d '{{\"cmms_connection_id\": \"{}\"}}'",
        connection.id
    );
    tokio::select! {
        () = live(sim.vendor()) => Ok(ExitCode::SUCCESS),
        ended = server.run(asked_to_end()) => ended.map(|()| ExitCode::SUCCESS),
    }
}

/// Lets the vendor's clock go on. Never ends.
async fn live(vendor: &UpkeepVendor) {
    let clock = cmms::core::clock::SystemClock::default();
    loop {
        clock.sleep(std::time::Duration::from_secs(1)).await;
        vendor.set_clock(clock.now());
    }
}

async fn timed(client: &Client, input: StartSync) -> Result<SyncRun> {
    let clock = &client.app().clock;
    let began = clock.elapsed();
    let run = progress::sync(client, SyncType::All, input).await?;
    let took = clock.elapsed().saturating_sub(began).as_secs_f64();
    sync::print(&run);
    let read: u64 = run.streams.0.iter().map(|s| s.fetched).sum();
    say!(
        "  {read} records read in {took:.2} s, {:.0} a second",
        read as f64 / took.max(1e-6)
    );
    Ok(run)
}

async fn some_orders(client: &Client) -> Result<()> {
    let page = client
        .work_orders()
        .list(ListWorkOrders::new().limit(5u32))
        .await?;
    let rows: Vec<Vec<String>> = page
        .items
        .into_iter()
        .map(|o| {
            vec![
                o.number,
                shown(&o.title),
                o.status.to_string(),
                o.priority.to_string(),
                o.asset_id.unwrap_or_default(),
            ]
        })
        .collect();
    table::print(&["number", "title", "status", "priority", "asset"], &rows);
    Ok(())
}

/// A port that is in use is better known before the work than after it.
fn refuse_taken(port: u16) -> Result<()> {
    match std::net::TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(
            code::SERVE_PORT,
            format!("port {port} on 127.0.0.1 cannot be opened"),
        )
        .field(
            "port",
            "port_in_use",
            "choose another one with --port, or --no-serve",
        )),
    }
}

/// Takes the database of an earlier demo away; leaves any other file alone.
async fn replace(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let refused = || {
        Error::new(
            code::DEMO_FILE,
            format!("./{FILE} is there and was not made by a demo"),
        )
        .remedy_is(format!(
            "Move ./{FILE} away, or run the demo in another folder."
        ))
    };
    // Opening an empty file would make it a database; it is not ours to make.
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return Err(refused());
    }
    let is_demo = {
        let store = SqliteStore::open(path, SqliteOptions::default()).map_err(|e| {
            if e.is(code::STORE_NOT_DATABASE) {
                refused()
            } else {
                e
            }
        })?;
        let now = cmms::core::clock::SystemClock::default().now();
        let org = store
            .organization("default", OrgId(SystemIds.next()), now)
            .await?;
        let scope = Scope::new(org, Principal::system());
        let mut tx = store.begin(&scope, TxMode::Once).await?;
        tx.of::<Setting>().get(&[Cell::text(MARK)]).await?.is_some()
    };
    if !is_demo {
        return Err(refused());
    }
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{FILE}{suffix}");
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::new(
                    code::STORE_READ_ONLY,
                    format!("./{file} cannot be removed: {e}"),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn mark(store: &dyn Store, scope: &Scope) -> Result<()> {
    let mut tx = store.begin(scope, TxMode::Once).await?;
    let setting = Setting {
        name: MARK.to_owned(),
        value: Json(serde_json::Value::Bool(true)),
    };
    tx.of::<Setting>().save(&setting, SaveRule::Upsert).await?;
    Ok(())
}
