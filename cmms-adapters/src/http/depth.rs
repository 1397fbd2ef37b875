//! How deep a JSON text is nested, before it is parsed.

/// Levels of lists and objects that a record may have.
pub(super) const MAX_DEPTH: usize = cmms_core::record::DEPTH;

/// Whether a JSON text is nested deeper than so many levels. Texts that are no JSON are left to the parser.
pub(super) fn is_too_deep(json: &[u8], most: usize) -> bool {
    let mut depth = 0_usize;
    let mut rest = json.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => pass_text(&mut rest),
            b'[' | b'{' => {
                depth += 1;
                if depth > most {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Goes behind the end of a text, of which most of an answer consists.
pub(super) fn pass_text(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest.as_slice()) {
        if rest.nth(at) == Some(&b'"') {
            return;
        }
        // What is escaped.
        rest.next();
    }
    *rest = [].iter();
}

#[cfg(test)]
mod tests {
    fn is_too_deep(json: &[u8]) -> bool {
        super::is_too_deep(json, super::MAX_DEPTH)
    }

    #[test]
    fn only_brackets_outside_of_texts_count() {
        let nest = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(!is_too_deep(nest(64).as_bytes()));
        assert!(is_too_deep(nest(65).as_bytes()));
        let text = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(100));
        assert!(!is_too_deep(text.as_bytes()));
        let open = "[".repeat(65);
        // The backslash is escaped itself and ends there.
        assert!(is_too_deep(format!(r#""a\\"{open}"#).as_bytes()));
        assert!(is_too_deep(format!("\"\"{open}").as_bytes()));
        for unended in [
            format!("\"{open}"),
            format!("\"{open}\\"),
            "\"\\".to_owned(),
        ] {
            assert!(!is_too_deep(unended.as_bytes()), "{unended}");
        }
        let flat = format!("[{}]", "[],".repeat(500));
        assert!(!is_too_deep(flat.as_bytes()));
    }
}
