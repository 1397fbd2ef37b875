//! The Python package: built as a wheel, installed into an empty environment, checked and tested there.

use super::programs::Environment;
use crate::fail::{Failure, Result};
use crate::repo::{output, run, run_with, works};
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
    let place = root.join("target/xtask/python");
    let (wheel, user) = install(root, &place, "dev")?;
    let tools = place.join("tools");
    let wheel_name = wheel.to_string_lossy().into_owned();
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
            .env("CMMS_TEST_PYTHON", program(&user, "python"))
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "."]),
        environment,
    )
}

/// What a wheel may weigh, in MiB, and how long its import may take, in milliseconds.
const WHEEL_MIB: f64 = 15.0;
const IMPORT_MS: f64 = 150.0;

/// Builds the wheel that is shipped, and prints what it weighs and how long its import takes.
pub(super) fn measure(root: &Path) -> Result<()> {
    let place = root.join("target/xtask/python");
    let (wheel, user) = install(root, &place, "release")?;
    let bytes = std::fs::metadata(&wheel).map_err(|e| Failure::at(wheel.display(), e))?;
    let mib = bytes.len() as f64 / f64::from(1 << 20);
    let code = "import time; start = time.perf_counter(); import cmms; print((time.perf_counter() - start) * 1000)";
    let mut times = Vec::new();
    for _ in 0..5 {
        let said = output(Command::new(program(&user, "python")).args(["-c", code]))?;
        times.push(
            said.trim()
                .parse::<f64>()
                .map_err(|e| Failure::at("import", e))?,
        );
    }
    times.sort_by(f64::total_cmp);
    let import = times.get(2).copied().unwrap_or_default();
    println!(
        "  wheel {mib:.1} MiB (at most {WHEEL_MIB}), import {import:.0} ms (at most {IMPORT_MS})"
    );
    if mib > WHEEL_MIB || import > IMPORT_MS {
        return Err(Failure::new(
            "the wheel is larger, or its import slower, than promised",
        ));
    }
    Ok(())
}

/// Builds a wheel and installs it as a user does: into an environment where nothing else is, from the wheel alone.
fn install(root: &Path, place: &Path, profile: &str) -> Result<(PathBuf, PathBuf)> {
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
    let user = place.join("user");
    remove(&user)?;
    make(&user)?;
    pip(&user, &["--no-index", &wheel.to_string_lossy()], root)?;
    Ok((wheel, user))
}

/// An empty environment.
pub(super) fn make(folder: &Path) -> Result<()> {
    run(Command::new(find()?).args(["-m", "venv"]).arg(folder))
}

pub(super) fn pip(folder: &Path, args: &[&str], root: &Path) -> Result<()> {
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

pub(super) fn program(folder: &Path, name: &str) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts").join(format!("{name}.exe"))
    } else {
        folder.join("bin").join(name)
    }
}

pub(super) fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| Failure::at(folder.display(), e))?;
    }
    Ok(())
}
