//! Files that hold a master key: 32 bytes in base64, for their owner's eyes only.

use super::kek::{KEY_LEN, KeyBytes, hex};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use cmms_core::encoding;
use secrecy::{ExposeSecretMut, SecretBox};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// A key in base64 has 44 characters; nothing that is much longer is one.
const MAX_FILE: usize = 1024;

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyFileError {
    /// There is no such file.
    #[error("it does not exist")]
    Missing,
    /// Others than its owner may read or change it.
    #[error("others than its owner can read or change it (mode {0:04o}); run `chmod 600` on it")]
    Open(u32),
    /// It holds something else.
    #[error("it does not hold 32 bytes in base64")]
    NoKey,
    /// The system said no.
    #[error("it cannot be read or written")]
    Io(#[from] io::Error),
}

/// Whether the key file was there or has been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// By this call.
    Now,
    /// Before, or by somebody else at the same time.
    Before,
}

/// Reads the key of a file. The mode is asked of the opened file, so that it cannot change in between.
pub(super) fn read(path: &Path) -> Result<KeyBytes, KeyFileError> {
    let file = File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing,
        _ => KeyFileError::Io(e),
    })?;
    refuse_open_mode(&file)?;
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
    file.take(MAX_FILE as u64).read_to_end(&mut text)?;
    parse(&text).ok_or(KeyFileError::NoKey)
}

/// Reads a key from base64: standard or URL-safe, with or without padding, spaces around it.
pub(super) fn parse(text: &[u8]) -> Option<KeyBytes> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // Editors put a byte order mark before it.
    let text = encoding::without_mark(text).trim_ascii();
    // 32 bytes, and what the decoder asks for beyond.
    let mut out = Zeroizing::new([0; KEY_LEN + 3]);
    let len = [&STANDARD, &URL_SAFE].into_iter().find_map(|alphabet| {
        GeneralPurpose::new(alphabet, config)
            .decode_slice(text, out.as_mut_slice())
            .ok()
    })?;
    let bytes = out.get(..len)?;
    let mut key: KeyBytes = SecretBox::default();
    if bytes.len() != KEY_LEN {
        return None;
    }
    key.expose_secret_mut().copy_from_slice(bytes);
    Some(key)
}

/// Reads the key of a file; where there is none, makes one.
///
/// The file appears complete or not at all: it is written and synced under another name and then linked to its
/// own, which fails where another process was faster. What counts is what stands in the file at the end.
pub(super) fn read_or_create(path: &Path) -> Result<(KeyBytes, Made), KeyFileError> {
    match read(path) {
        Ok(key) => return Ok((key, Made::Before)),
        Err(KeyFileError::Missing) => {}
        Err(e) => return Err(e),
    }
    let folder = path.parent().ok_or(KeyFileError::Missing)?;
    private_folder(folder)?;
    let made = create(path, folder)?;
    // The entry of a new folder must survive a power cut as well.
    if let Some(above) = folder.parent() {
        sync_folder(above)?;
    }
    sync_folder(folder)?;
    Ok((read(path)?, made))
}

fn create(path: &Path, folder: &Path) -> Result<Made, KeyFileError> {
    let mut suffix = [0; 8];
    rand::fill(&mut suffix).map_err(|_| io::Error::other("no randomness"))?;
    let draft = folder.join(format!(".master.key.{}", hex(suffix.iter())));
    let text = new_key_text()?;
    let written = write_new(&draft, &text);
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        // Some file systems have no links. Then the file itself is the lock; who reads it half-written
        // gets an error and succeeds with the next try.
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => write_new(path, &text),
        done => done,
    });
    let removed = fs::remove_file(&draft);
    match linked {
        Ok(()) => removed.map(|()| Made::Now).map_err(KeyFileError::Io),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(Made::Before),
        Err(e) => Err(KeyFileError::Io(e)),
    }
}

/// A new key as it stands in its file.
fn new_key_text() -> Result<Zeroizing<String>, io::Error> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    rand::fill(key.as_mut_slice()).map_err(|_| io::Error::other("no randomness"))?;
    let mut text = Zeroizing::new(String::with_capacity(64));
    general_purpose::STANDARD.encode_string(key.as_slice(), &mut text);
    text.push('\n');
    Ok(text)
}

/// Writes a file that must not exist yet, to the disk.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // On a full disk half a key would stay and be refused from then on.
        let _ = fs::remove_file(path);
    }
    written
}

/// Makes the folder with what is missing above it; what is made is its owner's only.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    // A folder that may be passed but not read can hold the file all the same.
    let Ok(file) = File::open(folder) else {
        return Ok(());
    };
    match file.sync_all() {
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn refuse_open_mode(file: &File) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyFileError::Open(mode))
    }
}

/// The folder of the user is private by the system's own rules there.
#[cfg(not(unix))]
fn refuse_open_mode(_: &File) -> Result<(), KeyFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn base64_of_every_common_kind_is_read() {
        let key = [0xfb; KEY_LEN];
        let padded = general_purpose::STANDARD.encode(key);
        for text in [
            padded.clone(),
            padded.trim_end_matches('=').to_owned(),
            format!("  {padded}\r\n"),
            general_purpose::URL_SAFE.encode(key),
            general_purpose::URL_SAFE_NO_PAD.encode(key),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().expose_secret(), &key);
        }
    }

    #[test]
    fn anything_else_is_no_key() {
        let encode = |len| general_purpose::STANDARD.encode(vec![7u8; len]);
        for text in [
            String::new(),
            encode(31),
            encode(33),
            encode(16),
            encode(64),
            encode(32).replace('B', "!"),
            format!("{}\n{}", encode(32), encode(32)),
            "0".repeat(64),
        ] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
