//! What an operation is.

use super::input::Input;
use crate::context::{CallContext, Permission};
use crate::services::App;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::pin::Pin;

/// The HTTP method of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates or does.
    Post,
    /// Replaces.
    Put,
    /// Changes some fields.
    Patch,
    /// Removes.
    Delete,
}

impl Verb {
    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What an operation does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing.
    Read,
    /// Changes it.
    Write,
    /// Changes it and calls a vendor, which may take long.
    Long,
    /// Changes nothing and calls a vendor, which may take long.
    Ask,
    /// Starts a run, which may go on after the answer.
    Run,
}

/// A row of the table, without its types.
#[derive(Debug, Clone, Copy)]
pub struct OpMeta {
    /// `resource.verb`.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub title: &'static str,
    /// The HTTP method.
    pub verb: Verb,
    /// The HTTP path; parts in braces are fields of the input.
    pub path: &'static str,
    /// What it needs to be allowed, at least.
    pub permission: Permission,
    /// What it does to the database.
    pub effect: Effect,
    /// The HTTP status of success.
    pub success: u16,
    /// The ids of errors that it answers beside those of every operation.
    pub errors: &'static [&'static str],
}

impl OpMeta {
    /// The resource, which is the part before the dot.
    pub fn resource(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// Whether callers may name their wish by an idempotency key: whatever is posted and has an effect.
    pub fn takes_key(&self) -> bool {
        self.verb == Verb::Post && !matches!(self.effect, Effect::Read | Effect::Ask)
    }

    /// The fields of the input that are in the path.
    pub fn path_fields(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{').and_then(|p| p.strip_suffix('}')))
    }
}

/// An operation with its types.
pub trait Operation: 'static {
    /// Its row.
    const META: OpMeta;
    /// What callers send.
    type Input: DeserializeOwned + JsonSchema + Debug + Clone + Send + 'static;
    /// What they get.
    type Output: Serialize + JsonSchema + Send + Sync + 'static;
    /// Does it.
    fn run(
        cx: &CallContext,
        app: &App,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output>> + Send;
    /// Reads an answer that was kept for an idempotency key.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001` for an operation that takes no key.
    fn replay(answer: &str) -> Result<Self::Output> {
        let _ = answer;
        Err(Error::internal(format!("{} takes no key", Self::META.name)))
    }
}

/// An answer whose type is not known here.
pub trait Answered: erased_serde::Serialize + Send {
    /// Its JSON, written by the type itself: several times as fast as through a serializer that is not known.
    ///
    /// # Errors
    /// `CMMS-INTERNAL-001`: no answer should be unwritable.
    fn json(&self) -> Result<Vec<u8>>;
}

impl<T: Serialize + Send> Answered for T {
    fn json(&self) -> Result<Vec<u8>> {
        // About one record.
        let mut text = Vec::with_capacity(2_048);
        serde_json::to_writer(&mut text, self)
            .map_err(|e| Error::internal("an answer cannot be written").source(e))?;
        Ok(text)
    }
}

erased_serde::serialize_trait_object!(Answered);

/// An answer of any operation.
pub type Answer = Box<dyn Answered>;
/// A call in progress.
pub type Call<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// A row with its types erased: decodes before and serialises after, and does nothing else.
#[derive(Clone, Copy)]
pub struct OpDef {
    /// The row.
    pub meta: OpMeta,
    /// Decodes the input and runs it.
    pub(super) call: for<'a> fn(&'a CallContext, &'a App, Input) -> Call<'a>,
    /// The schema of the input.
    pub(super) input: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// The schema of the output.
    pub(super) output: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

impl OpDef {
    /// The row of an operation.
    pub const fn of<O: Operation>() -> Self {
        Self {
            meta: O::META,
            call: |cx, app, input| {
                Box::pin(async move {
                    let digest = cx.idempotency_key.as_ref().map(|_| input.digested());
                    let input = super::decode::<O::Input>(input)?;
                    let output = super::run::repeatable::<O>(cx, app, input, digest).await?;
                    Ok(Box::new(output) as Answer)
                })
            },
            input: |generator| generator.subschema_for::<O::Input>(),
            output: |generator| generator.subschema_for::<O::Output>(),
        }
    }
}

impl std::fmt::Debug for OpDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.meta.fmt(f)
    }
}
