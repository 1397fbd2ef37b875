//! The stored form of a sealed secret: one CBOR map, version 1.

use super::kek::{KEY_LEN, NonceBytes, WRAPPED_LEN};
use ciborium::Value;

/// The version of the format.
const VERSION: u8 = 1;
/// AES-256-GCM.
const ALG: u8 = 1;

/// `sealed v1`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) kek_id: String,
    pub(super) wrap_nonce: NonceBytes,
    pub(super) wrapped_dek: [u8; WRAPPED_LEN],
    pub(super) commit: [u8; KEY_LEN],
    pub(super) nonce: NonceBytes,
    pub(super) ciphertext: Vec<u8>,
}

impl Envelope {
    /// The bytes of it; `None` only where memory runs out.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let map = [
            ("v", Value::from(VERSION)),
            ("alg", Value::from(ALG)),
            ("kek_id", Value::from(self.kek_id.as_str())),
            ("wrap_nonce", bytes(&self.wrap_nonce)),
            ("wrapped_dek", bytes(&self.wrapped_dek)),
            ("commit", bytes(&self.commit)),
            ("nonce", bytes(&self.nonce)),
            ("ciphertext", bytes(&self.ciphertext)),
        ];
        let map = map.into_iter().map(|(k, v)| (Value::from(k), v)).collect();
        let mut out = Vec::with_capacity(256 + self.ciphertext.len());
        ciborium::into_writer(&Value::Map(map), &mut out).ok()?;
        Some(out)
    }

    /// Reads exactly what [`Self::encode`] writes: another version, another algorithm, another spelling of the
    /// same values or anything behind them is refused, so no byte can be changed without notice.
    pub(super) fn decode(input: &[u8]) -> Option<Self> {
        let Value::Map(map) = ciborium::from_reader(input).ok()? else {
            return None;
        };
        let find = |name: &str| {
            let found = map.iter().find(|(key, _)| key.as_text() == Some(name));
            found.map(|(_, value)| value)
        };
        let read = Self {
            kek_id: find("kek_id")?.as_text()?.to_owned(),
            wrap_nonce: fixed(find("wrap_nonce")?)?,
            wrapped_dek: fixed(find("wrapped_dek")?)?,
            commit: fixed(find("commit")?)?,
            nonce: fixed(find("nonce")?)?,
            ciphertext: find("ciphertext")?.as_bytes()?.clone(),
        };
        (read.encode()? == input).then_some(read)
    }
}

fn bytes(value: &[u8]) -> Value {
    Value::Bytes(value.to_vec())
}

fn fixed<const N: usize>(value: &Value) -> Option<[u8; N]> {
    value.as_bytes()?.as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Envelope {
        Envelope {
            kek_id: "0011223344556677".into(),
            wrap_nonce: [1; 12],
            wrapped_dek: [2; 48],
            commit: [3; 32],
            nonce: [4; 12],
            ciphertext: vec![5; 80],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = sample().encode().unwrap();
        assert_eq!(Envelope::decode(&bytes), Some(sample()));
    }

    #[test]
    fn another_version_algorithm_order_or_tail_is_refused() {
        let bytes = sample().encode().unwrap();
        // a8 61 'v' 01 63 'a' 'l' 'g' 01
        for (at, value) in [(3, 2), (8, 2)] {
            let mut other = bytes.clone();
            assert_eq!(other[at], 1);
            other[at] = value;
            assert_eq!(Envelope::decode(&other), None);
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Envelope::decode(&longer), None);
        let Value::Map(mut map) = ciborium::from_reader(bytes.as_slice()).unwrap() else {
            panic!("a map")
        };
        map.reverse();
        let mut reordered = Vec::new();
        ciborium::into_writer(&Value::Map(map), &mut reordered).unwrap();
        assert_eq!(Envelope::decode(&reordered), None);
        for end in 0..bytes.len() {
            assert_eq!(Envelope::decode(&bytes[..end]), None);
        }
    }
}
