//! Files that the user names, and standard input: texts in UTF-8, with or without a byte order mark.

use cmms::core::encoding;
use cmms::{Error, Result, code};
use std::io::Read as _;
use std::path::Path;

/// Reads a small text file that the user named.
pub(super) fn read_file(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|e| {
        Error::new(
            code::CONFIG_VALUE,
            format!("{} cannot be read: {e}", path.display()),
        )
        .remedy_is("Check the name of the file and whether you may read it.")
    })?;
    text(bytes, code::CONFIG_VALUE, &path.display().to_string())
}

/// Reads standard input to its end.
pub(super) fn read_stdin() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|e| {
            Error::new(
                code::INPUT_UNREADABLE,
                format!("standard input cannot be read: {e}"),
            )
        })?;
    text(bytes, code::INPUT_UNREADABLE, "standard input")
}

fn text(bytes: Vec<u8>, code: &'static cmms::core::error::Code, what: &str) -> Result<String> {
    let is_utf16 = encoding::is_utf16(&bytes);
    let mark = bytes.len() - encoding::without_mark(&bytes).len();
    match String::from_utf8(bytes) {
        Ok(mut text) if !is_utf16 => {
            text.drain(..mark);
            Ok(text)
        }
        _ => {
            let is = if is_utf16 { "UTF-16" } else { "something else" };
            Err(
                Error::new(code, format!("{what} is {is}, not text in UTF-8"))
                    .remedy_is("Save it as UTF-8 and try again."),
            )
        }
    }
}
