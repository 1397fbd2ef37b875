//! The C interface: eleven functions, of which `cmms_call` is all operations.
//!
//! `include/cmms.h` is made of [`exports`] by `cargo xtask gen`. What a caller hands over is checked before it is used: a
//! null pointer, a handle that is none, a text that is no UTF-8 are errors, and a defect of ours is one, too; nothing
//! unwinds into C.

mod buffers;
pub mod exports;
mod guard;
mod handles;
mod opening;

#[cfg(feature = "failpoints")]
pub use guard::panic_next;
