//! The exports, called as C calls them.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "all pointers here are the test's own, or null"
)]

use cmms_ffi::exports::*;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Handles are of the process, and a random one may be another test's.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn empty() -> cmms_buf {
    cmms_buf {
        data: null_mut(),
        len: 0,
        cap: 0,
    }
}

/// The text of a buffer, which is given back.
fn text(buf: &mut cmms_buf) -> String {
    if buf.data.is_null() {
        return String::new();
    }
    let text = unsafe { std::slice::from_raw_parts(buf.data, buf.len) };
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert_eq!(unsafe { cmms_buf_free(buf) }, 0);
    text
}

fn open(folder: &tempfile::TempDir) -> u64 {
    let url = format!("sqlite://{}", folder.path().join("cmms.db").display());
    let config = format!("{{\"url\": {url:?}}}");
    let (mut client, mut err) = (0, empty());
    let status = unsafe { cmms_open(config.as_ptr(), config.len(), &mut client, &mut err) };
    assert_eq!(status, 0, "{}", text(&mut err));
    text(&mut err);
    client
}

fn call(client: u64, op: &str, input: &str) -> (i32, String) {
    let mut out = empty();
    let status = unsafe {
        cmms_call(
            client,
            op.as_ptr(),
            op.len(),
            input.as_ptr(),
            input.len(),
            null(),
            &mut out,
        )
    };
    (status, text(&mut out))
}

#[test]
fn random_handles_are_errors() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let client = open(&folder);
    let count = if release_tier() { 1_000_000 } else { 50_000 };
    let mut random = fastrand::Rng::with_seed(20_261_128);
    for _ in 0..count {
        // Some near those that are given out.
        let handle = match random.u8(..4) {
            0 => client ^ (1 << random.u32(..64)),
            1 => client.wrapping_add(random.u64(1..1_000)),
            _ => random.u64(..),
        };
        unsafe {
            assert_eq!(cmms_close(handle, null_mut()), 2);
            assert_eq!(cmms_cancel_fire(handle, null_mut()), 2);
            assert_eq!(cmms_cancel_free(handle, null_mut()), 2);
        }
        assert_eq!(call(handle, "work_orders.list", "{}").0, 2);
    }
    println!("{count} random handles");
    assert_eq!(
        call(client, "work_orders.list", "{}").0,
        0,
        "it is still open"
    );
    unsafe {
        assert_eq!(cmms_close(client, null_mut()), 0);
        assert_eq!(cmms_close(client, null_mut()), 2);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test command says so in the environment"
)]
fn release_tier() -> bool {
    std::env::var("CMMS_TEST_TIER").is_ok_and(|tier| tier == "release")
}

/// A defect in each export is caught there, and the next call works.
#[cfg(feature = "failpoints")]
#[test]
fn defects_do_not_unwind_into_c() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let client = open(&folder);
    let (mut handle, op) = (0_u64, "work_orders.list");
    type Export<'a> = Box<dyn FnMut(&mut cmms_buf) -> i32 + 'a>;
    let exports: Vec<(&str, Export<'_>)> = vec![
        ("cmms_version", Box::new(|out| unsafe { cmms_version(out) })),
        (
            "cmms_operations",
            Box::new(|out| unsafe { cmms_operations(out) }),
        ),
        ("cmms_errors", Box::new(|out| unsafe { cmms_errors(out) })),
        (
            "cmms_open",
            Box::new(|out| unsafe { cmms_open(null(), 0, &mut handle, out) }),
        ),
        (
            "cmms_call",
            Box::new(|out| unsafe {
                cmms_call(client, op.as_ptr(), op.len(), null(), 0, null(), out)
            }),
        ),
        (
            "cmms_cancel_new",
            Box::new(|out| unsafe { cmms_cancel_new(null_mut(), out) }),
        ),
        (
            "cmms_cancel_fire",
            Box::new(|out| unsafe { cmms_cancel_fire(0, out) }),
        ),
        (
            "cmms_cancel_free",
            Box::new(|out| unsafe { cmms_cancel_free(0, out) }),
        ),
        ("cmms_close", Box::new(|out| unsafe { cmms_close(0, out) })),
    ];
    let names: Vec<&str> = exports.iter().map(|(name, _)| *name).collect();
    for (name, mut export) in exports {
        let mut out = empty();
        cmms_ffi::panic_next();
        assert_eq!(export(&mut out), 16, "{name}");
        assert!(text(&mut out).contains("CMMS-INTERNAL-001"), "{name}");
    }
    cmms_ffi::panic_next();
    assert_eq!(unsafe { cmms_buf_free(&mut empty()) }, 16);
    let (status, said) = call(client, op, "{}");
    assert_eq!(status, 0, "{said}");
    // The list above has all of them but those that do nothing that can fail.
    let header = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../include/cmms.h"));
    let declared = header.unwrap();
    let declared = declared.lines().filter_map(|line| {
        let (before, _) = line.split_once('(')?;
        let name = before.strip_prefix("int32_t ")?;
        (!names.contains(&name) && name != "cmms_buf_free").then(|| name.to_owned())
    });
    assert_eq!(declared.collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(unsafe { cmms_close(client, null_mut()) }, 0);
}
