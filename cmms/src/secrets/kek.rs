//! The key-encryption key: wraps data keys and makes fingerprints.

use super::binding::fingerprint_prefix;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, hmac, rand};
use cmms_core::ids::OrgId;
use secrecy::SecretBox;
use std::fmt;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Bytes of every key here.
pub(super) const KEY_LEN: usize = 32;
/// Bytes that AES-256-GCM adds.
pub(super) const TAG_LEN: usize = 16;
/// Bytes of a wrapped data key.
pub(super) const WRAPPED_LEN: usize = KEY_LEN + TAG_LEN;

/// The bytes of a key, wiped when dropped, never printed.
pub(super) type KeyBytes = SecretBox<[u8; KEY_LEN]>;
/// The nonce of a message.
pub(super) type NonceBytes = [u8; NONCE_LEN];

/// The master key, split into one key for each purpose; its own bytes are not kept.
pub(super) struct Kek {
    id: String,
    wrap: LessSafeKey,
    fingerprint: hmac::Key,
}

impl Kek {
    /// Derives everything from the master key.
    pub(super) fn new(master: &[u8; KEY_LEN]) -> Result<Self, Unspecified> {
        let name = derive(master, "cmms/kek/v1/id")?;
        let wrap = derive(master, "cmms/kek/v1/wrap")?;
        let fingerprint = derive(master, "cmms/fingerprint/v1")?;
        Ok(Self {
            id: hex(name.iter().take(8)),
            wrap: cipher(&wrap)?,
            fingerprint: hmac::Key::new(hmac::HMAC_SHA256, fingerprint.as_slice()),
        })
    }

    /// A name of the key that reveals nothing of it: 16 hex digits.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts a data key.
    pub(super) fn wrap(
        &self,
        dek: &[u8; KEY_LEN],
        aad: &[u8],
    ) -> Result<(NonceBytes, [u8; WRAPPED_LEN]), Unspecified> {
        let nonce = random_nonce()?;
        // Room for the tag from the start: a buffer that grows leaves its old bytes behind.
        let mut buffer = Zeroizing::new(Vec::with_capacity(WRAPPED_LEN));
        buffer.extend_from_slice(dek);
        self.wrap.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut *buffer,
        )?;
        let wrapped = buffer.as_slice().try_into().map_err(|_| Unspecified)?;
        Ok((nonce, wrapped))
    }

    /// Decrypts a data key.
    pub(super) fn unwrap(
        &self,
        nonce: NonceBytes,
        wrapped: &[u8; WRAPPED_LEN],
        aad: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_LEN]>, Unspecified> {
        let mut buffer = Zeroizing::new(*wrapped);
        let plain = self.wrap.open_in_place(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            buffer.as_mut_slice(),
        )?;
        let mut dek = Zeroizing::new([0; KEY_LEN]);
        if plain.len() != KEY_LEN {
            return Err(Unspecified);
        }
        dek.copy_from_slice(plain);
        Ok(dek)
    }

    /// Tells whether a value was set before, without revealing it: 8 hex digits.
    ///
    /// Keyed, because a bare SHA-256 of a password that people choose can be found by hashing a word list: 32
    /// bits of it are enough to confirm a guess. Without the master key this one confirms nothing. The
    /// organization and the field are in it, so equal values of two tenants do not look equal.
    pub(super) fn fingerprint(&self, org: OrgId, field: &str, value: &str) -> String {
        let mut context = hmac::Context::with_key(&self.fingerprint);
        context.update(&fingerprint_prefix(org, field));
        context.update(value.as_bytes());
        hex(context.sign().as_ref().iter().take(4))
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kek").field("id", &self.id).finish()
    }
}

/// HKDF-SHA-256 without salt, 32 bytes.
pub(super) fn derive(
    secret: &[u8; KEY_LEN],
    info: &str,
) -> Result<Zeroizing<[u8; KEY_LEN]>, Unspecified> {
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    let mut out = Zeroizing::new([0; KEY_LEN]);
    key.expand(&[info.as_bytes()], hkdf::HKDF_SHA256)?
        .fill(out.as_mut_slice())?;
    Ok(out)
}

/// AES-256-GCM with this key.
pub(super) fn cipher(key: &[u8; KEY_LEN]) -> Result<LessSafeKey, Unspecified> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new)
}

/// A nonce that no other message has.
pub(super) fn random_nonce() -> Result<NonceBytes, Unspecified> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce)?;
    Ok(nonce)
}

/// Lower-case hexadecimal.
pub(super) fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    bytes.fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
