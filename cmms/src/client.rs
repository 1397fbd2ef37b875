//! The client with what this crate adds: a builder with the defaults of a program.

use crate::open::Builder;
use cmms_core::context::{Principal, ProgressSender};
use cmms_core::ports::store::Store;
use cmms_core::{Result, client};
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// An open application, seen by one principal of one organization: what a program calls. Cheap to clone.
///
/// [`cmms::open`](crate::open) makes one over an SQLite file, [`Client::builder`] one over any store. The
/// methods for each kind of record are those of the core's [`Client`](client::Client), to which it derefs: the
/// core knows no secrets, settings or vendors, so its client cannot have this builder.
#[derive(Debug, Clone)]
pub struct Client(client::Client);

impl Client {
    /// Puts an application together over a store of the caller's own.
    ///
    /// What is not given comes from the machine: settings from the environment (`CMMS_…`), the key that seals
    /// secrets, time and ids, and this crate's own vendors.
    ///
    /// ```
    /// use cmms::Client;
    /// # use std::sync::Arc;
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let store = Arc::new(cmms::core::memory::MemoryStore::new());
    /// let client = Client::builder(store).organization("b").build().await?;
    /// assert!(client.assets().list(cmms::ListAssets::new()).await?.items.is_empty());
    /// # Ok::<(), cmms::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(store: Arc<dyn Store>) -> Builder {
        Builder::new(store)
    }

    /// The same application, acted in by somebody else.
    #[must_use]
    pub fn acting_as(&self, principal: Principal) -> Self {
        Self(self.0.acting_as(principal))
    }

    /// The same client, whose calls end when the token fires.
    #[must_use]
    pub fn cancelled_by(&self, cancel: CancellationToken) -> Self {
        Self(self.0.cancelled_by(cancel))
    }

    /// The same client, whose syncs tell how far they are.
    #[must_use]
    pub fn telling(&self, progress: ProgressSender) -> Self {
        Self(self.0.telling(progress))
    }

    /// The same client, whose next write is done once: repeated with this key it only answers again.
    ///
    /// # Errors
    /// `CMMS-OP-007` for a key that is not 1 to 255 visible ASCII characters.
    pub fn with_idempotency_key(&self, key: &str) -> Result<Self> {
        self.0.with_idempotency_key(key).map(Self)
    }
}

impl Deref for Client {
    type Target = client::Client;
    fn deref(&self) -> &client::Client {
        &self.0
    }
}

impl From<client::Client> for Client {
    fn from(client: client::Client) -> Self {
        Self(client)
    }
}
