//! `cargo xtask test`: the README's test command, and all that continuous integration runs.
//!
//! A step that fails does not stop the others, except that nothing runs without `setup`, no suite without `build`, and
//! nothing that may use the PostgreSQL server without `postgres`.
//! All suites run programs of one build with one set of features; building per crate would compile dependencies anew
//! for each set.

mod fixture;
mod go;
mod plan;
#[cfg(unix)]
pub(crate) mod postgres;
#[cfg(not(unix))]
#[path = "postgres/none.rs"]
pub(crate) mod postgres;
mod programs;
mod python;
mod report;
mod schemathesis;
mod setup;

use crate::fail::{Failure, Result};
use crate::repo;
use plan::{Cargo, STEPS, Step, Work};
use postgres::Server;
use programs::{Environment, Program};
use report::{Entry, Outcome};
use std::path::Path;
use std::time::Instant;

/// What to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    release: bool,
    list: bool,
    only: Vec<String>,
}

impl Options {
    /// Reads the words behind `test`.
    ///
    /// # Errors
    /// An unknown option or step.
    pub(crate) fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--release-tier" => options.release = true,
                "--list" => options.list = true,
                "--only" => {
                    let name = words
                        .next()
                        .ok_or_else(|| Failure::new("--only needs a step; --list shows all"))?;
                    if !STEPS.iter().any(|step| step.name == *name) {
                        return Err(Failure::new(format!(
                            "no step is called `{name}`; --list shows all"
                        )));
                    }
                    options.only.push((*name).to_owned());
                }
                other => return Err(Failure::new(format!("unknown option `{other}`"))),
            }
        }
        Ok(options)
    }

    fn minutes(&self, step: &Step) -> u64 {
        step.release_minutes
            .filter(|_| self.release)
            .unwrap_or(step.minutes)
    }

    /// Whether this step is wanted; a suite wants the build and maybe the server, and a step of the release tier may be
    /// named by itself.
    fn wants(&self, step: &Step) -> bool {
        if self.only.is_empty() {
            return self.release || !step.release;
        }
        let named = |step: &Step| self.only.iter().any(|name| name == step.name);
        let serves = |wants: fn(&Step) -> bool| STEPS.iter().any(|s| wants(s) && named(s));
        named(step)
            || match step.work {
                Work::Build => serves(needs_build),
                Work::Postgres => serves(|step| step.postgres),
                _ => false,
            }
    }
}

fn needs_build(step: &Step) -> bool {
    matches!(
        step.work,
        Work::Suite(_) | Work::Examples(_) | Work::Outside(_)
    )
}

/// Runs the steps that the options ask for and prints the table.
///
/// # Errors
/// A step failed or could not run.
pub(crate) fn run(root: &Path, options: Options) -> Result<()> {
    if options.list {
        for step in STEPS {
            let tier = if step.release {
                "release tier"
            } else {
                "default"
            };
            println!(
                "{:<12} {:>3} min  {tier:<12}  {}",
                step.name,
                options.minutes(step),
                step.about
            );
        }
        return Ok(());
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut made = Made::default();
    let mut ready = true;
    for step in STEPS.iter().filter(|step| options.wants(step)) {
        println!(
            "\n== {} (at most {} min): {}",
            step.name,
            options.minutes(step),
            step.about
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "a step is timed for the person who waits"
        )]
        let start = Instant::now();
        let outcome = if !ready {
            Outcome::NotRun("the machine is not set up")
        } else if needs_build(step) && made.programs.is_none() {
            Outcome::NotRun("the test programs could not be built")
        } else if step.postgres && made.server.is_none() {
            Outcome::NotRun("there is no PostgreSQL server")
        } else {
            match perform(root, step, options.release, &mut made) {
                Ok(()) => Outcome::Passed,
                Err(failure) => Outcome::Failed(failure.to_string()),
            }
        };
        ready &= step.name != "setup" || outcome == Outcome::Passed;
        let entry = Entry {
            name: step.name,
            took: start.elapsed(),
            minutes: options.minutes(step),
            outcome,
        };
        if let Outcome::Failed(why) = &entry.outcome {
            println!("== {} FAILED: {why}", step.name);
        }
        if entry.over_budget() {
            println!(
                "== warning: {} took longer than {} min",
                step.name, entry.minutes
            );
        }
        entries.push(entry);
    }
    // The server has ended when the table is there.
    drop(made);
    println!("\n{}", report::table(&entries));
    let broken: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.broken())
        .map(|entry| entry.name)
        .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("failed: {}", broken.join(", "))))
    }
}

/// What steps make for those behind them.
#[derive(Default)]
struct Made {
    programs: Option<Vec<Program>>,
    server: Option<Server>,
}

fn perform(root: &Path, step: &Step, release: bool, made: &mut Made) -> Result<()> {
    let done = perform_with(root, step, release, made);
    // A server that ended makes tests fail in many ways, and this is the one that matters.
    if step.postgres
        && let Some(server) = &mut made.server
        && let Err(ended) = server.alive()
    {
        made.server = None;
        return Err(ended);
    }
    done
}

fn perform_with(root: &Path, step: &Step, release: bool, made: &mut Made) -> Result<()> {
    let programs = made.programs.as_deref().unwrap_or_default();
    let mut environment = match &made.server {
        Some(server) if step.postgres => server.environment().to_vec(),
        _ => Vec::new(),
    };
    if release {
        // Tests with long counts look for this.
        environment.push(("CMMS_TEST_TIER", "release".to_owned()));
    }
    let environment: Environment<'_> = &environment;
    // The figures of tests that pass are wanted there, too.
    let words: &[&str] = if release { &["--show-output"] } else { &[] };
    match &step.work {
        Work::Inside(task) => task(root),
        Work::Outside(task) => task(root, environment),
        Work::Cargo(commands) => commands
            .iter()
            .try_for_each(|command| cargo(root, command, environment)),
        Work::Build => {
            made.programs = Some(programs::build(root)?);
            Ok(())
        }
        Work::Postgres => {
            made.server = Some(Server::start(root)?);
            Ok(())
        }
        Work::Suite(folder) => programs::suite(root, programs, folder, words, environment),
        Work::Examples(folder) => {
            programs::suite(root, programs, folder, words, environment)?;
            programs::examples(root, programs, folder, environment)
        }
    }
}

fn cargo(root: &Path, command: &Cargo, environment: Environment<'_>) -> Result<()> {
    repo::run_with(
        repo::cargo(root, command.args).envs(command.env.iter().copied()),
        environment,
    )
}

/// Writes the generated files and fails when that changed one: it was not up to date.
fn generated(root: &Path) -> Result<()> {
    let changed: Vec<String> = crate::r#gen::run(root, false)?;
    Failure::unless_empty(
        "these generated files were out of date and are written anew: commit them",
        &changed,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(words: &[&str]) -> Vec<&'static str> {
        let options = Options::parse(words).unwrap();
        STEPS
            .iter()
            .filter(|step| options.wants(step))
            .map(|step| step.name)
            .collect()
    }

    #[test]
    fn the_release_tier_adds_steps_and_takes_none_away() {
        let (default, release) = (wanted(&[]), wanted(&["--release-tier"]));
        assert!(default.iter().all(|name| release.contains(name)));
        assert!(!default.contains(&"deny") && release.contains(&"deny"));
    }

    #[test]
    fn a_suite_alone_brings_the_build_along() {
        assert_eq!(wanted(&["--only", "core"]), ["build", "core"]);
        assert_eq!(wanted(&["--only", "xtask"]), ["build", "xtask"]);
        assert_eq!(
            wanted(&["--only", "fmt", "--only", "deny"]),
            ["fmt", "deny"]
        );
    }

    #[test]
    fn the_server_comes_before_the_first_that_needs_it_and_with_no_other() {
        assert_eq!(wanted(&["--only", "store"]), ["build", "postgres", "store"]);
        assert_eq!(wanted(&["--only", "doctests"]), ["postgres", "doctests"]);
        let place = |name| STEPS.iter().position(|step| step.name == name);
        let first = STEPS.iter().position(|step| step.postgres);
        assert!(place("postgres") < first);
        let using: Vec<&str> = STEPS
            .iter()
            .filter(|step| step.postgres)
            .map(|step| step.name)
            .collect();
        assert_eq!(
            using,
            [
                "store", "cmms", "server", "cross", "examples", "python", "go", "doctests"
            ]
        );
    }

    #[test]
    fn unknown_words_are_refused() {
        for words in [
            &["--only", "nothing"][..],
            &["--only"],
            &["--fast"],
            &["core"],
        ] {
            assert!(Options::parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }
}
