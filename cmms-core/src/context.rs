//! Who asks, for which organization, and for how long.

use crate::domain::sync_run::StreamCount;
use crate::ids::OrgId;
use crate::record::Digest;
use crate::{Error, Result, code};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
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
        /// Read the audit log.
        AuditRead = "audit.read",
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

/// Names one wish of a caller: repeating the call with the same key does not repeat its effect.
#[derive(Clone)]
pub struct IdempotencyKey {
    text: Arc<str>,
    replayed: Arc<AtomicBool>,
}

impl IdempotencyKey {
    /// A key of 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    /// `CMMS-OP-007`.
    pub fn parse(text: &str) -> Result<Self> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self {
                text: text.into(),
                replayed: Arc::default(),
            });
        }
        let detail = "must be 1 to 255 visible ASCII characters";
        Err(
            Error::new(code::OP_KEY, format!("the idempotency key {detail}")).field(
                "idempotency_key",
                "bad_key",
                detail,
            ),
        )
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the last call with it was answered with what the first one answered.
    pub fn replayed(&self) -> bool {
        self.replayed.load(Ordering::Relaxed)
    }

    /// Says whether a call is answered with what the first one answered.
    pub(crate) fn note(&self, replayed: bool) {
        self.replayed.store(replayed, Ordering::Relaxed);
    }
}

/// The key stays out of logs: with it an input could be guessed from what is kept of it.
impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

/// What a call with an idempotency key holds while it is under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    /// What is kept of caller, operation and key.
    pub(crate) id: Digest,
    /// What is kept of the input.
    pub(crate) input: Digest,
    /// The operation.
    pub(crate) operation: &'static str,
    /// Whether its effect waits for the answer, so that both are committed together.
    pub(crate) parks: bool,
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
    /// The caller's key, where the call may be repeated.
    pub idempotency_key: Option<IdempotencyKey>,
    /// How long the caller waits for a run before it takes the run as it is; none: until its end.
    pub patience: Option<Duration>,
    /// What the call holds for its key.
    pub(crate) claim: Option<Claim>,
    /// The call is run again, since another writer was in the way of it.
    pub(crate) again: bool,
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
            idempotency_key: None,
            patience: None,
            claim: None,
            again: false,
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
