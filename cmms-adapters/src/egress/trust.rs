//! Whose certificates are believed.

use cmms_core::{Error, Result, code};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// More than any list of authorities has.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Nobody's: for calls without TLS.
    Nobody,
    /// Those of the authorities that the system trusts.
    System,
    /// Those of the authorities in a file, and no others.
    File {
        /// The file.
        path: PathBuf,
        /// What names it: a variable or an option.
        setting: &'static str,
    },
}

/// A file as it was when it was read: another one is read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    changed: Option<SystemTime>,
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::System => f.write_str("this system"),
            Self::File { path, setting } => write!(f, "{} ({setting})", path.display()),
        }
    }
}

impl Trust {
    /// The authorities that a connection names.
    pub(super) fn option(path: PathBuf) -> Self {
        Self::File {
            path,
            setting: "options.ca_file",
        }
    }

    /// The error where the system trusts nobody.
    pub(super) fn system_has_none() -> Error {
        Error::new(
            code::EGRESS_TRUST,
            "this system has no certificates of authorities that it trusts",
        )
        .remedy_is(
            "Install the system's certificates (the package ca-certificates), or name a file of them in SSL_CERT_FILE.",
        )
    }

    /// Whether its file can be used.
    pub(super) fn check(&self) -> Result<()> {
        self.stamp()?;
        match self {
            Self::File { path, setting } => read(path, setting).map(drop),
            Self::Nobody | Self::System => Ok(()),
        }
    }

    /// What stands where the certificates come from; nothing where that is no file of ours.
    pub(super) fn stamp(&self) -> Result<Option<Stamp>> {
        let Self::File { path, setting } = self else {
            return Ok(None);
        };
        // Nothing that never ends, such as a pipe.
        let found = std::fs::metadata(path).map_err(|_| unusable(path, setting))?;
        if !found.is_file() || found.len() > LARGEST {
            return Err(unusable(path, setting));
        }
        Ok(Some(Stamp {
            size: found.len(),
            changed: found.modified().ok(),
        }))
    }

    /// Makes a client believe them.
    pub(super) fn apply(&self, client: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
        Ok(match self {
            Self::System => client,
            Self::Nobody => client.tls_certs_only([]),
            Self::File { path, setting } => client.tls_certs_only(read(path, setting)?),
        })
    }
}

/// The certificates of a file; what is no certificate of an authority is passed over, as by other programs.
fn read(path: &Path, setting: &'static str) -> Result<Vec<reqwest::Certificate>> {
    let bytes = std::fs::read(path).map_err(|_| unusable(path, setting))?;
    let mut usable = Vec::new();
    for der in CertificateDer::pem_slice_iter(&bytes).flatten() {
        let is_usable = RootCertStore::empty().add(der.clone()).is_ok();
        if let Some(one) = is_usable
            .then(|| reqwest::Certificate::from_der(&der).ok())
            .flatten()
        {
            usable.push(one);
        }
    }
    if usable.is_empty() {
        return Err(unusable(path, setting));
    }
    Ok(usable)
}

/// One error for all files that do not serve, so that nobody can find out by it which files there are.
fn unusable(path: &Path, setting: &'static str) -> Error {
    Error::new(
        code::EGRESS_TRUST,
        format!(
            "{setting}: {} is no file of certificates that can be read",
            path.display()
        ),
    )
    .field(
        setting,
        "certificates_unreadable",
        "must be a file that this program may read, with certificates in PEM: -----BEGIN CERTIFICATE-----",
    )
}
