//! The example of an adapter of one's own keeps every rule of the adapter suite, on the `paged` simulator.

#[expect(dead_code, reason = "the example's own main program")]
#[path = "../../examples/rust/custom_adapter.rs"]
mod example;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use cmms::Entity;
use cmms::adapters::{EgressClient, EgressPolicy};
use cmms::core::domain::connection::ConnectionOptions;
use cmms::core::ports::adapter::{Adapter, AdapterCx};
use cmms::core::ports::secrets::Credentials;
use cmms::core::testing::SteppedClock;
use cmms::core::testing::adapter_suite::{Rig, Trouble, TroubleKind};
use cmms_sim::Fault;
use cmms_sim::fault::RetryAfter;
use cmms_sim::paged::{PagedConfig, PagedEntity, PagedSim};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

struct Paged {
    sim: PagedSim,
    clock: Arc<SteppedClock>,
}

async fn make() -> Paged {
    let config = PagedConfig::default().assets(70).work_orders(110);
    let sim = PagedSim::start(config, 0).await.unwrap();
    let clock = Arc::new(SteppedClock::new(sim.vendor().now()));
    Paged { sim, clock }
}

cmms::core::adapter_tests!(make);

fn key(token: &str) -> Credentials {
    let mut credentials = Credentials::new();
    credentials.set("api_key", token.into());
    credentials
}

fn kind(entity: Entity) -> PagedEntity {
    match entity {
        Entity::Asset => PagedEntity::Asset,
        Entity::WorkOrder => PagedEntity::WorkOrder,
    }
}

#[async_trait]
impl Rig for Paged {
    fn adapter(&self, patience: Duration) -> Arc<dyn Adapter> {
        let policy = EgressPolicy::new(&[self.sim.base_url()]).unwrap();
        let client = EgressClient::builder(policy).timeout(patience).build();
        Arc::new(example::Paged::new(client.unwrap()))
    }

    fn connection(&self) -> AdapterCx {
        AdapterCx {
            connection: "0190a0a0-0000-7000-8000-000000000001".parse().unwrap(),
            api_url: self.sim.base_url().into(),
            options: Arc::new(ConnectionOptions {
                page_size: Some(20),
                ..ConnectionOptions::default()
            }),
            credentials: Arc::new(key("test-token")),
            credentials_version: 1,
            clock: Arc::clone(&self.clock) as _,
            vendor_clock: Default::default(),
            cancel: Default::default(),
        }
    }

    fn clock(&self) -> Arc<SteppedClock> {
        Arc::clone(&self.clock)
    }

    fn wrong_credentials(&self) -> Credentials {
        key("not-the-token")
    }

    fn unacceptable(&self) -> Vec<(String, Credentials)> {
        let address = self.sim.base_url();
        vec![
            (String::new(), key("test-token")),
            ("paged".into(), key("test-token")),
            ("https://example.com".into(), key("test-token")),
            ("http://169.254.169.254".into(), key("test-token")),
            (address.replace("127", "a@127"), key("test-token")),
            (address.clone(), Credentials::new()),
            (address, key("")),
        ]
    }

    fn records(&self, entity: Entity) -> BTreeMap<String, String> {
        self.sim.vendor().served(kind(entity))
    }

    fn edit(&self, how_many: usize) -> Vec<(Entity, String)> {
        let edited = self.sim.vendor().edit(how_many);
        let assets = edited.assets.into_iter().map(|id| (Entity::Asset, id));
        let orders = edited.work_orders.into_iter();
        assets
            .chain(orders.map(|id| (Entity::WorkOrder, id)))
            .collect()
    }

    fn now(&self) -> DateTime<Utc> {
        self.sim.vendor().now()
    }

    fn redate(&self, entity: Entity, how_many: usize, at: DateTime<Utc>) {
        let kind = kind(entity);
        for (id, raw) in self.sim.vendor().served(kind).into_iter().take(how_many) {
            let mut record: Value = serde_json::from_str(&raw).unwrap();
            record["updatedAt"] = at.to_rfc3339_opts(SecondsFormat::Secs, true).into();
            self.sim.vendor().set_raw(kind, &id, record);
        }
    }

    fn serve(&self, entity: Entity, id: &str, text: &str) {
        self.sim.vendor().set_text(kind(entity), id, text);
    }

    fn swap(&self, entity: Entity) {
        let kind = kind(entity);
        let first = self.sim.vendor().served(kind).into_iter().next().unwrap();
        let mut like: Value = serde_json::from_str(&first.1).unwrap();
        for own in ["id", "createdAt", "updatedAt"] {
            like.as_object_mut().unwrap().remove(own);
        }
        self.sim.vendor().remove(kind, &first.0);
        self.sim.vendor().insert(kind, like);
    }

    fn clear(&self, entity: Entity) {
        let kind = kind(entity);
        for id in self.sim.vendor().served(kind).into_keys() {
            self.sim.vendor().remove(kind, &id);
        }
    }

    fn shuffle_ties(&self, shuffled: bool) {
        self.sim.vendor().set_ties_shuffled(shuffled);
    }

    fn requests(&self) -> usize {
        self.sim.vendor().requests().len()
    }

    fn troubles(&self) -> Vec<Trouble> {
        let all = Fault::ALL.iter().enumerate();
        all.map(|(number, fault)| Trouble {
            name: fault.to_string(),
            kind: match fault {
                Fault::TooManyRequests(RetryAfter::Seconds(n)) => TroubleKind::Wait(*n),
                Fault::ExpiredToken => TroubleKind::LoginEnds,
                Fault::NoAnswer | Fault::SlowBody => TroubleKind::Held,
                Fault::Forbidden => TroubleKind::Forbidden,
                Fault::ClockBehind => TroubleKind::TimesGoBack,
                Fault::EmptyList | Fault::ShortList => TroubleKind::ListIsShort,
                _ => TroubleKind::Other,
            },
            number,
        })
        .collect()
    }

    fn order(&self, trouble: &Trouble, entity: Entity, after: u32) {
        let list = match entity {
            Entity::Asset => "assets",
            Entity::WorkOrder => "work-orders",
        };
        self.sim
            .vendor()
            .inject(Fault::ALL[trouble.number].on(list).after(after));
    }

    fn end(&self) {
        self.sim.vendor().end_faults();
    }

    async fn held(&self) {
        self.sim.vendor().held().await;
    }
}
