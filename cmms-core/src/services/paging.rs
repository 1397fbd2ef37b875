//! One page of a list of records, in the order of their ids.

use crate::Result;
use crate::context::CallContext;
use crate::page::{self, Listing, Page};
use crate::ports::repository::TxExt;
use crate::ports::store::{Cmp, Filter, Query, Tx};
use crate::record::{Cell, Col, Kind, Record};
use uuid::Uuid;

/// How much is asked for, and from where on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// At most so many.
    pub(super) limit: Option<u32>,
    /// The `next` of the page before.
    pub(super) cursor: Option<&'a str>,
}

/// The records whose columns equal all values that are given, oldest first.
pub(super) async fn page<R: Record>(
    tx: &mut Box<dyn Tx>,
    cx: &CallContext,
    wanted: &[(Col, Option<&str>)],
    id: Col,
    ask: Ask<'_>,
    id_of: fn(&R) -> Uuid,
) -> Result<Page<R>> {
    let limit = page::limit(ask.limit)?;
    let mut words = vec![R::TABLE.name];
    let mut filters = Vec::new();
    for (col, value) in wanted {
        // U+0000 is in no text, so it tells "not asked" from every value.
        words.extend([col.0, value.unwrap_or("\0")]);
        filters.extend(value.map(|v| Filter::eq(*col, value_cell::<R>(*col, v))));
    }
    let listing = Listing::of(cx.scope.org(), &words);
    if let Some(cursor) = ask.cursor {
        let after = listing.read(cursor, &[Kind::Id])?;
        filters.extend(
            after
                .into_iter()
                .map(|place| Filter::Is(id, Cmp::Gt, place)),
        );
    }
    let query = Query {
        filter: Filter::And(filters),
        order: vec![(id, crate::ports::store::Dir::Asc)],
        limit: Some(limit + 1),
        ..Query::default()
    };
    let mut items = tx.of::<R>().list(&query).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| listing.cursor(&[Cell::Id(id_of(last))]));
    Ok(Page { items, next })
}

/// The cell of a filter value: an id column takes a UUID, every other one the text.
fn value_cell<R: Record>(col: Col, value: &str) -> Cell<'_> {
    let kind = R::TABLE
        .position(col.0)
        .and_then(|i| R::TABLE.columns.get(i))
        .map(|c| c.kind);
    match (kind, Uuid::parse_str(value)) {
        (Some(Kind::Id), Ok(id)) => Cell::Id(id),
        _ => Cell::text(value),
    }
}
