//! The key of one sealing.

use super::kek::{KEY_LEN, NonceBytes, cipher, derive, random_nonce};
use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{constant_time, rand};
use zeroize::Zeroizing;

/// 32 random bytes that seal exactly one plaintext.
pub(super) struct DataKey(Zeroizing<[u8; KEY_LEN]>);

impl DataKey {
    /// A new one.
    pub(super) fn random() -> Result<Self, Unspecified> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        rand::fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// The one of a stored secret.
    pub(super) fn from_bytes(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self(bytes)
    }

    /// The bytes, for wrapping.
    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// What only this key yields: GCM alone would let one ciphertext open under two keys.
    pub(super) fn commitment(&self) -> Result<[u8; KEY_LEN], Unspecified> {
        derive(&self.0, "cmms/secret/v1/commit").map(|commit| *commit)
    }

    /// Whether that is this key's commitment, in constant time.
    pub(super) fn is_committed(&self, commit: &[u8; KEY_LEN]) -> Result<(), Unspecified> {
        constant_time::verify_slices_are_equal(&self.commitment()?, commit)
    }

    /// Encrypts; the buffer then holds ciphertext and tag.
    pub(super) fn seal(&self, aad: &[u8], buffer: &mut Vec<u8>) -> Result<NonceBytes, Unspecified> {
        let nonce = random_nonce()?;
        cipher(&*derive(&self.0, ENC)?)?.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            buffer,
        )?;
        Ok(nonce)
    }

    /// Decrypts in place; what comes back is the part of the buffer that is plaintext.
    pub(super) fn open<'a>(
        &self,
        nonce: NonceBytes,
        aad: &[u8],
        buffer: &'a mut [u8],
    ) -> Result<&'a [u8], Unspecified> {
        cipher(&*derive(&self.0, ENC)?)?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), buffer)
            .map(|plain| &*plain)
    }
}

const ENC: &str = "cmms/secret/v1/enc";
