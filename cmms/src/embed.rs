//! What bindings to other languages stand on: one runtime for the process, and operations that are called by name with
//! JSON.
//!
//! A binding adds the words of its language and nothing else: what a call means is decided in the table of operations.

use crate::client::Client;
use crate::config::{Config, Database};
use cmms_core::ops::{self, Input};
use cmms_core::{Error, Result, code};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// How often a caller that waits is asked whether it still does.
const LOOK: Duration = Duration::from_millis(50);

/// The runtime of the process that opened a client, which a child that is forked off does not have: its threads stayed
/// behind.
#[derive(Debug, Clone, Copy)]
struct Process {
    runtime: &'static Runtime,
    id: u32,
}

/// The runtime of this process, made at the first use and kept until the process ends.
static PROCESS: Mutex<Option<Process>> = Mutex::new(None);

impl Process {
    /// That of this process.
    fn own() -> Result<Self> {
        let mut known = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = known.filter(|process| process.id == std::process::id()) {
            return Ok(process);
        }
        let made = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("cmms")
            .enable_all()
            .build()
            .map_err(|e| Error::internal("the runtime cannot be made").source(e))?;
        // One that a child finds of its parent is left as it is: to end it would wait for threads that are not there.
        let process = Self {
            runtime: Box::leak(Box::new(made)),
            id: std::process::id(),
        };
        *known = Some(process);
        Ok(process)
    }

    /// The runtime, in the process that made it.
    fn runtime(self) -> Result<&'static Runtime> {
        if self.id == std::process::id() {
            return Ok(self.runtime);
        }
        let opener = self.id;
        Err(Error::new(
            code::EMBED_FORKED,
            format!("process {opener} opened the client, this one was forked off from it"),
        ))
    }
}

/// Runs a future on the runtime of this process and waits for its end.
///
/// # Errors
/// `CMMS-INTERNAL-001` where the runtime cannot be made.
pub fn wait_for<F: Future>(future: F) -> Result<F::Output> {
    Ok(Process::own()?.runtime()?.block_on(future))
}

/// What is opened.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OpenOptions {
    /// The database: `sqlite://cmms.db`, `postgres://…`. Left away: what the settings say, else `sqlite://cmms.db`.
    pub url: Option<String>,
    /// The organization; left away: `default`.
    pub organization: Option<String>,
    /// Settings that count before those of the environment, by the names of the environment: `CMMS_EGRESS_ALLOW`.
    pub settings: BTreeMap<String, String>,
}

/// What is called.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The operation: `work_orders.create`.
    pub operation: &'a str,
    /// Its input, a JSON object; empty: one without fields.
    pub input: &'a [u8],
    /// Does it once, however often it is repeated with this key.
    pub idempotency_key: Option<&'a str>,
}

/// An open client for callers that know neither Rust nor its futures.
#[derive(Debug, Clone)]
pub struct Embedded {
    client: Client,
    process: Process,
    /// Ends all calls.
    closed: CancellationToken,
}

impl Embedded {
    /// Opens a database and waits until it is open.
    ///
    /// # Errors
    /// `CMMS-STORE-…`, `CMMS-CONFIG-001`.
    pub fn open(options: OpenOptions) -> Result<Self> {
        let process = Process::own()?;
        let client = process.runtime()?.block_on(open(options))?;
        Ok(Self {
            client,
            process,
            closed: CancellationToken::new(),
        })
    }

    /// Calls an operation, waits for its end and answers JSON. `goes_on` is asked every 50 ms whether the caller still
    /// waits; where it does not, the call is ended at its next safe point.
    ///
    /// # Errors
    /// Those of the operation; `CMMS-OP-003` where the caller gave up; `CMMS-EMBED-001`, `CMMS-EMBED-002`.
    pub fn call(
        &self,
        call: Call<'_>,
        cancel: &CancellationToken,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<Vec<u8>> {
        let runtime = self.process.runtime()?;
        runtime.block_on(async {
            let mut answer = std::pin::pin!(self.answer(call, cancel));
            loop {
                tokio::select! {
                    biased;
                    answer = &mut answer => return answer,
                    () = tokio::time::sleep(LOOK) => if !goes_on() {
                        cancel.cancel();
                    },
                }
            }
        })
    }

    /// Calls an operation and goes on; `done` is given the answer, on a thread of the runtime.
    ///
    /// # Errors
    /// `CMMS-EMBED-001`, `CMMS-EMBED-002`; then `done` is not called.
    pub fn start(
        &self,
        operation: String,
        input: Vec<u8>,
        idempotency_key: Option<String>,
        cancel: CancellationToken,
        done: impl FnOnce(Result<Vec<u8>>) + Send + 'static,
    ) -> Result<()> {
        let runtime = self.process.runtime()?;
        self.require_open()?;
        let client = self.clone();
        runtime.spawn(async move {
            let call = Call {
                operation: &operation,
                input: &input,
                idempotency_key: idempotency_key.as_deref(),
            };
            done(client.answer(call, &cancel).await);
        });
        Ok(())
    }

    /// Ends calls and runs at their next safe point and waits for the ends of the runs. Twice is once.
    ///
    /// # Errors
    /// `CMMS-EMBED-002`.
    pub fn close(&self) -> Result<()> {
        let runtime = self.process.runtime()?;
        if !self.closed.is_cancelled() {
            self.closed.cancel();
            runtime.block_on(self.client.stop());
        }
        Ok(())
    }

    fn require_open(&self) -> Result<()> {
        if self.closed.is_cancelled() {
            return Err(Error::new(code::EMBED_CLOSED, "the client was closed"));
        }
        Ok(())
    }

    async fn answer(&self, call: Call<'_>, cancel: &CancellationToken) -> Result<Vec<u8>> {
        self.require_open()?;
        let input = Input::parse(call.input)?;
        let mut client = self.client.cancelled_by(cancel.clone());
        if let Some(key) = call.idempotency_key {
            client = client.with_idempotency_key(key)?;
        }
        let cx = client.context(None);
        let given_up = cx.cancel.clone();
        let answer = {
            let called = ops::call(&cx, client.app(), call.operation, input);
            let mut called = std::pin::pin!(called);
            tokio::select! {
                biased;
                answer = &mut called => answer?,
                () = self.closed.cancelled() => {
                    // It ends at its next safe point, and what it wrote until then stays.
                    given_up.cancel();
                    called.await?
                }
            }
        };
        answer.json()
    }
}

async fn open(options: OpenOptions) -> Result<Client> {
    let config = Config::from_env_and(options.settings)?;
    let database = match options.url {
        Some(url) => Database::parse(&url)?,
        None => config.database()?,
    };
    let store: Arc<_> = database.open().await?;
    let mut builder = Client::builder(store).config(config);
    if let Some(organization) = options.organization {
        builder = builder.organization(organization);
    }
    builder.build().await
}

/// An error as every language shows it: a problem document, in JSON.
pub fn problem(error: &Error) -> Vec<u8> {
    serde_json::to_vec(&error.problem(None)).unwrap_or_default()
}
