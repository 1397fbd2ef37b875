//! From a request to its answer.

use super::answer::Answer;
use super::auth;
use super::call::Call;
use super::edit;
use super::expand::expand;
use super::query;
use super::state::State;
use super::vendor::{LoggedRequest, SimEntity, UpkeepVendor};
use super::write;
use crate::wire::{Reply, Request, Twist};

/// How many records a fault changes behind an answer.
const MOVING: usize = 6;
const DAY_MS: i64 = 86_400_000;

/// Answers any request.
pub(super) fn handle(vendor: &UpkeepVendor, request: &Request, twist: Option<Twist>) -> Reply {
    let call = call(request);
    let (answer, clock) = {
        let mut state = vendor.lock();
        before(&mut state, twist);
        let mut answer = if request.body.is_some() {
            dispatch(&mut state, &call, twist)
        } else {
            Answer::failure(400, "The body is too large or broken")
        };
        if matches!(twist, Some(Twist::Moving | Twist::Clock(_))) {
            answer.twisted = edit::edit(&mut state, MOVING) != edit::Edited::default();
        }
        state.note(logged(&call, answer.status));
        (answer, state.clock)
    };
    tracing::debug!(method = %call.method, path = call.path, status = answer.status, "upkeep sim answers");
    vendor.after(&logged(&call, answer.status));
    answer.into_reply(clock)
}

/// Keeps a request in the log that a fault answers.
pub(super) fn refused(vendor: &UpkeepVendor, request: &Request, status: u16) {
    let logged = logged(&call(request), status);
    vendor.lock().note(logged.clone());
    vendor.after(&logged);
}

/// What a fault does before the answer.
fn before(state: &mut State, twist: Option<Twist>) {
    match twist {
        Some(Twist::Expired(end)) => {
            state.sessions.clear();
            state.session_end = end;
        }
        Some(Twist::Clock(days)) => state.turn(state.clock.saturating_add(days * DAY_MS)),
        _ => {}
    }
}

fn call(request: &Request) -> Call {
    Call {
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        token: request.header("session-token").map(str::to_owned),
        json: request
            .header("content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("json")),
        body: request.body.clone().unwrap_or_default(),
    }
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

fn dispatch(state: &mut State, call: &Call, twist: Option<Twist>) -> Answer {
    let Some(segments) = call.segments() else {
        return not_found();
    };
    if is_auth(&segments) && segments.len() == 1 {
        return auth::answer(state, call);
    }
    let is_users = segments.first().is_some_and(|first| first == "users");
    if !is_users && let Some(failure) = state.take_failure() {
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
    if state.forbidden == Some(entity) {
        return Answer::failure(403, "Not allowed");
    }
    let answer = match (call.method.as_str(), id) {
        ("GET", None) => list(state, entity, call, twist),
        ("GET", Some(id)) => get(state, entity, id, call),
        (method, id) => write::answer(state, entity, method, id, call),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

fn not_found() -> Answer {
    Answer::failure(404, "Not found")
}

fn list(
    state: &mut State,
    entity: SimEntity,
    call: &Call,
    twist: Option<Twist>,
) -> Result<Answer, Answer> {
    let mut query = query::list(entity, &state.config, &call.query)?;
    let mut twisted = true;
    match twist {
        Some(Twist::Ties) => twisted = state.tie(entity, &query.selection),
        Some(Twist::Short) => query.selection.halved = true,
        _ => {}
    }
    if state.config.ties_shuffled {
        query.selection.shuffled = Some(state.tokens.u64(..));
    }
    let empty = state.empty_lists || twist == Some(Twist::Empty);
    let records = if empty {
        Vec::new()
    } else {
        state.table_mut(entity).page(&query.selection)
    };
    if records.is_empty() && query.selection.offset > 0 && state.end_is_not_found() {
        return Err(Answer::failure(404, "No records found"));
    }
    if query.includes.is_empty() {
        let mut answer = Answer::results(&records);
        answer.twisted = twisted;
        return Ok(answer);
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
