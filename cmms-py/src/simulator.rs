//! The simulated vendors, for `python -m cmms`.

use crate::raised;
use cmms::core::clock::{Clock as _, SystemClock};
use cmms::embed::wait_for;
use cmms::{Error, code};
use cmms_sim::{ServeOptions, Served, Vendor};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// A simulated vendor that is served on this machine.
#[pyclass(frozen, module = "cmms._native")]
pub(crate) struct Simulator(Served);

#[pymethods]
impl Simulator {
    /// Starts it.
    #[new]
    #[pyo3(signature = (vendor, *, port, assets, work_orders, seed, latency_ms, page_cap, edits_per_minute))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the options of a command, by name"
    )]
    fn start(
        py: Python<'_>,
        vendor: &str,
        port: u16,
        assets: usize,
        work_orders: usize,
        seed: u64,
        latency_ms: u64,
        page_cap: Option<usize>,
        edits_per_minute: usize,
    ) -> PyResult<Self> {
        let vendor = Vendor::named(vendor).ok_or_else(|| PyKeyError::new_err(vendor.to_owned()))?;
        let mut options = ServeOptions::default();
        options.port = port;
        options.assets = assets;
        options.work_orders = work_orders;
        options.seed = seed;
        options.latency = Duration::from_millis(latency_ms);
        options.page_cap = page_cap;
        options.edits_per_minute = edits_per_minute;
        let now = SystemClock::default().now();
        let started = py.detach(|| wait_for(Served::start(vendor, &options, now)));
        let served = started
            .and_then(|served| {
                served.map_err(|e| {
                    Error::new(code::SERVE_PORT, e.to_string()).field(
                        "port",
                        code::SERVE_PORT.reason(),
                        "choose another one",
                    )
                })
            })
            .map_err(|e| raised(&e))?;
        Ok(Self(served))
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    #[getter]
    fn address(&self) -> String {
        self.0.address()
    }

    /// What lets a client in, by the names of a connection's credentials.
    #[getter]
    fn account(&self) -> BTreeMap<&'static str, String> {
        self.0.account().iter().cloned().collect()
    }

    /// Changes so many records; how many of them are assets, and how many work orders.
    fn edit(&self, how_many: usize) -> (usize, usize) {
        self.0.set_clock(SystemClock::default().now());
        self.0.edit(how_many)
    }

    /// Lets its clock go on until Ctrl-C.
    fn run(&self, py: Python<'_>) -> PyResult<()> {
        let clock = SystemClock::default();
        let mut live = std::pin::pin!(self.0.live(|| clock.now()));
        loop {
            py.detach(|| {
                wait_for(async {
                    tokio::select! {
                        () = &mut live => {}
                        () = clock.sleep(Duration::from_millis(100)) => {}
                    }
                })
            })
            .map_err(|e| raised(&e))?;
            py.check_signals()?;
        }
    }
}

/// The names of the vendors that can be simulated.
#[pyfunction]
pub(crate) fn simulated() -> Vec<&'static str> {
    Vendor::ALL.iter().map(|(name, _)| *name).collect()
}
