//! Texts as files and programs hand them over: UTF-8, often with a byte order mark before it, sometimes UTF-16.

/// What editors put before a text to say that it is UTF-8. It is no part of the text.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The text without a byte order mark before it.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Whether a text is UTF-16, as Windows' programs save it: by its mark, or by a first letter that takes two bytes.
pub fn is_utf16(text: &[u8]) -> bool {
    match text {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [0, second, ..] => *second != 0,
        [first, 0, ..] => *first != 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_utf16_is_told_apart() {
        assert_eq!(without_mark("\u{feff}ab".as_bytes()), b"ab");
        assert_eq!(without_mark(b"ab"), b"ab");
        assert_eq!(without_mark("a\u{feff}".as_bytes()), "a\u{feff}".as_bytes());
        let wide = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(order).collect()
        };
        for text in ["\u{feff}{}", "{}", "\u{feff}"] {
            assert!(is_utf16(&wide(text, u16::to_le_bytes)), "{text}");
            assert!(is_utf16(&wide(text, u16::to_be_bytes)), "{text}");
        }
        for text in ["", "{", "{}", "\u{feff}{}", "ÿþ", "\0\0"] {
            assert!(!is_utf16(text.as_bytes()), "{text:?}");
        }
    }
}
