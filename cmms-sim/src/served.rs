//! A simulated vendor as a command serves it: started by name, with its clock going on.

use crate::SimError;
use crate::paged::{PagedConfig, PagedSim};
use crate::upkeep::{UpkeepConfig, UpkeepSim};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// The simulated vendors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vendor {
    /// UpKeep, API version 2.
    Upkeep,
    /// A small API of numbered pages.
    Paged,
}

impl Vendor {
    /// All of them, by name.
    pub const ALL: &[(&str, Self)] = &[("upkeep", Self::Upkeep), ("paged", Self::Paged)];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, vendor)| *vendor)
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Upkeep => "UpKeep",
            Self::Paged => "paged API",
        }
    }
}

/// How it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// How many assets it has.
    pub assets: usize,
    /// How many work orders it has.
    pub work_orders: usize,
    /// The seed of its records.
    pub seed: u64,
    /// How long it waits before each answer.
    pub latency: Duration,
    /// The largest page that it answers; left away: the vendor's own.
    pub page_cap: Option<usize>,
    /// Records that it changes by itself each minute.
    pub edits_per_minute: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            port: 0,
            assets: 200,
            work_orders: 2_000,
            seed: 1,
            latency: Duration::ZERO,
            page_cap: None,
            edits_per_minute: 0,
        }
    }
}

#[derive(Debug)]
enum Sim {
    Upkeep(UpkeepSim),
    Paged(PagedSim),
}

/// A simulated vendor that is served.
#[derive(Debug)]
pub struct Served {
    sim: Sim,
    account: Vec<(&'static str, String)>,
    edits_per_minute: usize,
}

impl Served {
    /// Fills the account and serves it. `now` is the vendor's time.
    ///
    /// # Errors
    ///
    /// Those of [`UpkeepSim::start`].
    pub async fn start(
        vendor: Vendor,
        options: &ServeOptions,
        now: DateTime<Utc>,
    ) -> Result<Self, SimError> {
        let (sim, account) = match vendor {
            Vendor::Upkeep => {
                let mut config = UpkeepConfig::default()
                    .now(now)
                    .seed(options.seed)
                    .assets(options.assets)
                    .work_orders(options.work_orders)
                    .latency(options.latency);
                if let Some(records) = options.page_cap {
                    config = config.page_cap(records);
                }
                let account = vec![
                    ("email", config.email.clone()),
                    ("password", config.password.clone()),
                ];
                let sim = UpkeepSim::start(config, options.port).await?;
                (Sim::Upkeep(sim), account)
            }
            Vendor::Paged => {
                let mut config = PagedConfig::default()
                    .now(now)
                    .seed(options.seed)
                    .assets(options.assets)
                    .work_orders(options.work_orders)
                    .latency(options.latency);
                if let Some(records) = options.page_cap {
                    config = config.page_cap(records);
                }
                let account = vec![("token", config.token.clone())];
                let sim = PagedSim::start(config, options.port).await?;
                (Sim::Paged(sim), account)
            }
        };
        Ok(Self {
            sim,
            account,
            edits_per_minute: options.edits_per_minute,
        })
    }

    /// The address without a path, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.sim {
            Sim::Upkeep(sim) => sim.base_url(),
            Sim::Paged(sim) => sim.base_url(),
        }
    }

    /// What lets a client in, by the names of a connection's credentials.
    #[must_use]
    pub fn account(&self) -> &[(&'static str, String)] {
        &self.account
    }

    /// Changes so many records; answers how many of them are assets, and how many work orders.
    pub fn edit(&self, how_many: usize) -> (usize, usize) {
        match &self.sim {
            Sim::Upkeep(sim) => {
                let edited = sim.vendor().edit(how_many);
                (edited.assets.len(), edited.work_orders.len())
            }
            Sim::Paged(sim) => {
                let edited = sim.vendor().edit(how_many);
                (edited.assets.len(), edited.work_orders.len())
            }
        }
    }

    /// Sets the vendor's clock, which never goes back.
    pub fn set_clock(&self, now: DateTime<Utc>) {
        match &self.sim {
            Sim::Upkeep(sim) => sim.vendor().set_clock(now),
            Sim::Paged(sim) => sim.vendor().set_clock(now),
        }
    }

    /// Lets the vendor's clock go on, and lets it change records by itself. Never ends; `now` tells the time.
    pub async fn live(&self, now: impl Fn() -> DateTime<Utc>) {
        for second in 1_usize.. {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.set_clock(now());
            if self.edits_per_minute > 0 && second % 60 == 0 {
                self.edit(self.edits_per_minute);
            }
        }
    }

    /// Stops serving once the requests under way are answered.
    pub async fn stop(self) {
        match self.sim {
            Sim::Upkeep(sim) => sim.stop().await,
            Sim::Paged(sim) => sim.stop().await,
        }
    }
}
