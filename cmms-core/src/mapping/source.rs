//! A vendor's record as rules read it.

use super::path::Path;
use crate::domain::large_whole;
use serde_json::Value;
use serde_json::value::RawValue;

/// A vendor's record. Whole numbers of more than 64 bits keep their digits: they are texts in it, and it knows where
/// they stand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VendorRecord {
    value: Value,
    /// Where the vendor has such a number: the names and places that lead to it.
    large: Vec<Vec<String>>,
}

impl VendorRecord {
    /// Reads a record's text.
    ///
    /// # Errors
    /// What is wrong with it as JSON.
    pub fn read(raw: &str) -> serde_json::Result<Self> {
        let mut record = Self::from(serde_json::from_str::<Value>(raw)?);
        if large_whole::may_be_in(raw) {
            let text: &RawValue = serde_json::from_str(raw)?;
            large_whole::find(text, &mut |path, digits| record.keep(path, digits));
        }
        Ok(record)
    }

    fn keep(&mut self, path: &[String], digits: &str) {
        let found = path
            .iter()
            .try_fold(&mut self.value, |value, name| match value {
                Value::Object(fields) => fields.get_mut(name),
                Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
                _ => None,
            });
        if let Some(found) = found {
            *found = Value::from(digits);
            self.large.push(path.to_vec());
        }
    }

    /// Its fields.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Whether a number that became a text stands at a path or below it.
    pub(super) fn has_large(&self, path: &Path) -> bool {
        self.large.iter().any(|at| path.leads_towards(at))
    }
}

impl From<Value> for VendorRecord {
    fn from(value: Value) -> Self {
        Self {
            value,
            large: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn large_whole_numbers_keep_their_digits() {
        let digits = "89014103211118510720";
        let record = VendorRecord::read(&format!(
            r#"{{"sim": {digits}, "list": [1, {{"x": -{digits}}}], "text": "{digits}", "float": 1e30}}"#
        ))
        .unwrap();
        let negative = format!("-{digits}");
        let kept =
            json!({ "sim": digits, "list": [1, { "x": negative }], "text": digits, "float": 1e30 });
        assert_eq!(*record.value(), kept);
        for (path, has) in [
            ("sim", true),
            ("list", true),
            ("list.1.x", true),
            ("list.0", false),
            ("text", false),
            ("float", false),
        ] {
            assert_eq!(record.has_large(&Path::new(path)), has, "{path}");
        }
    }
}
