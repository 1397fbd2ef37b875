//! Where the master key comes from.

use super::kek::{Kek, KeyBytes};
use super::key_file::{self, KeyFileError, Made};
use crate::config::{Config, MASTER_KEY, MASTER_KEY_FILE};
use cmms_core::{Error, Result, code};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroize as _;

/// How to get the master key. Nothing is read before a secret needs it.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeySource {
    /// The host program has it.
    Given(SecretBox<[u8; 32]>),
    /// A file that the operator names, `CMMS_MASTER_KEY_FILE`.
    File(PathBuf),
    /// The value of `CMMS_MASTER_KEY`.
    Environment(SecretString),
    /// The file of the user, made with the first secret.
    UserFile(PathBuf),
    /// None is set, and the user has no folder to make one in.
    Nowhere,
}

impl KeySource {
    /// A key that the host program has.
    pub fn given(mut key: [u8; 32]) -> Self {
        let kept = SecretBox::init_with_mut(|kept: &mut [u8; 32]| kept.copy_from_slice(&key));
        key.zeroize();
        Self::Given(kept)
    }

    /// The source for a database: the settings, else the file of the user. A database that programs of other hosts use,
    /// too, has no file of a user: each host would make a key of its own.
    ///
    /// A setting that is there is used or fails; another source never takes its place.
    pub fn of(config: &Config, shared: bool) -> Self {
        if let Some(path) = config.master_key_file() {
            Self::File(path.to_owned())
        } else if let Some(key) = config.master_key() {
            Self::Environment(key.clone())
        } else if let Some(folder) = config.user_folder().filter(|_| !shared) {
            Self::UserFile(folder.join("master.key"))
        } else {
            Self::Nowhere
        }
    }

    /// Whether it names a key, rightly or wrongly.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::Given(_) | Self::File(_) | Self::Environment(_) => true,
            Self::UserFile(path) => path.exists(),
            Self::Nowhere => false,
        }
    }

    /// Gets the key; makes one only where that is asked and this is the file of the user.
    pub(super) fn load(&self, need: Need) -> Result<(Kek, KeyOrigin)> {
        let (bytes, origin) = self.bytes(need)?;
        let kek = Kek::new(bytes.expose_secret())
            .map_err(|_| Error::internal("no keys can be derived from the master key"))?;
        match &origin {
            KeyOrigin::Environment => tracing::warn!(
                kek_id = kek.id(),
                "the master key stands in the environment, where other programs of this user can read it; \
                 prefer {MASTER_KEY_FILE}"
            ),
            KeyOrigin::Created(path) => {
                tracing::info!(kek_id = kek.id(), path = %path.display(), "{origin}");
            }
            KeyOrigin::Given | KeyOrigin::File(_) | KeyOrigin::Found(_) => {}
        }
        Ok((kek, origin))
    }

    fn bytes(&self, need: Need) -> Result<(KeyBytes, KeyOrigin)> {
        match self {
            Self::Given(key) => {
                let copy = SecretBox::init_with_mut(|copy: &mut [u8; 32]| {
                    copy.copy_from_slice(key.expose_secret());
                });
                Ok((copy, KeyOrigin::Given))
            }
            Self::File(path) => {
                let key = key_file::read(path).map_err(|e| named_file(path, e))?;
                Ok((key, KeyOrigin::File(path.clone())))
            }
            Self::Environment(text) => {
                let key = key_file::parse(text.expose_secret().as_bytes()).ok_or_else(|| {
                    Error::new(
                        code::SECRET_KEY_FILE,
                        format!("the value of {MASTER_KEY} is not 32 bytes in base64"),
                    )
                })?;
                Ok((key, KeyOrigin::Environment))
            }
            Self::UserFile(path) if need == Need::Open => match key_file::read(path) {
                Ok(key) => Ok((key, KeyOrigin::Found(path.clone()))),
                // A new key would open nothing and hide that the right one is missing.
                Err(KeyFileError::Missing) => Err(Error::new(
                    code::SECRET_NO_KEY,
                    format!(
                        "{MASTER_KEY_FILE} is not set and this user has no master key of its own"
                    ),
                )),
                Err(e) => Err(user_file(path, e)),
            },
            Self::UserFile(path) => {
                let (key, made) = key_file::read_or_create(path).map_err(|e| user_file(path, e))?;
                let origin = match made {
                    Made::Now => KeyOrigin::Created(path.clone()),
                    Made::Before => KeyOrigin::Found(path.clone()),
                };
                Ok((key, origin))
            }
            Self::Nowhere => Err(Error::new(
                code::SECRET_NO_KEY,
                format!(
                    "{MASTER_KEY_FILE} is not set and this user has no home folder to make a master key in"
                ),
            )),
        }
    }
}

/// What the key is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// To seal: a new key will do.
    Seal,
    /// To open: only the key that sealed will do.
    Open,
}

/// Where the key in use came from, for the program to tell its user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyOrigin {
    /// From the host program.
    Given,
    /// From the file that `CMMS_MASTER_KEY_FILE` names.
    File(PathBuf),
    /// From `CMMS_MASTER_KEY`.
    Environment,
    /// From the file of the user, which was there.
    Found(PathBuf),
    /// From the file of the user, which has just been made.
    Created(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("the master key comes from the program itself"),
            Self::File(path) => write!(
                f,
                "the master key comes from {} ({MASTER_KEY_FILE})",
                path.display()
            ),
            Self::Environment => write!(f, "the master key comes from {MASTER_KEY}"),
            Self::Found(path) => write!(f, "the master key comes from {}", path.display()),
            Self::Created(path) => write!(
                f,
                "a new master key was made in {}; keep a copy of it: without it the stored credentials \
                 cannot be opened",
                path.display()
            ),
        }
    }
}

/// Public text holds no paths of the host: the variable names the file, the log has its path.
fn named_file(path: &Path, cause: KeyFileError) -> Error {
    if path.as_os_str().is_empty() {
        return Error::new(
            code::SECRET_KEY_FILE,
            format!("{MASTER_KEY_FILE} is set but empty"),
        );
    }
    let remedy = match &cause {
        KeyFileError::Open(_) => Some(format!(
            "Run `chmod 600 \"${MASTER_KEY_FILE}\"`, then try again."
        )),
        _ => None,
    };
    bad_file(
        format!("the file that {MASTER_KEY_FILE} names cannot be used: {cause}"),
        remedy,
        path,
        cause,
    )
}

fn user_file(path: &Path, cause: KeyFileError) -> Error {
    let remedy = match &cause {
        KeyFileError::Open(_) => format!(
            "Run `chmod 600` on cmms/master.key in the user's configuration folder, or set {MASTER_KEY_FILE} \
             to another file."
        ),
        _ => format!(
            "Give this user a configuration folder that it can write, or set {MASTER_KEY_FILE} to a file with \
             32 random bytes in base64, readable by its owner only."
        ),
    };
    bad_file(
        format!("the master key file of this user cannot be used: {cause}"),
        Some(remedy),
        path,
        cause,
    )
}

fn bad_file(message: String, remedy: Option<String>, path: &Path, cause: KeyFileError) -> Error {
    let detail = match cause {
        KeyFileError::Io(e) => format!("{}: {e}", path.display()),
        other => format!("{}: {other}", path.display()),
    };
    let error = Error::new(code::SECRET_KEY_FILE, message).source(detail);
    match remedy {
        Some(remedy) => error.remedy_is(remedy),
        None => error,
    }
}
