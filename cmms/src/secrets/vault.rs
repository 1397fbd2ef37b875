//! The vault: seals and opens credentials with the master key of its source.

use super::binding::{aad_data, aad_wrap};
use super::data_key::DataKey;
use super::envelope::Envelope;
use super::kek::Kek;
use super::master_key::{KeyOrigin, KeySource, Need};
use super::payload;
use crate::config::Config;
use cmms_core::ports::secrets::{Credentials, Sealed, SecretBinding, SecretVault};
use cmms_core::ports::store::Store;
use cmms_core::{Error, Result, code};
use std::fmt;
use std::mem;
use std::sync::{Mutex, OnceLock, PoisonError};
use zeroize::Zeroizing;

/// Seals credentials under the master key (envelope encryption, AES-256-GCM), and opens them only where they
/// were sealed for.
///
/// The key is fetched with the first secret. A failure is not remembered: once the key file is right, the
/// next call succeeds.
pub struct KeyVault {
    source: KeySource,
    key: OnceLock<(Kek, KeyOrigin)>,
    fetching: Mutex<()>,
}

impl KeyVault {
    /// A vault with the key of this source.
    pub fn new(source: KeySource) -> Self {
        Self {
            source,
            key: OnceLock::new(),
            fetching: Mutex::new(()),
        }
    }

    /// The vault of a program with these settings on this store.
    pub fn of(config: &Config, store: &dyn Store) -> Self {
        Self::new(KeySource::of(config, store.info().shared))
    }

    /// A vault with this key, for programs that keep their own, and for tests.
    ///
    /// ```
    /// use cmms::secrets::KeyVault;
    /// let vault = KeyVault::with_key([7; 32]);
    /// assert_eq!(vault.kek_id(), None, "no secret has needed it yet");
    /// ```
    pub fn with_key(key: [u8; 32]) -> Self {
        Self::new(KeySource::given(key))
    }

    /// The name of the key, once a secret has needed it.
    pub fn kek_id(&self) -> Option<&str> {
        self.key.get().map(|(kek, _)| kek.id())
    }

    /// Where the key came from, once a secret has needed it. A program tells its user about
    /// [`KeyOrigin::Created`].
    pub fn key_origin(&self) -> Option<&KeyOrigin> {
        self.key.get().map(|(_, origin)| origin)
    }

    /// Whether there is a key, or a setting that names one: a program without any may do all that needs no secret.
    pub fn has_source(&self) -> bool {
        self.source.is_there()
    }

    fn kek(&self, need: Need) -> Result<&Kek> {
        if let Some((kek, _)) = self.key.get() {
            return Ok(kek);
        }
        let _one_at_a_time = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kek, _)) = self.key.get() {
            return Ok(kek);
        }
        let loaded = self.source.load(need)?;
        let (kek, _) = self.key.get_or_init(|| loaded);
        Ok(kek)
    }
}

impl SecretVault for KeyVault {
    fn seal(&self, binding: &SecretBinding, plain: &Credentials) -> Result<Sealed> {
        let kek = self.kek(Need::Seal)?;
        let envelope = sealed(kek, binding, plain)
            .ok_or_else(|| Error::internal("the cryptographic library refused to seal"))?;
        let fingerprints = plain
            .expose()
            .map(|(name, value)| (name.to_owned(), kek.fingerprint(binding.org, name, value)))
            .collect();
        Ok(Sealed {
            kek_id: kek.id().to_owned(),
            envelope,
            fingerprints,
        })
    }

    fn open(&self, binding: &SecretBinding, sealed: &Sealed) -> Result<Credentials> {
        let needed = shown(&sealed.kek_id);
        let envelope = Envelope::decode(&sealed.envelope)
            .filter(|envelope| envelope.kek_id == sealed.kek_id)
            .ok_or_else(|| damaged(binding, &needed))?;
        let kek = self.kek(Need::Open).map_err(|cause| {
            let why = format!("which cannot be had: {}", cause.message());
            let error = unreadable(binding, &needed, &why);
            // A file that is there is put right; where there is none, the key may be lost.
            let error = match cause.is(code::SECRET_KEY_FILE) {
                true => error.remedy_is(cause.remedy().to_owned()),
                false => error,
            };
            error.source(cause)
        })?;
        if kek.id() != envelope.kek_id {
            let why = format!("but the present key is {}", kek.id());
            return Err(unreadable(binding, &needed, &why));
        }
        opened(kek, binding, envelope).ok_or_else(|| damaged(binding, &needed))
    }
}

impl fmt::Debug for KeyVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyVault")
            .field("kek_id", &self.kek_id())
            .field("key_origin", &self.key_origin())
            .finish_non_exhaustive()
    }
}

fn sealed(kek: &Kek, binding: &SecretBinding, plain: &Credentials) -> Option<Vec<u8>> {
    let dek = DataKey::random().ok()?;
    let mut buffer = payload::encode(plain)?;
    let nonce = dek.seal(&aad_data(binding)?, &mut buffer).ok()?;
    let (wrap_nonce, wrapped_dek) = kek.wrap(dek.bytes(), &aad_wrap(binding, kek.id())?).ok()?;
    let envelope = Envelope {
        kek_id: kek.id().to_owned(),
        wrap_nonce,
        wrapped_dek,
        commit: dek.commitment().ok()?,
        nonce,
        ciphertext: mem::take(&mut *buffer),
    };
    envelope.encode()
}

fn opened(kek: &Kek, binding: &SecretBinding, envelope: Envelope) -> Option<Credentials> {
    let aad = aad_wrap(binding, kek.id())?;
    let dek = kek
        .unwrap(envelope.wrap_nonce, &envelope.wrapped_dek, &aad)
        .ok()?;
    let dek = DataKey::from_bytes(dek);
    dek.is_committed(&envelope.commit).ok()?;
    let mut buffer = Zeroizing::new(envelope.ciphertext);
    let plain = dek
        .open(envelope.nonce, &aad_data(binding)?, &mut buffer)
        .ok()?;
    payload::decode(plain)
}

/// One answer for everything that does not fit: which check failed would help only who forges.
fn damaged(binding: &SecretBinding, kek_id: &str) -> Error {
    let why = "but its record is damaged or belongs to another place";
    unreadable(binding, kek_id, why)
        .remedy_is("Set the secret again, or restore its record from a backup.")
}

fn unreadable(binding: &SecretBinding, kek_id: &str, why: &str) -> Error {
    Error::new(
        code::SECRET_UNREADABLE,
        format!(
            "{} needs the master key {kek_id}, {why}",
            binding.described()
        ),
    )
    .remedy_is(format!(
        "Give the master key {kek_id} (CMMS_MASTER_KEY_FILE). Where it is lost, `cmms keys forget-secrets` lets the \
         database begin with another one, and each connection needs its credentials again."
    ))
    .subject("kek_id", kek_id)
}

/// The id of a key as it can be shown: a stored one may have been tampered with.
fn shown(kek_id: &str) -> String {
    let clean: String = kek_id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(32)
        .collect();
    if clean.is_empty() {
        "(unknown)".into()
    } else {
        clean
    }
}
