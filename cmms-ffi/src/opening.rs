//! What a caller says when it opens a client.

use crate::exports::CMMS_ABI_VERSION;
use crate::guard::refused;
use cmms::core::code;
use cmms::core::ops::OPERATIONS;
use cmms::embed::OpenOptions;
use cmms::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The JSON of `cmms_open`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Opening {
    url: Option<String>,
    organization: Option<String>,
    settings: BTreeMap<String, String>,
    /// The version of this interface that the caller was made for.
    abi: Option<u32>,
    /// The caller's own version, for the message.
    client: Option<String>,
    /// The operations that it knows: the library has to have them all.
    operations: Vec<String>,
}

/// Reads it, and refuses a caller that this library cannot serve.
pub(crate) fn options(json: &[u8]) -> Result<OpenOptions> {
    let opening: Opening = if json.is_empty() {
        Opening::default()
    } else {
        serde_json::from_slice(json)
            .map_err(|e| refused("config", &format!("cannot be read: {e}")))?
    };
    let client = opening.client.as_deref().unwrap_or("of another version");
    let library = env!("CARGO_PKG_VERSION");
    if let Some(abi) = opening.abi.filter(|abi| *abi != CMMS_ABI_VERSION) {
        return Err(Error::new(
            code::EMBED_VERSION,
            format!(
                "the client {client} speaks version {abi} of the C interface, the library {library} version {CMMS_ABI_VERSION}"
            ),
        ));
    }
    let known = |name: &String| OPERATIONS.iter().any(|op| op.meta.name == name);
    if let Some(missing) = opening.operations.iter().find(|name| !known(name)) {
        return Err(Error::new(
            code::EMBED_VERSION,
            format!(
                "the client {client} calls {missing}, which the library {library} does not have"
            ),
        ));
    }
    let mut options = OpenOptions::default();
    options.url = opening.url;
    options.organization = opening.organization;
    options.settings = opening.settings;
    Ok(options)
}
