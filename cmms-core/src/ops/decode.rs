//! Reads an input into the type of its operation, and says exactly what is wrong where it cannot.
//!
//! Values come from a JSON body, from the path and from the query. One deserializer reads them all; it
//! keeps the path of the value at hand and turns serde's complaints into typed errors.

use super::complaint::{Complaint, What};
use super::input::Input;
use crate::{Error, Result};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde_json::Value;
use std::fmt::{self, Display};

/// Reads an input.
///
/// # Errors
/// `CMMS-INPUT-002` to `-008`, naming the field.
pub fn decode<T: DeserializeOwned>(input: Input) -> Result<T> {
    T::deserialize(Fields(input)).map_err(Error::from)
}

/// The fields of an input: those of path and query first, then the body's.
struct Fields(Input);

impl<'de> de::Deserializer<'de> for Fields {
    type Error = Complaint;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let Input { body, texts } = self.0;
        if let Some((name, _)) = texts.iter().find(|(name, _)| body.contains_key(name)) {
            return Err(Complaint::new(What::Duplicate).below(name));
        }
        let texts = texts
            .into_iter()
            .map(|(name, values)| (name, Node::Texts(values)));
        let body = body
            .into_iter()
            .map(|(name, value)| (name, Node::Json(value)));
        visitor.visit_map(Entries {
            rest: texts.chain(body).collect::<Vec<_>>().into_iter(),
            at: None,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries {
    rest: std::vec::IntoIter<(String, Node)>,
    at: Option<(String, Node)>,
}

impl<'de> de::MapAccess<'de> for Entries {
    type Error = Complaint;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Complaint> {
        let Some((name, node)) = self.rest.next() else {
            return Ok(None);
        };
        if name.contains('\0') {
            return Err(Complaint::new(What::Nul).below(&name.replace('\0', "\u{fffd}")));
        }
        let key: StrDeserializer<'_, Complaint> = name.as_str().into_deserializer();
        let key = seed.deserialize(key)?;
        self.at = Some((name, node));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Complaint> {
        let (name, node) = self
            .at
            .take()
            .ok_or_else(|| de::Error::custom("a value without a key"))?;
        seed.deserialize(node).map_err(|e| e.below(&name))
    }
}

/// One value.
enum Node {
    Json(Value),
    /// Of path or query: serde's hints say what the texts mean.
    Texts(Vec<String>),
}

impl Node {
    fn single(values: Vec<String>) -> Result<String, Complaint> {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) if value.contains('\0') => Err(Complaint::new(What::Nul)),
            (Some(value), None) => Ok(value),
            _ => Err(Complaint::new(What::Value(
                "may be given once only".to_owned(),
            ))),
        }
    }
}

/// Refuses a leap second where a time is wanted: what is kept counts seconds of which each minute has sixty.
fn no_leap_second<'de>(text: &str, visitor: &impl Visitor<'de>) -> Result<(), Complaint> {
    struct Wanted<'v, V>(&'v V);
    impl<'de, V: Visitor<'de>> Display for Wanted<'_, V> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.expecting(f)
        }
    }
    let may_be_one = text.get(16..19) == Some(":60");
    if may_be_one && Wanted(visitor).to_string().contains("RFC 3339") {
        return Err(Complaint::new(What::LeapSecond));
    }
    Ok(())
}

/// A floating number without a fraction that stands for one whole number only.
fn whole(n: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let n = n
        .as_f64()
        .filter(|n| n.fract() == 0.0 && n.abs() <= EXACT)?;
    format!("{n:.0}").parse().ok()
}

macro_rules! numbers {
    ($($method:ident => $visit:ident: $ty:ty, $what:literal;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
            match self {
                // 3.0 is a whole number.
                Self::Json(Value::Number(n)) if n.is_f64() && $what == "a whole number" => {
                    match whole(&n) {
                        Some(n) => visitor.visit_i64(n),
                        None => Self::Json(Value::Number(n)).deserialize_any(visitor),
                    }
                }
                Self::Json(_) => self.deserialize_any(visitor),
                Self::Texts(values) => {
                    let text = Self::single(values)?;
                    let value: $ty = text.parse().map_err(|_| {
                        let digits = text.trim_start_matches(['-', '+']);
                        let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                        Complaint::new(if whole {
                            What::Range("is a number that is too large or too small")
                        } else {
                            What::Type(format!("should be {} and is a text", $what))
                        })
                    })?;
                    visitor.$visit(value)
                }
            }
        }
    )* };
}

impl<'de> de::Deserializer<'de> for Node {
    type Error = Complaint;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self {
            Self::Texts(values) => hand_over(visitor, Self::single(values)?),
            Self::Json(Value::Null) => visitor.visit_unit(),
            Self::Json(Value::Bool(v)) => visitor.visit_bool(v),
            Self::Json(Value::Number(n)) => match (n.as_u64(), n.as_i64(), n.as_f64()) {
                (Some(v), _, _) => visitor.visit_u64(v),
                (_, Some(v), _) => visitor.visit_i64(v),
                (_, _, Some(v)) => visitor.visit_f64(v),
                _ => Err(Complaint::new(What::Value(
                    "is a number that cannot be kept".to_owned(),
                ))),
            },
            Self::Json(Value::String(v)) if v.contains('\0') => Err(Complaint::new(What::Nul)),
            Self::Json(Value::String(v)) => hand_over(visitor, v),
            Self::Json(Value::Array(items)) => visitor.visit_seq(Items {
                rest: items
                    .into_iter()
                    .map(Self::Json)
                    .collect::<Vec<_>>()
                    .into_iter(),
                at: Some(0),
            }),
            Self::Json(Value::Object(fields)) => visitor.visit_map(Entries {
                rest: fields
                    .into_iter()
                    .map(|(k, v)| (k, Self::Json(v)))
                    .collect::<Vec<_>>()
                    .into_iter(),
                at: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self {
            Self::Json(Value::Null) => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    /// An object with named fields is no list of their values.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        match self {
            Self::Json(Value::Array(_)) => Err(Complaint::new(What::Type(
                "should be an object and is a list".to_owned(),
            ))),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self {
            Self::Texts(values) => {
                let items: Vec<_> = values.into_iter().map(|v| Self::Texts(vec![v])).collect();
                visitor.visit_seq(Items {
                    rest: items.into_iter(),
                    // Whoever repeats a field does not count it.
                    at: None,
                })
            }
            json => json.deserialize_any(visitor),
        }
    }

    numbers! {
        deserialize_bool => visit_bool: bool, "true or false";
        deserialize_i32 => visit_i32: i32, "a whole number";
        deserialize_i64 => visit_i64: i64, "a whole number";
        deserialize_u32 => visit_u32: u32, "a whole number";
        deserialize_u64 => visit_u64: u64, "a whole number";
        deserialize_f64 => visit_f64: f64, "a number";
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct
        map enum identifier ignored_any
    }
}

/// Hands a text over; of one that looks like a date it is known where it is refused.
fn hand_over<'de, V: Visitor<'de>>(visitor: V, text: String) -> Result<V::Value, Complaint> {
    no_leap_second(&text, &visitor)?;
    let is_day = text.len() == 10 && text.chars().all(|c| c.is_ascii_digit() || c == '-');
    let day = is_day.then(|| text.clone());
    let read: Result<_, Complaint> = visitor.visit_string(text);
    read.map_err(|complaint| complaint.of_text(day))
}

struct Items {
    rest: std::vec::IntoIter<Node>,
    /// The place of the next one, where places have numbers.
    at: Option<usize>,
}

impl<'de> de::SeqAccess<'de> for Items {
    type Error = Complaint;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Complaint> {
        let Some(node) = self.rest.next() else {
            return Ok(None);
        };
        let place = self.at;
        self.at = place.map(|at| at + 1);
        seed.deserialize(node).map(Some).map_err(|e| match place {
            Some(at) => e.below(&format!("[{at}]")),
            None => e,
        })
    }
}
