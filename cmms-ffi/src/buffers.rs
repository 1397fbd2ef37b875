//! The texts that callers are given, and get rid of again.

use crate::exports::cmms_buf;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The buffers that are out, by their address: one that is given back twice, or that was never given, is found out.
fn out() -> &'static Mutex<HashMap<usize, Vec<u8>>> {
    static OUT: OnceLock<Mutex<HashMap<usize, Vec<u8>>>> = OnceLock::new();
    OUT.get_or_init(Mutex::default)
}

/// Hands a text out. The caller may read and write it, and change the numbers beside it, without harm to us.
pub(crate) fn give(mut text: Vec<u8>) -> cmms_buf {
    if text.capacity() == 0 {
        text.reserve_exact(1);
    }
    let buffer = cmms_buf {
        data: text.as_mut_ptr(),
        len: text.len(),
        cap: text.capacity(),
    };
    let mut all = out().lock().unwrap_or_else(PoisonError::into_inner);
    all.insert(buffer.data as usize, text);
    buffer
}

/// Takes a text back and says whether it was out.
pub(crate) fn take(data: *const u8) -> bool {
    let mut all = out().lock().unwrap_or_else(PoisonError::into_inner);
    all.remove(&(data as usize)).is_some()
}
