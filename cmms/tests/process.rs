//! The owner of a run is alive only while the same process of the same boot runs.
#![cfg(unix)]
#![expect(
    clippy::expect_used,
    reason = "the functions that tests share may fail as tests do"
)]

use cmms::process::HostProcesses;
use cmms_core::ports::process::{ProcessId, Processes};
use std::process::{Child, Command, Stdio};

fn sleeper() -> Child {
    let mut command = Command::new("sleep");
    command
        .arg("600")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.spawn().expect("this system has `sleep`")
}

/// The child as it would describe itself.
#[cfg(target_os = "linux")]
fn described(child: &Child) -> ProcessId {
    let stat = std::fs::read(format!("/proc/{}/stat", child.id())).expect("it runs");
    let stat = String::from_utf8_lossy(&stat).into_owned();
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let started = fields.split_whitespace().nth(19).expect("field 22");
    ProcessId {
        boot: HostProcesses.me().boot,
        pid: child.id(),
        started: started.parse().expect("a number"),
    }
}

#[test]
fn this_process_is_alive() {
    let me = HostProcesses.me();
    assert_eq!(me.pid, std::process::id());
    assert_eq!(me, HostProcesses.me());
    assert!(HostProcesses.is_alive(&me));
    if cfg!(target_os = "linux") {
        // Numbers of processes count within a namespace, such as a container's.
        let (boot, namespace) = me.boot.split_once(' ').expect("a namespace");
        assert_eq!(boot.len(), 36, "{}", me.boot);
        assert!(namespace.starts_with("pid:["), "{}", me.boot);
        assert!(me.started > 0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_is_alive_then_a_zombie_then_gone() {
    let mut child = sleeper();
    let id = described(&child);
    assert!(HostProcesses.is_alive(&id));
    child.kill().unwrap();
    // Nobody has waited for it, so it stays as a zombie. Waiting without reaping needs a look at it.
    let stat = format!("/proc/{}/stat", id.pid);
    while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
        std::thread::yield_now();
    }
    assert!(!HostProcesses.is_alive(&id), "a zombie is dead");
    child.wait().unwrap();
    assert!(!HostProcesses.is_alive(&id), "it is gone");
}

#[cfg(target_os = "linux")]
#[test]
fn a_later_process_with_the_same_number_is_another() {
    let mut child = sleeper();
    let id = described(&child);
    for started in [id.started - 1, id.started + 1, u64::MAX] {
        let earlier = ProcessId {
            started,
            ..id.clone()
        };
        assert!(!HostProcesses.is_alive(&earlier), "{started}");
    }
    // Where the start was not known the number has to do.
    assert!(HostProcesses.is_alive(&ProcessId {
        started: 0,
        ..id.clone()
    }));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_process_of_another_boot_is_dead() {
    let me = HostProcesses.me();
    for boot in ["", "00000000-0000-0000-0000-000000000000"] {
        let boot = boot.to_owned();
        assert!(!HostProcesses.is_alive(&ProcessId { boot, ..me.clone() }));
    }
}

#[test]
fn numbers_that_no_process_has_are_dead() {
    for pid in [0, i32::MAX as u32, u32::MAX] {
        assert!(
            !HostProcesses.is_alive(&ProcessId {
                pid,
                ..HostProcesses.me()
            }),
            "{pid}"
        );
    }
}

#[test]
fn a_child_that_was_waited_for_is_dead() {
    let mut child = sleeper();
    child.kill().unwrap();
    child.wait().unwrap();
    let id = ProcessId {
        pid: child.id(),
        started: 0,
        ..HostProcesses.me()
    };
    assert!(!HostProcesses.is_alive(&id));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_with_parentheses_and_spaces_hides_nothing() {
    use std::os::unix::process::CommandExt as _;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("s) Z 1 (x");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let mut child = Command::new(&program)
        .arg0("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    assert!(stat.contains("(s) Z 1 (x)"), "{stat}");
    let id = described(&child);
    assert!(HostProcesses.is_alive(&id));
    assert!(!HostProcesses.is_alive(&ProcessId {
        started: id.started + 1,
        ..id.clone()
    }));
    child.kill().unwrap();
    child.wait().unwrap();
}
