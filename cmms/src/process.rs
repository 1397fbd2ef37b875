//! The processes of this host: whether the owner of a run still lives.
//!
//! On Linux a process is told apart from a later one with the same number by its start time, within the boot
//! of the host. Elsewhere on Unix only its number is known, and where nothing is known every other process
//! counts as alive: to take over a run that still goes on would be worse than to wait.

use cmms_core::ports::process::{ProcessId, Processes};

/// The boot and the start time where the host does not tell them.
const UNKNOWN_BOOT: &str = "unknown";
const UNKNOWN_START: u64 = 0;

/// The host's processes.
#[derive(Debug, Default, Clone, Copy)]
pub struct HostProcesses;

impl Processes for HostProcesses {
    // Asked anew each time: after a fork this is another process.
    fn me(&self) -> ProcessId {
        let pid = std::process::id();
        ProcessId {
            boot: boot(),
            pid,
            started: match look(pid) {
                Seen::Started(at) => at,
                Seen::Gone | Seen::There => UNKNOWN_START,
            },
        }
    }

    fn is_alive(&self, process: &ProcessId) -> bool {
        if process.boot != boot() {
            return false;
        }
        match look(process.pid) {
            Seen::Gone => false,
            Seen::There => true,
            Seen::Started(at) => process.started == UNKNOWN_START || process.started == at,
        }
    }
}

/// What can be seen of a process number.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// Nothing runs under it; a zombie does not run.
    Gone,
    /// Something does.
    There,
    /// Something does, since then.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux tells the start time")
    )]
    Started(u64),
}

/// The boot and the namespace of process numbers: containers of one host have numbers of their own.
#[cfg(target_os = "linux")]
fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| UNKNOWN_BOOT.to_owned());
    match std::fs::read_link("/proc/self/ns/pid") {
        Ok(namespace) => format!("{boot} {}", namespace.display()),
        Err(_) => boot,
    }
}

#[cfg(not(target_os = "linux"))]
fn boot() -> String {
    UNKNOWN_BOOT.to_owned()
}

#[cfg(target_os = "linux")]
fn look(pid: u32) -> Seen {
    // The bytes, not text: a program's name may be anything.
    let seen = std::fs::read(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| parse_stat(&stat));
    // Without /proc, or where it hides other users' processes (hidepid), the number still tells something.
    seen.unwrap_or_else(|| by_number(pid))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn look(pid: u32) -> Seen {
    by_number(pid)
}

#[cfg(not(unix))]
fn look(_: u32) -> Seen {
    Seen::There
}

/// Reads `pid (comm) state ppid … starttime`. The name in parentheses may itself hold spaces and parentheses,
/// so the fields are counted from the last `)`: the state is field 3, the start time field 22.
#[cfg(target_os = "linux")]
fn parse_stat(stat: &[u8]) -> Option<Seen> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    let mut fields = fields.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return Some(Seen::Gone);
    }
    fields.nth(18)?.parse().ok().map(Seen::Started)
}

/// Asks with the empty signal. A refusal means that it is there.
#[cfg(unix)]
fn by_number(pid: u32) -> Seen {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return Seen::Gone;
    };
    match test_kill_process(pid) {
        Err(Errno::SRCH) => Seen::Gone,
        _ => Seen::There,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn stat(comm: &str, state: &str, started: &str) -> Vec<u8> {
        let zeros = "0 ".repeat(18);
        format!("42 ({comm}) {state} {zeros}{started} 1 2 3\n").into_bytes()
    }

    #[test]
    fn start_time_is_found_behind_any_name() {
        for comm in ["sleep", "a b", ") R 1 2 3", "((", "))", "", "x) Z 1"] {
            assert_eq!(
                parse_stat(&stat(comm, "S", "777")),
                Some(Seen::Started(777)),
                "{comm}"
            );
        }
        let mut not_text = stat("?", "R", "5");
        not_text[4] = 0xff;
        assert_eq!(parse_stat(&not_text), Some(Seen::Started(5)));
    }

    #[test]
    fn zombies_and_the_dead_are_gone() {
        for state in ["Z", "X", "x"] {
            assert_eq!(parse_stat(&stat("sleep", state, "777")), Some(Seen::Gone));
        }
    }

    #[test]
    fn broken_lines_tell_nothing() {
        for line in ["", "1 (x", "1 (x)", "1 (x) S 1 2", "1 (x) S \u{fffd}"] {
            assert_eq!(parse_stat(line.as_bytes()), None, "{line}");
        }
        assert_eq!(parse_stat(&stat("x", "S", "-1")), None);
    }

    #[test]
    fn numbers_that_no_process_has_are_gone() {
        assert_eq!(by_number(0), Seen::Gone);
        assert_eq!(by_number(u32::MAX), Seen::Gone);
        assert_eq!(by_number(std::process::id()), Seen::There);
    }
}
