//! From a request to its answer.

use super::collection::{Share, Wanted};
use super::state::State;
use super::vendor::{PagedEntity, PagedRequest, PagedVendor};
use crate::fault::SessionEnd;
use crate::times::http_date;
use crate::wire::{Reply, Request, Twist};

/// How many records a fault changes behind an answer.
const MOVING: usize = 6;
const DAY: i64 = 86_400;
/// The size of pages for requests that name none.
const SIZE: usize = 100;

/// Answers any request.
pub(super) fn handle(vendor: &PagedVendor, request: &Request, twist: Option<Twist>) -> Reply {
    let (mut reply, clock) = {
        let mut state = vendor.lock();
        if let Some(Twist::Clock(days)) = twist {
            state.clock_is_behind |= days < 0;
            state.clock = state.clock.saturating_add(days * DAY);
        }
        let mut reply = dispatch(&mut state, request, twist);
        if matches!(twist, Some(Twist::Moving | Twist::Clock(_))) {
            let edited = state.edit(MOVING);
            reply.twisted = !edited.assets.is_empty() || !edited.work_orders.is_empty();
        }
        state.note(logged(request, reply.status));
        (reply, state.clock)
    };
    tracing::debug!(method = %request.method, path = request.path, status = reply.status, "paged sim answers");
    vendor.after(&logged(request, reply.status));
    reply = reply.header("date", http_date(clock.saturating_mul(1000)));
    reply
}

/// What the log keeps of a request.
pub(super) fn logged(request: &Request, status: u16) -> PagedRequest {
    PagedRequest {
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        status,
    }
}

fn dispatch(state: &mut State, request: &Request, twist: Option<Twist>) -> Reply {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/health") => Reply::json(200, r#"{"ok":true}"#),
        ("GET", path) => match path.strip_prefix("/api/v1/") {
            Some(name) => list(state, request, name, twist),
            None => not_found(),
        },
        ("POST", "/admin/touch") => {
            let percent = number(request, "percent").unwrap_or(1).clamp(1, 100);
            let stamp = request.parameter("stamp").unwrap_or("2027-01-02T00:00:00Z");
            let touched = state.touch(100 / percent, stamp);
            Reply::json(200, format!(r#"{{"touched":{touched}}}"#))
        }
        ("POST", "/admin/reset") => {
            state.reset();
            Reply::json(200, r#"{"ok":true}"#)
        }
        _ => not_found(),
    }
}

fn list(state: &mut State, request: &Request, name: &str, twist: Option<Twist>) -> Reply {
    let token = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let end = match twist {
        Some(Twist::Expired(end)) => Some(end),
        _ => (token != Some(state.config.token.as_str())).then(SessionEnd::default),
    };
    if let Some(end) = end {
        return match end {
            SessionEnd::Unauthorized => Reply::json(401, r#"{"error":"unauthorized"}"#),
            SessionEnd::Forbidden => Reply::json(403, r#"{"error":"forbidden"}"#),
            SessionEnd::PageExpired => Reply::json(419, r#"{"error":"page expired"}"#),
            SessionEnd::Failure => Reply::json(200, r#"{"error":"please log in"}"#),
            SessionEnd::InvalidToken => Reply::json(400, r#"{"code":209,"error":"invalid token"}"#),
        };
    }
    let Some(entity) = PagedEntity::of_resource(name) else {
        return not_found();
    };
    let size = number(request, "pageSize").unwrap_or(SIZE);
    let wanted = Wanted {
        page: number(request, "page").unwrap_or(1).max(1),
        size: size.clamp(1, state.config.page_cap.max(1)),
        since: request.parameter("updatedSince"),
        share: match twist {
            Some(Twist::Empty) => Share::Nothing,
            Some(Twist::Short) => Share::Half,
            _ => Share::Whole,
        },
    };
    if state.config.ties_shuffled {
        let mut random = state.ties.fork();
        state.collection_mut(entity).shuffle_ties(&mut random);
    }
    let twisted = twist != Some(Twist::Ties) || state.tie(entity, &wanted);
    let mut reply = Reply::json(200, state.collection_mut(entity).page(&wanted));
    reply.twisted = twisted;
    reply
}

fn number(request: &Request, name: &str) -> Option<usize> {
    request.parameter(name)?.parse().ok()
}

fn not_found() -> Reply {
    Reply::json(404, r#"{"error":"not found"}"#)
}
