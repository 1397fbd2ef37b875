//! The native part of the Python package: opens, calls operations by name with JSON, and lets go of the interpreter's
//! lock meanwhile. What Python programs see is written in Python beside it.

mod logging;
mod simulator;

use cmms::core::ops::OPERATIONS;
use cmms::embed::{Call, Embedded, OpenOptions, problem};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokio_util::sync::CancellationToken;

pyo3::create_exception!(
    _native,
    Problem,
    pyo3::exceptions::PyException,
    "An error, as the JSON of a problem document."
);

/// The error as Python raises it.
fn raised(error: &cmms::Error) -> PyErr {
    Problem::new_err(String::from_utf8_lossy(&problem(error)).into_owned())
}

/// An open client.
#[pyclass(frozen, module = "cmms._native")]
struct Client(Embedded);

#[pymethods]
impl Client {
    /// Opens a database and waits until it is open.
    #[new]
    #[pyo3(signature = (url, organization, settings))]
    fn open(
        py: Python<'_>,
        url: Option<String>,
        organization: Option<String>,
        settings: std::collections::BTreeMap<String, String>,
    ) -> PyResult<Self> {
        let mut options = OpenOptions::default();
        options.url = url;
        options.organization = organization;
        options.settings = settings;
        py.detach(|| Embedded::open(options))
            .map(Self)
            .map_err(|e| raised(&e))
    }

    /// Calls an operation and waits for its answer; Ctrl-C ends it.
    fn call<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        input: &str,
        idempotency_key: Option<&str>,
    ) -> PyResult<Bound<'py, PyString>> {
        let call = Call {
            operation,
            input: input.as_bytes(),
            idempotency_key,
        };
        let mut interrupted = None;
        let answer = py.detach(|| {
            self.0.call(call, &CancellationToken::new(), || {
                let signals = Python::attach(|py| py.check_signals());
                interrupted = interrupted.take().or(signals.err());
                interrupted.is_none()
            })
        });
        match (interrupted, answer) {
            (Some(interrupt), _) => Err(interrupt),
            (None, Ok(answer)) => text(py, &answer),
            (None, Err(e)) => Err(raised(&e)),
        }
    }

    /// Calls an operation and goes on. `done` is called from another thread with whether it succeeded, and the
    /// answer or the problem.
    fn start(
        &self,
        operation: String,
        input: String,
        idempotency_key: Option<String>,
        done: Py<PyAny>,
    ) -> PyResult<Cancel> {
        let cancel = CancellationToken::new();
        let started = self.0.start(
            operation,
            input.into_bytes(),
            idempotency_key,
            cancel.clone(),
            move |answer| {
                let (ok, text) = match answer {
                    Ok(answer) => (true, answer),
                    Err(e) => (false, problem(&e)),
                };
                // While the interpreter ends there is nobody to tell.
                let told = Python::try_attach(|py| {
                    let text = String::from_utf8_lossy(&text);
                    // The loop may be closed: nobody waits any more.
                    let _ = done.call1(py, (ok, text.as_ref()));
                    drop(done);
                });
                let _ = told;
            },
        );
        started.map(|()| Cancel(cancel)).map_err(|e| raised(&e))
    }

    /// Ends calls and runs at their next safe point.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.close()).map_err(|e| raised(&e))
    }
}

fn text<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyString>> {
    let text = std::str::from_utf8(json).map_err(|e| PyValueError::new_err(e.to_string()))?;
    Ok(PyString::new(py, text))
}

/// Ends a call that was started.
#[pyclass(frozen, module = "cmms._native")]
struct Cancel(CancellationToken);

#[pymethods]
impl Cancel {
    /// Ends it at its next safe point.
    fn fire(&self) {
        self.0.cancel();
    }
}

/// The names of all operations.
#[pyfunction]
fn operations() -> Vec<&'static str> {
    OPERATIONS.iter().map(|op| op.meta.name).collect()
}

/// The native part of the package.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Client>()?;
    module.add_class::<Cancel>()?;
    module.add_class::<simulator::Simulator>()?;
    module.add("Problem", module.py().get_type::<Problem>())?;
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(operations, module)?)?;
    module.add_function(wrap_pyfunction!(simulator::simulated, module)?)?;
    module.add_function(wrap_pyfunction!(logging::log_to, module)?)?;
    module.add_function(wrap_pyfunction!(logging::log_level, module)?)
}
