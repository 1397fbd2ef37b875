//! `cargo xtask gen`: writes every generated file.
//!
//! Generated files are committed and never edited by hand: change what they are made from (the table of operations and
//! the table of errors in `cmms-core`) and run `cargo xtask gen`. `--check` and the step `gen` of `cargo xtask test`
//! fail on a file that differs.

use crate::fail::{Failure, Result};
use cmms_core::ops::schema;
use serde_json::{Map, Value};
use std::path::Path;

/// A generated file.
struct Generated {
    /// Its path below the repository's root.
    path: &'static str,
    /// All of its text.
    text: String,
}

/// Writes the generated files that differ, or with `check` none, and returns the paths of those that do.
///
/// # Errors
/// A file cannot be made or written.
pub(crate) fn run(root: &Path, check: bool) -> Result<Vec<&'static str>> {
    apply(root, &files()?, check)
}

/// All generated files as they should be.
fn files() -> Result<Vec<Generated>> {
    sources()
        .into_iter()
        .map(|(path, value)| {
            Ok(Generated {
                path,
                text: pretty(&value)?,
            })
        })
        .collect()
}

/// What the JSON files hold.
fn sources() -> Vec<(&'static str, Value)> {
    vec![
        ("api/operations.json", schema::operations()),
        ("api/openapi.json", schema::openapi()),
        ("api/errors.json", schema::errors()),
    ]
}

/// Indented JSON with its keys sorted, whatever order the map of `serde_json` is built to keep.
fn pretty(value: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(&sorted(value)).map_err(|e| Failure::at("JSON", e))?;
    Ok(text + "\n")
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            Value::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

fn apply(root: &Path, files: &[Generated], check: bool) -> Result<Vec<&'static str>> {
    let mut changed = Vec::new();
    for file in files {
        let path = root.join(file.path);
        if std::fs::read(&path).is_ok_and(|there| there == file.text.as_bytes()) {
            continue;
        }
        changed.push(file.path);
        if !check {
            let folder = path.parent().unwrap_or(root);
            std::fs::create_dir_all(folder).map_err(|e| Failure::at(folder.display(), e))?;
            std::fs::write(&path, &file.text).map_err(|e| Failure::at(path.display(), e))?;
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth_and_lists_keep_their_order() {
        let text = pretty(&json!({ "b": [{ "y": 2, "x": 1 }, 3], "a": null })).unwrap();
        assert_eq!(
            text,
            "{\n  \"a\": null,\n  \"b\": [\n    {\n      \"x\": 1,\n      \"y\": 2\n    },\n    3\n  ]\n}\n"
        );
    }

    #[test]
    fn a_check_names_what_differs_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = || {
            [Generated {
                path: "api/a.json",
                text: "{}\n".into(),
            }]
        };
        assert_eq!(
            apply(folder.path(), &files(), true).unwrap(),
            ["api/a.json"]
        );
        assert!(!folder.path().join("api").exists());
        assert_eq!(
            apply(folder.path(), &files(), false).unwrap(),
            ["api/a.json"]
        );
        assert_eq!(apply(folder.path(), &files(), true).unwrap(), [""; 0]);
        std::fs::write(folder.path().join("api/a.json"), "{} \n").unwrap();
        assert_eq!(
            apply(folder.path(), &files(), true).unwrap(),
            ["api/a.json"]
        );
    }

    #[test]
    fn making_the_files_twice_gives_the_same_bytes() {
        let texts = || {
            files()
                .unwrap()
                .into_iter()
                .map(|f| (f.path, f.text))
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(), texts());
    }
}
