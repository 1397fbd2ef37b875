//! The folder of one server, `target/xtask/postgres/NAME`: whose it is, and what an earlier run has left there.
//!
//! `lock` is held while a run uses the folder, `server.log` stays for whoever looks for a reason, `data` is the cluster.
//! Where the server's user cannot reach `data`, it is in the system's temporary directory instead; `elsewhere` then
//! tells the next run of it.

use super::user::User;
use crate::fail::{Failure, Result};
use crate::repo::works;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How a folder in the temporary directory begins; nothing else there is ever removed.
const TEMPORARY: &str = "cmms-postgres-";

/// A pause between two looks at something that will change soon.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// A folder for one server. The cluster is removed with it.
#[derive(Debug)]
pub(super) struct Place {
    /// The server's messages.
    pub(super) log: PathBuf,
    /// The cluster: a folder of the server's user, empty at first.
    pub(super) data: PathBuf,
    /// Whether the cluster is in the temporary directory.
    pub(super) temporary: bool,
    /// Given back by the system however xtask ends.
    lock: File,
}

impl Place {
    /// Takes the folder `name` for this run and clears it of what an earlier run has left.
    pub(super) fn take(root: &Path, name: &str, user: User) -> Result<Self> {
        let folder = root.join("target/xtask/postgres").join(name);
        let at = |e| Failure::at(folder.display(), e);
        fs::create_dir_all(&folder).map_err(at)?;
        let lock = File::create(folder.join("lock")).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(format!(
                    "another run has its PostgreSQL server in {}: end that one first",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(e)) => return Err(at(e)),
        }
        let (data, note) = (folder.join("data"), folder.join("elsewhere"));
        clear(&data)?;
        if let Ok(path) = fs::read_to_string(&note) {
            let path = Path::new(path.trim());
            if is_temporary(path) {
                clear(path)?;
            }
            fs::remove_file(&note).map_err(at)?;
        }
        let mut place = Self {
            log: folder.join("server.log"),
            data,
            temporary: false,
            lock,
        };
        if !place.make(user)? {
            place.go_elsewhere(user, &note)?;
        }
        Ok(place)
    }

    /// Moves to the system's temporary directory.
    fn go_elsewhere(&mut self, user: User, note: &Path) -> Result<()> {
        let name = format!("{TEMPORARY}{}", super::random()?);
        let there = std::env::temp_dir().join(name);
        clear(&self.data)?;
        let here = std::mem::replace(&mut self.data, there);
        let (here, there) = (here.display(), self.data.display().to_string());
        eprintln!("  the server's user cannot reach {here}: the cluster is in {there}");
        self.temporary = true;
        fs::write(note, &there).map_err(|e| Failure::at(note.display(), e))?;
        if self.make(user)? {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the server's user can reach neither {here} nor {there}: TMPDIR may name a folder that it can"
        )))
    }

    /// Makes the cluster's folder, which must not be there: no one can have put a link in its place. Whether the server's
    /// user can reach it is the answer.
    fn make(&self, user: User) -> Result<bool> {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&self.data)
            .map_err(|e| Failure::at(self.data.display(), e))?;
        user.give(&self.data)?;
        Ok(works(&mut user.command("true", &self.data)))
    }

    /// The last lines of the log.
    pub(super) fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let start = lines.len().saturating_sub(20);
        let last = lines.get(start..).unwrap_or_default().join("\n  ");
        format!("{} ends with:\n  {last}", self.log.display())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(failure) = clear(&self.data) {
            eprintln!("xtask: {failure}");
        }
        // Closing the file is not enough: a process that another thread is just starting has it open, too.
        let _ = self.lock.unlock();
    }
}

fn is_temporary(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY))
}

/// Stops the server of a cluster, if there is one, and removes the cluster.
fn clear(data: &Path) -> Result<()> {
    stop_stale(data)?;
    match fs::remove_dir_all(data) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Failure::at(data.display(), e)),
        _ => Ok(()),
    }
}

/// Stops a server that an earlier run could not stop.
fn stop_stale(data: &Path) -> Result<()> {
    let Some(pid) = stale(data) else {
        return Ok(());
    };
    let number = pid.as_raw_nonzero();
    eprintln!(
        "  process {number} is a PostgreSQL server of an earlier run in {}: it is stopped",
        data.display()
    );
    for signal in [Signal::INT, Signal::QUIT] {
        // It may have ended since.
        let _ = kill_process(pid, signal);
        for _ in 0..400 {
            if stale(data) != Some(pid) {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
    Err(Failure::new(format!(
        "process {number}, a PostgreSQL server of an earlier run, does not stop"
    )))
}

/// The process that the cluster's own note names, if that is really a server of this cluster: after a crash of the
/// machine the number may be anyone's.
fn stale(data: &Path) -> Option<Pid> {
    let note = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let number: i32 = note.lines().next()?.trim().parse().ok()?;
    serves(&arguments(number)?, data)
        .then(|| Pid::from_raw(number))
        .flatten()
}

/// How a process was started: its words with a space between them.
fn arguments(number: i32) -> Option<String> {
    // Small images of Linux have no `ps`.
    if let Ok(bytes) = fs::read(format!("/proc/{number}/cmdline")) {
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let said = Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &number.to_string()])
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&said.stdout).into_owned())
}

/// Whether these are the words that [`super::process`] starts a server of this cluster with.
fn serves(arguments: &str, data: &Path) -> bool {
    arguments
        .split_once(&format!(" -D {} -c ", data.display()))
        .is_some_and(|(program, _)| program.ends_with("/postgres"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_of_this_folder_counts_as_left_over() {
        let data = Path::new("/r/target/data");
        assert!(serves(
            "/usr/lib/pg/bin/postgres -D /r/target/data -c port=1 ",
            data
        ));
        for other in [
            "/usr/lib/pg/bin/postgres -D /r/target/data2 -c port=1",
            "/usr/lib/pg/bin/postgres -D /r/target -c port=1",
            "vim /r/target/data",
            "/bin/notpostgres -D /r/target/data -c port=1",
            "",
        ] {
            assert!(!serves(other, data), "{other}");
        }
        assert!(is_temporary(Path::new("/tmp/cmms-postgres-1f")));
        assert!(!is_temporary(Path::new("/tmp")) && !is_temporary(Path::new("/")));
    }

    #[test]
    fn a_note_that_names_another_process_stops_nothing() {
        let top = tempfile::tempdir().unwrap();
        let data = top.path().join("data");
        fs::create_dir(&data).unwrap();
        // This very process.
        fs::write(
            data.join("postmaster.pid"),
            format!("{}\n", std::process::id()),
        )
        .unwrap();
        assert_eq!(stale(&data), None);
        clear(&data).unwrap();
        assert!(!data.exists());
        clear(&data).unwrap();
    }

    #[test]
    fn a_folder_serves_one_run_at_a_time() {
        let top = tempfile::tempdir().unwrap();
        let user = User::pick().unwrap();
        let first = Place::take(top.path(), "a", user).unwrap();
        let second = Place::take(top.path(), "a", user).unwrap_err();
        assert!(second.to_string().contains("another run"), "{second}");
        Place::take(top.path(), "b", user).unwrap();
        let data = first.data.clone();
        assert!(data.is_dir());
        drop(first);
        assert!(!data.exists());
        Place::take(top.path(), "a", user).unwrap();
    }
}
