//! The audit log, as it is read.

use super::app::App;
use super::audit::OBJECTS;
use super::paging::{self, Ask, Order, Wanted};
use crate::context::{CallContext, Permission, PrincipalKind};
use crate::domain::asset::Asset;
use crate::domain::audit::AuditEntry;
use crate::domain::check::nearest;
use crate::domain::work_order::WorkOrder;
use crate::page::Page;
use crate::ports::repository::TxExt;
use crate::ports::store::{Cmp, Dir, Filter, Tx, TxMode};
use crate::record::{Cell, Field};
use crate::request::TimeOrDate;
use crate::{Error, Result, code, request, wire_enum};
use uuid::Uuid;

wire_enum! {
    /// The orders in which audit entries are listed; a leading `-` turns one around.
    pub enum AuditSort {
        /// As they were made.
        At = "at",
        /// The latest first.
        AtDesc = "-at",
    }
}

request! {
    /// Lists audit entries, the latest first unless another order is asked for.
    pub struct ListAudit {
        optional {
            /// Only those about objects of a kind, such as `work_order`, or about one object: its kind, a colon, and its
            /// id, the number of a work order or the `asset_id` of an asset, such as `asset:PUMP-1`.
            object: String,
            /// Only those of who did it, such as `user:maria`.
            actor: String,
            /// Only those of what was done, such as `work_order.create`.
            action: String,
            /// Only those of this time or later.
            since: TimeOrDate,
            /// Only those before this time.
            before: TimeOrDate,
            /// The order (`-at`).
            sort: AuditSort,
            /// At most so many, from 1 to 500 (50).
            limit: u32,
            /// The `next` of the page before.
            cursor: String,
        }
    }
}

/// A page of audit entries.
///
/// # Errors
/// `CMMS-INPUT-003` for an actor that cannot be read; `CMMS-INPUT-006` for a kind of object that there is not;
/// `CMMS-INPUT-009` for a foreign cursor; `CMMS-INPUT-010` for a limit out of range.
pub async fn list(cx: &CallContext, app: &App, input: ListAudit) -> Result<Page<AuditEntry>> {
    cx.scope.require(Permission::AuditRead)?;
    let mut tx = app.store.begin(&cx.scope, TxMode::Snapshot).await?;
    let mut wanted = Wanted::all()
        .eq(AuditEntry::ACTION, input.action.as_deref().map(Cell::text))
        .is(
            AuditEntry::AT,
            Cmp::Ge,
            input.since.as_ref().map(|t| t.0.cell()),
        )
        .is(
            AuditEntry::AT,
            Cmp::Lt,
            input.before.as_ref().map(|t| t.0.cell()),
        );
    if let Some(actor) = &input.actor {
        let (kind, id) = actor_of(actor)?;
        wanted = wanted
            .eq(AuditEntry::ACTOR_KIND, Some(Cell::text(kind.as_str())))
            .eq(AuditEntry::ACTOR_ID, Some(Cell::text(id)));
    }
    if let Some(object) = &input.object {
        let (kind, id) = object_of(&mut tx, object).await?;
        wanted = wanted
            .eq(AuditEntry::OBJECT_TYPE, Some(Cell::text(kind)))
            .eq(AuditEntry::OBJECT_ID, id.map(|id| Cell::Text(id.into())));
    }
    let sort = input.sort.unwrap_or(AuditSort::AtDesc);
    let order = Order {
        word: sort.as_str(),
        by: Some((AuditEntry::AT, |entry: &AuditEntry| entry.at.cell())),
        dir: match sort {
            AuditSort::At => Dir::Asc,
            AuditSort::AtDesc => Dir::Desc,
        },
        id: AuditEntry::ID,
        id_of: |entry| entry.id.0,
    };
    let ask = Ask {
        limit: input.limit,
        cursor: input.cursor.as_deref(),
    };
    let mut page = paging::sorted(&mut tx, cx, wanted, &order, ask).await?;
    page.items.iter_mut().for_each(AuditEntry::derive);
    Ok(page)
}

/// The kind and the name of an actor.
fn actor_of(text: &str) -> Result<(PrincipalKind, &str)> {
    let parts = text.split_once(':');
    let known = parts.and_then(|(kind, id)| Some((PrincipalKind::from_word(kind)?, id)));
    known.ok_or_else(|| {
        let kinds = PrincipalKind::WORDS.join(", ");
        let detail =
            format!("must be a kind, a colon and a name, such as user:maria; kinds are: {kinds}");
        Error::new(code::INPUT_VALUE, format!("actor {detail}")).field(
            "actor",
            "invalid_value",
            detail,
        )
    })
}

/// The kind of an object, and its id where one object is named.
async fn object_of<'t>(tx: &mut Box<dyn Tx>, text: &'t str) -> Result<(&'t str, Option<String>)> {
    let (kind, name) = match text.split_once(':') {
        Some((kind, name)) => (kind, Some(name)),
        None => (text, None),
    };
    if !OBJECTS.contains(&kind) {
        let hint = nearest(kind, OBJECTS.iter().copied());
        let hint = hint
            .map(|near| format!("; did you mean {near}?"))
            .unwrap_or(";".to_owned());
        let all = OBJECTS.join(", ");
        let detail = format!(
            "is of the kind {kind:?}{hint} kinds are: {all}, alone or with a colon and an id"
        );
        let reason = code::INPUT_ENUM.reason();
        return Err(Error::new(code::INPUT_ENUM, format!("object {detail}"))
            .field("object", reason, detail));
    }
    let Some(name) = name else {
        return Ok((kind, None));
    };
    if let Ok(id) = Uuid::parse_str(name) {
        return Ok((kind, Some(id.to_string())));
    }
    let id = match kind {
        "work_order" => {
            let numbered = Filter::eq(WorkOrder::NUMBER, Cell::text(name));
            let found = tx.of::<WorkOrder>().first(numbered).await?;
            found.map(|order| order.id.to_string())
        }
        "asset" => {
            let tagged = Filter::eq(Asset::ASSET_ID, Cell::text(name));
            let found = tx.of::<Asset>().first(tagged).await?;
            found.map(|asset| asset.id.to_string())
        }
        _ => None,
    };
    // What is not known by this name has no entries.
    Ok((kind, Some(id.unwrap_or_else(|| name.to_owned()))))
}
