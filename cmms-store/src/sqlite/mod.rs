//! The store in one SQLite file, through rusqlite.

mod aside;
mod bind;
mod errors;
mod open;
mod options;
mod pool;
mod read;
mod schema;
mod tx;
mod waiting;
mod write;

pub use options::SqliteOptions;

use crate::migrate;
use crate::sql::{Catalogue, Dialect};
use aside::step_aside;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cmms_core::Result;
use cmms_core::context::Scope;
use cmms_core::ids::OrgId;
use cmms_core::ports::store::{
    Migrated, MigrationStep, Organization, Store, StoreHealth, StoreInfo, Tx, TxMode,
};
use open::Target;
use pool::Pool;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::Arc;
use tx::{Held, SqliteTx};
use uuid::Uuid;

/// A store in one SQLite file.
///
/// One transaction writes at a time, in this process and in others; reads go on beside it and each sees one
/// state. Calls need a tokio runtime with its timer; long ones step aside on the multi-thread runtime.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use cmms_core::ports::store::Store;
/// use cmms_store::{SqliteOptions, SqliteStore};
/// let folder = tempfile::tempdir()?;
/// let store = SqliteStore::open(&folder.path().join("cmms.db"), SqliteOptions::default())?;
/// assert_eq!(store.info().engine, "sqlite");
/// assert!(store.health().await?.schema >= 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    pool: Arc<Pool>,
    catalogue: Arc<Catalogue>,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings its schema up to this program's.
    ///
    /// A file that is no database, another program's or newer than this program stays as it is.
    ///
    /// # Errors
    /// `CMMS-STORE-002` busy, `-003` full, `-004` read-only, `-005` no database of ours, `-006` newer schema,
    /// `-007` cannot be opened, `-008` damaged; each names the file.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self> {
        let target = Target::new(path, options)?;
        let writer = step_aside(true, || {
            target.look()?;
            target.first().map_err(|e| target.error(e))
        })?;
        Ok(Self {
            pool: Arc::new(Pool::new(target, writer)),
            catalogue: Arc::new(Catalogue::new(Dialect::Sqlite)),
        })
    }
}

fn organization(connection: &Connection, name: &str) -> rusqlite::Result<Option<OrgId>> {
    connection
        .prepare_cached("SELECT id FROM organizations WHERE name = ?1")?
        .query_row([name], |row| {
            let id: [u8; 16] = row.get(0)?;
            Ok(OrgId(Uuid::from_bytes(id)))
        })
        .optional()
}

fn organizations(connection: &Connection) -> rusqlite::Result<Vec<Organization>> {
    let sql = "SELECT id, name, created_at FROM organizations ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let (id, created_at): ([u8; 16], i64) = (row.get(0)?, row.get(2)?);
        Ok(Organization {
            id: OrgId(Uuid::from_bytes(id)),
            name: row.get(1)?,
            created_at: DateTime::from_timestamp_micros(created_at).unwrap_or_default(),
        })
    })?;
    rows.collect()
}

#[async_trait]
impl Store for SqliteStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            engine: "sqlite",
            location: self.pool.target.place.name().to_owned(),
            shared: false,
        }
    }

    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        let held = match mode {
            TxMode::Once => Held::Nothing,
            TxMode::Snapshot => {
                let reader = self.pool.reader().await?;
                reader.hold()?;
                Held::Snapshot(reader)
            }
            TxMode::Write | TxMode::Add => Held::Write(self.pool.writer().await?),
        };
        let (pool, catalogue) = (Arc::clone(&self.pool), Arc::clone(&self.catalogue));
        Ok(Box::new(SqliteTx::new(
            pool,
            catalogue,
            scope.org().0,
            held,
        )))
    }

    async fn organization(&self, name: &str, new: OrgId, now: DateTime<Utc>) -> Result<OrgId> {
        let target = &self.pool.target;
        let reader = self.pool.reader().await?;
        let known = organization(reader.connection()?, name).map_err(|e| target.error(e))?;
        drop(reader);
        if let Some(id) = known {
            return Ok(id);
        }
        let writer = self.pool.writer().await?;
        let connection = writer.connection()?;
        // Somebody else may have made it meanwhile; then that one counts.
        let id = match organization(connection, name).map_err(|e| target.error(e))? {
            Some(id) => id,
            None => {
                let sql = "INSERT INTO organizations (id, name, created_at) VALUES (?1, ?2, ?3)";
                let row = params![new.0.as_bytes(), name, now.timestamp_micros()];
                connection.execute(sql, row).map_err(|e| target.error(e))?;
                new
            }
        };
        step_aside(true, || writer.commit())?;
        Ok(id)
    }

    async fn organizations(&self) -> Result<Vec<Organization>> {
        let reader = self.pool.reader().await?;
        organizations(reader.connection()?).map_err(|e| self.pool.target.error(e))
    }

    async fn migrations(&self) -> Result<Vec<MigrationStep>> {
        let reader = self.pool.reader().await?;
        let applied = schema::applied(reader.connection()?);
        let steps = applied.and_then(|a| Ok(migrate::steps(migrate::SQLITE, &a)?));
        steps.map_err(|e| self.pool.target.error(e))
    }

    async fn migrate(&self) -> Result<Migrated> {
        let target = &self.pool.target;
        // Opening has done it; this finds out whether a newer program has been here since.
        let reader = self.pool.reader().await?;
        schema::migrate(reader.connection()?).map_err(|e| target.error(e))
    }

    async fn health(&self) -> Result<StoreHealth> {
        let reader = self.pool.reader().await?;
        let schema =
            schema::version(reader.connection()?).map_err(|e| self.pool.target.error(e))?;
        Ok(StoreHealth { schema })
    }
}
