//! Sealed secrets open where they belong and nowhere else; the master key comes from where it should.

#![expect(
    clippy::expect_used,
    reason = "the functions that tests share may fail as tests do"
)]

mod key;
mod sealing;
mod silence;

use cmms::secrets::{KeySource, KeyVault};
use cmms_core::ids::{ConnectionId, OrgId, SecretId};
use cmms_core::ports::secrets::{Credentials, Sealed, SecretBinding, SecretVault};
use std::path::Path;
use uuid::Uuid;

/// Looks different in every encoding.
const CANARY: &str = "CANARY-p@ss/w+rd =\"1?";

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn binding() -> SecretBinding {
    SecretBinding {
        org: OrgId(id(1)),
        connection: ConnectionId(id(2)),
        name: "credentials".into(),
        row: SecretId(id(3)),
        version: 1,
    }
}

fn credentials(fields: &[(&str, &str)]) -> Credentials {
    let mut out = Credentials::new();
    for (name, value) in fields {
        out.set(*name, (*value).into());
    }
    out
}

fn vault() -> KeyVault {
    KeyVault::with_key([7; 32])
}

fn user_file(folder: &Path) -> KeySource {
    KeySource::UserFile(folder.join("cmms").join("master.key"))
}

fn sample() -> (KeyVault, Sealed) {
    let vault = vault();
    let sealed = vault
        .seal(
            &binding(),
            &credentials(&[("email", "a@b.c"), ("password", CANARY)]),
        )
        .expect("sealing works");
    (vault, sealed)
}
