//! The description of the REST interface, held against a server: schemathesis sends what it allows and what it forbids.

use super::programs::Environment;
use super::python::{make, pip, program, remove};
use crate::fail::{Failure, Result};
use crate::repo::{target, works};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What it is told, and the versions that it is made of.
const FOLDER: &str = "cmms-server/tests/schemathesis";

/// A server that ends with this.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Serves an empty database, with a home of its own for the key that seals secrets.
    fn start(command: &Path, folder: &Path) -> Result<Self> {
        let database = format!("sqlite://{}", folder.join("cmms.db").display());
        let mut child = Command::new(command)
            .args(["serve", "--no-auth", "--port", "0", "--database-url"])
            .arg(database)
            .current_dir(folder)
            .env("HOME", folder)
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| Failure::at(command.display(), e))?;
        let says = child.stdout.take();
        let mut server = Self {
            child,
            url: String::new(),
        };
        let lines = says
            .into_iter()
            .flat_map(|says| BufReader::new(says).lines());
        for line in lines.map_while(std::result::Result::ok) {
            if let Some(at) = line
                .split_whitespace()
                .find(|word| word.starts_with("http://"))
            {
                server.url = at.to_owned();
                return Ok(server);
            }
        }
        Err(Failure::new("the server did not say where it listens"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs all of its checks and says how many operations and cases there were, and how many failed.
pub(super) fn test(root: &Path, _: Environment<'_>) -> Result<()> {
    let place = root.join("target/xtask/schemathesis");
    let (tools, folder) = (place.join("tools"), place.join("run"));
    if !works(Command::new(program(&tools, "schemathesis")).arg("--version")) {
        make(&tools)?;
    }
    pip(&tools, &["-r", &format!("{FOLDER}/requirements.txt")], root)?;
    remove(&folder)?;
    std::fs::create_dir_all(&folder).map_err(|e| Failure::at(folder.display(), e))?;
    let server = Server::start(&target(root).join("debug/cmms"), &folder)?;
    let told = root.join(FOLDER);
    let done = Command::new(program(&tools, "schemathesis"))
        .current_dir(&folder)
        // A path in the configuration would be looked for from the current folder.
        .env("SCHEMATHESIS_HOOKS", told.join("hooks.py"))
        .arg("--config-file")
        .arg(told.join("schemathesis.toml"))
        .args(["run", "--checks", "all", "--no-color", "--url", &server.url])
        .arg(root.join("api/openapi.json"))
        .output()
        .map_err(|e| Failure::at("schemathesis", e))?;
    let said = String::from_utf8_lossy(&done.stdout);
    println!("  {}", counts(&said));
    if done.status.success() {
        return Ok(());
    }
    println!("{said}{}", String::from_utf8_lossy(&done.stderr));
    Err(Failure::new(
        "the description in api/openapi.json and the server say different things",
    ))
}

/// Operations, cases and failures, from the summary.
fn counts(said: &str) -> String {
    let after = |word: &str| -> String {
        let line = said
            .lines()
            .map(str::trim)
            .find_map(|line| line.strip_prefix(word));
        line.unwrap_or("?").trim().to_owned()
    };
    let cases = said
        .lines()
        .map(str::trim)
        .find(|line| line.contains(" generated, "))
        .unwrap_or("? generated");
    format!("{} operations, cases: {cases}", after("Tested:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_come_from_the_summary() {
        let said = "  ! 5 operations mostly rejected generated data\nAPI Operations:\n  Selected: 35/35\n  Tested: 35\n\nTest cases:\n  3506 generated, 3506 passed\n";
        assert_eq!(
            counts(said),
            "35 operations, cases: 3506 generated, 3506 passed"
        );
    }
}
