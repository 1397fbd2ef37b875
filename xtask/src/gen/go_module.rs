//! The path of the Go module, in whatever names it: one constant, and the files that follow it.

use super::Generated;
use crate::fail::{Failure, Result};
use std::path::Path;

/// What Go programs import.
pub(crate) const MODULE: &str = "arxos.com/cmms";

/// Files that people write and that name the module.
const FOLLOWING: &[&str] = &[
    "README.md",
    "benches/bindings/go/go.mod",
    "benches/bindings/go/main.go",
    "examples/go/go.mod",
    "examples/go/sync/main.go",
    "go/beside/beside_test.go",
    "go/beside/go.mod",
    "go/go.mod",
];

/// The files with the present path.
///
/// # Errors
/// A file cannot be read.
pub(super) fn following(root: &Path) -> Result<Vec<Generated>> {
    let read = |path: &&str| {
        let text = std::fs::read_to_string(root.join(path)).map_err(|e| Failure::at(path, e))?;
        Ok(Generated {
            path: (*path).to_owned(),
            text: renamed(&text),
        })
    };
    FOLLOWING.iter().map(read).collect()
}

/// The text with the module's path in every line that names it.
fn renamed(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            if names_module(line.trim()) {
                in_line(line)
            } else {
                line.to_owned()
            }
        })
        .collect()
}

/// A line of a `go.mod`, an import, or a command that requires the module.
fn names_module(line: &str) -> bool {
    ["module ", "require ", "replace "]
        .iter()
        .any(|start| line.starts_with(start))
        || line.ends_with(" v0.0.0")
        || (line.starts_with('"') && line.ends_with("cmms\""))
        || line.contains("-replace=")
}

/// The line, in which every path that ends with `cmms` is the module's.
fn in_line(line: &str) -> String {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "./-_".contains(c);
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_path) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_path(c)).unwrap_or(from.len()));
        out.push_str(before);
        let named = word == "cmms" || word.ends_with("/cmms");
        out.push_str(if named { MODULE } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_the_module_follows_the_constant() {
        let old = "module cmms\n\nrequire old.example/cmms v0.0.0\n\tcmms v0.0.0\nreplace cmms => ../../go\n\t\"cmms\"\n\
                   `-require=cmms@v0.0.0 -replace=cmms=PATH/go`\n";
        let new = format!(
            "module {MODULE}\n\nrequire {MODULE} v0.0.0\n\t{MODULE} v0.0.0\nreplace {MODULE} => ../../go\n\t\"{MODULE}\"\n\
             `-require={MODULE}@v0.0.0 -replace={MODULE}=PATH/go`\n"
        );
        assert_eq!(renamed(old), new);
        assert_eq!(renamed(&new), new);
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        let text = "module examples\n\tclient, err := cmms.Open(\"sqlite://cmms.db\")\nThe package is cmms.\n\t\"context\"\n";
        assert_eq!(renamed(text), text);
    }
}
