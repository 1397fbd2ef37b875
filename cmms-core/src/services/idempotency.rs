//! Calls that may be repeated: one effect and one answer for each key.
//!
//! The answer is kept in the transaction of the effect. A unit of work does not know the answer yet when it
//! commits, so under a key it only puts its transaction aside; when the operation has answered, the answer joins it
//! and both become durable. A crash before that leaves neither, one after it both. A run outlives its first
//! transaction, so its id is kept there, and the run is the answer.

use super::app::App;
use super::runs;
use super::uow::Uow;
use crate::context::{CallContext, Claim, IdempotencyKey};
use crate::domain::idempotency::KeptAnswer;
use crate::ids::RunId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Cmp, Dir, Filter, Query, SaveRule, Saved, Tx, TxMode};
use crate::record::{Cell, Digest, Field, RawJson};
use crate::{Error, Result, code};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// The most forgotten answers that one call clears away: more than it adds, and so few that it hardly takes longer.
const SWEEP: u32 = 10;

/// A transaction that waits for the answer, if there is one yet.
type Aside = Option<Box<dyn Tx>>;

/// The calls with a key that are under way in this process.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<BTreeMap<Digest, Aside>>>);

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.lock().keys()).finish()
    }
}

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Digest, Aside>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, id: Digest) -> Result<()> {
        let mut calls = self.lock();
        if calls.contains_key(&id) {
            return Err(in_use());
        }
        calls.insert(id, None);
        Ok(())
    }

    /// Puts a transaction aside until the operation has answered.
    pub(super) fn put_aside(&self, claim: &Claim, tx: Box<dyn Tx>) {
        if let Some(aside) = self.lock().get_mut(&claim.id) {
            *aside = Some(tx);
        }
    }

    /// The transaction that was put aside.
    pub(super) fn take(&self, claim: &Claim) -> Option<Box<dyn Tx>> {
        self.lock().get_mut(&claim.id).and_then(Option::take)
    }
}

/// A call that is the first with its key. Dropping it undoes what was put aside.
#[derive(Debug)]
pub(crate) struct First {
    claim: Claim,
    calls: UnderWay,
}

impl Drop for First {
    fn drop(&mut self) {
        let aside = self.calls.lock().remove(&self.claim.id);
        // Outside of the lock: the end of a transaction may take a while.
        drop(aside);
    }
}

/// What a call with a key finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing: it is the first.
    Nothing(First),
    /// What the first one answered, as JSON.
    Answer(String),
}

/// Looks for what the first call with this key answered.
///
/// # Errors
/// `CMMS-OP-005` where it had another input; `CMMS-OP-006` while it is under way.
pub(crate) async fn find(
    cx: &CallContext,
    app: &App,
    key: &IdempotencyKey,
    operation: &'static str,
    input: &[u8],
    parks: bool,
) -> Result<Found> {
    let caller = cx.scope.principal().to_string();
    let parts = [caller.as_str(), operation, key.as_str()].map(str::as_bytes);
    let claim = Claim {
        id: Digest::of(&parts),
        // The key is kept nowhere, so nobody guesses an input from its digest.
        input: Digest::of(&[key.as_str().as_bytes(), input]),
        operation,
        parks,
    };
    app.under_way.enter(claim.id)?;
    let first = First {
        claim,
        calls: app.under_way.clone(),
    };
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    match kept(&mut tx, &claim, app.clock.now()).await? {
        Some(kept) => Ok(Found::Answer(answer(cx, app, kept).await?)),
        None => Ok(Found::Nothing(first)),
    }
}

impl First {
    /// The context of the call, which knows that its effect waits for the answer.
    pub(crate) fn context(&self, cx: &CallContext) -> CallContext {
        CallContext {
            claim: Some(self.claim),
            ..cx.clone()
        }
    }

    /// What another process answered while this call was on its way to an error: the effect that it met was that of
    /// the same wish.
    pub(crate) async fn overtaken(&self, cx: &CallContext, app: &App) -> Result<Option<String>> {
        let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
        match kept(&mut tx, &self.claim, app.clock.now()).await? {
            Some(kept) => answer(cx, app, kept).await.map(Some),
            None => Ok(None),
        }
    }

    /// Keeps the answer with the effect. Where another process was first after all, nothing of this call stays, and
    /// the answer is the other's.
    ///
    /// # Errors
    /// Those of a write; then neither effect nor answer is stored.
    pub(crate) async fn keep<A: Serialize + Sync>(
        self,
        cx: &CallContext,
        app: &App,
        output: &A,
    ) -> Result<Option<String>> {
        let mut tx = match self.calls.take(&self.claim) {
            Some(tx) => tx,
            None => app.store.begin(&cx.scope, TxMode::Write).await?,
        };
        let now = app.clock.now();
        if let Some(kept) = kept(&mut tx, &self.claim, now).await? {
            tx.rollback().await?;
            return Ok(Some(answer(cx, app, kept).await?));
        }
        let text = serde_json::to_string(output)
            .map_err(|e| Error::internal("an answer cannot be written").source(e))?;
        let kept = KeptAnswer {
            answer: Some(RawJson(text.into())),
            ..of(&self.claim, now)
        };
        store(&mut tx, &kept, now).await?;
        tx.commit().await?;
        Ok(None)
    }
}

/// Keeps the run of a call with the run's first row.
///
/// # Errors
/// `CMMS-OP-006` where another process was first.
pub(super) async fn keep_run(cx: &CallContext, uow: &mut Uow<'_>, run: RunId) -> Result<()> {
    let Some(claim) = &cx.claim else {
        return Ok(());
    };
    let now = uow.now();
    if kept(uow.tx(), claim, now).await?.is_some() {
        return Err(in_use());
    }
    let kept = KeptAnswer {
        run_id: Some(run),
        ..of(claim, now)
    };
    store(uow.tx(), &kept, now).await
}

/// What is kept of a key, unless it is forgotten.
async fn kept(
    tx: &mut Box<dyn Tx>,
    claim: &Claim,
    now: DateTime<Utc>,
) -> Result<Option<KeptAnswer>> {
    let found = tx.of::<KeptAnswer>().get(&[claim.id.cell()]).await?;
    let Some(kept) = found.filter(|kept| kept.expires_at > now) else {
        return Ok(None);
    };
    if kept.input == claim.input {
        return Ok(Some(kept));
    }
    Err(Error::new(
        code::OP_KEY_REUSED,
        format!(
            "the idempotency key stands for another input of {}",
            claim.operation
        ),
    )
    .field(
        "idempotency_key",
        "key_reused",
        "needs the input of its first call",
    ))
}

async fn answer(cx: &CallContext, app: &App, kept: KeptAnswer) -> Result<String> {
    let text = match (kept.answer, kept.run_id) {
        (Some(answer), _) => Ok(answer.0.into()),
        (None, Some(run)) => serde_json::to_string(&runs::get(cx, app, run.into()).await?),
        (None, None) => return Err(Error::internal("a key stands for no answer")),
    };
    text.map_err(|e| Error::internal("an answer cannot be written").source(e))
}

fn of(claim: &Claim, now: DateTime<Utc>) -> KeptAnswer {
    KeptAnswer {
        id: claim.id,
        input: claim.input,
        operation: claim.operation.to_owned(),
        created_at: now,
        expires_at: now + KEPT,
        run_id: None,
        answer: None,
    }
}

/// Stores what is kept, and clears away what is forgotten.
async fn store(tx: &mut Box<dyn Tx>, kept: &KeptAnswer, now: DateTime<Utc>) -> Result<()> {
    let forgotten = Query {
        filter: Filter::Is(KeptAnswer::EXPIRES_AT, Cmp::Le, now.cell()),
        // The order of the index, so that those that are still kept are not looked at.
        order: vec![
            (KeptAnswer::EXPIRES_AT, Dir::Asc),
            (KeptAnswer::ID, Dir::Asc),
        ],
        limit: Some(SWEEP),
        ..Query::default()
    };
    let forgotten = tx.of::<KeptAnswer>().list(&forgotten).await?;
    let mut ids: Vec<[Cell<'_>; 1]> = forgotten.iter().map(|k| [k.id.cell()]).collect();
    if !forgotten.iter().any(|k| k.id == kept.id) {
        ids.push([kept.id.cell()]);
    }
    let keys: Vec<&[Cell<'_>]> = ids.iter().map(<[_; 1]>::as_slice).collect();
    tx.delete(<KeptAnswer as crate::record::Record>::TABLE, &keys)
        .await?;
    match tx.of::<KeptAnswer>().save(kept, SaveRule::Insert).await? {
        Saved::Inserted => Ok(()),
        _ => Err(in_use()),
    }
}

fn in_use() -> Error {
    Error::new(
        code::OP_KEY_IN_USE,
        "the first call with this idempotency key is still under way",
    )
    .field(
        "idempotency_key",
        "key_in_use",
        "belongs to a call under way",
    )
}
