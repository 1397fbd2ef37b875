//! Migrations: embedded, forward only, checksummed. The same rules for every engine.

use chrono::DateTime;
use cmms_core::ports::store::MigrationStep;
use sha2::{Digest as _, Sha256};

/// One step of the schema.
#[derive(Debug)]
pub(crate) struct Migration {
    /// Its number, from 1 without gaps.
    pub(crate) number: u32,
    /// Its name, as in the name of its file.
    pub(crate) name: &'static str,
    /// Its statements.
    pub(crate) sql: &'static str,
}

macro_rules! migrations {
    ($engine:literal: $($number:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("../migrations/", $engine, "/", $name, ".sql")),
        }),+]
    };
}

/// The schema of SQLite.
#[cfg(feature = "sqlite")]
pub(crate) const SQLITE: &[Migration] = migrations!("sqlite": 1 "0001_foundation");

/// The schema of PostgreSQL: the same numbers and names.
#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: &[Migration] = migrations!("postgres": 1 "0001_foundation");

/// A step that a database has had.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) checksum: Vec<u8>,
    /// Microseconds since 1970.
    pub(crate) applied_at: i64,
}

/// Why a database cannot be brought up to this program's schema.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It has steps that this program does not know.
    #[error("the database has schema {found}, this program knows up to {known}")]
    Newer { found: u32, known: u32 },
    /// A step that it has had is another one here.
    #[error("migration {number} ({name}) of the database is another one here")]
    Changed { number: u32, name: String },
}

impl Migration {
    /// The checksum of its statements; the kind of line break does not enter it.
    pub(crate) fn checksum(&self) -> Vec<u8> {
        Sha256::digest(self.sql.replace("\r\n", "\n")).to_vec()
    }
}

/// The number of the last step, 0 for none.
pub(crate) fn latest(all: &[Migration]) -> u32 {
    all.last().map_or(0, |m| m.number)
}

/// The steps that are still to be done, after those that have been, in the order of their numbers.
pub(crate) fn pending<'m>(
    all: &'m [Migration],
    applied: &[Applied],
) -> Result<&'m [Migration], Refused> {
    let known = latest(all);
    if let Some(found) = applied.iter().map(|a| a.number).max()
        && found > known
    {
        return Err(Refused::Newer { found, known });
    }
    for (have, want) in applied.iter().zip(all) {
        if have.number != want.number || have.name != want.name || have.checksum != want.checksum()
        {
            return Err(Refused::Changed {
                number: have.number,
                name: have.name.clone(),
            });
        }
    }
    Ok(all.get(applied.len()..).unwrap_or_default())
}

/// All steps, and when a database had them.
pub(crate) fn steps(all: &[Migration], applied: &[Applied]) -> Result<Vec<MigrationStep>, Refused> {
    pending(all, applied)?;
    let step = |(i, migration): (usize, &Migration)| MigrationStep {
        number: migration.number,
        name: migration.name,
        sql: migration.sql.to_owned(),
        applied_at: applied
            .get(i)
            .and_then(|a| DateTime::from_timestamp_micros(a.applied_at)),
    };
    Ok(all.iter().enumerate().map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(m: &Migration) -> Applied {
        Applied {
            number: m.number,
            name: m.name.to_owned(),
            checksum: m.checksum(),
            applied_at: 0,
        }
    }

    #[test]
    fn numbers_have_no_gaps_and_files_carry_them() {
        for (i, m) in SQLITE.iter().enumerate() {
            assert_eq!(m.number as usize, i + 1);
            assert!(m.name.starts_with(&format!("{:04}_", m.number)));
        }
    }

    #[test]
    fn an_empty_database_needs_all_and_a_full_one_none() {
        assert_eq!(pending(SQLITE, &[]).unwrap().len(), SQLITE.len());
        let have: Vec<_> = SQLITE.iter().map(applied).collect();
        assert!(pending(SQLITE, &have).unwrap().is_empty());
    }

    #[test]
    fn a_newer_and_a_changed_schema_are_refused() {
        let mut have: Vec<_> = SQLITE.iter().map(applied).collect();
        have[0].checksum[0] ^= 1;
        assert!(matches!(
            pending(SQLITE, &have),
            Err(Refused::Changed { number: 1, .. })
        ));
        have[0].number = 900;
        let newer = Refused::Newer {
            found: 900,
            known: latest(SQLITE),
        };
        assert_eq!(pending(SQLITE, &have).unwrap_err(), newer);
    }
}
