//! What a machine needs before the first step.

use super::postgres;
use crate::fail::{Failure, Result};
use crate::repo::{cargo, run, works};
use std::path::Path;
use std::process::Command;

/// Checks that everything needed is there; adds missing parts of the toolchain, and on Debian as root PostgreSQL and what the
/// tests watch and disturb programs with.
///
/// # Errors
/// Names each thing that is missing, with the command that installs it.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut missing = Vec::new();
    if !["cc", "gcc", "clang"]
        .iter()
        .any(|name| works(Command::new(name).arg("--version")))
    {
        missing.push(
            "a C compiler (bundled SQLite and aws-lc are C): `apt-get install build-essential`, `dnf install gcc` or \
             `xcode-select --install`"
                .to_owned(),
        );
    }
    if !works(Command::new("make").arg("--version")) {
        missing.push(
            "make (the allocator of the command `cmms` is C): `apt-get install make`, `dnf install make` or \
             `xcode-select --install`"
                .to_owned(),
        );
    }
    if !works(&mut cargo(root, &["--version"])) {
        missing.push(
            "cargo: `curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh`".to_owned(),
        );
    }
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let mut ask = cargo(root, &[command, "--version"]);
        if works(&mut ask) {
            continue;
        }
        let added =
            run(Command::new("rustup")
                .current_dir(root)
                .args(["component", "add", component]));
        if added.is_err() || !works(&mut ask) {
            missing.push(format!("{component}: `rustup component add {component}`"));
        }
    }
    if let Err(lacking) = postgres::ensure() {
        missing.push(lacking.to_string());
    }
    if cfg!(target_os = "linux") {
        for (program, what) in [
            ("valgrind", "it watches the C tests"),
            ("pgbouncer", "the tests of PostgreSQL put it between"),
        ] {
            if !is_there(program) && !is_added(program) {
                missing.push(format!(
                    "{program} ({what}): `apt-get install {program}` or `dnf install {program}`"
                ));
            }
        }
    }
    if let Err(lacking) = super::python::ensure() {
        missing.push(lacking.to_string());
    }
    Failure::unless_empty("this machine lacks", &missing)
}

/// Whether a program is there; Debian keeps those of servers where only root looks.
fn is_there(program: &str) -> bool {
    [program.to_owned(), format!("/usr/sbin/{program}")]
        .iter()
        .any(|name| works(Command::new(name).arg("--version")))
}

/// Installs a program on Debian and its kin, as root.
fn is_added(program: &str) -> bool {
    works(Command::new("apt-get").arg("--version"))
        && run(Command::new("apt-get").arg("update")).is_ok()
        && run(Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "--no-install-recommends", program]))
        .is_ok()
}

/// Runs cargo-deny on what it needs no network for; builds it first when it is missing.
pub(crate) fn deny(root: &Path) -> Result<()> {
    if !works(&mut cargo(root, &["deny", "--version"])) {
        run(&mut cargo(root, &["install", "--locked", "cargo-deny"]))?;
    }
    run(&mut cargo(
        root,
        &["deny", "check", "bans", "licenses", "sources"],
    ))
}
