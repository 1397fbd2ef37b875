//! The steps of the README's test command, as data.

use super::programs::Environment;
use crate::fail::Result;
use std::path::Path;

/// A step: one line of the table at the end.
pub(crate) struct Step {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// Minutes it should take at most, on two cores with nothing built; more is a warning.
    pub(crate) minutes: u64,
    /// The same in the release tier, where that counts further.
    pub(crate) release_minutes: Option<u64>,
    /// Part of `--release-tier` only.
    pub(crate) release: bool,
    /// Its programs may use the PostgreSQL server.
    pub(crate) postgres: bool,
    /// What it does, for `--list`.
    pub(crate) about: &'static str,
    /// How it is done.
    pub(crate) work: Work,
}

/// How a step is done.
pub(crate) enum Work {
    /// A function of xtask.
    Inside(fn(&Path) -> Result<()>),
    /// A function of xtask that starts other languages' programs; it needs the programs of the build.
    Outside(fn(&Path, Environment<'_>) -> Result<()>),
    /// Cargo commands, one after the other.
    Cargo(&'static [Cargo]),
    /// Builds all test programs once, with one set of features for all suites.
    Build,
    /// Starts the PostgreSQL server of this run.
    Postgres,
    /// The test programs of the crate in this folder.
    Suite(&'static str),
    /// The test programs of the examples in this folder, and the examples themselves.
    Examples(&'static str),
}

/// A cargo command with the environment it adds.
pub(crate) struct Cargo {
    /// Behind `cargo`.
    pub(crate) args: &'static [&'static str],
    /// Added to the environment.
    pub(crate) env: &'static [(&'static str, &'static str)],
}

const fn cargo(args: &'static [&'static str]) -> Cargo {
    Cargo { args, env: &[] }
}

const fn step(name: &'static str, minutes: u64, about: &'static str, work: Work) -> Step {
    Step {
        name,
        minutes,
        release_minutes: None,
        release: false,
        postgres: false,
        about,
        work,
    }
}

/// The step in the release tier only.
const fn release(step: Step) -> Step {
    Step {
        release: true,
        ..step
    }
}

const fn suite(name: &'static str, minutes: u64, folder: &'static str) -> Step {
    step(name, minutes, "tests of one crate", Work::Suite(folder))
}

/// The step with long counts in the release tier, which take so many minutes.
const fn counts(release_minutes: u64, step: Step) -> Step {
    Step {
        release_minutes: Some(release_minutes),
        ..step
    }
}

/// The step with the PostgreSQL server at hand.
const fn with_postgres(step: Step) -> Step {
    Step {
        postgres: true,
        ..step
    }
}

/// The options that all suites are built with.
pub(crate) const BUILD: &[&str] = &[
    "test",
    "--workspace",
    "--all-features",
    "--no-run",
    "--message-format=json-render-diagnostics",
];

/// All steps in their order.
pub(crate) const STEPS: &[Step] = &[
    step(
        "setup",
        3,
        "C compiler, cargo, rustfmt, clippy and PostgreSQL are there; adds what it can",
        Work::Inside(super::setup::check),
    ),
    step(
        "fmt",
        1,
        "formatting",
        Work::Cargo(&[cargo(&["fmt", "--all", "--check"])]),
    ),
    step(
        "toy",
        1,
        "no placeholders, no file of more than 500 lines in src",
        Work::Inside(crate::toy::check),
    ),
    step(
        "layers",
        1,
        "modules and crates use only what the table allows",
        Work::Inside(crate::layers::check),
    ),
    step(
        "gen",
        1,
        "generated files are up to date",
        Work::Inside(super::generated),
    ),
    step(
        "clippy",
        12,
        "lints with all features and with none",
        Work::Cargo(&[
            cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ]),
            cargo(&[
                "clippy",
                "-p",
                "cmms-core",
                "--no-default-features",
                "--",
                "-D",
                "warnings",
            ]),
            cargo(&[
                "clippy",
                "-p",
                "cmms-store",
                "--no-default-features",
                "--",
                "-D",
                "warnings",
            ]),
            cargo(&[
                "clippy",
                "-p",
                "cmms",
                "--no-default-features",
                "--",
                "-D",
                "warnings",
            ]),
        ]),
    ),
    step("build", 15, "builds every test program, once", Work::Build),
    suite("core", 3, "cmms-core"),
    step(
        "postgres",
        2,
        "starts a PostgreSQL server of this run's own; it ends with the run",
        Work::Postgres,
    ),
    counts(10, with_postgres(suite("store", 4, "cmms-store"))),
    counts(6, suite("ffi", 3, "cmms-ffi")),
    suite("adapters", 3, "cmms-adapters"),
    suite("sim", 2, "cmms-sim"),
    with_postgres(suite("cmms", 2, "cmms")),
    with_postgres(suite("server", 3, "cmms-server")),
    counts(40, with_postgres(suite("cross", 8, "cmms-tests"))),
    with_postgres(step(
        "examples",
        1,
        "tests of the examples, then each example is run",
        Work::Examples("examples/rust"),
    )),
    with_postgres(step(
        "python",
        8,
        "the Python package as a wheel in an empty environment, its types, its tests",
        Work::Outside(super::python::test),
    )),
    with_postgres(step(
        "go",
        8,
        "the Go module: vet, tests with the race detector, linked beside another SQLite",
        Work::Outside(super::go::test),
    )),
    suite("xtask", 1, "xtask"),
    with_postgres(step(
        "doctests",
        5,
        "examples in the documentation",
        Work::Cargo(&[cargo(&["test", "--workspace", "--all-features", "--doc"])]),
    )),
    step(
        "docs",
        5,
        "documentation without warnings",
        Work::Cargo(&[Cargo {
            args: &["doc", "--workspace", "--all-features", "--no-deps"],
            env: &[("RUSTDOCFLAGS", "-D warnings")],
        }]),
    ),
    step(
        "schemathesis",
        3,
        "the description of the REST interface against a server: what it allows and what it forbids",
        Work::Outside(super::schemathesis::test),
    ),
    release(step(
        "wheel",
        20,
        "the wheel that is shipped, its size and the time of its import",
        Work::Inside(super::python::measure),
    )),
    release(step(
        "fixture",
        20,
        "a new operation: in a copy of the tree, types and a row are added, then every language calls it",
        Work::Inside(super::fixture::test),
    )),
    release(step(
        "deny",
        20,
        "bans, licenses and sources of dependencies (cargo-deny, built when missing)",
        Work::Inside(super::setup::deny),
    )),
];
