//! One request, taken apart.

use serde_json::{Map, Value};

use super::answer::Answer;
use crate::wire::{decode, pairs};

/// A request as the simulated vendor sees it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) token: Option<String>,
    pub(super) json: bool,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// Splits the path below `/api/v2` into decoded segments; `None` if the
    /// path lies elsewhere. A trailing slash does not count.
    pub(super) fn segments(&self) -> Option<Vec<String>> {
        let below = self.path.strip_prefix("/api/v2/")?;
        let below = below.strip_suffix('/').unwrap_or(below);
        Some(below.split('/').map(decode).collect())
    }

    /// Reads the body as an object, from JSON or from form fields. Form
    /// fields stay text, as they do at the vendor.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Answer> {
        if self.json {
            return match serde_json::from_slice(&self.body) {
                Ok(Value::Object(fields)) => Ok(fields),
                _ => Err(Answer::failure(400, "The body is not a JSON object")),
            };
        }
        let text = std::str::from_utf8(&self.body)
            .map_err(|_| Answer::failure(400, "The body is not UTF-8"))?;
        Ok(pairs(text)
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)))
            .collect())
    }
}
