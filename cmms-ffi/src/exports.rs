//! What C sees. `cargo xtask gen` makes `include/cmms.h` of this file alone.
#![expect(
    non_camel_case_types,
    reason = "the names of C's types are those of the header"
)]

use crate::buffers;
use crate::guard::{bytes, guarded, refused, text};
use crate::handles::Handles;
use crate::opening;
use cmms::core::ops::schema;
use cmms::embed::{Call, Embedded};
use cmms::{Error, Result};
use tokio_util::sync::CancellationToken;

/// The version of this interface; a library serves clients of the same one.
pub const CMMS_ABI_VERSION: u32 = 1;

/// An open client. 0 is none.
pub type cmms_client = u64;

/// What ends calls that are under way. 0 is none.
pub type cmms_cancel = u64;

/// A text of the library, in UTF-8, not ended by 0. Give each back by `cmms_buf_free`, once.
#[repr(C)]
#[derive(Debug)]
pub struct cmms_buf {
    /// Its first byte.
    pub data: *mut u8,
    /// How many bytes it has.
    pub len: usize,
    /// How many there is room for.
    pub cap: usize,
}

/// What a call may say beside its input. Set all of it to 0 first, then `size`.
#[repr(C)]
#[derive(Debug)]
pub struct cmms_call_opts {
    /// `sizeof(cmms_call_opts)`: a later version may have more fields behind these.
    pub size: usize,
    /// Ends the call when it is fired; 0: nothing does.
    pub cancel: cmms_cancel,
    /// Does the call once, however often it is repeated with this key; null: no key.
    pub idempotency_key: *const u8,
    /// Its length in bytes.
    pub idempotency_key_len: usize,
}

static CLIENTS: Handles<Embedded> = Handles::of_kind(0xC1);
static CANCELS: Handles<CancellationToken> = Handles::of_kind(0xCA);

/// The version of this interface, `CMMS_ABI_VERSION` of the library's own header.
#[unsafe(no_mangle)]
pub extern "C" fn cmms_abi_version() -> u32 {
    CMMS_ABI_VERSION
}

/// The version of the library, as a JSON string.
///
/// # Safety
/// `out` is null or points to a buffer that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_version(out: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { answered(out, || json(&env!("CARGO_PKG_VERSION"))) }
}

/// All operations with the schemas of their inputs and answers, as JSON: `api/operations.json`.
///
/// # Safety
/// `out` is null or points to a buffer that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_operations(out: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { answered(out, || json(&schema::operations())) }
}

/// All error codes with what to do, as JSON: `api/errors.json`. A status is the `number` of an error's kind.
///
/// # Safety
/// `out` is null or points to a buffer that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_errors(out: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { answered(out, || json(&schema::errors())) }
}

/// Opens a database. `config` is JSON: `{"url": "sqlite://cmms.db"}`, with `organization`, `settings`, `abi`, `client` and
/// `operations` where they are wanted; without bytes it is `{}`.
///
/// Answers 0 and a client, or a status with a problem document in `err`.
///
/// # Safety
/// `config` points to `len` bytes; `out` and `err` are null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_open(
    config: *const u8,
    len: usize,
    out: *mut cmms_client,
    err: *mut cmms_buf,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        guarded(err, || {
            if out.is_null() {
                return Err(refused("out", "is null"));
            }
            out.write(0);
            let options = opening::options(bytes("config", config, len)?)?;
            out.write(CLIENTS.put(Embedded::open(options)?));
            Ok(Vec::new())
        })
    }
}

/// Closes a client: its calls and runs end at their next safe point. A handle that is closed already is an error.
///
/// # Safety
/// `err` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_close(client: cmms_client, err: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        guarded(err, || {
            let closing = CLIENTS.take(client);
            closing
                .ok_or_else(|| refused("client", "is no open client"))?
                .close()?;
            Ok(Vec::new())
        })
    }
}

/// Calls an operation, such as `work_orders.create`, with its input as JSON, and waits for its end. Any number of threads
/// may call at once.
///
/// Answers 0 and the answer in `out`, or a status and a problem document there.
///
/// # Safety
/// `op` points to `op_len` bytes, `input` to `input_len`; `opts` is null or points to as many bytes as its `size` says;
/// `out` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_call(
    client: cmms_client,
    op: *const u8,
    op_len: usize,
    input: *const u8,
    input_len: usize,
    opts: *const cmms_call_opts,
    out: *mut cmms_buf,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        answered(out, || {
            let client = CLIENTS.get(client);
            let client = client.ok_or_else(|| refused("client", "is no open client"))?;
            let (cancel, key) = options(opts)?;
            let call = Call {
                operation: text("op", op, op_len)?,
                input: bytes("input", input, input_len)?,
                idempotency_key: key,
            };
            client.call(call, &cancel, || true)
        })
    }
}

/// Makes what ends calls: give it to them in their options, and fire it from another thread.
///
/// # Safety
/// `out` and `err` are null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_cancel_new(out: *mut cmms_cancel, err: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        guarded(err, || {
            if out.is_null() {
                return Err(refused("out", "is null"));
            }
            out.write(CANCELS.put(CancellationToken::new()));
            Ok(Vec::new())
        })
    }
}

/// Ends the calls that have it, at their next safe point, and those that will get it.
///
/// # Safety
/// `err` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_cancel_fire(cancel: cmms_cancel, err: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        guarded(err, || {
            token(cancel)?.cancel();
            Ok(Vec::new())
        })
    }
}

/// Gives it up. Calls that have it go on.
///
/// # Safety
/// `err` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_cancel_free(cancel: cmms_cancel, err: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        guarded(err, || {
            let taken = CANCELS.take(cancel);
            taken.ok_or_else(|| refused("cancel", "is none that can be fired"))?;
            Ok(Vec::new())
        })
    }
}

/// Gives a text of the library back and empties the buffer. One without a text is left as it is.
///
/// # Safety
/// `buf` is null or points to a buffer that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cmms_buf_free(buf: *mut cmms_buf) -> i32 {
    // SAFETY: the caller's promise; the numbers in the buffer are not believed.
    unsafe {
        guarded(std::ptr::null_mut(), || {
            if buf.is_null() {
                return Err(refused("buf", "is null"));
            }
            let data = (*buf).data;
            if data.is_null() {
                return Ok(Vec::new());
            }
            if !buffers::take(data) {
                return Err(refused("buf", "holds no text of the library"));
            }
            buf.write(cmms_buf {
                data: std::ptr::null_mut(),
                len: 0,
                cap: 0,
            });
            Ok(Vec::new())
        })
    }
}

/// As [`guarded`], for an answer that is of no use where nobody can take it.
///
/// # Safety
/// `out` is null or may be written.
unsafe fn answered(out: *mut cmms_buf, work: impl FnOnce() -> Result<Vec<u8>>) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        guarded(out, || {
            if out.is_null() {
                return Err(refused("out", "is null"));
            }
            work()
        })
    }
}

/// What the options of a call say.
///
/// # Safety
/// `opts` is null or points to as many bytes as its `size` says.
unsafe fn options<'a>(opts: *const cmms_call_opts) -> Result<(CancellationToken, Option<&'a str>)> {
    if opts.is_null() {
        return Ok((CancellationToken::new(), None));
    }
    // SAFETY: the size is the first field of every version.
    let size = unsafe { opts.cast::<usize>().read_unaligned() };
    if size < size_of::<cmms_call_opts>() {
        return Err(refused("opts.size", "is less than the options have"));
    }
    // SAFETY: there are as many bytes as all fields take.
    let opts = unsafe { opts.read_unaligned() };
    let cancel = match opts.cancel {
        0 => CancellationToken::new(),
        cancel => token(cancel)?,
    };
    if opts.idempotency_key.is_null() {
        return Ok((cancel, None));
    }
    let (key, len) = (opts.idempotency_key, opts.idempotency_key_len);
    // SAFETY: the caller's promise.
    let key = unsafe { text("opts.idempotency_key", key, len) }?;
    Ok((cancel, Some(key)))
}

fn token(cancel: cmms_cancel) -> Result<CancellationToken> {
    let found = CANCELS.get(cancel);
    let found = found.ok_or_else(|| refused("cancel", "is none that can be fired"))?;
    Ok((*found).clone())
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::internal("an answer cannot be written").source(e))
}
