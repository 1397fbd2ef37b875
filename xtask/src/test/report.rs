//! The table at the end of a run.

use std::time::Duration;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It passed.
    Passed,
    /// It failed, for this reason.
    Failed(String),
    /// It did not run, for this reason.
    NotRun(&'static str),
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The step.
    pub(crate) name: &'static str,
    /// What it took.
    pub(crate) took: Duration,
    /// Minutes it should take at most.
    pub(crate) minutes: u64,
    /// How it ended.
    pub(crate) outcome: Outcome,
}

impl Entry {
    /// Whether it took longer than it should.
    pub(crate) fn over_budget(&self) -> bool {
        self.took.as_secs() > self.minutes * 60
    }

    /// Whether the run fails because of it.
    pub(crate) fn broken(&self) -> bool {
        self.outcome != Outcome::Passed
    }
}

/// The table, with the start of each failure below it; the rest stands where the step ran.
pub(crate) fn table(entries: &[Entry]) -> String {
    let mut text = format!("{:<12} {:>9} {:>8}  result\n", "step", "seconds", "budget");
    for entry in entries {
        let warning = if entry.over_budget() {
            " (over its budget)"
        } else {
            ""
        };
        let result = match &entry.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "FAILED",
            Outcome::NotRun(_) => "not run",
        };
        let seconds = entry.took.as_secs_f64();
        text += &format!(
            "{:<12} {seconds:>9.1} {:>4} min  {result}{warning}\n",
            entry.name, entry.minutes
        );
    }
    let total: f64 = entries.iter().map(|entry| entry.took.as_secs_f64()).sum();
    text += &format!("{:<12} {total:>9.1}\n", "total");
    for entry in entries {
        match &entry.outcome {
            Outcome::Passed => {}
            Outcome::Failed(why) => text += &format!("\n{}: {}\n", entry.name, short(why)),
            Outcome::NotRun(why) => text += &format!("\n{}: not run, {why}\n", entry.name),
        }
    }
    text
}

/// The first line of a list and its first entry.
fn short(why: &str) -> String {
    let more = if why.lines().count() > 2 { " …" } else { "" };
    why.lines()
        .take(2)
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
        + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_over_its_budget_is_a_warning_and_a_step_not_run_is_a_failure() {
        let entry = |seconds, outcome| Entry {
            name: "core",
            took: Duration::from_secs(seconds),
            minutes: 1,
            outcome,
        };
        let slow = entry(61, Outcome::Passed);
        assert!(slow.over_budget() && !slow.broken());
        assert!(
            table(&[slow]).contains("core              61.0    1 min  passed (over its budget)")
        );
        assert!(entry(1, Outcome::NotRun("x")).broken());
        assert!(
            table(&[entry(1, Outcome::Failed("two tests".into()))]).contains("core: two tests")
        );
    }
}
