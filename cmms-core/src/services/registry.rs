//! The adapters that this program knows, by `cmms_type`: an open set.

use crate::ports::adapter::Adapter;
use crate::{Error, Result, code};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The adapters.
#[derive(Debug, Clone, Default)]
pub struct AdapterRegistry(BTreeMap<String, Arc<dyn Adapter>>);

impl AdapterRegistry {
    /// Adds an adapter under its own name, in place of an earlier one of that name.
    pub fn register(&mut self, adapter: Arc<dyn Adapter>) {
        self.0.insert(adapter.info().cmms_type.to_owned(), adapter);
    }

    /// The adapter of this name.
    ///
    /// # Errors
    /// `CMMS-CONN-002`, listing the known names.
    pub fn require(&self, cmms_type: &str) -> Result<&Arc<dyn Adapter>> {
        self.0.get(cmms_type).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let detail = format!("must be one of: {}", known.join(", "));
            Error::new(
                code::CONNECTION_TYPE,
                format!("no adapter is known for {cmms_type:?}: cmms_type {detail}"),
            )
            .field("cmms_type", "unknown_cmms_type", detail)
        })
    }
}
