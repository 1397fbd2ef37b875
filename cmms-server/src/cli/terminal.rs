//! Text from outside on its way to a terminal.

use std::fmt::Write as _;

/// The text without anything that a terminal would obey: control characters, escape sequences and marks that
/// turn the direction of writing become visible.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        if c.is_control() || turns {
            // Writing to a string cannot fail.
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The same, at most so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let text = shown(text);
    if text.chars().count() <= most {
        return text;
    }
    let mut head: String = text.chars().take(most.saturating_sub(1)).collect();
    head.push('…');
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_becomes_visible() {
        assert_eq!(
            shown("\u{1b}[31mred\u{7}\r\n"),
            "\\u{1b}[31mred\\u{7}\\u{d}\\u{a}"
        );
        assert_eq!(shown("ab\u{202e}cd"), "ab\\u{202e}cd");
        assert_eq!(shown("Pumpe für Öl"), "Pumpe für Öl");
        assert_eq!(shown("\u{9b}31m"), "\\u{9b}31m");
    }
}
