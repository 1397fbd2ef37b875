//! The process of a server: how it is started, awaited and stopped.
//!
//! It is stopped by its id and nothing else: by [`Process`]'s drop when the run ends, by the terminal's own signal on
//! Ctrl-C since it is in xtask's process group, and by a [watcher](WATCHER) when xtask ends in any other way.

use super::find::Binaries;
use super::place::{PAUSE, Place};
use super::user::User;
use crate::fail::{Failure, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};

/// Settings of the server beside its port. It writes to the disk as it would in production: tests kill it.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    // A socket's path may be longer than the system allows, and nobody needs one.
    "unix_socket_directories=",
    "max_connections=100",
    "shared_buffers=256MB",
    "fsync=on",
    // Enough after a crash; nothing is replicated.
    "wal_level=minimal",
    "max_wal_senders=0",
    // Costs more than it saves in the short queries of tests.
    "jit=off",
    // The same on every machine.
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=warning",
    "logging_collector=off",
];

/// Stops the server when xtask can no longer do it, having been ended itself.
///
/// Its input is a pipe from xtask, so reading ends when xtask does, however that comes about. The number is compared
/// with the cluster's own note, which the server removes when it ends: nobody else's process is stopped.
const WATCHER: &str = r#"
data=$1 server=$2 remove=$3
trap '' HUP INT TERM
while read -r _; do :; done
if read -r pid <"$data/postmaster.pid" && [ "$pid" = "$server" ] && kill -INT "$server"; then
    while [ -e "$data/postmaster.pid" ] && kill -0 "$server"; do sleep 1; done
fi
[ -z "$remove" ] || rm -rf -- "$remove"
"#;

/// A server's process; it ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    watcher: Option<Child>,
}

impl Process {
    /// Starts the server of the cluster on this port.
    pub(super) fn start(binaries: &Binaries, user: User, place: &Place, port: u16) -> Result<Self> {
        let log = File::create(&place.log).map_err(|e| Failure::at(place.log.display(), e))?;
        let both = log.try_clone();
        let both = both.map_err(|e| Failure::at(place.log.display(), e))?;
        let program = binaries.folder.join("postgres");
        let mut command = user.command(&program, &place.data);
        command.arg("-D").arg(&place.data);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let child = command
            .args(["-c", &format!("port={port}")])
            .stdin(Stdio::null())
            .stdout(both)
            .stderr(log)
            .spawn()
            .map_err(|e| Failure::at(program.display(), e))?;
        let mut process = Self {
            child,
            watcher: None,
        };
        let removed = if place.temporary {
            place.data.as_path()
        } else {
            Path::new("")
        };
        let watcher = user
            .command("sh", Path::new("/"))
            .args(["-c", WATCHER, "sh"])
            .arg(&place.data)
            .arg(process.child.id().to_string())
            .arg(removed)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        process.watcher = Some(watcher.map_err(|e| Failure::at("sh", e))?);
        Ok(process)
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it answers; `false` means that another program has its port.
    pub(super) fn wait_ready(&mut self, place: &Place) -> Result<bool> {
        // A minute.
        for _ in 0..1200 {
            if let Some(status) = self.ended()? {
                let log = fs::read_to_string(&place.log).unwrap_or_default();
                if log.contains("could not bind") {
                    return Ok(false);
                }
                return Err(crashed(status, place));
            }
            if is_ready(&place.data) {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        Err(Failure::new(format!(
            "PostgreSQL does not answer after a minute; {}",
            place.tail()
        )))
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let ended = self.child.try_wait();
        ended.map_err(|e| Failure::at("the PostgreSQL server", e))
    }

    /// Waits until someone stops it.
    pub(super) fn wait(&mut self) -> Result<ExitStatus> {
        let ended = self.child.wait();
        ended.map_err(|e| Failure::at("the PostgreSQL server", e))
    }

    /// Whether it has ended within this many seconds.
    fn ends_within(&mut self, seconds: u32) -> bool {
        for _ in 0..seconds * 20 {
            if matches!(self.ended(), Ok(Some(_))) {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Closes its connections and writes everything; closes them and writes nothing; is ended by the system.
        for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
            // Its number is its own until it has been waited for.
            if !matches!(self.ended(), Ok(Some(_)))
                && let Ok(number) = i32::try_from(self.child.id())
                && let Some(pid) = Pid::from_raw(number)
            {
                let _ = kill_process(pid, signal);
            }
            if self.ends_within(20) {
                break;
            }
            eprintln!(
                "xtask: PostgreSQL's process {} does not stop",
                self.child.id()
            );
        }
        if let Some(mut watcher) = self.watcher.take() {
            // Nothing is left to watch, and the server's number is free for others from here on.
            let _ = watcher.kill();
            let _ = watcher.wait();
        }
    }
}

/// The failure of a server that has ended by itself.
pub(super) fn crashed(status: ExitStatus, place: &Place) -> Failure {
    Failure::new(format!(
        "the PostgreSQL server has ended ({status}); {}",
        place.tail()
    ))
}

/// What `pg_ctl` waits for: the eighth line of the cluster's note.
fn is_ready(data: &Path) -> bool {
    fs::read_to_string(data.join("postmaster.pid"))
        .is_ok_and(|note| note.lines().nth(7).is_some_and(|l| l.trim() == "ready"))
}
