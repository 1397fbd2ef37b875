//! The scan for what is not finished: placeholders in code, and files that hold more than one thing.

use crate::fail::{Failure, Result};
use crate::repo;
use std::path::Path;

/// Longest file of a `src` folder, in lines.
const MAX_LINES: usize = 500;

/// Words that no Rust file may hold; put together here so that this file passes.
const WORDS: &[&str] = &[
    concat!("to", "do!"),
    concat!("un", "implemented!"),
    concat!("FIX", "ME"),
];

/// Checks all Rust files of the repository.
///
/// # Errors
/// One line per finding.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut found = Vec::new();
    for file in repo::rust_files(root)? {
        found.extend(findings(&repo::relative(root, &file), &repo::read(&file)?));
    }
    Failure::unless_empty("not finished", &found)
}

fn findings(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words = WORDS.iter().filter(|word| line.contains(*word));
        found.extend(words.map(|word| format!("{path}:{}: {word}", number + 1)));
    }
    let lines = text.lines().count();
    if path.split('/').any(|part| part == "src") && lines > MAX_LINES {
        found.push(format!(
            "{path}: {lines} lines, more than {MAX_LINES}: one concept a file"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_long_files_are_found() {
        for word in WORDS {
            assert_eq!(
                findings("a/tests/b.rs", &format!("\n  {word}")),
                [format!("a/tests/b.rs:2: {word}")]
            );
        }
        let long = "\n".repeat(MAX_LINES + 1);
        assert_eq!(findings("a/src/b.rs", &long).len(), 1);
        assert_eq!(findings("a/tests/b.rs", &long), [""; 0]);
        assert_eq!(findings("a/src/b.rs", &"\n".repeat(MAX_LINES)), [""; 0]);
    }
}
