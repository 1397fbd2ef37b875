//! The store in a schema of a PostgreSQL database, through sqlx.

mod ahead;
mod bind;
mod calls;
mod counters;
mod errors;
mod options;
mod organizations;
mod pool;
mod pooler;
mod read;
mod roles;
mod schema;
mod session;
mod settle;
mod tls;
mod turns;
mod tx;
mod whole;
mod write;
mod writing;

pub use options::PostgresOptions;

use crate::migrate;
use crate::sql::{Catalogue, Dialect};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cmms_core::Result;
use cmms_core::context::Scope;
use cmms_core::ids::OrgId;
use cmms_core::ports::store::{
    Migrated, MigrationStep, Organization, Store, StoreHealth, StoreInfo, Tx, TxMode,
};
use errors::{Fault, Place};
use pool::{Begin, Origin, Pool};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::sync::OnceCell;
use tx::{Held, PgTx};
use uuid::Uuid;

/// A store in a schema of a PostgreSQL database (14 or later).
///
/// Several processes on several hosts may use it at once. One transaction of an organization writes at a time, those
/// of other organizations and all reads go on beside it, and each sees one state. Rows are kept apart by row-level
/// security, too: the connection is set to an organization and works under a role that owns no table. Calls need a
/// tokio runtime with I/O and timer.
///
/// The schema is made by [`Store::migrate`] (`cmms migrate up`), never by opening.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Arc<Pool>,
    catalogue: Arc<Catalogue>,
    /// The schema, once it was seen that it is this program's.
    ready: OnceCell<u32>,
}

impl PostgresStore {
    /// Reaches the server; the schema is looked at with the first transaction.
    ///
    /// # Errors
    /// `CMMS-STORE-011` where row-level security would not hold for the role, `-012` the server cannot be reached,
    /// `-013` it refused the login, `-014` there is no such database.
    pub async fn connect(options: PostgresOptions) -> Result<Self> {
        let place = Place::new(options.location());
        let (schema, connections) = (options.schema_name().to_owned(), options.most());
        let store = Self::over(Origin::Own(Box::new(options)), place, schema, connections);
        let reached = store.pool.session().await;
        reached.map_err(|e| store.pool.place.error(e))?;
        Ok(store)
    }

    /// A store over the pool of a host program. Role and organization are set for each transaction and end with it,
    /// so that the host finds its connections as it left them; each read costs a transaction.
    pub fn from_pool(pool: PgPool, schema: &str) -> Result<Self> {
        let schema = options::schema_name(schema)?;
        let options = pool.connect_options();
        let place = Place::new(format!(
            "{}:{}/{}",
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or_default()
        ));
        let connections = pool.options().get_max_connections() as usize;
        Ok(Self::over(Origin::Lent(pool), place, schema, connections))
    }

    fn over(origin: Origin, place: Place, schema: String, connections: usize) -> Self {
        let dialect = Dialect::Postgres {
            schema: schema.clone(),
        };
        Self {
            pool: Arc::new(Pool::new(origin, place, schema, connections)),
            catalogue: Arc::new(Catalogue::new(dialect)),
            ready: OnceCell::new(),
        }
    }

    /// Looks once whether the schema is this program's.
    async fn ready(&self) -> Result<u32> {
        let look = || async {
            let applied = self.applied().await?;
            schema::check(&applied, &self.pool.place)
        };
        let ready = self.ready.get_or_try_init(look).await;
        ready.copied().map_err(|e| self.pool.place.error(e))
    }

    async fn applied(&self) -> Result<Vec<migrate::Applied>, Fault> {
        let mut session = self.pool.live().await?;
        let connection = session.enter()?.connection();
        let applied = schema::applied(connection, &self.pool.schema).await;
        session.left(&applied);
        applied
    }

    async fn make(&self, name: &str, new: Uuid, now: DateTime<Utc>) -> Result<Option<Uuid>, Fault> {
        let mut session = self.pool.live().await?;
        let connection = session.enter()?.connection();
        let made = organizations::make(connection, &self.pool.schema, name, new, now).await;
        session.left(&made);
        made
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            engine: "postgres",
            location: self.pool.place.name().to_owned(),
            shared: true,
        }
    }

    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        self.ready().await?;
        let org = scope.org().0;
        let held = match mode {
            TxMode::Once => Ok(Held::Nothing),
            TxMode::Snapshot => {
                let begun = self.pool.begin(org, Begin::Snapshot).await;
                begun.map(Held::Snapshot)
            }
            TxMode::Write => self.pool.hold_write(org).await,
            TxMode::Add => self.pool.hold_add(org).await,
        };
        let held = held.map_err(|e| self.pool.place.error(e))?;
        let (pool, catalogue) = (Arc::clone(&self.pool), Arc::clone(&self.catalogue));
        Ok(Box::new(PgTx::new(pool, catalogue, org, held)))
    }

    async fn organization(&self, name: &str, new: OrgId, now: DateTime<Utc>) -> Result<OrgId> {
        self.ready().await?;
        let made = self.make(name, new.0, now).await;
        let made = made.map_err(|e| self.pool.place.error(e))?;
        made.map(OrgId).ok_or_else(|| {
            cmms_core::Error::internal("the id of a new organization belongs to another one")
        })
    }

    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.ready().await?;
        let all = async {
            let mut session = self.pool.live().await?;
            let connection = session.enter()?.connection();
            let all = organizations::all(connection, &self.pool.schema).await;
            session.left(&all);
            all
        };
        all.await.map_err(|e| self.pool.place.error(e))
    }

    async fn migrations(&self) -> Result<Vec<MigrationStep>> {
        let applied = self.applied().await;
        let steps = applied.and_then(|a| Ok(migrate::steps(migrate::POSTGRES, &a)?));
        let mut steps = steps.map_err(|e| self.pool.place.error(e))?;
        let schema = &self.pool.schema;
        for (step, migration) in steps.iter_mut().zip(migrate::POSTGRES) {
            step.sql = schema::statements(schema, migration);
        }
        if let Some(last) = steps.last_mut() {
            last.sql.push_str(&schema::rights(schema));
        }
        Ok(steps)
    }

    async fn migrate(&self) -> Result<Migrated> {
        let mut kept = self
            .pool
            .plain()
            .await
            .map_err(|e| self.pool.place.error(e))?;
        let migrated = schema::migrate(&mut kept, &self.pool.schema).await;
        let migrated = migrated.map_err(|e| self.pool.place.error(e))?;
        kept.hand_back();
        if migrated.from != migrated.to {
            self.pool.renew();
        }
        Ok(migrated)
    }

    async fn health(&self) -> Result<StoreHealth> {
        let applied = self.applied().await.map_err(|e| self.pool.place.error(e))?;
        Ok(StoreHealth {
            schema: applied.last().map_or(0, |a| a.number),
        })
    }
}
