//! Whole numbers of more than 64 bits, such as the number of a SIM card: readers of JSON round them in silence.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The digits of the shortest whole number that may need more than 64 bits.
const DIGITS: usize = 19;

/// Whether a JSON text may hold such a number. Quick, since most texts hold none: it looks at every nineteenth
/// character only, which is a digit wherever so many stand together.
pub fn may_be_in(json: &str) -> bool {
    let bytes = json.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (DIGITS - 1..bytes.len()).step_by(DIGITS).any(|at| {
        is_digit(at) && {
            let before = (0..at).rev().take_while(|at| is_digit(*at)).count();
            let behind = (at + 1..bytes.len()).take_while(|at| is_digit(*at)).count();
            before + 1 + behind >= DIGITS
        }
    })
}

/// Whether a text is a whole number of more than 64 bits.
pub fn is_large(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() >= DIGITS
        && digits.bytes().all(|b| b.is_ascii_digit())
        && text.parse::<u64>().is_err()
        && text.parse::<i64>().is_err()
}

/// Finds all such numbers: the names and places that lead to each, and its digits.
pub fn find<'a>(json: &'a RawValue, found: &mut dyn FnMut(&[String], &'a str)) {
    walk(json, &mut Vec::new(), found);
}

fn walk<'a>(json: &'a RawValue, path: &mut Vec<String>, found: &mut dyn FnMut(&[String], &'a str)) {
    let text = json.get();
    let parts = match text.as_bytes().first() {
        Some(b'{') => serde_json::Deserializer::from_str(text)
            .deserialize_map(Fields)
            .unwrap_or_default(),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            let numbered = items.into_iter().enumerate();
            numbered.map(|(i, item)| (i.to_string(), item)).collect()
        }
        _ => {
            if is_large(text) {
                found(path, text);
            }
            return;
        }
    };
    for (name, value) in parts {
        path.push(name);
        walk(value, path, found);
        path.pop();
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_whole_number_beyond_64_bits_is_found() {
        let large = "18446744073709551616";
        for (json, paths) in [
            (format!(r#"{{"a":{large}}}"#), vec!["a"]),
            (
                format!(r#"{{"a":{{"b":[1,{large},-{large}]}}}}"#),
                vec!["a.b.1", "a.b.2"],
            ),
            (format!("[{large}]"), vec!["0"]),
            (
                r#"{"a":18446744073709551615,"b":-9223372036854775808}"#.to_owned(),
                vec![],
            ),
            (r#"{"a":-9223372036854775809}"#.to_owned(), vec!["a"]),
            (
                format!(r#"{{"a":"{large}","b":{large}.5,"c":{large}e3}}"#),
                vec![],
            ),
        ] {
            let raw: &RawValue = serde_json::from_str(&json).unwrap();
            let mut found = Vec::new();
            find(raw, &mut |path, _| found.push(path.join(".")));
            assert_eq!(found, paths, "{json}");
            assert!(paths.is_empty() || may_be_in(&json), "{json}");
        }
    }

    #[test]
    fn wherever_so_many_digits_stand_they_are_seen() {
        for before in 0..60 {
            for digits in 1..60 {
                let text = format!(
                    "{}{}{}",
                    " ".repeat(before),
                    "7".repeat(digits),
                    " ".repeat(30)
                );
                assert_eq!(may_be_in(&text), digits >= DIGITS, "{before} {digits}");
            }
        }
    }
}
