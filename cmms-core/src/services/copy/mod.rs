//! Moving house: carries a whole store to another one, of whatever engine.
//!
//! Every table of every organization is walked in the order of its keys on both sides. A row that lacks is inserted,
//! one that differs is written anew, one that is too much is deleted; so a copy that broke off goes on by being
//! started again, without a note of how far it came and whatever has changed in the source since. Sealed secrets go as they are: they open with the key that sealed
//! them, and with no other.

mod change;
mod rows;

use super::pace::Pace;
use crate::clock::Clock;
use crate::context::{Principal, Scope};
use crate::domain::TABLES;
use crate::domain::setting::Setting;
use crate::ids::OrgId;
use crate::ports::repository::TxExt;
use crate::ports::store::{Organization, Query, SaveRule, Store, Tx, TxMode};
use crate::record::{Cell, Json, Row, Rows, Table};
use crate::{Error, Result, code};
use change::{Change, key_of};
use chrono::{DateTime, Utc};
use rows::{OCTETS, Side};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// The most rows that are written at a time, even where the target is quick.
const BATCH: usize = 2_000;
/// The setting that an organization of the target has until all of it is there.
const MARK: &str = "copy.unfinished";

/// What a copy has done in one table of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// The organization.
    pub organization: String,
    /// The table.
    pub table: &'static str,
    /// The moment whose state of the source is copied, the same for all tables of the organization.
    pub as_of: DateTime<Utc>,
    /// Rows of the source.
    pub rows: u64,
    /// Those of them that were written; the others were there.
    pub written: u64,
    /// Those of them that the target refused.
    pub refused: Vec<RefusedRow>,
}

/// A row that the target refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedRow {
    /// Its key.
    pub key: String,
    /// What the target said.
    pub why: String,
}

/// Carries everything in `from` to `to`, whose schema is there, and tells each table when it is done.
///
/// Of each organization the state of one moment is copied, which [`Copied::as_of`] tells; what is written in `from` later
/// is not in the copy, nor is an organization that is made later. Two copies to one target at once are not
/// kept apart.
///
/// The target may be in use: rows are written in transactions that are short by this clock, however slow it is.
///
/// # Errors
/// `CMMS-COPY-001` where the target has records that no unfinished copy of this source brought; `CMMS-COPY-002` where
/// the source is an unfinished copy itself; `CMMS-COPY-003` at the end, where the target refused rows: everything else is
/// there, and the target stays marked as unfinished, so that the copy can be started again; those of a read and of a
/// write.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use cmms_core::{clock::SystemClock, memory::MemoryStore, services::copy::copy};
/// let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// copy(&old, &new, &SystemClock::default(), |done| println!("{}: {} rows", done.table, done.rows)).await
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn copy(
    from: &dyn Store,
    to: &dyn Store,
    clock: &dyn Clock,
    mut tell: impl FnMut(&Copied) + Send,
) -> Result<()> {
    let mut pace = Pace::up_to(BATCH);
    let organizations = from.organizations().await?;
    let source = json!(format!("{} {}", from.info().engine, from.info().location));
    check(from, to, &organizations, &source).await?;
    for organization in &organizations {
        begin(to, organization, &source).await?;
    }
    let mut refused = Vec::new();
    for organization in &organizations {
        let mut target = Target {
            store: to,
            scope: scope(organization.id),
            clock,
            pace: &mut pace,
        };
        one(from, &mut target, organization, |done| {
            let rows = done.refused.iter();
            refused.extend(rows.map(|row| format!("{} {}: {}", done.table, row.key, row.why)));
            tell(done);
        })
        .await?;
    }
    if !refused.is_empty() {
        return Err(lacking(&refused));
    }
    // The first one's mark goes last: as long as it is there, the copy is unfinished.
    for organization in organizations.iter().rev() {
        let mut tx = to.begin(&scope(organization.id), TxMode::Write).await?;
        tx.of::<Setting>().delete(&[Cell::text(MARK)]).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Looks at everything before anything is written.
async fn check(
    from: &dyn Store,
    to: &dyn Store,
    organizations: &[Organization],
    source: &Value,
) -> Result<()> {
    let known = to.organizations().await?;
    let mut goes_on = false;
    for (place, organization) in organizations.iter().enumerate() {
        let scope = scope(organization.id);
        if mark(from, &scope).await?.is_some() {
            return Err(unfinished(organization));
        }
        if known
            .iter()
            .any(|k| (k.name == organization.name) != (k.id == organization.id))
        {
            return Err(another(organization));
        }
        let marked = mark(to, &scope).await?;
        goes_on |= place == 0 && marked.as_ref() == Some(source);
        let foreign = marked.as_ref().is_some_and(|mark| mark != source);
        if foreign || !goes_on && !is_empty(to, &scope).await? {
            return Err(not_empty(organization, marked));
        }
    }
    Ok(())
}

/// Makes the organization in the target and marks it.
async fn begin(to: &dyn Store, organization: &Organization, source: &Value) -> Result<()> {
    let Organization {
        id,
        name,
        created_at,
    } = organization;
    if to.organization(name, *id, *created_at).await? != *id {
        return Err(another(organization));
    }
    let note = Setting {
        name: MARK.to_owned(),
        value: Json(source.clone()),
    };
    let mut tx = to.begin(&scope(*id), TxMode::Write).await?;
    tx.of::<Setting>().save(&note, SaveRule::Upsert).await?;
    tx.commit().await
}

async fn one(
    from: &dyn Store,
    to: &mut Target<'_>,
    organization: &Organization,
    mut tell: impl FnMut(&Copied) + Send,
) -> Result<()> {
    // One state of the source, however long it takes.
    let mut reading = from.begin(&to.scope, TxMode::Snapshot).await?;
    let as_of = to.clock.now();
    for table in TABLES.iter().copied() {
        let done = walk(&mut reading, to, table).await?;
        tell(&Copied {
            organization: organization.name.clone(),
            as_of,
            ..done
        });
    }
    Ok(())
}

/// Makes a table of the target equal, and answers what was done.
async fn walk(
    source: &mut Box<dyn Tx>,
    to: &mut Target<'_>,
    table: &'static Table,
) -> Result<Copied> {
    let mut theirs = Side::new(table);
    let mut ours = Side::new(table);
    let mut change = Change::new(table);
    let (mut rows, mut written) = (0, 0);
    // Up to this key both sides are settled. The target is read behind it, so what was just written is not met, and no
    // snapshot keeps an SQLite file from moving its log.
    let mut settled: Option<Vec<Cell<'static>>> = None;
    loop {
        theirs.fill(source, settled.as_deref()).await?;
        if ours.is_dry() {
            let mut reading = to.store.begin(&to.scope, TxMode::Once).await?;
            ours.fill(&mut reading, settled.as_deref()).await?;
        }
        let order = match (theirs.rows.front(), ours.rows.front()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => by_key(table, a, b),
        };
        let next = match order {
            Ordering::Greater => ours.rows.front(),
            _ => theirs.rows.front(),
        };
        settled = next.map(|row| key_of(table, row));
        match order {
            Ordering::Less => {
                if let Some(row) = theirs.rows.pop_front() {
                    (rows, written) = (rows + 1, written + 1);
                    change.insert(row);
                }
            }
            Ordering::Greater => {
                if let Some(row) = ours.rows.pop_front().filter(|row| !is_mark(table, row)) {
                    change.delete(&row);
                }
            }
            Ordering::Equal => {
                let (a, b) = (theirs.rows.pop_front(), ours.rows.pop_front());
                rows += 1;
                if let (Some(a), Some(b)) = (a, b)
                    && a != b
                {
                    written += 1;
                    change.delete(&b);
                    change.insert(a);
                }
            }
        }
        if change.is_full(to.pace.size(), OCTETS) {
            change.write(to).await?;
        }
    }
    change.write(to).await?;
    let refused = change.refused;
    Ok(Copied {
        organization: String::new(),
        table: table.name,
        as_of: DateTime::default(),
        rows,
        written: written - refused.len() as u64,
        refused,
    })
}

/// Where rows are written.
struct Target<'a> {
    store: &'a dyn Store,
    scope: Scope,
    clock: &'a dyn Clock,
    /// How many rows are written at a time.
    pace: &'a mut Pace,
}

fn lacking(refused: &[String]) -> Error {
    let first: Vec<&str> = refused.iter().take(10).map(String::as_str).collect();
    let more = match refused.len().saturating_sub(first.len()) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Error::new(
        code::COPY_ROWS,
        format!(
            "the target refused {} rows; all others are there: {}{more}",
            refused.len(),
            first.join("; ")
        ),
    )
}

fn scope(org: OrgId) -> Scope {
    Scope::new(org, Principal::system())
}

fn by_key(table: &'static Table, a: &Row, b: &Row) -> Ordering {
    let cells = table
        .key()
        .map(|(place, _)| (a.0.get(place), b.0.get(place)));
    let mut orders = cells.map(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => a.compare(b),
        _ => Ordering::Equal,
    });
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn is_mark(table: &'static Table, row: &Row) -> bool {
    table.name == "settings" && row.0.first() == Some(&Cell::text(MARK))
}

/// What the mark of an unfinished copy says, if there is one.
async fn mark(store: &dyn Store, scope: &Scope) -> Result<Option<Value>> {
    let mut tx = store.begin(scope, TxMode::Once).await?;
    let setting = tx.of::<Setting>().get(&[Cell::text(MARK)]).await?;
    Ok(setting.map(|setting| setting.value.0))
}

async fn is_empty(store: &dyn Store, scope: &Scope) -> Result<bool> {
    let mut tx = store.begin(scope, TxMode::Snapshot).await?;
    for table in TABLES.iter().copied() {
        let query = Query {
            limit: Some(1),
            ..Query::default()
        };
        let mut found = Rows::of_width(table.columns.len());
        tx.list(table, &query, &mut found).await?;
        if !found.rows.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unfinished(organization: &Organization) -> Error {
    Error::new(
        code::COPY_SOURCE,
        format!(
            "the source is an unfinished copy itself: not all of the organization {:?} is there",
            organization.name
        ),
    )
}

fn another(organization: &Organization) -> Error {
    let name = &organization.name;
    Error::new(
        code::COPY_TARGET,
        format!("the target has another organization by the name or the id of {name:?}"),
    )
}

fn not_empty(organization: &Organization, marked: Option<Value>) -> Error {
    let name = &organization.name;
    Error::new(
        code::COPY_TARGET,
        match marked {
            Some(other) => format!(
                "the target has an unfinished copy of the organization {name:?} from another source, {other}"
            ),
            None => format!("the target has records of the organization {name:?} already"),
        },
    )
}
