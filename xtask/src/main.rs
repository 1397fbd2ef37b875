//! The tasks of this repository: `cargo xtask <task>`.

mod fail;
mod r#gen;
mod golib;
mod layers;
mod repo;
mod test;
mod toy;

use fail::{Failure, Result};
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [--release-tier] [--only STEP]... [--list]
    Runs all checks and suites. --list shows the steps, --only runs some of them.
cargo xtask postgres
    Starts a PostgreSQL server like that of `test`, prints what tests need to find it, and runs until Ctrl-C.
cargo xtask go
    Builds the native library of the Go module into go/lib.
cargo xtask layers
    Checks who uses whom: modules of cmms-core, crates of the workspace.
cargo xtask gen [--check]
    Writes the generated files, or fails when one differs. They are never edited by hand.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match task(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn task(words: &[&str]) -> Result<()> {
    let root = repo::root();
    match words {
        ["layers"] => {
            layers::check(&root)?;
            println!("layers: every edge is in the table");
            Ok(())
        }
        ["gen"] => {
            for path in r#gen::run(&root, false)? {
                println!("wrote {path}");
            }
            Ok(())
        }
        ["gen", "--check"] => {
            let differ: Vec<String> = r#gen::run(&root, true)?;
            Failure::unless_empty(
                "these files differ from what `cargo xtask gen` writes",
                &differ,
            )
        }
        ["test", options @ ..] => test::run(&root, test::Options::parse(options)?),
        ["go"] => golib::build(&root),
        ["postgres"] => test::postgres::by_hand(&root),
        _ => Err(Failure::new(format!("usage:\n{USAGE}"))),
    }
}
