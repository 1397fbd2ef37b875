//! An adapter on a stepped clock, and what it talks to.

pub(crate) mod fake;
pub(crate) mod printed;

use cmms_adapters::{EgressClient, EgressPolicy, UpkeepAdapter};
use cmms_core::domain::connection::ConnectionOptions;
use cmms_core::domain::entity::Entity;
use cmms_core::ports::adapter::{
    Adapter as _, AdapterCx, ExternalRecord, Position, PullPage, PullReq,
};
use cmms_core::ports::secrets::Credentials;
use cmms_core::testing::SteppedClock;
use cmms_core::{Error, Result};
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim, UpkeepVendor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const EMAIL: &str = "integration@example.com";
pub(crate) const PASSWORD: &str = "upkeep-sim";

/// An adapter and a connection of it.
pub(crate) struct Rig {
    pub(crate) adapter: Arc<UpkeepAdapter>,
    pub(crate) cx: AdapterCx,
    pub(crate) clock: Arc<SteppedClock>,
}

/// A rig on a simulator.
pub(crate) struct SimRig {
    pub(crate) sim: UpkeepSim,
    pub(crate) rig: Rig,
}

pub(crate) fn credentials(fields: &[(&str, &str)]) -> Credentials {
    let mut credentials = Credentials::new();
    for (name, value) in fields {
        credentials.set(*name, (*value).into());
    }
    credentials
}

impl Rig {
    pub(crate) fn new(origin: &str, fields: &[(&str, &str)]) -> Self {
        Self::with(origin, fields, Arc::new(SteppedClock::default()), |b| b)
    }

    pub(crate) fn with(
        origin: &str,
        fields: &[(&str, &str)],
        clock: Arc<SteppedClock>,
        set: impl FnOnce(cmms_adapters::egress::EgressBuilder) -> cmms_adapters::egress::EgressBuilder,
    ) -> Self {
        let policy = EgressPolicy::new(&[origin.to_owned()]).unwrap();
        let client = set(EgressClient::builder(policy)).build().unwrap();
        Self {
            adapter: Arc::new(UpkeepAdapter::seeded(Arc::new(client), 1)),
            cx: AdapterCx {
                connection: "0190a0a0-0000-7000-8000-000000000001".parse().unwrap(),
                api_url: origin.into(),
                options: Arc::new(ConnectionOptions::default()),
                credentials: Arc::new(credentials(fields)),
                credentials_version: 1,
                clock: clock.clone(),
                vendor_clock: Default::default(),
                cancel: Default::default(),
            },
            clock,
        }
    }

    pub(crate) fn page_size(mut self, page_size: u32) -> Self {
        self.cx.options = Arc::new(ConnectionOptions {
            page_size: Some(page_size),
            ..ConnectionOptions::default()
        });
        self
    }

    pub(crate) async fn pull(
        &self,
        entity: Entity,
        position: Option<Position>,
    ) -> Result<PullPage> {
        let req = PullReq {
            entity,
            position,
            since: None,
        };
        self.adapter.pull(&self.cx, &req).await
    }

    /// A whole listing: every record that was given, the pages, the last high-water mark.
    pub(crate) async fn all(&self, entity: Entity) -> Result<Listed> {
        self.since(entity, None).await
    }

    pub(crate) async fn since(
        &self,
        entity: Entity,
        since: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Result<Listed> {
        let mut req = PullReq {
            entity,
            position: None,
            since,
        };
        let mut listed = Listed::default();
        loop {
            let page = self.adapter.pull(&self.cx, &req).await?;
            listed.records.extend(page.records);
            listed.pages += 1;
            listed.high_water = page.high_water;
            listed.is_whole = page.is_whole;
            assert!(listed.pages < 20_000, "a listing without end");
            req.position = page.next;
            if req.position.is_none() {
                return Ok(listed);
            }
        }
    }

    /// The error of a pull that must fail.
    pub(crate) async fn fails(&self, entity: Entity) -> Error {
        self.all(entity).await.err().unwrap()
    }
}

/// What a listing gave.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) records: Vec<ExternalRecord>,
    pub(crate) pages: usize,
    pub(crate) high_water: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) is_whole: bool,
}

impl Listed {
    /// The last form of each record, by id.
    pub(crate) fn by_id(&self) -> BTreeMap<String, Value> {
        self.records
            .iter()
            .map(|r| {
                let id = r.external_id.clone().unwrap_or_default();
                (id, serde_json::from_str(&r.raw).unwrap())
            })
            .collect()
    }
}

impl SimRig {
    pub(crate) async fn start(config: UpkeepConfig) -> Self {
        Self::login(config, &[("email", EMAIL), ("password", PASSWORD)]).await
    }

    pub(crate) async fn login(config: UpkeepConfig, fields: &[(&str, &str)]) -> Self {
        let sim = UpkeepSim::start(config, 0).await.unwrap();
        let clock = Arc::new(SteppedClock::new(sim.vendor().now()));
        let rig = Rig::with(&sim.base_url(), fields, clock, |b| b);
        Self { sim, rig }
    }

    pub(crate) fn vendor(&self) -> &UpkeepVendor {
        self.sim.vendor()
    }

    /// How many requests went to a path.
    pub(crate) fn calls(&self, path: &str) -> usize {
        let path = format!("/api/v2/{path}");
        let requests = self.vendor().requests();
        requests.iter().filter(|r| r.path == path).count()
    }
}
