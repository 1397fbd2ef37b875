//! The additional data that ties a sealed secret to its place.
//!
//! Every part is preceded by its length, so no two different places write the same bytes.

use cmms_core::ids::OrgId;
use cmms_core::ports::secrets::SecretBinding;

/// `AAD_data`: binds the credentials to organization, connection, name and version. The master key is not in
/// it, so that a change of keys wraps the data key again without touching the ciphertext.
///
/// `None` for a version below 0, which never was one.
pub(super) fn aad_data(binding: &SecretBinding) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(128);
    lp(&mut out, b"cmms/secret/v1");
    lp(&mut out, binding.org.0.as_bytes());
    lp(&mut out, binding.connection.0.as_bytes());
    lp(&mut out, binding.name.as_bytes());
    out.extend_from_slice(&version(binding)?);
    Some(out)
}

/// `AAD_wrap`: binds the data key to organization, master key, row and version.
pub(super) fn aad_wrap(binding: &SecretBinding, kek_id: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(128);
    lp(&mut out, b"cmms/dek/v1");
    lp(&mut out, binding.org.0.as_bytes());
    lp(&mut out, kek_id.as_bytes());
    lp(&mut out, binding.row.0.as_bytes());
    out.extend_from_slice(&version(binding)?);
    Some(out)
}

/// What stands before the value of a field in its fingerprint.
pub(super) fn fingerprint_prefix(org: OrgId, field: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    lp(&mut out, org.0.as_bytes());
    lp(&mut out, field.as_bytes());
    out
}

/// Length (64 bits, big-endian) and bytes.
fn lp(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

fn version(binding: &SecretBinding) -> Option<[u8; 8]> {
    u64::try_from(binding.version).ok().map(u64::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_keep_parts_apart() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        lp(&mut a, b"ab");
        lp(&mut a, b"c");
        lp(&mut b, b"a");
        lp(&mut b, b"bc");
        assert_ne!(a, b);
        assert_eq!(&a[..10], b"\0\0\0\0\0\0\0\x02ab");
    }
}
