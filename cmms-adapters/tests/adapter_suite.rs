//! The adapter suite of `cmms-core` on UpKeep and its simulator.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use cmms_adapters::{EgressClient, EgressPolicy, UpkeepAdapter};
use cmms_core::domain::entity::Entity;
use cmms_core::ports::adapter::{Adapter, AdapterCx};
use cmms_core::ports::secrets::Credentials;
use cmms_core::testing::SteppedClock;
use cmms_core::testing::adapter_suite::{Rig, Trouble, TroubleKind};
use cmms_sim::Fault;
use cmms_sim::fault::RetryAfter;
use cmms_sim::upkeep::{SimEntity, UpkeepConfig};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use support::{EMAIL, PASSWORD, SimRig, credentials};

struct Upkeep(SimRig);

async fn make() -> Upkeep {
    let config = UpkeepConfig::default().assets(70).work_orders(110);
    let mut rig = SimRig::start(config).await;
    rig.rig = rig.rig.page_size(20);
    Upkeep(rig)
}

cmms_core::adapter_tests!(make);

fn kind(entity: Entity) -> SimEntity {
    match entity {
        Entity::Asset => SimEntity::Asset,
        Entity::WorkOrder => SimEntity::WorkOrder,
    }
}

#[async_trait]
impl Rig for Upkeep {
    fn adapter(&self, patience: Duration) -> Arc<dyn Adapter> {
        let policy = EgressPolicy::new(&[self.0.sim.base_url()]).unwrap();
        let client = EgressClient::builder(policy).timeout(patience).build();
        Arc::new(UpkeepAdapter::seeded(Arc::new(client.unwrap()), 1))
    }

    fn connection(&self) -> AdapterCx {
        self.0.rig.cx.clone()
    }

    fn clock(&self) -> Arc<SteppedClock> {
        Arc::clone(&self.0.rig.clock)
    }

    fn wrong_credentials(&self) -> Credentials {
        credentials(&[("email", EMAIL), ("password", "not-the-password")])
    }

    fn unacceptable(&self) -> Vec<(String, Credentials)> {
        let address = self.0.sim.base_url();
        let good = || credentials(&[("email", EMAIL), ("password", PASSWORD)]);
        vec![
            (String::new(), good()),
            ("upkeep".into(), good()),
            ("ftp://api.onupkeep.com".into(), good()),
            ("http://api.onupkeep.com".into(), good()),
            ("https://api.onupkeep.com.example.com".into(), good()),
            ("http://169.254.169.254".into(), good()),
            (address.replace("127", "a@127"), good()),
            (address.clone(), Credentials::new()),
            (address.clone(), credentials(&[("email", EMAIL)])),
            (address.clone(), credentials(&[("token", "x")])),
            (address, credentials(&[("api_key", "a\nb")])),
        ]
    }

    fn records(&self, entity: Entity) -> BTreeMap<String, String> {
        self.0.vendor().served(kind(entity))
    }

    fn edit(&self, how_many: usize) -> Vec<(Entity, String)> {
        let edited = self.0.vendor().edit(how_many);
        let assets = edited.assets.into_iter().map(|id| (Entity::Asset, id));
        let orders = edited.work_orders.into_iter();
        assets
            .chain(orders.map(|id| (Entity::WorkOrder, id)))
            .collect()
    }

    fn logins(&self) -> Option<u64> {
        Some(self.0.vendor().logins())
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.vendor().now()
    }

    fn redate(&self, entity: Entity, how_many: usize, at: DateTime<Utc>) {
        let kind = kind(entity);
        for (id, raw) in self.0.vendor().served(kind).into_iter().take(how_many) {
            let mut record: Value = serde_json::from_str(&raw).unwrap();
            record["updatedAt"] = at.to_rfc3339_opts(SecondsFormat::Millis, true).into();
            self.0.vendor().set_raw(kind, &id, record);
        }
    }

    fn serve(&self, entity: Entity, id: &str, text: &str) {
        self.0.vendor().set_text(kind(entity), id, text);
    }

    fn heed_filters(&self, heeded: bool) -> bool {
        self.0.vendor().set_archived(false, heeded);
        true
    }

    fn swap(&self, entity: Entity) {
        let kind = kind(entity);
        let first = self
            .0
            .vendor()
            .served(kind)
            .into_iter()
            .min_by_key(|(_, raw)| {
                let record: Value = serde_json::from_str(raw).unwrap();
                record["updatedAt"].to_string()
            })
            .unwrap();
        let mut like: Value = serde_json::from_str(&first.1).unwrap();
        for own in ["id", "createdAt", "updatedAt"] {
            like.as_object_mut().unwrap().remove(own);
        }
        self.0.vendor().remove(kind, &first.0);
        self.0.vendor().insert(kind, like);
    }

    fn clear(&self, entity: Entity) {
        let kind = kind(entity);
        for id in self.0.vendor().served(kind).into_keys() {
            self.0.vendor().remove(kind, &id);
        }
    }

    fn shuffle_ties(&self, shuffled: bool) {
        self.0.vendor().set_ties_shuffled(shuffled);
    }

    fn requests(&self) -> usize {
        self.0.vendor().requests().len()
    }

    fn troubles(&self) -> Vec<Trouble> {
        let all = Fault::ALL.iter().enumerate();
        all.map(|(number, fault)| Trouble {
            name: fault.to_string(),
            kind: match fault {
                Fault::TooManyRequests(RetryAfter::Seconds(n)) => TroubleKind::Wait(*n),
                Fault::ExpiredToken | Fault::SessionEnds(_) => TroubleKind::LoginEnds,
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
        if let Some(fault) = Fault::ALL.get(trouble.number) {
            self.0.vendor().inject(fault.on(list).after(after));
        }
    }

    fn end(&self) {
        self.0.vendor().end_faults();
    }

    async fn held(&self) {
        self.0.vendor().held().await;
    }
}
