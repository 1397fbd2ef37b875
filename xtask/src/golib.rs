//! The archive of the Go module: `go/lib/OS_ARCH/libcmms.a`.
//!
//! Its SQLite is renamed, so that a program can link another one beside it.

use crate::fail::{Failure, Result};
use crate::repo::{cargo, run, target};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the symbols of the SQLite inside begin with, and with what instead.
const SQLITE: (&str, &str) = ("sqlite3", "cmms_sqlite3");

/// Builds the library and makes the archive of it: `cargo xtask go`.
///
/// # Errors
/// It cannot be built, or the C compiler's tools are missing.
pub(crate) fn build(root: &Path) -> Result<()> {
    run(&mut cargo(root, &["build", "--release", "-p", "cmms-ffi"]))?;
    let made = archive(root, &target(root).join("release/libcmms_ffi.a"))?;
    println!("  {}", made.display());
    Ok(())
}

/// Makes the archive of a static library.
///
/// # Errors
/// A tool is missing or fails.
pub(crate) fn archive(root: &Path, library: &Path) -> Result<PathBuf> {
    let folder = root.join("go/lib").join(platform());
    std::fs::create_dir_all(&folder).map_err(|e| Failure::at(folder.display(), e))?;
    // Parts without symbols are told on standard error, hundreds of them.
    let listed = Command::new("nm")
        .args(["--defined-only", "-g", "-A"])
        .arg(library)
        .stderr(Stdio::null())
        .output()
        .map_err(|e| Failure::at("nm", e))?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let mut names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next_back())
        .filter(|name| name.trim_start_matches('_').starts_with(SQLITE.0))
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Err(Failure::at(library.display(), "no SQLite is in it"));
    }
    let mut renamed = String::new();
    for name in names {
        let _ = writeln!(renamed, "{name} {}", name.replacen(SQLITE.0, SQLITE.1, 1));
    }
    let list = folder.join("renamed.txt");
    std::fs::write(&list, renamed).map_err(|e| Failure::at(list.display(), e))?;
    let archive = folder.join("libcmms.a");
    let objcopy = if cfg!(target_os = "macos") {
        "llvm-objcopy"
    } else {
        "objcopy"
    };
    run(Command::new(objcopy)
        .arg(format!("--redefine-syms={}", list.display()))
        .arg("--strip-debug")
        .arg(library)
        .arg(&archive))?;
    Ok(archive)
}

/// The platform as Go calls it.
fn platform() -> String {
    let os = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        std::env::consts::OS
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}_{arch}")
}
