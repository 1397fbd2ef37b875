//! The test programs of the workspace: built once, found in cargo's messages, run suite by suite.

use super::plan::{BUILD, STEPS, Work};
use crate::fail::{Failure, Result};
use crate::repo::{cargo, output, relative, run_with};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What cargo built that can be run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The folder of its package, below the root.
    pub(crate) folder: String,
    /// The target's name.
    pub(crate) name: String,
    /// Its file.
    pub(crate) file: PathBuf,
    /// An example instead of a test program.
    pub(crate) example: bool,
}

/// Builds every test program of the workspace.
///
/// # Errors
/// The build fails, or a crate with test programs has no suite.
pub(crate) fn build(root: &Path) -> Result<Vec<Program>> {
    println!("  $ cargo {}", BUILD.join(" "));
    let programs = read(root, &output(&mut cargo(root, BUILD))?);
    let without: Vec<String> = programs
        .iter()
        .filter(|p| !has_suite(&p.folder))
        .map(|p| format!("{} ({})", p.folder, p.name))
        .collect();
    Failure::unless_empty(
        "no suite runs these: add one to xtask/src/test/plan.rs",
        &without,
    )?;
    println!(
        "  {} test programs",
        programs.iter().filter(|p| !p.example).count()
    );
    Ok(programs)
}

/// The programs in cargo's messages.
fn read(root: &Path, messages: &str) -> Vec<Program> {
    let mut programs = Vec::new();
    for message in messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        let text = |pointer: &str| {
            message
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let test = message
            .pointer("/profile/test")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        let example = !test && text("/target/kind/0") == "example";
        let file = text("/executable");
        if file.is_empty() || !(test || example) {
            continue;
        }
        let manifest = PathBuf::from(text("/manifest_path"));
        let folder = relative(root, manifest.parent().unwrap_or(root));
        programs.push(Program {
            folder,
            name: text("/target/name"),
            file: file.into(),
            example,
        });
    }
    programs
}

fn has_suite(folder: &str) -> bool {
    STEPS.iter().any(|step| match step.work {
        Work::Suite(of) | Work::Examples(of) => of == folder,
        _ => false,
    })
}

/// What a step adds to the environment of its programs.
pub(crate) type Environment<'a> = &'a [(&'static str, String)];

/// Runs the tests of one crate with these words: all of its programs, even when one fails.
pub(crate) fn suite(
    root: &Path,
    programs: &[Program],
    folder: &str,
    words: &[&str],
    environment: Environment<'_>,
) -> Result<()> {
    let mut failed = Vec::new();
    for program in programs.iter().filter(|p| p.folder == folder && !p.example) {
        println!("  {}: {}", folder, program.name);
        if let Err(failure) = run_with(command(root, program).args(words), environment) {
            failed.push(failure.to_string());
        }
    }
    Failure::unless_empty("failed", &failed)
}

/// Runs the examples of one crate, each in an empty folder of its own, with nothing to read.
pub(crate) fn examples(
    root: &Path,
    programs: &[Program],
    folder: &str,
    environment: Environment<'_>,
) -> Result<()> {
    for program in programs.iter().filter(|p| p.folder == folder && p.example) {
        let place = root.join("target/xtask/examples").join(&program.name);
        let cleared = if place.exists() {
            std::fs::remove_dir_all(&place)
        } else {
            Ok(())
        };
        cleared
            .and_then(|()| std::fs::create_dir_all(&place))
            .map_err(|e| Failure::at(place.display(), e))?;
        let mut command = command(root, program);
        run_with(
            command.current_dir(&place).stdin(Stdio::null()),
            environment,
        )?;
    }
    Ok(())
}

/// The program as cargo would start it: in the folder of its package.
fn command(root: &Path, program: &Program) -> Command {
    let folder = root.join(&program.folder);
    let mut command = Command::new(&program.file);
    command
        .current_dir(&folder)
        .env("CARGO_MANIFEST_DIR", &folder);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_and_examples_are_found_in_messages() {
        let messages = r#"
            {"reason":"compiler-artifact","manifest_path":"/r/a/Cargo.toml","target":{"kind":["lib"],"name":"a"},"profile":{"test":false},"executable":null}
            {"reason":"compiler-artifact","manifest_path":"/r/a/Cargo.toml","target":{"kind":["lib"],"name":"a"},"profile":{"test":true},"executable":"/t/a-1"}
            {"reason":"compiler-artifact","manifest_path":"/r/a/Cargo.toml","target":{"kind":["bin"],"name":"b"},"profile":{"test":false},"executable":"/t/b"}
            {"reason":"compiler-artifact","manifest_path":"/r/e/x/Cargo.toml","target":{"kind":["example"],"name":"c"},"profile":{"test":false},"executable":"/t/c"}
            {"reason":"build-finished","success":true}"#;
        let program = |folder: &str, name: &str, file: &str, example| Program {
            folder: folder.into(),
            name: name.into(),
            file: file.into(),
            example,
        };
        assert_eq!(
            read(Path::new("/r"), messages),
            [
                program("a", "a", "/t/a-1", false),
                program("e/x", "c", "/t/c", true)
            ]
        );
    }

    #[test]
    fn every_member_with_tests_has_a_suite() {
        let root = crate::repo::root();
        let listed = output(&mut cargo(
            &root,
            &["metadata", "--format-version", "1", "--no-deps"],
        ))
        .unwrap();
        let listed: Value = serde_json::from_str(&listed).unwrap();
        for package in listed["packages"].as_array().unwrap() {
            let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
            let folder = relative(&root, manifest.parent().unwrap());
            // Benchmarks have nothing to test.
            let targets = package["targets"].as_array().unwrap();
            if targets.iter().all(|target| target["test"] == false) {
                continue;
            }
            assert!(has_suite(&folder), "{folder} has no suite in test/plan.rs");
        }
    }
}
