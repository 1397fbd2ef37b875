//! The repository: where it is, its files, and cargo commands in it.

use crate::fail::{Failure, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top folder of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo builds: `target`, unless the environment says otherwise.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo reads this variable, and what it built has to be found"
)]
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// A cargo command in `root`.
///
/// What `cargo run` has set for xtask itself is taken out: build scripts that watch it would run again each time.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(args);
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// Runs a command with the terminal's own output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    run_with(command, &[])
}

/// Runs a command with more in its environment than is shown.
pub(crate) fn run_with(command: &mut Command, hidden: &[(&'static str, String)]) -> Result<()> {
    let line = line_of(command);
    println!("  $ {line}");
    command.envs(hidden.iter().map(|(name, value)| (name, value)));
    let status = command.status().map_err(|e| Failure::at(&line, e))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::at(line, status))
    }
}

/// Runs a command and returns what it writes to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let done = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| Failure::at(&line, e))?;
    if done.status.success() {
        String::from_utf8(done.stdout).map_err(|e| Failure::at(line, e))
    } else {
        Err(Failure::at(line, done.status))
    }
}

/// Whether a command exists and succeeds; its output is dropped.
pub(crate) fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|done| done.status.success())
}

/// The command as one would type it, with the environment it adds.
fn line_of(command: &Command) -> String {
    let added = command.get_envs().filter_map(|(key, value)| {
        let value = value?;
        Some(format!(
            "{}={:?}",
            key.to_string_lossy(),
            value.to_string_lossy()
        ))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    added
        .chain(words.map(|word| word.to_string_lossy().into_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| Failure::at(path.display(), e))
}

/// Every Rust file below `dir`, sorted; build output, packages of others and hidden folders are left out.
pub(crate) fn rust_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| Failure::at(dir.display(), e))? {
            let entry = entry.map_err(|e| Failure::at(dir.display(), e))?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if name != "target" && name != "node_modules" && !name.starts_with('.') {
                    open.push(path);
                }
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `path` as seen from `root`, with forward slashes.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_reaches_the_command_all_the_same() {
        let mut asks = Command::new("sh");
        asks.args(["-c", "test \"$CMMS_HIDDEN\" = a:b"]);
        run_with(&mut asks, &[("CMMS_HIDDEN", "a:b".to_owned())]).unwrap();
        let mut asks = Command::new("sh");
        asks.args(["-c", "test -n \"$CMMS_HIDDEN\""]);
        assert!(run(&mut asks).is_err());
    }
}
