//! The macros that describe records and enums.

/// Describes a kind of record: the struct, its [`Table`](crate::record::Table), a constant per column and both
/// directions of conversion.
///
/// Each field has a role and a privacy in brackets. Fields of `view` are not stored; services fill them in.
/// `projection` marks a narrower view of a table that another record describes.
#[macro_export]
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident: $table:literal $($projection:ident)? {
            $( $(#[$fmeta:meta])* $field:ident: $ty:ty [$role:ident $privacy:ident], )*
        }
        $(view { $( $(#[$vmeta:meta])* $vfield:ident: $vty:ty, )* })?
        $(unique $unique:tt)?
        $(index $index:tt)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[$fmeta])* pub $field: $ty, )*
            $($( $(#[$vmeta])* pub $vfield: $vty, )*)?
        }

        pastey::paste! {
            impl $name {
                $(
                    #[doc = concat!("The column `", stringify!($field), "`.")]
                    pub const [<$field:upper>]: $crate::record::Col = $crate::record::Col(stringify!($field));
                )*
            }
        }

        impl $crate::record::Record for $name {
            const TABLE: &'static $crate::record::Table = &$crate::record::Table {
                name: $table,
                columns: &[ $( $crate::record::Column {
                    name: stringify!($field),
                    kind: <$ty as $crate::record::Field>::KIND,
                    nullable: <$ty as $crate::record::Field>::NULLABLE,
                    role: $crate::record::Role::$role,
                    privacy: $crate::record::Privacy::$privacy,
                }, )* ],
                unique: $crate::record!(@sets $($unique)?),
                index: $crate::record!(@sets $($index)?),
                projection: $crate::record!(@projection $($projection)?),
            };

            fn write<'a>(&'a self, to: &mut dyn $crate::record::Sink<'a>) {
                $( to.put($crate::record::Field::cell(&self.$field)); )*
            }

            fn write_key<'a>(&'a self, to: &mut dyn $crate::record::Sink<'a>) {
                $( $crate::record!(@key $role to, self.$field); )*
            }

            fn read(from: &mut dyn $crate::record::Source) -> $crate::Result<Self> {
                Ok(Self {
                    $( $field: from
                        .take()
                        .and_then(<$ty as $crate::record::Field>::from_cell)
                        .map_err(|e| $crate::record::in_column($table, stringify!($field), e))?, )*
                    $($( $vfield: Default::default(), )*)?
                })
            }
        }
    };
    (@key Key $to:ident, $cell:expr) => { $to.put($crate::record::Field::cell(&$cell)) };
    (@key $role:ident $to:ident, $cell:expr) => {};
    (@sets) => { &[] };
    (@sets [$([$($col:ident),+ $(,)?]),* $(,)?]) => { &[$(&[$(stringify!($col)),+]),*] };
    (@projection) => { false };
    (@projection projection) => { true };
}

/// Declares an enum whose values are words on the wire and in the store.
///
/// A word behind `|` is read as the same value and never written.
#[macro_export]
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident = $word:literal $(| $alias:literal)*, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $( $(#[$vmeta])* $variant, )+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words of all values.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of this word, if it is one.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word $(| $alias)* => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Self::from_word(s).ok_or_else(|| $crate::Error::new(
                    $crate::code::INPUT_ENUM,
                    format!("{s:?} is none of: {}", Self::WORDS.join(", ")),
                ))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct V;
                impl serde::de::Visitor<'_> for V {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(f, "one of: {}", $name::WORDS.join(", "))
                    }
                    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<$name, E> {
                        $name::from_word(v).ok_or_else(|| E::unknown_variant(v, $name::WORDS))
                    }
                }
                d.deserialize_str(V)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }

        impl $crate::record::Field for $name {
            const KIND: $crate::record::Kind = $crate::record::Kind::Text;
            fn cell(&self) -> $crate::record::Cell<'_> {
                $crate::record::Cell::text(self.as_str())
            }
            fn from_cell(cell: $crate::record::Cell<'_>) -> $crate::Result<Self> {
                let word = <String as $crate::record::Field>::from_cell(cell)?;
                word.parse()
            }
        }
    };
}
