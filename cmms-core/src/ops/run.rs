//! The pipeline that every call goes through.

use super::input::Input;
use super::operation::{Answer, Effect, OpDef, Operation};
use super::table::OPERATIONS;
use crate::context::CallContext;
use crate::services::App;
use crate::services::idempotency::{self, Found};
use crate::{Error, Result, code};

/// Runs an operation with a typed input: authorise, heed the caller's end, do it once for each idempotency key.
///
/// # Errors
/// `CMMS-OP-002`, `CMMS-OP-003`, `CMMS-OP-005`, `CMMS-OP-006`, and those of the operation.
pub async fn run<O: Operation>(cx: &CallContext, app: &App, input: O::Input) -> Result<O::Output> {
    repeatable::<O>(cx, app, input, None).await
}

/// Runs it, or answers what the first call with the same idempotency key answered.
///
/// `sent` is the input as it was sent; without it the input's own text counts, in which secrets do not show.
pub(super) async fn repeatable<O: Operation>(
    cx: &CallContext,
    app: &App,
    input: O::Input,
    sent: Option<String>,
) -> Result<O::Output> {
    cx.scope.require(O::META.permission)?;
    cx.check()?;
    tracing::debug!(operation = O::META.name, request_id = %cx.request_id, "called");
    let key = cx.idempotency_key.as_ref();
    let Some(key) = key.filter(|_| O::META.takes_key()) else {
        return tried::<O>(cx, app, input).await;
    };
    let sent = sent.unwrap_or_else(|| format!("{input:?}"));
    let parks = O::META.effect == Effect::Write;
    let found = idempotency::find(cx, app, key, O::META.name, sent.as_bytes(), parks).await?;
    let first = match found {
        Found::Nothing(first) => first,
        Found::Answer(answer) => {
            key.note(true);
            return O::replay(&answer);
        }
    };
    key.note(false);
    let output = match O::run(&first.context(cx), app, input).await {
        Ok(output) => output,
        Err(error) => {
            return match first.overtaken(cx, app).await {
                Ok(Some(answer)) => {
                    key.note(true);
                    O::replay(&answer)
                }
                _ => Err(error),
            };
        }
    };
    if O::META.effect == Effect::Run {
        // Its run is kept since it began.
        return Ok(output);
    }
    match first.keep(cx, app, &output).await? {
        None => Ok(output),
        Some(answer) => {
            key.note(true);
            O::replay(&answer)
        }
    }
}

/// How often a write is tried that other writers are in the way of.
const TRIES: usize = 5;

/// Runs a write again where the store did not carry it out for the sake of another one. This is the one place that does:
/// an operation is what can be done again as a whole, and nothing of it was stored.
async fn tried<O: Operation>(cx: &CallContext, app: &App, input: O::Input) -> Result<O::Output> {
    if O::META.effect != Effect::Write {
        return O::run(cx, app, input).await;
    }
    let mut done = O::run(cx, app, input.clone()).await;
    // From the second time on it waits for others instead of hoping that there are none.
    let again = CallContext {
        again: true,
        ..cx.clone()
    };
    for _ in 1..TRIES {
        match &done {
            Err(e) if e.is(code::STORE_CONFLICT) => {
                tracing::debug!(operation = O::META.name, "another writer was in the way");
                done = O::run(&again, app, input.clone()).await;
            }
            _ => break,
        }
    }
    done
}

/// The row of this name.
///
/// # Errors
/// `CMMS-OP-001`, offering the nearest name.
pub fn find(name: &str) -> Result<&'static OpDef> {
    OPERATIONS
        .iter()
        .find(|op| op.meta.name == name)
        .ok_or_else(|| {
            let nearest = super::complaint::nearest(name, OPERATIONS.iter().map(|op| op.meta.name));
            let hint = nearest
                .map(|n| format!("; did you mean {n}?"))
                .unwrap_or_default();
            Error::new(
                code::OP_UNKNOWN,
                format!("there is no operation {name:?}{hint}"),
            )
        })
}

/// Runs an operation by name: find, authorise, decode, run.
///
/// # Errors
/// `CMMS-OP-001`, `CMMS-INPUT-…`, and those of the operation.
pub async fn call(cx: &CallContext, app: &App, name: &str, input: Input) -> Result<Answer> {
    let op = find(name)?;
    cx.scope.require(op.meta.permission)?;
    refuse_secrets_in_texts(op, &input)?;
    (op.call)(cx, app, input).await
}

/// Paths and queries are written down by proxies and histories, so no secret may stand there.
fn refuse_secrets_in_texts(op: &OpDef, input: &Input) -> Result<()> {
    if input
        .texts
        .iter()
        .all(|(name, _)| op.meta.path_fields().any(|f| f == name))
    {
        return Ok(());
    }
    let secret = op.secret_fields();
    match input.texts.iter().find(|(name, _)| secret.contains(name)) {
        Some((name, _)) => Err(
            Error::new(code::SECRET_INLINE, format!("{name} holds a secret"))
                .field(name, "secret_inline", "may stand in the body only")
                .remedy_is(
                    "Send the secret in the body; take it for known by others if it was real.",
                ),
        ),
        None => Ok(()),
    }
}
