//! A writer's connection, also while a statement runs on it and its caller goes on.
//!
//! Rows that are new need no answer: the server inserts some while the program makes the next ones. What went wrong is
//! told by the call that comes next, the commit at the latest.

use super::errors::Fault;
use super::session::Session;
use cmms_core::Error;
use std::future::Future;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What a statement on its way comes back with: whether other processes wait to write, where that was asked.
pub(super) type Told = Result<Option<bool>, Fault>;

/// The connection of the organization's writer.
#[derive(Debug)]
pub(super) enum Writer {
    /// Nothing runs on it.
    Here(Session),
    /// A statement does. If nobody waits for its end the session undoes the transaction then.
    Away(JoinHandle<(Session, Told)>),
    /// The task that had it is gone, and the connection with it.
    Lost,
}

impl Writer {
    /// Waits until nothing runs on it, and tells how that ended.
    pub(super) async fn back(&mut self) -> Told {
        let Self::Away(task) = self else {
            return Ok(None);
        };
        match task.await {
            Ok((session, told)) => {
                *self = Self::Here(session);
                told
            }
            Err(e) => {
                *self = Self::Lost;
                Err(Error::internal("a statement broke off").source(e).into())
            }
        }
    }

    /// The connection, once everything [is back](Self::back).
    pub(super) fn session(&mut self) -> Result<&mut Session, Fault> {
        match self {
            Self::Here(session) => Ok(session),
            Self::Away(_) => Err(Error::internal("a statement still runs").into()),
            Self::Lost => Err(Error::internal("the connection of a transaction is gone").into()),
        }
    }

    /// Gives the connection, on which nothing runs, to a statement.
    pub(super) fn send<F>(
        &mut self,
        runtime: &Handle,
        statement: impl FnOnce(Session) -> F,
    ) -> Result<(), Fault>
    where
        F: Future<Output = (Session, Told)> + Send + 'static,
    {
        self.session()?;
        if let Self::Here(session) = std::mem::replace(self, Self::Lost) {
            *self = Self::Away(runtime.spawn(statement(session)));
        }
        Ok(())
    }
}
