//! `cargo xtask gen`: writes every generated file.
//!
//! Generated files are committed and never edited by hand: change what they are made from (the table of operations and
//! the table of errors in `cmms-core`) and run `cargo xtask gen`. `--check` and the step `gen` of `cargo xtask test`
//! fail on a file that differs.

mod api;
mod c;
mod go;
mod go_module;
mod python;
mod services;

use crate::fail::{Failure, Result};
use api::Api;
use cmms_core::error::ALL_CODES;
use cmms_core::ops::{pages, schema};
pub(crate) use go_module::MODULE as GO_MODULE;
use serde_json::{Map, Value};
use std::path::Path;

/// A generated file.
struct Generated {
    /// Its path below the repository's root.
    path: String,
    /// All of its text.
    text: String,
}

/// Writes the generated files that differ, or with `check` none, and returns the paths of those that do.
///
/// # Errors
/// A file cannot be made or written.
pub(crate) fn run(root: &Path, check: bool) -> Result<Vec<String>> {
    apply(root, &files(root)?, check)
}

/// All generated files as they should be.
fn files(root: &Path) -> Result<Vec<Generated>> {
    let mut files = Vec::new();
    for (path, value) in sources() {
        files.push(Generated {
            path: path.to_owned(),
            text: pretty(&value)?,
        });
    }
    files.push(Generated {
        path: format!("{PAGES}/README.md"),
        text: pages::index(),
    });
    for code in ALL_CODES {
        files.push(Generated {
            path: format!("{PAGES}/{}.md", code.id()),
            text: pages::page(code),
        });
    }
    files.extend(python_files()?);
    let header = c::header(root)?;
    files.extend(go_files(&header)?);
    files.extend(go_module::following(root)?);
    files.push(Generated {
        path: "cmms-ffi/tests/c/nulls.c".to_owned(),
        text: c::nulls(&header),
    });
    files.push(Generated {
        path: "include/cmms.h".to_owned(),
        text: header,
    });
    Ok(files)
}

/// The Python package's modules.
fn python_files() -> Result<Vec<Generated>> {
    let api = Api::read(&schema::operations())?;
    let mut modules = vec![
        ("models", python::models(&api)),
        ("exceptions", python::exceptions(&schema::errors())),
        ("_ops", python::operations(&api)),
    ];
    for service in services::SERVICES {
        modules.push((service.module, python::service(&api, service)?));
    }
    Ok(modules
        .into_iter()
        .map(|(name, text)| Generated {
            path: format!("{PYTHON}/{name}.py"),
            text,
        })
        .collect())
}

/// The Go package's files, with a header of its own: a module has to be whole.
fn go_files(header: &str) -> Result<Vec<Generated>> {
    let api = Api::read(&schema::operations())?;
    let texts = [
        ("cmms.h", header.to_owned()),
        ("types_gen.go", go::types(&api)),
        ("ops_gen.go", go::operations(&api)),
        ("errors_gen.go", go::errors(&schema::errors())),
    ];
    let files = texts.into_iter().map(|(name, text)| Generated {
        path: format!("go/{name}"),
        text,
    });
    Ok(files.collect())
}

/// Where the Python package is.
const PYTHON: &str = "cmms-py/python/cmms";

/// Where the page of each error code is.
const PAGES: &str = "docs/errors";

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

fn apply(root: &Path, files: &[Generated], check: bool) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for file in files {
        let path = root.join(&file.path);
        if std::fs::read(&path).is_ok_and(|there| there == file.text.as_bytes()) {
            continue;
        }
        changed.push(file.path.clone());
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
                path: "api/a.json".into(),
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
        assert!(apply(folder.path(), &files(), true).unwrap().is_empty());
        std::fs::write(folder.path().join("api/a.json"), "{} \n").unwrap();
        assert_eq!(
            apply(folder.path(), &files(), true).unwrap(),
            ["api/a.json"]
        );
    }

    /// A row of the table is all that a new operation takes: whatever is written for the languages has it.
    #[test]
    fn an_operation_more_is_in_every_language() {
        let mut value = schema::operations();
        let input = json!({ "type": "object", "required": ["text"], "properties": {
            "text": { "type": "string" }, "times": { "type": ["integer", "null"] } } });
        let output = json!({ "type": "object", "required": ["text"], "properties": {
            "text": { "type": "string" }, "at": { "type": ["string", "null"], "format": "date-time" } } });
        value["components"]["schemas"]["EchoInput"] = input;
        value["components"]["schemas"]["Echoed"] = output;
        value["operations"].as_array_mut().unwrap().push(json!({
            "name": "fixture.echo", "title": "Says it again.", "verb": "POST", "path": "/fixture", "effect": "write",
            "input": { "$ref": "#/components/schemas/EchoInput" },
            "output": { "$ref": "#/components/schemas/Echoed" },
        }));
        let api = Api::read(&value).unwrap();
        let has = |text: &str, parts: &[&str]| {
            for part in parts {
                assert!(text.contains(part), "no {part:?}");
            }
        };
        has(
            &python::models(&api),
            &["class Echoed(Model):", "def at(self) -> datetime | None:"],
        );
        has(
            &python::operations(&api),
            &[
                "class Fixture:",
                "class AsyncFixture:",
                "def echo(\n        self,\n        text: str,\n        *,\n        times: int | None | Unset = UNSET,\n        \
                 idempotency_key: str | None = None,\n    ) -> models.Echoed:",
                "self._fixture = Fixture(transport)",
                "    def fixture(self) -> AsyncFixture:",
            ],
        );
        has(
            &go::types(&api),
            &[
                "type Echoed struct {",
                "\tAt *time.Time `json:\"at,omitempty\"`",
            ],
        );
        has(
            &go::operations(&api),
            &[
                "func (o FixtureOperations) Echo(ctx context.Context, in FixtureEcho) (*Echoed, error) {",
                "\tTimes Opt[int64] `json:\"times,omitzero\"`",
                "\"fixture.echo\",",
            ],
        );
    }

    /// A Python record is a mapping of its fields, too.
    #[test]
    fn no_field_has_the_name_of_what_a_mapping_does() {
        let api = Api::read(&schema::operations()).unwrap();
        for (name, object) in &api.objects {
            for taken in ["keys", "values", "items", "get"] {
                let clash = object.fields.iter().any(|field| field.name == taken);
                assert!(!clash, "{name}.{taken}: choose another name");
            }
        }
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut pages: Vec<String> = std::fs::read_dir(root.join(PAGES))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        pages.sort();
        let mut codes: Vec<_> = ALL_CODES.iter().map(|c| format!("{}.md", c.id())).collect();
        codes.sort();
        assert_eq!(
            pages, codes,
            "run `cargo xtask gen`; remove pages without a code"
        );
    }

    /// A code that nothing answers misleads whoever reads the list.
    #[test]
    fn every_code_is_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let rows = std::fs::read_to_string(root.join("cmms-core/src/error/codes.rs")).unwrap();
        let names = rows.lines().filter_map(|line| {
            let (name, rest) = line.trim().split_once(" = \"CMMS-")?;
            rest.contains(';').then_some(name)
        });
        let mut unused: Vec<&str> = names.collect();
        assert_eq!(unused.len(), ALL_CODES.len());
        let mut folders: Vec<_> = [
            "cmms-core",
            "cmms-store",
            "cmms-adapters",
            "cmms",
            "cmms-server",
            "cmms-ffi",
            "cmms-py",
        ]
        .iter()
        .map(|krate| root.join(krate).join("src"))
        .collect();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("error/codes.rs") {
                    let text = std::fs::read_to_string(path).unwrap_or_default();
                    unused.retain(|name| {
                        !text.contains(&format!("code::{name}"))
                            && !text.contains(&format!("rows::{name}"))
                    });
                }
            }
        }
        assert!(unused.is_empty(), "{unused:?}");
    }

    #[test]
    fn making_the_files_twice_gives_the_same_bytes() {
        let texts = || {
            files(&crate::repo::root())
                .unwrap()
                .into_iter()
                .map(|f| (f.path, f.text))
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(), texts());
    }
}
