//! The Python package: built as a wheel, installed into an empty environment, checked and tested there.

use super::programs::Environment;
use crate::fail::{Failure, Result};
use crate::repo::{run, run_with, works};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of interpreters, the likeliest first.
const NAMES: &[&str] = &[
    "python3",
    "python",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
];

/// An interpreter that is new enough and can make environments.
///
/// # Errors
/// There is none.
pub(super) fn find() -> Result<&'static str> {
    let check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    let found = NAMES
        .iter()
        .find(|name| works(Command::new(name).args(["-c", check])));
    found.copied().ok_or_else(|| {
        Failure::new(
            "Python 3.10 or newer with its module venv: `apt-get install python3 python3-venv`, `dnf install python3` or \
             `brew install python`",
        )
    })
}

/// An interpreter, installed first on Debian and its kin, as root.
///
/// # Errors
/// There is none.
pub(super) fn ensure() -> Result<()> {
    let Err(lacking) = find() else {
        return Ok(());
    };
    let is_root =
        crate::repo::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || !works(Command::new("apt-get").arg("--version")) {
        return Err(lacking);
    }
    println!("  {lacking}");
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args([
            "install",
            "-y",
            "--no-install-recommends",
            "python3",
            "python3-venv",
        ]))?;
    find().map(drop)
}

/// Builds, installs, checks and tests the package.
pub(super) fn test(root: &Path, environment: Environment<'_>) -> Result<()> {
    let profile = "dev";
    let place = root.join("target/xtask/python");
    let tools = place.join("tools");
    if !works(Command::new(program(&tools, "maturin")).arg("--version")) {
        make(&tools)?;
    }
    // The versions may have changed since.
    pip(&tools, &["-r", "cmms-py/requirements-test.txt"], root)?;
    let wheels = place.join("wheels");
    remove(&wheels)?;
    run(Command::new(program(&tools, "maturin"))
        .current_dir(root)
        .args([
            "build",
            "--manifest-path",
            "cmms-py/Cargo.toml",
            "--profile",
            profile,
        ])
        .arg("--out")
        .arg(&wheels))?;
    let wheel = std::fs::read_dir(&wheels)
        .map_err(|e| Failure::at(wheels.display(), e))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .ok_or_else(|| Failure::new("maturin made no wheel"))?;
    // As a user installs it: into an environment where nothing else is, from the wheel alone.
    let user = place.join("user");
    remove(&user)?;
    make(&user)?;
    let wheel_name = wheel.to_string_lossy().into_owned();
    pip(&user, &["--no-index", &wheel_name], root)?;
    run(Command::new(program(&user, "python"))
        .current_dir(&place)
        .args(["-c", "import cmms; print(' ', cmms.__version__)"]))?;
    pip(
        &tools,
        &["--no-index", "--no-deps", "--force-reinstall", &wheel_name],
        root,
    )?;
    let python = program(&tools, "python");
    let package = root.join("cmms-py");
    run(Command::new(&python).current_dir(&package).args([
        "-m",
        "mypy",
        "--strict",
        "--python-version",
        "3.10",
        "-p",
        "cmms",
    ]))?;
    run(Command::new(&python).current_dir(&package).args([
        "-m",
        "mypy",
        "--strict",
        "tests",
        "../examples/python",
    ]))?;
    run(Command::new(&python)
        .current_dir(&package)
        .args(["-m", "mypy.stubtest", "cmms._native"]))?;
    run_with(
        Command::new(&python)
            .current_dir(package.join("tests"))
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "."]),
        environment,
    )
}

/// An empty environment.
fn make(folder: &Path) -> Result<()> {
    run(Command::new(find()?).args(["-m", "venv"]).arg(folder))
}

fn pip(folder: &Path, args: &[&str], root: &Path) -> Result<()> {
    run(Command::new(program(folder, "python"))
        .current_dir(root)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(args))
}

fn program(folder: &Path, name: &str) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts").join(format!("{name}.exe"))
    } else {
        folder.join("bin").join(name)
    }
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| Failure::at(folder.display(), e))?;
    }
    Ok(())
}
