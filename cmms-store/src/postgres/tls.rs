//! How the way to the server is encrypted.

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::net::IpAddr;
use std::path::PathBuf;

/// How much the encryption promises; the words are PostgreSQL's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const WORDS: [(&str, Mode, PgSslMode); 6] = [
    ("disable", Mode::Disable, PgSslMode::Disable),
    ("allow", Mode::Allow, PgSslMode::Allow),
    ("prefer", Mode::Prefer, PgSslMode::Prefer),
    ("require", Mode::Require, PgSslMode::Require),
    ("verify-ca", Mode::VerifyCa, PgSslMode::VerifyCa),
    ("verify-full", Mode::VerifyFull, PgSslMode::VerifyFull),
];

impl Mode {
    pub(super) fn of(word: &str) -> Option<Self> {
        let found = WORDS.iter().find(|(known, ..)| *known == word);
        found.map(|(_, mode, _)| *mode)
    }

    pub(super) fn words() -> String {
        WORDS.map(|(word, ..)| word).join(", ")
    }

    fn driver(self) -> PgSslMode {
        let found = WORDS.iter().find(|(_, mode, _)| *mode == self);
        found.map_or(PgSslMode::VerifyFull, |(.., driver)| *driver)
    }
}

/// What is known of the encryption.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    /// None: as the host needs it.
    pub(super) mode: Option<Mode>,
    pub(super) root_cert: Option<PathBuf>,
    pub(super) client_cert: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
}

impl Tls {
    pub(super) fn apply(&self, host: &str, mut options: PgConnectOptions) -> PgConnectOptions {
        let local = is_local(host);
        let mode = self.mode.unwrap_or(if local {
            Mode::Prefer
        } else {
            Mode::VerifyFull
        });
        if !local && mode != Mode::VerifyFull {
            tracing::warn!(
                host,
                ?mode,
                "cmms.store.connect: somebody between here and the database server could pose as it; verify-full keeps \
                 that out"
            );
        }
        options = options.ssl_mode(mode.driver());
        if let Some(file) = &self.root_cert {
            options = options.ssl_root_cert(file);
        }
        if let Some(file) = &self.client_cert {
            options = options.ssl_client_cert(file);
        }
        if let Some(file) = &self.client_key {
            options = options.ssl_client_key(file);
        }
        options
    }
}

/// Whether the host is this machine: nobody stands on the way.
fn is_local(host: &str) -> bool {
    let loopback = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loopback || host == "localhost" || host.starts_with('/')
}
