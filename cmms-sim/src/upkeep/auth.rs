//! Log in, log out, and the check of a session.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::query;
use super::state::State;
use crate::fault::SessionEnd;
use crate::times::iso;

const MINUTE_MS: i64 = 60_000;

/// Answers a call of `/auth`.
pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    if let Err(refusal) = query::none(&call.query) {
        return refusal;
    }
    let answer = match call.method.as_str() {
        "POST" => log_in(state, call),
        "DELETE" => log_out(state, call),
        _ => Err(Answer::failure(405, "Method not allowed")),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

/// Checks the `Session-Token` of a call.
pub(super) fn check(state: &mut State, call: &Call) -> Result<(), Answer> {
    let clock = state.clock;
    state.sessions.retain(|_, expires| *expires > clock);
    let known = call
        .token
        .as_ref()
        .is_some_and(|token| state.sessions.contains_key(token));
    if !known {
        return Err(match state.session_end {
            SessionEnd::Unauthorized => Answer::failure(401, "Unauthorized"),
            SessionEnd::Forbidden => Answer::failure(403, "Forbidden"),
            SessionEnd::PageExpired => Answer::failure(419, "Page expired"),
            SessionEnd::Failure => Answer::failure(200, "Please log in"),
            SessionEnd::InvalidToken => Answer::error(400, 209, "invalid session token"),
        });
    }
    plan(state)
}

fn plan(state: &State) -> Result<(), Answer> {
    if state.config.api_plan {
        Ok(())
    } else {
        Err(Answer::failure(
            403,
            "Your plan does not include API access",
        ))
    }
}

fn log_in(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let fields = call.object()?;
    let field = |name| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| Answer::failure(400, "email and password are required"))
    };
    let (email, password) = (field("email")?, field("password")?);
    if email != state.config.email || password != state.config.password {
        return Err(Answer::failure(401, "Invalid login credentials"));
    }
    plan(state)?;
    let token = format!("r:{:032x}", state.tokens.u128(..));
    let expires = state
        .config
        .session_minutes
        .saturating_mul(MINUTE_MS)
        .saturating_add(state.clock);
    state.sessions.insert(token.clone(), expires);
    state.logins += 1;
    Ok(Answer::result(
        &json!({"sessionToken": token, "expiresAt": iso(expires)}),
    ))
}

fn log_out(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    check(state, call)?;
    if let Some(token) = &call.token {
        state.sessions.remove(token);
    }
    Ok(Answer::done("session deleted"))
}
