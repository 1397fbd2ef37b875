//! Inputs of operations: structs with `new(required…)` and consuming setters.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SubsecRound, Timelike, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::SecretString;
use serde::de::{IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::marker::PhantomData;

/// A field of a partial update: left away, null, or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The field stays as it is.
    #[default]
    Keep,
    /// The field becomes empty.
    Clear,
    /// The field takes this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Changes a field that may be empty.
    pub fn apply<F: From<T>>(self, field: &mut Option<F>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value.into()),
        }
    }

    /// Changes a field that has a value for empty, such as an empty list.
    pub fn apply_or_default(self, field: &mut T)
    where
        T: Default,
    {
        match self {
            Self::Keep => {}
            Self::Clear => *field = T::default(),
            Self::Set(value) => *field = value,
        }
    }

    /// The value, where it is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(d).map(|v| v.map_or(Self::Clear, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Patch_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// One value or several, any of which is wanted: a field that a query may repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOf<T>(pub Vec<T>);

impl<T> From<T> for OneOf<T> {
    fn from(value: T) -> Self {
        Self(vec![value])
    }
}

impl<T> From<Vec<T>> for OneOf<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T, const N: usize> From<[T; N]> for OneOf<T> {
    fn from(values: [T; N]) -> Self {
        Self(values.into())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOf<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = OneOf<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value or a list of values")
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<OneOf<T>, E> {
                T::deserialize(v.into_deserializer()).map(OneOf::from)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOf<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = items.next_element()? {
                    values.push(value);
                }
                Ok(OneOf(values))
            }
        }
        // A list, so that a query may repeat the field; JSON that holds one text gives that.
        d.deserialize_seq(V(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for OneOf<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("OneOf_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({ "type": "array", "items": one })
    }
}

/// A time of an input, cut to the microseconds that stores keep, so that what is answered is what is stored and the same
/// input again changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(6))
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        DateTime::<Utc>::deserialize(d).map(Self::from)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        DateTime::<Utc>::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        DateTime::<Utc>::json_schema(generator)
    }
}

/// A time that a filter compares with: a time with its offset, or a day, which means its midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOrDate(pub DateTime<Utc>);

impl From<DateTime<Utc>> for TimeOrDate {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(6))
    }
}

impl From<NaiveDate> for TimeOrDate {
    fn from(day: NaiveDate) -> Self {
        Self(day.and_time(NaiveTime::MIN).and_utc())
    }
}

impl<'de> Deserialize<'de> for TimeOrDate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = TimeOrDate;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time such as 2024-01-15T09:00:00Z, or a day such as 2024-01-15")
            }
            fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<TimeOrDate, E> {
                let time = match v.parse::<NaiveDate>() {
                    Ok(day) => TimeOrDate::from(day).0,
                    Err(_) => v.parse::<DateTime<Utc>>().map_err(E::custom)?,
                };
                if !(1..=9999).contains(&time.year()) {
                    return Err(E::custom("must lie in the years 1 to 9999"));
                }
                if time.nanosecond() >= 1_000_000_000 {
                    return Err(E::custom("is a leap second, which is not kept"));
                }
                Ok(time.into())
            }
        }
        d.deserialize_str(V)
    }
}

impl JsonSchema for TimeOrDate {
    fn schema_name() -> Cow<'static, str> {
        "TimeOrDate".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "A time with its offset, or a day, which means its midnight UTC.",
            "anyOf": [
                { "type": "string", "format": "date-time" },
                { "type": "string", "format": "date" },
            ],
        })
    }
}

/// A secret in an input. It cannot be printed or serialised.
#[derive(Clone)]
pub struct SecretText(pub SecretString);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<&str> for SecretText {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl From<String> for SecretText {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl serde::de::Visitor<'_> for V {
            type Value = SecretText;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a secret text")
            }
            fn visit_str<E>(self, v: &str) -> Result<SecretText, E> {
                Ok(v.into())
            }
        }
        d.deserialize_str(V)
    }
}

impl JsonSchema for SecretText {
    fn schema_name() -> Cow<'static, str> {
        "SecretText".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "password", "writeOnly": true })
    }
}

/// Declares the input of an operation.
///
/// `required` fields are the arguments of `new`; `optional` ones have a setter; `patch` ones have a setter and
/// a `clear_…`, and tell a field that is left away from one that is null.
#[macro_export]
macro_rules! request {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(required { $( $(#[$rmeta:meta])* $rfield:ident: $rty:ty, )* })?
            $(optional { $( $(#[$ometa:meta])* $ofield:ident: $oty:ty, )* })?
            $(patch { $( $(#[$pmeta:meta])* $pfield:ident: $pty:ty, )* })?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $($( $(#[$rmeta])* pub $rfield: $rty, )*)?
            $($( $(#[$ometa])* #[serde(default)] pub $ofield: Option<$oty>, )*)?
            $($( $(#[$pmeta])* #[serde(default)] pub $pfield: $crate::request::Patch<$pty>, )*)?
        }

        $crate::request!(@default $name $({ $($rfield)* })?);

        impl $name {
            /// The input with all that is required.
            pub fn new($($( $rfield: impl Into<$rty>, )*)?) -> Self {
                Self {
                    $($( $rfield: $rfield.into(), )*)?
                    $($( $ofield: None, )*)?
                    $($( $pfield: $crate::request::Patch::Keep, )*)?
                }
            }

            $($(
                $(#[$ometa])*
                #[must_use]
                pub fn $ofield(mut self, value: impl Into<$oty>) -> Self {
                    self.$ofield = Some(value.into());
                    self
                }
            )*)?

            $($(
                $(#[$pmeta])*
                #[must_use]
                pub fn $pfield(mut self, value: impl Into<$pty>) -> Self {
                    self.$pfield = $crate::request::Patch::Set(value.into());
                    self
                }
                pastey::paste! {
                    #[doc = concat!("Empties `", stringify!($pfield), "`.")]
                    #[must_use]
                    pub fn [<clear_ $pfield>](mut self) -> Self {
                        self.$pfield = $crate::request::Patch::Clear;
                        self
                    }
                }
            )*)?
        }
    };
    (@default $name:ident) => {
        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
    (@default $name:ident { $($required:ident)+ }) => {};
}
