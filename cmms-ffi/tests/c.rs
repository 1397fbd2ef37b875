//! The C programs of `tests/c` and `examples/c`, against the header and the archive that are shipped, under valgrind
//! where there is one.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// What the archive needs beside it.
const LINKED: &[&str] = if cfg!(target_os = "macos") {
    &[
        "-lpthread",
        "-ldl",
        "-lm",
        "-framework",
        "CoreFoundation",
        "-framework",
        "Security",
    ]
} else {
    &["-lpthread", "-ldl", "-lm"]
};

/// Compiles a program with all warnings.
fn compile(source: &Path, folder: &Path) -> PathBuf {
    let program = folder.join(source.file_stem().unwrap());
    let archive = std::env::current_exe()
        .unwrap()
        .with_file_name("libcmms_ffi.a");
    assert!(archive.exists(), "{}", archive.display());
    let done = Command::new("cc")
        .args([
            "-std=gnu11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-g",
            "-I",
        ])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .arg(source)
        .arg(archive)
        .args(LINKED)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    program
}

fn run(program: &Path, folder: &Path, args: &[&str], valgrind: bool) -> Output {
    let mut command = Command::new(if valgrind {
        Path::new("valgrind")
    } else {
        program
    });
    if valgrind {
        command
            .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
            .args(["--errors-for-leak-kinds=definite", "--fair-sched=yes"])
            .arg(program);
    }
    command
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .env(
            "CMMS_MASTER_KEY",
            "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        );
    command.output().unwrap()
}

fn has_valgrind() -> bool {
    let version = Command::new("valgrind").arg("--version").output();
    version.is_ok_and(|done| done.status.success())
}

fn passes(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let source = root().join("cmms-ffi/tests/c").join(name);
    let program = compile(&source, folder.path());
    for valgrind in [false, true] {
        // Where there is none, as on macOS, the plain run counts; the test command installs it on Linux.
        if valgrind && !has_valgrind() {
            let optional = !cfg!(target_os = "linux");
            assert!(
                optional,
                "valgrind is missing: cargo xtask test installs it"
            );
            continue;
        }
        let place = tempfile::tempdir().unwrap();
        let done = run(&program, place.path(), &[], valgrind);
        let (said, complained) = (
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr),
        );
        assert!(
            done.status.success(),
            "{name}, valgrind {valgrind}: {}\n{said}\n{complained}",
            done.status
        );
        assert_eq!(said, "ok\n");
    }
}

#[test]
fn a_c_program_does_what_it_should_and_its_mistakes_are_errors() {
    passes("basics.c");
}

#[test]
fn null_for_each_pointer_of_each_function_is_an_error_or_nothing() {
    passes("nulls.c");
}

#[test]
fn the_header_is_cpp_too() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("it.cpp");
    std::fs::write(
        &source,
        "#include \"cmms.h\"\nint main() { return cmms_abi_version() == 1 ? 0 : 1; }\n",
    )
    .unwrap();
    let done = Command::new("cc")
        .args([
            "-x",
            "c++",
            "-fsyntax-only",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I",
        ])
        .arg(root().join("include"))
        .arg(source)
        .output()
        .unwrap();
    let complained = String::from_utf8_lossy(&done.stderr);
    // A machine with a C compiler alone cannot say.
    assert!(
        done.status.success() || complained.contains("cc1plus"),
        "{complained}"
    );
}
