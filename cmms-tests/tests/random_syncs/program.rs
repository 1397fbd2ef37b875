//! One random program.

use super::world::{Live, MARKS, World};
use cmms::core::ids::ConnectionId;
use cmms::{
    CreateConnection, CreateWorkOrder, StartSync, SyncRun, SyncStatus, UpdateConnection,
    UpdateWorkOrder,
};
use cmms::{ListWorkOrders, Result};
use cmms_sim::upkeep::SimEntity;
use cmms_tests::Where;
use fastrand::Rng;
use serde_json::json;
use std::time::Duration;

/// The vendor's times that no clock shows.
const FAR: &[&str] = &[
    "0001-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "2126-01-01T00:00:00.000Z",
    // With room for edits, which date themselves and due dates later still.
    "9990-01-01T00:00:00.000Z",
];

/// By how many seconds the host's clock is set beside the right time.
const WRONG: &[i64] = &[-400 * 86_400, -86_400, -60, 0, 60, 86_400, 400 * 86_400];

/// Runs the program of this seed; afterwards the clocks are right, and two runs bring the store in step.
pub async fn run(seed: u64, place: Where, steps: usize) {
    let mut random = Rng::with_seed(seed);
    let mut world = World::start(seed, place).await;
    connect(&mut world, 0, seed).await;
    let mut said = Vec::new();
    for number in 0..steps {
        let what = step(&mut world, &mut random, seed).await;
        said.push(format!("{number} {what}"));
        let at = format!("seed {seed} on {place:?}, after {said:#?}");
        world.check_owners(&at).await;
    }
    world.clock.set(0);
    for live in world.live.clone() {
        // Whatever the credentials were set to.
        log_in(&world, live).await.unwrap();
        for force in [true, false] {
            let run = sync(&world, live.id, force).await.unwrap();
            assert!(
                matches!(run.status, SyncStatus::Ok | SyncStatus::Partial),
                "seed {seed} on {place:?}, after {said:#?}: {run:?}"
            );
        }
    }
    let at = format!("seed {seed} on {place:?}, after {said:#?}");
    world.check_owners(&at).await;
    let found = world.differences().await;
    let shown: Vec<_> = found.iter().take(20).collect();
    assert!(
        found.is_empty(),
        "{at}: {} differences: {shown:#?}",
        found.len()
    );
}

/// Does something, and says what.
async fn step(world: &mut World, random: &mut Rng, seed: u64) -> String {
    let account = random.usize(..2);
    let mark = MARKS[account];
    match random.u32(..25) {
        0..4 => {
            let count = random.usize(1..6);
            world.vendor(account).edit(count);
            format!("edits {count} records of {mark}")
        }
        4 => {
            insert(world, account, random);
            format!("inserts records at {mark}")
        }
        5 => {
            let orders = world.vendor(account).oracle().work_orders;
            let Some(id) = orders.keys().nth(random.usize(..orders.len().max(1))) else {
                return "finds nothing to delete".to_owned();
            };
            world.vendor(account).remove(SimEntity::WorkOrder, id);
            format!("deletes {id} of {mark}")
        }
        6 => {
            let far = FAR[random.usize(..FAR.len())];
            let mut orders = world.vendor(account).oracle().work_orders;
            let at = random.usize(..orders.len().max(1));
            let Some(mut order) = orders.iter_mut().nth(at) else {
                return "finds nothing to date".to_owned();
            };
            order.1["updatedAt"] = json!(far);
            let (id, value) = (&mut order.0, order.1.clone());
            world
                .vendor(account)
                .set_raw(SimEntity::WorkOrder, id, value);
            format!("dates {id} of {mark} {far}")
        }
        7..9 => {
            let seconds = WRONG[random.usize(..WRONG.len())];
            world.clock.set(seconds);
            format!("sets the host's clock {seconds} s beside the right time")
        }
        9 => {
            let minutes = random.u64(1..3000);
            let by = Duration::from_secs(60 * minutes);
            world.clock.advance(by);
            world.vendor(0).advance_clock(by);
            world.vendor(1).advance_clock(by);
            format!("lets {minutes} minutes pass")
        }
        10 => {
            let days = random.u64(1..500);
            world
                .vendor(account)
                .advance_clock(Duration::from_secs(86_400 * days));
            format!("moves the clock of {mark} on by {days} days")
        }
        11..16 => {
            with_live(world, random, "syncs", async |world, live, random| {
                let force = random.u32(..4) == 0;
                let run = sync(world, live.id, force).await;
                format!("(force {force}): {}", told(&run))
            })
            .await
        }
        16 => {
            with_live(
                world,
                random,
                "syncs one kind of",
                async |world, live, _| told(&world.client.sync().work_orders(live.id).await),
            )
            .await
        }
        17..19 => {
            with_live(
                world,
                random,
                "drops a sync of",
                async |world, live, random| {
                    let polls = random.u32(1..400);
                    tokio::select! {
                        biased;
                        run = sync(world, live.id, false) => told(&run),
                        () = yields(polls) => format!("after {polls} turns"),
                    }
                },
            )
            .await
        }
        19 => change_account(world, random).await,
        20 => {
            with_live(
                world,
                random,
                "sets a wrong password of",
                async |world, live, _| {
                    let email = format!("plant{}@example.com", live.account);
                    let input = UpdateConnection::new(live.id)
                        .username(email)
                        .password("wrong");
                    told(&world.client.connections().update(input).await)
                },
            )
            .await
        }
        21 => {
            with_live(world, random, "deletes", async |world, live, _| {
                let done = world.client.connections().delete(live.id).await;
                if done.is_ok() {
                    world.live.retain(|l| l.id != live.id);
                }
                told(&done)
            })
            .await
        }
        22 => change_address(world, random).await,
        23 => format!(
            "connects {mark}: {}",
            connect(world, account, random.u64(..)).await
        ),
        _ => local(world, random, seed).await,
    }
}

/// A connection to an account that has none; answers what was said.
async fn connect(world: &mut World, account: usize, name: u64) -> String {
    let address = world.address(account);
    let input = CreateConnection::new("upkeep", address, format!("Plant {name}"))
        .username(format!("plant{account}@example.com"))
        .password("upkeep-sim");
    let is_connected = world.live.iter().any(|live| live.account == account);
    let made = world.client.connections().create(input).await;
    match made {
        Ok(connection) => {
            assert!(!is_connected, "an account was connected twice");
            world.live.push(Live {
                id: connection.id,
                account,
            });
            "made".to_owned()
        }
        Err(e) => {
            assert!(is_connected, "{e}");
            e.code().id().to_owned()
        }
    }
}

/// Gives a connection the address and credentials of the other account, in one of three ways.
async fn change_account(world: &mut World, random: &mut Rng) -> String {
    if world.live.is_empty() {
        return "has no connection to change".to_owned();
    }
    let at = random.usize(..world.live.len());
    let live = world.live[at];
    let other = 1 - live.account;
    let moved = Live {
        account: other,
        ..live
    };
    let mut input = credentials(world, moved);
    let forget = random.bool();
    if forget {
        input = input.forget_links(true);
    }
    let changed = world.client.connections().update(input).await;
    if changed.is_ok() {
        world.live[at] = moved;
    }
    format!(
        "changes {} to the other account (forget {forget}): {}",
        MARKS[live.account],
        told(&changed)
    )
}

/// Gives a connection the other address of its account.
async fn change_address(world: &mut World, random: &mut Rng) -> String {
    with_live(
        world,
        random,
        "gives another address to",
        async |world, live, random| {
            world.moved[live.account] ^= true;
            let relink = random.u32(..3) > 0;
            let changed = world
                .client
                .connections()
                .update(credentials(world, live).relink(relink))
                .await;
            if changed.is_err() {
                world.moved[live.account] ^= true;
            }
            format!("(relink {relink}): {}", told(&changed))
        },
    )
    .await
}

fn credentials(world: &World, live: Live) -> UpdateConnection {
    UpdateConnection::new(live.id)
        .api_url(world.address(live.account))
        .username(format!("plant{}@example.com", live.account))
        .password("upkeep-sim")
}

async fn log_in(world: &World, live: Live) -> Result<cmms::Connection> {
    world
        .client
        .connections()
        .update(credentials(world, live))
        .await
}

async fn sync(world: &World, id: ConnectionId, force: bool) -> Result<SyncRun> {
    let input = StartSync::new(id).force_sync(force);
    world.client.sync().all(input).await
}

async fn yields(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// Adds an asset and a work order at it.
fn insert(world: &World, account: usize, random: &mut Rng) {
    let mark = MARKS[account];
    let vendor = world.vendor(account);
    let number = random.u16(..);
    let asset = json!({"name": format!("{mark}boiler {number}"), "status": "active"});
    let asset = vendor.insert(SimEntity::Asset, asset);
    let order = json!({"title": format!("{mark}order {number}"), "status": "open", "asset": asset});
    vendor.insert(SimEntity::WorkOrder, order);
}

/// What people do here meanwhile.
async fn local(world: &World, random: &mut Rng, seed: u64) -> String {
    let orders = world.client.work_orders();
    let page = orders
        .list(ListWorkOrders::new().limit(500u32))
        .await
        .unwrap();
    if random.bool() || page.items.is_empty() {
        let input = CreateWorkOrder::new(format!("Local {seed}"));
        orders.create(input).await.unwrap();
        return "creates a work order here".to_owned();
    }
    let order = &page.items[random.usize(..page.items.len())];
    let input = UpdateWorkOrder::new(order.id).safety_notes(format!("note {}", random.u16(..)));
    let done = orders.update(input).await;
    format!("edits {} here: {}", order.number, told(&done))
}

/// Does something with one of the connections.
async fn with_live(
    world: &mut World,
    random: &mut Rng,
    what: &str,
    act: impl AsyncFnOnce(&mut World, Live, &mut Rng) -> String,
) -> String {
    if world.live.is_empty() {
        return format!("{what} nothing: there is no connection");
    }
    let live = world.live[random.usize(..world.live.len())];
    let told = act(world, live, random).await;
    format!("{what} {}: {told}", MARKS[live.account])
}

fn told<T: Told>(outcome: &Result<T>) -> String {
    match outcome {
        Ok(done) => done.tell(),
        Err(e) => e.code().id().to_owned(),
    }
}

/// What is said of an answer.
trait Told {
    fn tell(&self) -> String {
        "done".to_owned()
    }
}

impl Told for SyncRun {
    fn tell(&self) -> String {
        let codes: Vec<_> = self.errors.0.iter().map(|e| e.code.as_str()).collect();
        format!("{} {codes:?}", self.status)
    }
}
impl Told for cmms::Connection {}
impl Told for cmms::core::services::connections::ConnectionDeleted {}
impl Told for cmms::WorkOrder {}
