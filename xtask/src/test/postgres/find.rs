//! PostgreSQL's programs: where they are, and how they come onto a machine that lacks them.

use super::user::User;
use crate::fail::{Failure, Result};
use crate::repo::{run, works};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest version that the tests are run with.
const OLDEST: u32 = 14;

/// Where packages put the programs that they leave out of `PATH`: the folder above all versions, how a version's
/// folder begins, and where the programs are in it.
const USUAL: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Read by Debian's packages while they are installed. It is there for that time only.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/cmms-xtask.conf";

/// The programs of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    /// Their folder.
    pub(crate) folder: PathBuf,
    /// The major version.
    pub(crate) version: u32,
}

/// The folders to look into.
struct Places {
    /// In the order of `PATH`: the first that will do is taken.
    path: Vec<PathBuf>,
    /// Of packages: the highest version is taken.
    usual: Vec<PathBuf>,
}

impl Places {
    fn of_this_machine() -> Self {
        let path = std::env::vars_os()
            .find(|(name, _)| name == OsStr::new("PATH"))
            .map(|(_, value)| std::env::split_paths(&value).collect())
            .unwrap_or_default();
        let usual = USUAL
            .iter()
            .flat_map(|(above, start, below)| versions(Path::new(above), start, below))
            .collect();
        Self { path, usual }
    }
}

/// The programs of this machine, installed first where that is the custom: on Debian and its kin, as root.
///
/// # Errors
/// There are none, or too old ones; the text names the command that installs them.
pub(crate) fn ensure() -> Result<Binaries> {
    let lacking = match installed() {
        Ok(found) => return Ok(found),
        Err(lacking) => lacking,
    };
    if !User::is_root() || !works(Command::new("apt-get").arg("--version")) {
        return Err(lacking);
    }
    println!("  {lacking}");
    install().map_err(|why| Failure::new(format!("{lacking}; installing it failed: {why}")))?;
    installed()
}

/// The programs that are there already.
///
/// # Errors
/// There are none, or too old ones.
pub(crate) fn installed() -> Result<Binaries> {
    find(&Places::of_this_machine())
}

fn find(places: &Places) -> Result<Binaries> {
    let on_path: Vec<Binaries> = places.path.iter().filter_map(|at| look(at)).collect();
    let mut usual: Vec<Binaries> = places.usual.iter().filter_map(|at| look(at)).collect();
    usual.sort_by_key(|found| std::cmp::Reverse(found.version));
    let mut all = on_path.into_iter().chain(usual);
    let Some(first) = all.next() else {
        return Err(Failure::new(missing("")));
    };
    let old = format!(
        " ({} has version {} only)",
        first.folder.display(),
        first.version
    );
    std::iter::once(first)
        .chain(all)
        .find(|found| found.version >= OLDEST)
        .ok_or_else(|| Failure::new(missing(&old)))
}

/// What is missing and how one gets it, in the words of the list of the step `setup`.
fn missing(instead: &str) -> String {
    format!(
        "PostgreSQL {OLDEST} or newer{instead}, initdb and postgres, for a server of the tests' own: \
         `apt-get install postgresql`, `dnf install postgresql-server` or `brew install postgresql`"
    )
}

/// The installation that `folder` holds or links into. `initdb` wants its `postgres` beside it, links resolved.
fn look(folder: &Path) -> Option<Binaries> {
    let initdb = folder.join("initdb").canonicalize().ok()?;
    let folder = initdb.parent()?.to_path_buf();
    let said = Command::new(folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let version = version(&String::from_utf8_lossy(&said.stdout))?;
    Some(Binaries { folder, version })
}

/// The major version in what `postgres --version` says, such as `postgres (PostgreSQL) 17beta1`.
fn version(said: &str) -> Option<u32> {
    let (_, number) = said.split_once("(PostgreSQL) ")?;
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

fn versions(above: &Path, start: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(above) else {
        return Vec::new();
    };
    entries
        .filter_map(std::result::Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .map(|entry| entry.path().join(below))
        .collect()
}

/// Installs Debian's package, without the server of its own that it would start on port 5432: whoever runs tests has
/// not asked for one that stays.
fn install() -> Result<()> {
    let file = Path::new(NO_CLUSTER);
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, "create_main_cluster = false\n"))
        .map_err(|e| Failure::at(NO_CLUSTER, e))?;
    println!(
        "  PostgreSQL is installed as a package of the system; {NO_CLUSTER} keeps it from a server of its own, and is \
         removed afterwards"
    );
    let done = run(Command::new("apt-get").arg("update")).and_then(|()| {
        run(Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "--no-install-recommends", "postgresql"]))
    });
    let removed = std::fs::remove_file(file).map_err(|e| Failure::at(NO_CLUSTER, e));
    done.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A folder with an `initdb` and a `postgres` that says `version`.
    fn installation(above: &Path, name: &str, version: &str) -> PathBuf {
        let folder = above.canonicalize().unwrap().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for program in ["initdb", "postgres"] {
            let file = folder.join(program);
            let text = format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n");
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn found(path: &[&PathBuf], usual: &[&PathBuf]) -> Result<PathBuf> {
        let owned = |list: &[&PathBuf]| list.iter().map(|&at| at.clone()).collect();
        find(&Places {
            path: owned(path),
            usual: owned(usual),
        })
        .map(|found| found.folder)
    }

    #[test]
    fn the_version_is_read_from_every_form() {
        for (said, is) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0)\n", Some(15)),
            ("postgres (PostgreSQL) 17beta1\n", Some(17)),
            ("postgres (PostgreSQL) 9.6.24\n", Some(9)),
            ("postgres (PostgreSQL) 16", Some(16)),
            ("postgres (PostgreSQL) devel", None),
            ("something else 15", None),
            ("", None),
        ] {
            assert_eq!(version(said), is, "{said:?}");
        }
    }

    #[test]
    fn path_comes_first_then_the_highest_version_and_never_an_old_one() {
        let top = tempfile::tempdir().unwrap();
        let old = installation(top.path(), "old", "13.9");
        let plain = installation(top.path(), "plain", "14.1");
        let (nine, new) = (
            installation(top.path(), "9.6/bin", "9.6.1"),
            installation(top.path(), "16/bin", "16.2"),
        );
        assert_eq!(found(&[&old, &plain], &[&new]).unwrap(), plain);
        assert_eq!(found(&[&old], &[&nine, &plain, &new]).unwrap(), new);
        let listed = versions(top.path(), "1", "bin");
        assert_eq!(found(&[], &listed.iter().collect::<Vec<_>>()).unwrap(), new);
        // A link on the path stands for the installation that it leads to.
        let linked = top.path().join("linked");
        std::fs::create_dir(&linked).unwrap();
        symlink(new.join("initdb"), linked.join("initdb")).unwrap();
        assert_eq!(found(&[&linked], &[]).unwrap(), new);
    }

    #[test]
    fn an_absent_postgresql_is_named_with_the_command_that_installs_it() {
        let top = tempfile::tempdir().unwrap();
        let none = found(&[&top.path().join("none")], &[&top.path().into()]).unwrap_err();
        for part in [
            "PostgreSQL 14 or newer, initdb",
            "apt-get install postgresql",
        ] {
            assert!(none.to_string().contains(part), "{none}");
        }
        let old = installation(top.path(), "old", "13.9");
        let text = found(&[], &[&old]).unwrap_err().to_string();
        assert!(text.contains("old has version 13 only"), "{text}");
    }
}
