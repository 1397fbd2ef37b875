//! Typed access to a transaction: `tx.of::<WorkOrder>().require(…)`.

use super::count::{Count, Group};
use super::portion::Portion;
use super::store::{Filter, Lock, Query, Related, SaveRule, Saved, Tx};
use crate::record::{Cell, Col, Record, Table};
use crate::{Error, Result};
use std::marker::PhantomData;

/// Makes the typed access; implemented for every transaction.
pub trait TxExt {
    /// The records of this kind.
    fn of<R: Record>(&mut self) -> Repository<'_, R>;
}

impl TxExt for dyn Tx + '_ {
    fn of<R: Record>(&mut self) -> Repository<'_, R> {
        Repository {
            tx: self,
            record: PhantomData,
        }
    }
}

impl TxExt for Box<dyn Tx> {
    fn of<R: Record>(&mut self) -> Repository<'_, R> {
        Repository {
            tx: &mut **self,
            record: PhantomData,
        }
    }
}

/// The records of one kind in one transaction.
pub struct Repository<'t, R> {
    tx: &'t mut (dyn Tx + 't),
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Repository<'_, R> {
    /// The record with this key.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn get(&mut self, key: &[Cell<'_>]) -> Result<Option<R>> {
        self.locked(key, Lock::None).await
    }

    /// The record with this key, locked until the transaction ends.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn locked(&mut self, key: &[Cell<'_>], lock: Lock) -> Result<Option<R>> {
        let mut found: Vec<R> = Vec::new();
        self.tx.get(R::TABLE, &[key], lock, &mut found).await?;
        Ok(found.pop())
    }

    /// The records with these keys, in no order; missing ones are left out.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn get_all(&mut self, keys: &[&[Cell<'_>]]) -> Result<Vec<R>> {
        let mut found = Vec::new();
        self.tx.get(R::TABLE, keys, Lock::None, &mut found).await?;
        Ok(found)
    }

    /// The records that a query finds, in its order.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn list(&mut self, query: &Query<'_>) -> Result<Vec<R>> {
        let mut found = Vec::with_capacity(expected(query));
        self.tx.list(R::TABLE, query, &mut found).await?;
        Ok(found)
    }

    /// The first records that a query finds, in its order, up to so many octets.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn list_within(&mut self, query: &Query<'_>, octets: usize) -> Result<Portion<R>> {
        let mut found = Portion::up_to(octets, expected(query));
        self.tx.list(R::TABLE, query, &mut found).await?;
        Ok(found)
    }

    /// The first records that a query finds, in its order, up to so many octets, and those of another kind that name one
    /// of them by its id.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn list_with<L: Record>(
        &mut self,
        query: &Query<'_>,
        column: Col,
        names: Col,
        octets: usize,
    ) -> Result<(Portion<R>, Vec<L>)> {
        let related = Related {
            table: L::TABLE,
            column,
            names,
        };
        let expected = expected(query);
        let mut found = Portion::up_to(octets, expected);
        let mut of_them = Vec::with_capacity(expected);
        self.tx
            .list_with(R::TABLE, query, &mut found, &related, &mut of_them)
            .await?;
        Ok((found, of_them))
    }

    /// The first record that a filter takes, by key.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn first(&mut self, filter: Filter<'_>) -> Result<Option<R>> {
        let query = Query {
            filter,
            limit: Some(1),
            ..Query::default()
        };
        Ok(self.list(&query).await?.pop())
    }

    /// Counts the records that a filter takes.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn count(&mut self, count: &Count<'_>) -> Result<Vec<Group>> {
        self.tx.count(R::TABLE, count).await
    }

    /// Saves one record.
    ///
    /// # Errors
    /// Those of a write.
    pub async fn save(&mut self, record: &R, rule: SaveRule) -> Result<Saved> {
        let saved = self.tx.save(R::TABLE, &One(record), rule).await?;
        saved
            .first()
            .copied()
            .ok_or_else(|| Error::internal("a save gave no answer"))
    }

    /// Saves many records; each has its own answer, in order.
    ///
    /// # Errors
    /// Those of a write.
    pub async fn save_all(&mut self, records: &[R], rule: SaveRule) -> Result<Vec<Saved>> {
        self.tx.save(R::TABLE, &Many(records), rule).await
    }

    /// Saves a record by [`SaveRule::Upsert`] and answers it as it is then.
    ///
    /// # Errors
    /// Those of a write.
    pub async fn upsert_and_get(&mut self, record: &R) -> Result<R> {
        let mut stored: Vec<R> = Vec::new();
        self.tx
            .upsert_and_get(R::TABLE, &One(record), &mut stored)
            .await?;
        stored
            .pop()
            .ok_or_else(|| Error::internal("a record that was saved is gone"))
    }

    /// Inserts a record that is new, at the latest with the commit.
    ///
    /// # Errors
    /// Those of a write; `CMMS-INTERNAL-001` where it is not new, here or at a later call.
    pub async fn insert_later(&mut self, record: &R) -> Result<()> {
        self.tx.insert_later(R::TABLE, &One(record)).await
    }

    /// Inserts records that are new, at the latest with the commit: a store that is far away takes them while the
    /// caller goes on.
    ///
    /// # Errors
    /// Those of a write; `CMMS-INTERNAL-001` where one is not new, here or at a later call.
    pub async fn insert_all_later(&mut self, records: &[R]) -> Result<()> {
        self.tx.insert_later(R::TABLE, &Many(records)).await
    }

    /// Deletes the record with this key and says whether there was one.
    ///
    /// # Errors
    /// Those of a write.
    pub async fn delete(&mut self, key: &[Cell<'_>]) -> Result<bool> {
        Ok(self.tx.delete(R::TABLE, &[key]).await? > 0)
    }
}

/// How many records a query most likely finds: a page is full but for the last one.
fn expected(query: &Query<'_>) -> usize {
    const PAGE: u32 = 1_000;
    query.limit.map_or(0, |limit| limit.min(PAGE) as usize)
}

struct One<'r, R>(&'r R);

impl<R: Record> crate::record::RowSource for One<'_, R> {
    fn len(&self) -> usize {
        1
    }
    fn row<'a>(&'a self, _: usize, to: &mut dyn crate::record::Sink<'a>) {
        self.0.write(to);
    }
    fn key<'a>(&'a self, _: &'static Table, _: usize, to: &mut dyn crate::record::Sink<'a>) {
        self.0.write_key(to);
    }
}

struct Many<'r, R>(&'r [R]);

impl<R: Record> crate::record::RowSource for Many<'_, R> {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn row<'a>(&'a self, i: usize, to: &mut dyn crate::record::Sink<'a>) {
        if let Some(record) = self.0.get(i) {
            record.write(to);
        }
    }
    fn key<'a>(&'a self, _: &'static Table, i: usize, to: &mut dyn crate::record::Sink<'a>) {
        if let Some(record) = self.0.get(i) {
            record.write_key(to);
        }
    }
}
