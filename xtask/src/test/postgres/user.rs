//! Who runs the server: PostgreSQL refuses to run as root.

use crate::fail::{Failure, Result};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Whom the server's processes and its data belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// Whoever runs xtask.
    Oneself,
    /// An unprivileged user, when xtask runs as root.
    Other {
        /// The user's number.
        uid: u32,
        /// The number of the user's group.
        gid: u32,
    },
}

impl User {
    /// Oneself; as root the user `postgres` of the system's package, or `nobody`.
    pub(super) fn pick() -> Result<Self> {
        if !Self::is_root() {
            return Ok(Self::Oneself);
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| {
                Some(Self::Other {
                    uid: id("-u", name)?,
                    gid: id("-g", name)?,
                })
            })
            .ok_or_else(|| {
                Failure::new(
                    "PostgreSQL does not run as root, and there is neither a user `postgres` nor a user `nobody`: \
                     `useradd --system postgres`",
                )
            })
    }

    /// Whether xtask runs as root.
    pub(super) fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// A command that this user runs, in `folder`. The variables that steer PostgreSQL's programs are the caller's
    /// own affair and are left out.
    pub(super) fn command(self, program: impl AsRef<Path>, folder: &Path) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(folder).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(&name);
            }
        }
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes `path` belong to this user.
    pub(super) fn give(self, path: &Path) -> Result<()> {
        match self {
            Self::Oneself => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::chown(path, Some(uid), Some(gid))
                .map_err(|e| Failure::at(path.display(), e)),
        }
    }
}

/// What the system's `id` says; root is no answer.
fn id(which: &str, name: &str) -> Option<u32> {
    let said = Command::new("id").args([which, name]).output().ok()?;
    let number = String::from_utf8(said.stdout).ok()?.trim().parse().ok()?;
    (number != 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_never_runs_as_root() {
        let user = User::pick().unwrap();
        let said = user
            .command("id", Path::new("/"))
            .arg("-u")
            .output()
            .unwrap();
        assert!(said.status.success());
        assert_ne!(String::from_utf8(said.stdout).unwrap().trim(), "0");
        assert_eq!(user == User::Oneself, !User::is_root());
        assert_eq!(id("-u", "root"), None);
    }
}
