//! Gives out the numbers that people read.

use crate::domain::numbering::{DailyNumber, number};
use crate::ports::repository::TxExt;
use crate::ports::store::Tx;
use crate::{Error, Result};
use chrono::{DateTime, Utc};

/// Takes the next `count` numbers of today, in order. They are gone with the transaction, not before.
pub(super) async fn take(
    tx: &mut Box<dyn Tx>,
    prefix: &str,
    now: DateTime<Utc>,
    count: usize,
) -> Result<Vec<String>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let added = i64::try_from(count).map_err(|_| Error::internal("too many numbers"))?;
    let today = DailyNumber {
        prefix: prefix.to_owned(),
        day: now.date_naive(),
        last: added,
    };
    let stored = tx.of::<DailyNumber>().upsert_and_get(&today).await?;
    let first = stored.last - added + 1;
    Ok((first..=stored.last)
        .map(|n| number(prefix, today.day, n))
        .collect())
}
