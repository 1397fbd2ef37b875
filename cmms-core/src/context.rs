//! Who asks, for which organization, and for how long.

use crate::domain::sync_run::StreamCount;
use crate::ids::OrgId;
use crate::{Error, Result, code};
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

crate::wire_enum! {
    /// What kind of actor it is.
    pub enum PrincipalKind {
        /// A person.
        User = "user",
        /// A program with an account of its own.
        Service = "service",
        /// A program on this machine that embeds the library, named by its operating-system user.
        LocalProcess = "local-process",
        /// The product itself.
        System = "system",
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The kind.
    pub kind: PrincipalKind,
    /// The name within the kind.
    pub id: Arc<str>,
}

impl Principal {
    /// A person.
    pub fn user(id: &str) -> Self {
        Self {
            kind: PrincipalKind::User,
            id: id.into(),
        }
    }
    /// A program with an account.
    pub fn service(id: &str) -> Self {
        Self {
            kind: PrincipalKind::Service,
            id: id.into(),
        }
    }
    /// A program on this machine.
    pub fn local_process(os_user: &str) -> Self {
        Self {
            kind: PrincipalKind::LocalProcess,
            id: os_user.into(),
        }
    }
    /// The product itself.
    pub fn system() -> Self {
        Self {
            kind: PrincipalKind::System,
            id: "cmms".into(),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

crate::wire_enum! {
    /// What an operation needs to be allowed.
    pub enum Permission {
        /// See work orders.
        WorkOrderView = "work_order.view",
        /// Create work orders.
        WorkOrderCreate = "work_order.create",
        /// Change the plan of work orders.
        WorkOrderEdit = "work_order.edit",
        /// Move work orders through their statuses.
        WorkOrderWork = "work_order.work",
        /// See assets.
        AssetView = "asset.view",
        /// Register and change assets.
        AssetEdit = "asset.edit",
        /// See connections, without their secrets.
        ConnectionView = "connection.view",
        /// Create, change and delete connections and set their secrets.
        ConnectionEdit = "connection.edit",
        /// Start syncs.
        SyncRun = "sync.run",
        /// Read everything at the vendor again.
        SyncForce = "sync.force",
        /// See runs and the quarantine.
        SyncView = "sync.view",
    }
}

/// The organization that a call can reach, and who makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    org: OrgId,
    principal: Principal,
}

impl Scope {
    /// A scope. Only what opens a database, authentication and tests make one.
    pub fn new(org: OrgId, principal: Principal) -> Self {
        Self { org, principal }
    }
    /// The organization.
    pub fn org(&self) -> OrgId {
        self.org
    }
    /// Who acts.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
    /// The same organization, acted in by somebody else.
    #[must_use]
    pub fn acting_as(&self, principal: Principal) -> Self {
        Self {
            org: self.org,
            principal,
        }
    }

    /// Refuses what the principal may not do.
    ///
    /// Until users and roles exist, whoever opened the database may do everything in it.
    ///
    /// # Errors
    /// `CMMS-OP-002`, naming the permission.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match self.principal.kind {
            PrincipalKind::User
            | PrincipalKind::Service
            | PrincipalKind::LocalProcess
            | PrincipalKind::System => {
                tracing::trace!(%permission, "allowed");
                Ok(())
            }
        }
    }
}

/// What surrounds one call.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The organization and who acts.
    pub scope: Scope,
    /// The id of the request in logs, audit and answers.
    pub request_id: Arc<str>,
    /// Fires when the caller gives up.
    pub cancel: CancellationToken,
    /// Where a long call tells how far it is.
    pub progress: Option<ProgressSender>,
}

/// Receives the counts of each kind of record whenever they change; only the latest is kept.
pub type ProgressSender = Arc<tokio::sync::watch::Sender<Vec<StreamCount>>>;

impl CallContext {
    /// The context of a call.
    pub fn new(scope: Scope, request_id: impl Into<Arc<str>>) -> Self {
        Self {
            scope,
            request_id: request_id.into(),
            cancel: CancellationToken::new(),
            progress: None,
        }
    }

    /// Ends work whose caller gave up.
    ///
    /// # Errors
    /// `CMMS-OP-003`.
    pub fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(code::OP_CANCELLED, "the caller gave up"));
        }
        Ok(())
    }
}
