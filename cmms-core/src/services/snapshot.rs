//! How a link remembers the values that were pulled last.
//!
//! They are only ever compared, so a long text is remembered by its digest: links would otherwise hold each
//! description twice, and be the larger part of a database.

use crate::record::Digest;
use serde_json::Value;
use std::borrow::Cow;

/// The longest text, in octets, that is remembered as it is.
const LONGEST: usize = 40;
/// Before a digest. A text that begins with it is remembered by its digest, too, whatever its length.
const MARK: char = '~';

/// A text as a snapshot keeps it.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && !text.starts_with(MARK) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{MARK}{}", Digest::of(&[text.as_bytes()])))
}

/// A value as a snapshot keeps it: what is equal to it is kept equally.
pub(super) fn value(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::String(long) => match text(long) {
            Cow::Borrowed(_) => Cow::Borrowed(value),
            Cow::Owned(digest) => Cow::Owned(Value::String(digest)),
        },
        _ => Cow::Borrowed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_texts_stay_and_long_ones_become_digests() {
        let longest = "x".repeat(LONGEST);
        assert_eq!(text(&longest), longest);
        let long = "x".repeat(LONGEST + 1);
        assert!(text(&long).len() <= LONGEST);
        assert_ne!(text(&long), text(&format!("{long}x")));
    }

    /// Else a vendor whose text is the digest of another would go unnoticed.
    #[test]
    fn no_text_is_kept_like_the_digest_of_another() {
        let digest = text(&"x".repeat(100)).into_owned();
        assert_ne!(text(&digest), digest);
    }

    #[test]
    fn other_values_stay() {
        for other in [json!(null), json!(17.5), json!(["x".repeat(100)])] {
            assert_eq!(*value(&other), other);
        }
    }
}
