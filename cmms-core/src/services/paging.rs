//! One page of a list of records: which, in which order, from where on.

use super::app::App;
use super::links;
use crate::Result;
use crate::context::CallContext;
use crate::domain::sync_state::{External, LinkView};
use crate::page::{self, Listing, Page};
use crate::ports::portion::Portion;
use crate::ports::repository::TxExt;
use crate::ports::store::{Cmp, Dir, Filter, Query, Tx, TxMode};
use crate::record::{Cell, Col, Kind, Record};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The counterparts of records, by record.
pub(super) type Counterparts = BTreeMap<Uuid, Vec<External>>;

/// A page ends at so many octets of records, too, so that no list needs the memory of 500 large ones.
const PAGE_OCTETS: usize = 8 << 20;

/// How much is asked for, and from where on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// At most so many.
    pub(super) limit: Option<u32>,
    /// The `next` of the page before.
    pub(super) cursor: Option<&'a str>,
}

/// The value of a column in a record.
pub(super) type Value<R> = for<'r> fn(&'r R) -> Cell<'r>;

/// An order of records: by a column and then by id, or by id alone. Rows that have null in the column come last,
/// whatever the direction.
pub(super) struct Order<R> {
    /// Its word on the wire.
    pub(super) word: &'static str,
    /// The column and its value, where it is not the id alone.
    pub(super) by: Option<(Col, Value<R>)>,
    /// Smallest or largest first.
    pub(super) dir: Dir,
    /// The column of the id.
    pub(super) id: Col,
    /// The id.
    pub(super) id_of: fn(&R) -> Uuid,
}

/// Which records.
pub(super) struct Wanted<'a> {
    /// What all of them are.
    pub(super) filters: Vec<Filter<'a>>,
    /// A column and the values of it that are wanted, each of which has an index in the list's order. Their rows
    /// are read side by side and merged, so that a page reads no more rows than it has for each value.
    pub(super) each: Option<(Col, Vec<Cell<'a>>)>,
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
    let order = Order {
        word: "created_at",
        by: None,
        dir: Dir::Asc,
        id,
        id_of,
    };
    let mut filters = Vec::with_capacity(wanted.len());
    for (col, value) in wanted {
        filters.extend(value.map(|v| Filter::eq(*col, value_cell::<R>(*col, v))));
    }
    let wanted = Wanted {
        filters,
        each: None,
    };
    sorted(tx, cx, wanted, &order, ask).await
}

/// A page of the records that are wanted, in their order.
pub(super) async fn sorted<R: Record>(
    tx: &mut Box<dyn Tx>,
    cx: &CallContext,
    wanted: Wanted<'_>,
    order: &Order<R>,
    ask: Ask<'_>,
) -> Result<Page<R>> {
    let (listing, limit, after) = asked(cx, &wanted, order, ask)?;
    let found = read(tx, wanted, order, after, limit + 1).await?;
    Ok(cut(found, limit, &listing, order))
}

/// A page of the records that are wanted, in their order, and their counterparts.
///
/// Where one query is enough for a page, both come from it; else from one state.
pub(super) async fn linked<R: Record>(
    app: &App,
    cx: &CallContext,
    wanted: Wanted<'_>,
    order: &Order<R>,
    ask: Ask<'_>,
) -> Result<(Page<R>, Counterparts)> {
    if !wanted.is_one_query(order) {
        let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
        let page = sorted(&mut tx, cx, wanted, order, ask).await?;
        let ids: Vec<_> = page.items.iter().map(order.id_of).collect();
        let counterparts = links::externals(&mut tx, &ids).await?;
        return Ok((page, counterparts));
    }
    let (listing, limit, after) = asked(cx, &wanted, order, ask)?;
    let mut filters = wanted.filters;
    if let Some((col, values)) = wanted.each {
        filters.extend(values.into_iter().map(|value| Filter::eq(col, value)));
    }
    let query = Query {
        filter: Filter::And(filters),
        order: order.columns(),
        after,
        limit: Some(limit + 1),
        ..Query::default()
    };
    let mut tx = app.store.begin(&cx.scope, TxMode::Once).await?;
    let (found, links) = tx
        .of::<R>()
        .list_with::<LinkView>(&query, LinkView::RECORD_ID, order.id, PAGE_OCTETS)
        .await?;
    let page = cut(found, limit, &listing, order);
    Ok((page, links::by_record(links)))
}

/// What is asked for: the list, how many records of it, from where on.
fn asked<R: Record>(
    cx: &CallContext,
    wanted: &Wanted<'_>,
    order: &Order<R>,
    ask: Ask<'_>,
) -> Result<(Listing, u32, Option<Vec<Cell<'static>>>)> {
    let limit = page::limit(ask.limit)?;
    let asked = format!("{:?}{:?}", wanted.filters, wanted.each);
    let listing = Listing::of(cx.scope.org(), &[R::TABLE.name, order.word, &asked]);
    // An empty one is none: forms send empty fields.
    let after = match ask.cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => Some(listing.read(cursor, &order.kinds())?),
        None => None,
    };
    Ok((listing, limit, after))
}

/// The page of records of which one more than asked tells whether there is a next page.
fn cut<R: Record>(found: Portion<R>, limit: u32, listing: &Listing, order: &Order<R>) -> Page<R> {
    let mut items = found.records;
    let more = found.is_cut || items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| listing.cursor(&order.place(last)));
    Page { items, next }
}

/// The rows with a value in the column of the order, then those without.
async fn read<R: Record>(
    tx: &mut Box<dyn Tx>,
    wanted: Wanted<'_>,
    order: &Order<R>,
    after: Option<Vec<Cell<'static>>>,
    limit: u32,
) -> Result<Portion<R>> {
    let Some((col, _)) = order.by.filter(|_| order.nullable()) else {
        return merged(tx, &wanted, order, after, limit, PAGE_OCTETS).await;
    };
    let (valued, behind) = match after {
        Some(mut place) if place.first().is_some_and(Cell::is_null) => {
            place.remove(0);
            (None, Some(place))
        }
        place => (Some(place), None),
    };
    let mut found = match valued {
        Some(after) => merged(tx, &wanted, order, after, limit, PAGE_OCTETS).await?,
        None => Portion::up_to(0, 0),
    };
    let rest = limit.saturating_sub(u32::try_from(found.records.len()).unwrap_or(limit));
    // A comparison with null is never true, so whoever compares the column wants no row without it.
    let compared = |filter: &Filter<'_>| matches!(filter, Filter::Is(c, _, _) if *c == col);
    if rest == 0 || found.is_cut || wanted.filters.iter().any(compared) {
        return Ok(found);
    }
    let mut without = wanted;
    without.filters.push(Filter::Null(col));
    let room = PAGE_OCTETS.saturating_sub(found.octets).max(1);
    let others = merged(tx, &without, &order.by_id(), behind, rest, room).await?;
    found.records.extend(others.records);
    found.octets += others.octets;
    found.is_cut = others.is_cut;
    Ok(found)
}

/// The first rows behind a place, of all values together, up to so many octets.
async fn merged<R: Record>(
    tx: &mut Box<dyn Tx>,
    wanted: &Wanted<'_>,
    order: &Order<R>,
    after: Option<Vec<Cell<'static>>>,
    limit: u32,
    octets: usize,
) -> Result<Portion<R>> {
    let mut query = Query {
        filter: Filter::And(wanted.filters.clone()),
        order: order.columns(),
        after,
        limit: Some(limit),
        ..Query::default()
    };
    let Some((col, values)) = &wanted.each else {
        return tx.of::<R>().list_within(&query, octets).await;
    };
    let mut found = Portion::up_to(octets, 0);
    let each = (octets / values.len().max(1)).max(1);
    // Behind the end of a portion that is cut, rows of its value are missing: the first of these ends is where the
    // page ends.
    let mut ends: Vec<usize> = Vec::new();
    for value in values {
        let mut filters = wanted.filters.clone();
        filters.push(Filter::eq(*col, value.borrowed()));
        query.filter = Filter::And(filters);
        let portion = tx.of::<R>().list_within(&query, each).await?;
        found.octets += portion.octets;
        found.records.extend(portion.records);
        if portion.is_cut {
            ends.push(found.records.len() - 1);
        }
    }
    if values.len() > 1 {
        let ends = ends.into_iter().filter_map(|end| found.records.get(end));
        let end = ends.min_by(|a, b| order.compare(a, b)).map(order.id_of);
        found.records.sort_by(|a, b| order.compare(a, b));
        if let Some(end) = end
            && let Some(place) = found.records.iter().position(|r| (order.id_of)(r) == end)
        {
            found.records.truncate(place + 1);
            found.is_cut = true;
        }
        found.records.truncate(limit as usize);
    } else {
        found.is_cut = !ends.is_empty();
    }
    Ok(found)
}

impl<R: Record> Order<R> {
    fn columns(&self) -> Vec<(Col, Dir)> {
        let by = self.by.map(|(col, _)| (col, self.dir));
        by.into_iter().chain([(self.id, self.dir)]).collect()
    }

    /// The same direction, by id alone.
    fn by_id(&self) -> Self {
        Self { by: None, ..*self }
    }

    fn kinds(&self) -> Vec<(Kind, bool)> {
        let columns = self.columns();
        let described = columns.iter().filter_map(|(col, _)| {
            let place = R::TABLE.position(col.0)?;
            R::TABLE.columns.get(place)
        });
        described.map(|c| (c.kind, c.nullable)).collect()
    }

    fn nullable(&self) -> bool {
        self.kinds().first().is_some_and(|(_, nullable)| *nullable)
    }

    /// Where a record stands in it.
    fn place<'r>(&self, record: &'r R) -> Vec<Cell<'r>> {
        let by = self.by.map(|(_, cell)| cell(record));
        by.into_iter()
            .chain([Cell::Id((self.id_of)(record))])
            .collect()
    }

    fn compare(&self, a: &R, b: &R) -> Ordering {
        let by = self
            .by
            .map_or(Ordering::Equal, |(_, cell)| cell(a).compare(&cell(b)));
        let ordering = by.then_with(|| (self.id_of)(a).cmp(&(self.id_of)(b)));
        match self.dir {
            Dir::Asc => ordering,
            Dir::Desc => ordering.reverse(),
        }
    }
}

impl<'a> Wanted<'a> {
    /// All of them.
    pub(super) fn all() -> Self {
        Self {
            filters: Vec::new(),
            each: None,
        }
    }

    /// Whether a page of it is one query.
    fn is_one_query<R: Record>(&self, order: &Order<R>) -> bool {
        let values = self.each.as_ref().map_or(1, |(_, values)| values.len());
        values == 1 && (order.by.is_none() || !order.nullable())
    }

    /// Those whose column compares so, where a value is given.
    #[must_use]
    pub(super) fn is(mut self, col: Col, cmp: Cmp, cell: Option<Cell<'a>>) -> Self {
        self.filters
            .extend(cell.map(|cell| Filter::Is(col, cmp, cell)));
        self
    }

    /// Those whose column equals a value, where one is given.
    #[must_use]
    pub(super) fn eq(self, col: Col, cell: Option<Cell<'a>>) -> Self {
        self.is(col, Cmp::Eq, cell)
    }
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
