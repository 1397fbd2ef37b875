//! What stands between C and the library: each export does its work in here.

use crate::buffers;
use crate::exports::cmms_buf;
use cmms::core::code;
use cmms::embed::problem;
use cmms::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does the work of an export, gives its answer or its problem out, and answers the status.
///
/// # Safety
/// `to` is null or points to a buffer that may be written.
pub(crate) unsafe fn guarded(to: *mut cmms_buf, work: impl FnOnce() -> Result<Vec<u8>>) -> i32 {
    let done = catch_unwind(AssertUnwindSafe(|| {
        injected();
        work()
    }));
    let (status, text) = match done {
        Ok(Ok(text)) => (0, text),
        Ok(Err(e)) => (e.kind() as i32, problem(&e)),
        Err(_) => {
            let e = Error::internal("a defect of the library was caught");
            (e.kind() as i32, problem(&e))
        }
    };
    if !to.is_null() {
        let buffer = buffers::give(text);
        // SAFETY: it is not null, and the caller says that it may be written.
        unsafe { to.write(buffer) };
    }
    status
}

/// An argument that cannot be used.
pub(crate) fn refused(name: &str, why: &str) -> Error {
    Error::new(code::EMBED_ARGUMENT, format!("{name} {why}")).field(name, "bad_argument", why)
}

/// The bytes of a pointer and its length.
///
/// # Safety
/// `data` is null or points to `len` bytes that nobody writes meanwhile.
pub(crate) unsafe fn bytes<'a>(name: &str, data: *const u8, len: usize) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(refused(name, "is null, and its length is not 0"));
    }
    if isize::try_from(len).is_err() {
        return Err(refused(name, "is longer than the memory"));
    }
    // SAFETY: it is not null, no longer than a slice can be, and the caller says that the bytes are there.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// So, as text.
///
/// # Safety
/// As of [`bytes`].
pub(crate) unsafe fn text<'a>(name: &str, data: *const u8, len: usize) -> Result<&'a str> {
    // SAFETY: the caller's promise is that of `bytes`.
    let bytes = unsafe { bytes(name, data, len) }?;
    std::str::from_utf8(bytes).map_err(|_| refused(name, "is no UTF-8"))
}

#[cfg(feature = "failpoints")]
mod injection {
    use std::cell::Cell;

    thread_local! {
        static PANIC: Cell<bool> = const { Cell::new(false) };
    }

    /// Lets the next export that this thread calls have a defect.
    pub fn panic_next() {
        PANIC.set(true);
    }

    #[expect(clippy::panic, reason = "that is what it is for")]
    pub(super) fn injected() {
        if PANIC.take() {
            panic!("injected");
        }
    }
}
#[cfg(feature = "failpoints")]
use injection::injected;
#[cfg(feature = "failpoints")]
pub use injection::panic_next;

#[cfg(not(feature = "failpoints"))]
fn injected() {}
