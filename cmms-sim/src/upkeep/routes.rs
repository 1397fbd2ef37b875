//! From a request to its answer.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, Method, Response, header};

use super::answer::Answer;
use super::auth;
use super::call::{self, Call};
use super::expand::expand;
use super::query;
use super::state::State;
use super::vendor::{LoggedRequest, SimEntity, UpkeepVendor};
use super::write;

/// The largest body that is read.
const BODY_MAX: usize = 1 << 20;

/// Answers any request.
pub(super) async fn handle(
    Shared(vendor): Shared<UpkeepVendor>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX).await;
    let call = Call {
        query: call::pairs(parts.uri.query().unwrap_or_default()),
        path: parts.uri.path().to_owned(),
        token: text(&parts.headers, "session-token"),
        json: text(&parts.headers, header::CONTENT_TYPE.as_str())
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("json")),
        method: parts.method,
        body: body
            .as_ref()
            .map(|bytes| bytes.to_vec())
            .unwrap_or_default(),
    };
    let latency = vendor.latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let (answer, clock) = {
        let mut state = vendor.lock();
        let answer = match body {
            Ok(_) => dispatch(&mut state, &call),
            Err(_) => Answer::failure(400, "The body is too large or broken"),
        };
        state.note(logged(&call, answer.status));
        (answer, state.clock)
    };
    tracing::debug!(method = %call.method, path = call.path, status = answer.status, "upkeep sim answers");
    vendor.after(&logged(&call, answer.status));
    answer.into_http(clock)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What the log keeps of a call: of a login, nothing but that there was one.
fn logged(call: &Call, status: u16) -> LoggedRequest {
    let login = call.segments().is_some_and(|segments| is_auth(&segments));
    LoggedRequest {
        method: call.method.to_string(),
        path: call.path.clone(),
        query: if login {
            Vec::new()
        } else {
            call.query.clone()
        },
        status,
    }
}

fn is_auth(segments: &[String]) -> bool {
    segments.first().is_some_and(|first| first == "auth")
}

fn dispatch(state: &mut State, call: &Call) -> Answer {
    let Some(segments) = call.segments() else {
        return not_found();
    };
    if is_auth(&segments) && segments.len() == 1 {
        return auth::answer(state, call);
    }
    if let Some(failure) = state.take_failure() {
        return failure;
    }
    if let Err(refusal) = auth::check(state, call) {
        return refusal;
    }
    let (resource, id) = match segments.as_slice() {
        [resource] => (resource, None),
        [resource, id] => (resource, Some(id.as_str())),
        _ => return not_found(),
    };
    let Some(entity) = SimEntity::of_resource(resource) else {
        return not_found();
    };
    let answer = match (&call.method, id) {
        (&Method::GET, None) => list(state, entity, call),
        (&Method::GET, Some(id)) => get(state, entity, id, call),
        (method, id) => write::answer(state, entity, method, id, call),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

fn not_found() -> Answer {
    Answer::failure(404, "Not found")
}

fn list(state: &mut State, entity: SimEntity, call: &Call) -> Result<Answer, Answer> {
    let query = query::list(entity, &state.config, &call.query)?;
    let records = if state.empty_lists {
        Vec::new()
    } else {
        state.table_mut(entity).page(&query.selection)
    };
    if records.is_empty() && query.selection.offset > 0 && state.end_is_not_found() {
        return Err(Answer::failure(404, "No records found"));
    }
    if query.includes.is_empty() {
        return Ok(Answer::results(&records));
    }
    let values: Vec<_> = records
        .iter()
        .map(|record| expand(state, record.value(), &query.includes))
        .collect();
    Ok(Answer::expanded(&values))
}

fn get(state: &State, entity: SimEntity, id: &str, call: &Call) -> Result<Answer, Answer> {
    let includes = query::single(entity, &call.query)?;
    let record = state.table(entity).get(id).ok_or_else(not_found)?;
    Ok(Answer::result(&expand(state, record.value(), &includes)))
}
