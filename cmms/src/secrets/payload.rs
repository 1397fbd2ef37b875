//! The plaintext of a sealed secret: one CBOR map of the fields, padded so that its length says little.

use super::kek::TAG_LEN;
use cmms_core::ports::secrets::Credentials;
use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

/// The plaintext is a multiple of this long.
const BLOCK: usize = 64;

/// Writes the map, then zeros up to the end of the block.
///
/// The buffer has room for all of it and for the tag from the start: one that grows would leave copies of the
/// secret in memory that nobody wipes.
pub(super) fn encode(plain: &Credentials) -> Option<Zeroizing<Vec<u8>>> {
    /// A CBOR head is at most this long.
    const HEAD: usize = 9;
    let room = plain.expose().fold(HEAD, |sum, (name, value)| {
        sum + 2 * HEAD + name.len() + value.len()
    });
    let capacity = room.next_multiple_of(BLOCK) + TAG_LEN;
    let mut out = Zeroizing::new(Vec::with_capacity(capacity));
    ciborium::into_writer(&Fields(plain), &mut *out).ok()?;
    let padded = out.len().next_multiple_of(BLOCK);
    out.resize(padded, 0);
    Some(out)
}

/// Reads the map back. The cause of a failure is not kept: it could quote the plaintext.
pub(super) fn decode(plain: &[u8]) -> Option<Credentials> {
    if !plain.len().is_multiple_of(BLOCK) {
        return None;
    }
    // The decoder copies each text through this buffer; its own would stay unwiped on the stack.
    let mut scratch = Zeroizing::new(vec![0; plain.len()]);
    let mut rest = plain;
    let Opened(credentials) =
        ciborium::de::from_reader_with_buffer(&mut rest, scratch.as_mut_slice()).ok()?;
    (rest.len() < BLOCK && rest.iter().all(|byte| *byte == 0)).then_some(credentials)
}

struct Fields<'a>(&'a Credentials);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.expose())
    }
}

struct Opened(Credentials);

impl<'de> Deserialize<'de> for Opened {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Opened;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Opened, A::Error> {
                let mut out = Credentials::new();
                while let Some((name, value)) = map.next_entry::<String, Text>()? {
                    if out.get(&name).is_some() {
                        return Err(A::Error::custom("a field twice"));
                    }
                    out.set(name, value.0);
                }
                Ok(Opened(out))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A text that goes straight into memory that is wiped.
struct Text(SecretString);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneText;
        impl Visitor<'_> for OneText {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.into()))
            }
        }
        deserializer.deserialize_str(OneText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(value: &str) -> Credentials {
        let mut out = Credentials::new();
        out.set("password", value.into());
        out
    }

    #[test]
    fn length_is_a_multiple_of_the_block_and_the_buffer_never_grows() {
        for len in [0, 1, 22, 23, 24, 52, 53, 54, 200, 300, 5_000, 70_000] {
            let plain = encode(&credentials(&"x".repeat(len))).unwrap();
            assert!(plain.len().is_multiple_of(BLOCK));
            assert!(plain.capacity() >= plain.len() + TAG_LEN);
            let back = decode(&plain).unwrap();
            assert_eq!(back.get("password").map(str::len), Some(len));
        }
        assert!(
            decode(&encode(&Credentials::new()).unwrap())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn near_lengths_look_the_same() {
        let long = encode(&credentials("0123456789")).unwrap().len();
        assert_eq!(long, encode(&credentials("")).unwrap().len());
    }

    #[test]
    fn broken_plaintext_is_refused() {
        let good = encode(&credentials("x")).unwrap();
        let mut tail = good.to_vec();
        *tail.last_mut().unwrap() = 1;
        assert!(decode(&tail).is_none());
        let mut block_too_many = good.to_vec();
        block_too_many.resize(good.len() + BLOCK, 0);
        assert!(decode(&block_too_many).is_none());
        assert!(decode(&good[..good.len() - 1]).is_none());
        assert!(decode(&[]).is_none());
        // {"a": "x", "a": "y"}
        let mut twice = b"\xa2\x61a\x61x\x61a\x61y".to_vec();
        twice.resize(BLOCK, 0);
        assert!(decode(&twice).is_none());
        // {"a": 1}
        let mut number = b"\xa1\x61a\x01".to_vec();
        number.resize(BLOCK, 0);
        assert!(decode(&number).is_none());
    }
}
