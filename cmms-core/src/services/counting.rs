//! Counts of records: how many there are, and how many with each value of a field.

use crate::Result;
use crate::ports::count::{Count, Group};
use crate::ports::repository::TxExt;
use crate::ports::store::{Filter, Tx};
use crate::record::{Cell, Col, Record};

/// The most values that are listed; there may be as many people as there are records.
const MOST: u32 = 500;

/// How many records have a value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct CountGroup {
    /// The value; null: those without one.
    pub value: Option<String>,
    /// How many records.
    pub count: u64,
}

/// How many records there are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct RecordCount {
    /// All that the filters take.
    pub total: u64,
    /// How many with each value. Of words, every one in its order, with those that no record has; else the 500 values
    /// of the most records, of the most first. Empty where nothing is counted by.
    pub groups: Vec<CountGroup>,
    /// How many records have values that are not listed.
    pub others: u64,
}

/// A field that records are counted by, and all its words where it holds words.
pub(super) type Grouping = (Col, Option<&'static [&'static str]>);

/// Counts the records that the filters take.
pub(super) async fn count<R: Record>(
    tx: &mut Box<dyn Tx>,
    filters: Vec<Filter<'_>>,
    by: Option<Grouping>,
) -> Result<RecordCount> {
    let mut count = Count {
        filter: Filter::And(filters),
        by: by.map(|(col, _)| col),
        limit: Some(MOST),
    };
    let found = tx.of::<R>().count(&count).await?;
    let listed = found.iter().map(|group| group.rows).sum();
    let is_full = found.len() >= MOST as usize;
    let total = if by.is_some() && is_full {
        count.by = None;
        tx.of::<R>()
            .count(&count)
            .await?
            .iter()
            .map(|g| g.rows)
            .sum()
    } else {
        listed
    };
    let groups = match by {
        None => Vec::new(),
        Some((_, Some(words))) => of_words(words, &found),
        Some((_, None)) => found.iter().map(shown).collect(),
    };
    Ok(RecordCount {
        total,
        groups,
        others: total.saturating_sub(listed),
    })
}

/// Every word in its order; then what else was found.
fn of_words(words: &[&str], found: &[Group]) -> Vec<CountGroup> {
    let mut groups: Vec<CountGroup> = words
        .iter()
        .map(|word| CountGroup {
            value: Some((*word).to_owned()),
            count: 0,
        })
        .collect();
    for group in found.iter().map(shown) {
        match groups.iter_mut().find(|g| g.value == group.value) {
            Some(known) => known.count = group.count,
            None => groups.push(group),
        }
    }
    groups
}

fn shown(group: &Group) -> CountGroup {
    CountGroup {
        value: match &group.value {
            Cell::Text(text) => Some(text.as_ref().to_owned()),
            _ => None,
        },
        count: group.rows,
    }
}
