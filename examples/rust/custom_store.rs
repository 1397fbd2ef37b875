//! A store of your own: `cargo run --example custom_store -- cmms.jsonl`
//!
//! Rows are in memory, and every commit is one line of a file: the rows that it touched as they are then. Opening
//! reads the lines again; one that a crash cut belongs to a commit that nobody was told of and is dropped. What the
//! port asks of keys, versions and queries the memory store does here; a store over an engine of its own does that
//! with its engine. Whether it is right, `cmms::core::store_tests!` tells.
use cmms::core::context::{Principal, Scope};
use cmms::core::memory::MemoryStore;
use cmms::core::ports::store::*;
use cmms::core::record::{Cell, Kind, Role, Row, RowSource, RowTarget, Rows, Sink, Table};
use cmms::core::{domain::TABLES, ids::OrgId};
use cmms::{Client, CreateWorkOrder, Error, ListWorkOrders, Result, code};
use serde_json::{Value, json};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs::File, path::Path};

#[derive(Debug, Clone)]
pub(crate) struct JsonLines {
    memory: MemoryStore,
    /// The file, and where its last whole line ends.
    journal: Arc<Mutex<(File, u64)>>,
    organizations: Arc<tokio::sync::Mutex<()>>,
}

impl JsonLines {
    /// Opens a file, made at its first use; one process at a time has it.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        let cannot = |e| Error::new(code::STORE_OPEN, "the journal cannot be opened").source(e);
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(cannot)?;
        let taken = |_| Error::new(code::STORE_BUSY, "another process has the journal");
        file.try_lock().map_err(taken)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(cannot)?;
        let end = text.iter().rposition(|byte| *byte == b'\n');
        text.truncate(end.map_or(0, |at| at + 1));
        let end = text.len() as u64;
        file.set_len(end).map_err(cannot)?;
        file.seek(SeekFrom::Start(end)).map_err(cannot)?;
        let memory = MemoryStore::new();
        for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let line = serde_json::from_slice(line).map_err(|e| damaged().source(e))?;
            replay(&memory, &line).await?;
        }
        Ok(Self {
            memory,
            journal: Arc::new(Mutex::new((file, end))),
            organizations: Arc::default(),
        })
    }

    /// Adds a line and makes it durable; one that cannot be written whole leaves nothing.
    fn append(&self, line: &Value) -> Result<()> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, end) = &mut *journal;
        let line = format!("{line}\n");
        let written = file.write_all(line.as_bytes());
        if let Err(e) = written.and_then(|()| file.sync_data()) {
            file.set_len(*end).ok();
            file.seek(SeekFrom::Start(*end)).ok();
            return Err(Error::new(code::STORE_FULL, "the journal cannot be written").source(e));
        }
        *end += line.len() as u64;
        Ok(())
    }
}

/// Does again what a line says: an organization, or rows as `[table, key, row or null]`.
async fn replay(memory: &MemoryStore, line: &Value) -> Result<()> {
    let id = line["org"].as_str().and_then(|id| id.parse().ok());
    let org = OrgId(id.ok_or_else(damaged)?);
    if let Some(name) = line["name"].as_str() {
        let at = line["at"].as_i64().and_then(Time::from_timestamp_micros);
        memory
            .organization(name, org, at.unwrap_or_default())
            .await?;
        return Ok(());
    }
    let images = line["rows"].as_array().ok_or_else(damaged)?;
    let scope = Scope::new(org, Principal::system());
    let mut tx = memory.begin(&scope, TxMode::Write).await?;
    // All go before any comes: rows can have exchanged their unique values.
    for image in images {
        let table = table(image[0].as_str().unwrap_or_default())?;
        let key = cells(&image[1], table.key().map(|(_, c)| c.kind))?;
        tx.delete(table, &[&key]).await?;
    }
    for image in images.iter().filter(|image| !image[2].is_null()) {
        let table = table(image[0].as_str().unwrap_or_default())?;
        let row = Row(cells(&image[2], table.columns.iter().map(|c| c.kind))?);
        let (rows, width) = (vec![row], table.columns.len());
        tx.save(table, &Rows { rows, width }, SaveRule::Insert)
            .await?;
    }
    tx.commit().await
}

#[async_trait::async_trait]
impl Store for JsonLines {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            engine: "json-lines",
            location: "a file".to_owned(),
            shared: false,
        }
    }
    async fn begin(&self, scope: &Scope, mode: TxMode) -> Result<Box<dyn Tx>> {
        Ok(Box::new(JsonTx {
            store: self.clone(),
            scope: scope.clone(),
            mode,
            inner: self.memory.begin(scope, mode).await?,
            touched: Vec::new(),
        }))
    }
    async fn organization(&self, name: &str, new: OrgId, now: Time) -> Result<OrgId> {
        // One at a time, so that nobody is told of an organization that is not durable yet.
        let _guard = self.organizations.lock().await;
        let org = self.memory.organization(name, new, now).await?;
        if org == new {
            self.append(
                &json!({"org": org.to_string(), "name": name, "at": now.timestamp_micros()}),
            )?;
        }
        Ok(org)
    }
    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.memory.organizations().await
    }
    async fn migrate(&self) -> Result<Migrated> {
        self.memory.migrate().await
    }
    async fn health(&self) -> Result<StoreHealth> {
        self.memory.health().await
    }
}

type Time = chrono::DateTime<chrono::Utc>;
type Key = Vec<Cell<'static>>;

/// A transaction of the memory store that remembers the keys of the rows that it touched.
struct JsonTx {
    store: JsonLines,
    scope: Scope,
    mode: TxMode,
    inner: Box<dyn Tx>,
    touched: Vec<(&'static str, Key)>,
}

impl JsonTx {
    fn touch(&mut self, table: &'static Table, rows: &dyn RowSource) {
        for i in 0..rows.len() {
            let mut row = Taken(Vec::new());
            rows.row(i, &mut row);
            let row = row.0.into_iter().zip(table.columns);
            let key = row.filter(|(_, column)| column.role == Role::Key);
            let key = key.map(|(cell, _)| cell).collect();
            self.touched.push((table.name, key));
        }
    }
}

#[async_trait::async_trait]
impl Tx for JsonTx {
    async fn get(
        &mut self,
        table: &'static Table,
        keys: &[&[Cell<'_>]],
        lock: Lock,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.inner.get(table, keys, lock, to).await
    }
    async fn list(
        &mut self,
        table: &'static Table,
        query: &Query<'_>,
        to: &mut dyn RowTarget,
    ) -> Result<()> {
        self.inner.list(table, query, to).await
    }
    async fn save(
        &mut self,
        table: &'static Table,
        rows: &dyn RowSource,
        rule: SaveRule,
    ) -> Result<Vec<Saved>> {
        if self.mode == TxMode::Once {
            let mut alone = self.store.begin(&self.scope, TxMode::Write).await?;
            let saved = alone.save(table, rows, rule).await?;
            return alone.commit().await.map(|()| saved);
        }
        let saved = self.inner.save(table, rows, rule).await?;
        self.touch(table, rows);
        Ok(saved)
    }
    async fn insert_later(&mut self, table: &'static Table, rows: &dyn RowSource) -> Result<()> {
        if self.mode == TxMode::Once {
            let mut alone = self.store.begin(&self.scope, TxMode::Write).await?;
            alone.insert_later(table, rows).await?;
            return alone.commit().await;
        }
        self.inner.insert_later(table, rows).await?;
        self.touch(table, rows);
        Ok(())
    }
    async fn delete(&mut self, table: &'static Table, keys: &[&[Cell<'_>]]) -> Result<u64> {
        if self.mode == TxMode::Once {
            let mut alone = self.store.begin(&self.scope, TxMode::Write).await?;
            let count = alone.delete(table, keys).await?;
            return alone.commit().await.map(|()| count);
        }
        let owned = |key: &&[Cell<'_>]| key.iter().map(|c| c.clone().into_owned()).collect();
        let keys_touched = keys.iter().map(|key| (table.name, owned(key)));
        self.touched.extend(keys_touched);
        self.inner.delete(table, keys).await
    }
    fn others_wait(&self) -> bool {
        self.inner.others_wait()
    }
    async fn commit(mut self: Box<Self>) -> Result<()> {
        let mut images = Vec::new();
        for (name, key) in &self.touched {
            let mut row = Rows::of_width(table(name)?.columns.len());
            let keys: &[&[Cell<'_>]] = &[key];
            self.inner
                .get(table(name)?, keys, Lock::None, &mut row)
                .await?;
            let row = row.rows.first().map(|row| json(&row.0));
            images.push(json!([name, json(key), row]));
        }
        // Durable before anybody sees its rows; the transaction keeps other writers out until then.
        if !images.is_empty() {
            let org = self.scope.org().to_string();
            self.store.append(&json!({"org": org, "rows": images}))?;
        }
        self.inner.commit().await
    }
    async fn rollback(self: Box<Self>) -> Result<()> {
        self.inner.rollback().await
    }
}

/// Takes the cells of a row.
struct Taken(Key);
impl<'a> Sink<'a> for Taken {
    fn put(&mut self, cell: Cell<'a>) {
        self.0.push(cell.into_owned());
    }
}

fn damaged() -> Error {
    Error::new(code::STORE_DAMAGED, "a line of the journal cannot be read")
}

fn table(name: &str) -> Result<&'static Table> {
    let mut tables = TABLES.iter().copied();
    tables.find(|table| table.name == name).ok_or_else(damaged)
}

/// Cells as JSON. Floating numbers are texts, which come back to the last bit.
fn json(cells: &[Cell<'_>]) -> Value {
    let cell = |cell: &Cell<'_>| match cell {
        Cell::Null => Value::Null,
        Cell::Bool(v) => json!(v),
        Cell::Int(v) | Cell::Time(v) => json!(v),
        Cell::Real(v) => json!(v.to_string()),
        Cell::Text(v) | Cell::Json(v) => json!(v),
        Cell::Bytes(v) => json!(v),
        Cell::Id(v) => json!(v.to_string()),
    };
    cells.iter().map(cell).collect()
}

/// The cells of columns of these kinds.
fn cells(values: &Value, kinds: impl Iterator<Item = Kind>) -> Result<Key> {
    let text = |v: &Value| Some(v.as_str()?.to_owned().into());
    let bytes = |v: &Value| serde_json::from_value::<Vec<u8>>(v.clone()).ok();
    let cell = |(v, kind): (&Value, Kind)| match kind {
        _ if v.is_null() => Some(Cell::Null),
        Kind::Bool => v.as_bool().map(Cell::Bool),
        Kind::Int => v.as_i64().map(Cell::Int),
        Kind::Time => v.as_i64().map(Cell::Time),
        Kind::Real => v.as_str()?.parse().ok().map(Cell::Real),
        Kind::Text => text(v).map(Cell::Text),
        Kind::Json => text(v).map(Cell::Json),
        Kind::Bytes => bytes(v).map(|bytes| Cell::Bytes(bytes.into())),
        Kind::Id => v.as_str()?.parse().ok().map(Cell::Id),
    };
    let pairs = values.as_array().ok_or_else(damaged)?.iter().zip(kinds);
    pairs.map(|pair| cell(pair).ok_or_else(damaged)).collect()
}

#[tokio::main]
async fn main() -> Result<()> {
    let path = std::env::args().nth(1);
    let path = path.unwrap_or_else(|| "cmms.jsonl".to_owned());
    let store = Arc::new(JsonLines::open(Path::new(&path)).await?);
    let client = Client::builder(store).build().await?;
    let orders = client.work_orders();
    orders.create(CreateWorkOrder::new("Check pump")).await?;
    let page = orders.list(ListWorkOrders::new()).await?;
    for order in page.items {
        println!("{}  {}", order.number, order.title);
    }
    Ok(())
}
