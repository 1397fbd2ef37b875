//! The unit of work: a write transaction whose only commit takes the audit event.

use super::app::App;
use super::audit::AuditEvent;
use crate::context::{CallContext, Claim};
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::ids::AuditId;
use crate::ports::repository::TxExt;
use crate::ports::store::{SaveRule, Saved, Tx, TxMode};
use crate::record::{Json, Record};
use crate::{Error, Result};
use chrono::{DateTime, Utc};

/// A write transaction. Dropping it undoes all of it.
///
/// Under an idempotency key all units of work of a call are one transaction, which is committed with the call's
/// answer. Until then other transactions do not see it.
pub struct Uow<'a> {
    app: &'a App,
    cx: &'a CallContext,
    tx: Box<dyn Tx>,
    now: DateTime<Utc>,
}

impl<'a> Uow<'a> {
    /// Begins one.
    ///
    /// # Errors
    /// `CMMS-STORE-002` when another writer does not end in time.
    pub async fn begin(app: &'a App, cx: &'a CallContext) -> Result<Self> {
        cx.check()?;
        let aside = parking(cx).and_then(|claim| app.under_way.take(claim));
        let tx = match aside {
            Some(tx) => tx,
            None => app.store.begin(&cx.scope, TxMode::Write).await?,
        };
        Ok(Self::of(app, cx, tx))
    }

    /// Begins one that adds and reads nothing, see [`TxMode::Add`]. Its operation is run again where another process
    /// was in the way.
    ///
    /// # Errors
    /// Those of [`begin`](Self::begin).
    pub async fn begin_adding(app: &'a App, cx: &'a CallContext) -> Result<Self> {
        cx.check()?;
        // Under a key more is read and written with the answer, and the call is not run again.
        if cx.again || parking(cx).is_some() {
            return Self::begin(app, cx).await;
        }
        let tx = app.store.begin(&cx.scope, TxMode::Add).await?;
        Ok(Self::of(app, cx, tx))
    }

    fn of(app: &'a App, cx: &'a CallContext, tx: Box<dyn Tx>) -> Self {
        Self {
            app,
            cx,
            tx,
            now: app.clock.now(),
        }
    }

    /// The transaction.
    pub fn tx(&mut self) -> &mut Box<dyn Tx> {
        &mut self.tx
    }

    /// Whether another writer waits for this one.
    pub fn others_wait(&self) -> bool {
        self.tx.others_wait()
    }

    /// The time of all changes in it.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Saves one record and turns every answer but success into an error.
    ///
    /// # Errors
    /// `CMMS-STORE-001` for a stale version; `duplicate` makes the error of a taken unique key.
    pub async fn save<R: Record>(
        &mut self,
        record: &R,
        rule: SaveRule,
        duplicate: impl FnOnce() -> Error + Send,
    ) -> Result<()> {
        match self.tx.of::<R>().save(record, rule).await? {
            Saved::Inserted | Saved::Updated | Saved::Unchanged => Ok(()),
            Saved::Stale => Err(Error::new(
                crate::code::STORE_STALE,
                format!("a row of {} was changed by somebody else", R::TABLE.name),
            )),
            Saved::Duplicate => Err(duplicate()),
        }
    }

    /// Writes the audit entry and makes all of it durable.
    ///
    /// # Errors
    /// Those of a write; then nothing is stored.
    pub async fn commit(mut self, event: AuditEvent) -> Result<()> {
        let entry = AuditEntry {
            id: AuditId(self.app.ids.next()),
            at: self.now,
            actor_kind: self.cx.scope.principal().kind.to_string(),
            actor_id: self.cx.scope.principal().id.to_string(),
            action: event.action.to_owned(),
            object_type: event.object_type.to_owned(),
            object_id: event.object_id,
            object_version: event.object_version,
            request_id: self.cx.request_id.to_string(),
            reason: event.reason,
            change: (!event.change.is_empty()).then_some(Json(event.change)),
            batch: event.batch.map(Json),
            result: if event.cause.is_some() {
                AuditResult::Failed
            } else {
                AuditResult::Ok
            },
            cause: event.cause,
            actor: String::new(),
        };
        self.tx.of::<AuditEntry>().insert_later(&entry).await?;
        match parking(self.cx) {
            Some(claim) => {
                self.app.under_way.put_aside(claim, self.tx);
                Ok(())
            }
            None => self.tx.commit().await,
        }
    }
}

/// The claim of a call whose effect waits for its answer.
fn parking(cx: &CallContext) -> Option<&Claim> {
    cx.claim.as_ref().filter(|claim| claim.parks)
}
