//! How deep a JSON text is nested, before it is parsed.

/// Levels of lists and objects that are accepted.
const MAX_DEPTH: usize = 64;

/// Whether a JSON text is nested deeper than is accepted. Texts that are no JSON are left to the parser.
pub(super) fn is_too_deep(json: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_outside_of_texts_count() {
        let nest = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(!is_too_deep(nest(64).as_bytes()));
        assert!(is_too_deep(nest(65).as_bytes()));
        let text = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(100));
        assert!(!is_too_deep(text.as_bytes()));
        let flat = format!("[{}]", "[],".repeat(500));
        assert!(!is_too_deep(flat.as_bytes()));
    }
}
