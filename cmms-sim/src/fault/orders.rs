//! The faults that were ordered of a vendor, and how far they are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::{Fault, FaultPlan};
use crate::wire::{Reply, Request};

/// A request that a fault hits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) fault: Fault,
    /// How many requests the plan hit before.
    pub(crate) nth: u32,
    plan: u64,
}

#[derive(Debug)]
struct Running {
    plan: FaultPlan,
    number: u64,
    passed: u32,
    hits: u32,
}

#[derive(Debug, Default)]
struct Orders {
    running: Vec<Running>,
    ordered: u64,
    hits: u64,
    /// The last page of each path.
    pages: BTreeMap<String, Bytes>,
}

/// All faults of a vendor.
pub(crate) struct Faults {
    /// Whether there is anything to look for.
    active: AtomicBool,
    orders: Mutex<Orders>,
    releases: watch::Sender<u64>,
    held: watch::Sender<usize>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            active: AtomicBool::new(false),
            orders: Mutex::default(),
            releases: watch::Sender::new(0),
            held: watch::Sender::new(0),
        }
    }
}

impl Faults {
    /// Orders a fault.
    pub(crate) fn inject(&self, plan: FaultPlan) {
        let mut orders = self.lock();
        orders.ordered += 1;
        let number = orders.ordered;
        orders.running.push(Running {
            plan,
            number,
            passed: 0,
            hits: 0,
        });
        self.active.store(true, Ordering::Release);
    }

    /// Whether all that were ordered have hit as many requests as they should.
    pub(crate) fn done(&self) -> bool {
        self.lock()
            .running
            .iter()
            .all(|running| running.hits >= running.plan.times)
    }

    /// How many requests were hit so far.
    pub(crate) fn hits(&self) -> u64 {
        self.lock().hits
    }

    /// Forgets what was ordered; answers that are held go on.
    pub(crate) fn end(&self) {
        {
            let mut orders = self.lock();
            orders.running.clear();
            orders.pages.clear();
            self.active.store(false, Ordering::Release);
        }
        self.release();
    }

    /// Lets the answers go on that are held at present.
    pub(crate) fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    /// The fault that hits this request, if any. The plan ordered first wins.
    pub(crate) fn take(&self, request: &Request, spared: &[&str]) -> Option<Hit> {
        if !self.active.load(Ordering::Acquire) {
            return None;
        }
        let mut orders = self.lock();
        let mut hit = None;
        for running in &mut orders.running {
            let suits = match &running.plan.segment {
                Some(segment) => request.has_segment(segment),
                None => !spared.contains(&request.path.as_str()),
            };
            if !suits || running.hits >= running.plan.times {
                continue;
            }
            if running.passed < running.plan.after {
                running.passed += 1;
            } else if hit.is_none() {
                hit = Some(Hit {
                    fault: running.plan.fault,
                    nth: running.hits,
                    plan: running.number,
                });
                running.hits += 1;
            }
        }
        orders.hits += u64::from(hit.is_some());
        hit
    }

    /// Takes a hit back whose fault did not suit the answer: another request
    /// is hit instead.
    pub(crate) fn give_back(&self, hit: Hit) {
        let mut orders = self.lock();
        orders.hits = orders.hits.saturating_sub(1);
        let mut running = orders.running.iter_mut();
        if let Some(running) = running.find(|running| running.number == hit.plan) {
            running.hits = running.hits.saturating_sub(1);
        }
    }

    /// Keeps a page, for the fault that sends it again.
    pub(crate) fn remember(&self, request: &Request, reply: &Reply) {
        if self.active.load(Ordering::Acquire) && reply.status == 200 && request.method == "GET" {
            let body = reply.body.clone();
            self.lock().pages.insert(request.path.clone(), body);
        }
    }

    /// The page that was sent before on this path.
    pub(crate) fn last_page(&self, request: &Request) -> Option<Bytes> {
        self.lock().pages.get(&request.path).cloned()
    }

    /// Waits for the next release; `false` if `gone` is ready before.
    pub(crate) async fn hold(&self, gone: impl Future<Output = ()>) -> bool {
        let released = self.released();
        self.held.send_modify(|held| *held += 1);
        let released = tokio::select! {
            () = released => true,
            () = gone => false,
        };
        self.held.send_modify(|held| *held = held.saturating_sub(1));
        released
    }

    /// Waits for the next release after this call.
    pub(crate) fn released(&self) -> impl Future<Output = ()> + use<> {
        let mut releases = self.releases.subscribe();
        async move {
            // The sender ends with the vendor; then nothing is left to wait for.
            let _ = releases.changed().await;
        }
    }

    /// Waits until an answer is held.
    pub(crate) async fn until_held(&self) {
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| *held > 0).await;
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
