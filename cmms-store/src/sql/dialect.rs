//! What the engines write differently, side by side.

#[cfg(feature = "postgres")]
use cmms_core::failpoint::{Failpoint, is_on};
use cmms_core::record::Kind;
use std::fmt::Display;

/// An engine and where its tables are.
#[derive(Debug, Clone)]
pub(crate) enum Dialect {
    /// Tables of the one file.
    #[cfg(feature = "sqlite")]
    Sqlite,
    /// Tables of a schema.
    #[cfg(feature = "postgres")]
    Postgres {
        /// Its name.
        schema: String,
    },
}

/// The name of a table or column, quoted.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Dialect {
    /// A table.
    pub(crate) fn table(&self, name: &str) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => quoted(name),
            #[cfg(feature = "postgres")]
            Self::Postgres { schema } => format!("{}.{}", quoted(schema), quoted(name)),
        }
    }

    /// Parameter `n`.
    pub(crate) fn param(&self, n: usize) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("?{n}"),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => format!("${n}"),
        }
    }

    /// Whether a statement may have parameters that it does not use.
    pub(crate) fn may_skip_params(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => true,
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => false,
        }
    }

    /// Whether there are statements on many rows at once: where each statement is a way to a server and back.
    #[cfg(feature = "postgres")]
    pub(crate) fn has_bulk(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => false,
            Self::Postgres { .. } => true,
        }
    }

    /// Whether two values differ, where null equals null.
    pub(crate) fn differ(&self, a: impl Display, b: impl Display) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("{a} IS NOT {b}"),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => format!("{a} IS DISTINCT FROM {b}"),
        }
    }

    /// A condition that always holds, or never.
    pub(crate) fn truth(&self, holds: bool) -> &'static str {
        match (self, holds) {
            #[cfg(feature = "sqlite")]
            (Self::Sqlite, true) => "1",
            #[cfg(feature = "sqlite")]
            (Self::Sqlite, false) => "0",
            #[cfg(feature = "postgres")]
            (Self::Postgres { .. }, true) => "TRUE",
            #[cfg(feature = "postgres")]
            (Self::Postgres { .. }, false) => "FALSE",
        }
    }

    /// Behind a column of an order, where null comes before all values.
    pub(crate) fn nulls_first(&self) -> &'static str {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => "",
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => " NULLS FIRST",
        }
    }

    /// Whether a row of the table with this alias is the organization's, which is parameter 1.
    pub(crate) fn of_org(&self, alias: &str) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("{alias}\"org_id\" = ?1"),
            // Row-level security has to hold alone then.
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } if is_on(Failpoint::ForgetOrganization) => {
                "$1::uuid IS NOT NULL".to_owned()
            }
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => format!("{alias}\"org_id\" = $1"),
        }
    }

    /// The same for a table that is looked into once for each row of another one.
    ///
    /// The policy of row-level security finds the rows by the index, and this only looks at what it found. Two equal
    /// conditions would be compared with each other once more before each look, which takes as long as the look.
    pub(crate) fn of_org_within(&self, alias: &str) -> String {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } if !is_on(Failpoint::ForgetOrganization) => {
                format!("{alias}\"org_id\" IS NOT DISTINCT FROM $1")
            }
            _ => self.of_org(alias),
        }
    }

    /// Whether a column is one of the values in parameter `n`.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "SQLite needs no type for them")
    )]
    pub(crate) fn one_of(&self, column: &str, kind: Kind, n: usize) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("{column} IN (SELECT value FROM rarray(?{n}))"),
            #[cfg(feature = "postgres")]
            // Not `= ANY`: the planner may look through the whole array for each row of the table.
            Self::Postgres { .. } => {
                format!("{column} IN (SELECT unnest(${n}::{}[]))", type_name(kind))
            }
        }
    }

    /// Whether a column holds a list with the text in parameter `n`; an object's values are not looked at.
    pub(crate) fn has(&self, column: &str, n: usize) -> String {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!(
                "(json_type({column}) = 'array' AND EXISTS (SELECT 1 FROM json_each({column}) AS held \
                 WHERE held.type = 'text' AND held.value = ?{n}))"
            ),
            // The elements of what is no list must not be asked for, which only CASE promises.
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => format!(
                "(CASE json_typeof({column}) WHEN 'array' THEN EXISTS (SELECT 1 FROM \
                 json_array_elements({column}) AS held(value) WHERE json_typeof(held.value) = 'string' \
                 AND held.value #>> '{{}}' = ${n}) ELSE FALSE END)"
            ),
        }
    }
}

/// The type of a column in PostgreSQL.
#[cfg(feature = "postgres")]
pub(crate) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "boolean",
        Kind::Int => "bigint",
        Kind::Real => "double precision",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
        Kind::Id => "uuid",
        Kind::Time => "timestamp with time zone",
        // Byte for byte, which jsonb is not.
        Kind::Json => "json",
    }
}
