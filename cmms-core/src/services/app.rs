//! Everything that services need, in one place.

use super::active::ActiveRuns;
use super::background::Background;
use super::idempotency::UnderWay;
use super::registry::AdapterRegistry;
use super::sightings::Sightings;
use crate::clock::{Clock, SystemClock};
use crate::ids::{IdGen, SystemIds};
use crate::ports::process::Processes;
use crate::ports::secrets::SecretVault;
use crate::ports::store::Store;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a lease counts that is not renewed: after that time at most another process goes on with a run.
const LEASE: Duration = Duration::from_secs(12);

/// The parts of an application; what opens a database fills them in.
#[derive(Debug)]
pub struct Parts {
    /// Where records are kept.
    pub store: Arc<dyn Store>,
    /// What seals secrets.
    pub vault: Arc<dyn SecretVault>,
    /// What knows the host's processes.
    pub processes: Arc<dyn Processes>,
    /// The known vendors.
    pub adapters: AdapterRegistry,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdGen>,
    /// How long a lease counts that is not renewed. It is renewed three times as often.
    pub lease: Duration,
    /// API keys that stand in for ones that a new connection does not bring, by variable name.
    pub api_keys: BTreeMap<String, SecretString>,
}

impl Parts {
    /// The parts with the machine's clock and ids, and no vendor.
    pub fn new(
        store: Arc<dyn Store>,
        vault: Arc<dyn SecretVault>,
        processes: Arc<dyn Processes>,
    ) -> Self {
        Self {
            store,
            vault,
            processes,
            adapters: AdapterRegistry::default(),
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds),
            lease: LEASE,
            api_keys: BTreeMap::new(),
        }
    }
}

/// An application: the parts and what it works on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    parts: Arc<Parts>,
    pub(super) active: ActiveRuns,
    pub(super) sightings: Sightings,
    pub(super) background: Background,
    pub(super) under_way: UnderWay,
    /// Whether a worker works here.
    works: Arc<AtomicBool>,
}

impl App {
    /// The application of these parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            active: ActiveRuns::default(),
            sightings: Sightings::default(),
            background: Background::default(),
            under_way: UnderWay::default(),
            works: Arc::default(),
        }
    }

    /// Notes that a worker works here.
    pub(super) fn works(&self) {
        self.works.store(true, Ordering::Relaxed);
    }

    /// Whether runs in the background are to be put back: where nobody ever looked for runs that wait, they would wait
    /// for ever, and end instead.
    pub(super) fn is_stopping(&self) -> bool {
        self.background.is_stopping() && self.works.load(Ordering::Relaxed)
    }

    /// Ends runs in the background at their next safe point, and waits until their ends are written.
    pub async fn stop(&self) {
        self.background.stop();
        self.background.ended().await;
    }

    /// Waits for the end of all runs in the background.
    pub async fn settled(&self) {
        self.background.ended().await;
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}
