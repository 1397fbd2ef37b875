//! Answers that may mean that the session has ended.

use crate::http::Answer;
use cmms_core::{Error, Result, code};
use serde::Deserialize;

/// What Parse, on which UpKeep is built, calls an invalid session token.
const INVALID_SESSION: u32 = 209;
/// Refusals are short; what is longer is not read for one.
const LONGEST: usize = 16 * 1024;

/// What was read of an answer.
pub(super) enum Outcome<T> {
    /// What was asked for, or an answer that has nothing to do with the session.
    Answered(T),
    /// The vendor does not let this session do that, or does not know it any more: vendors say that in many ways.
    Refused(Error),
}

/// What a refusal says.
#[derive(Deserialize)]
struct Said {
    code: Option<u32>,
    error: Option<String>,
    message: Option<String>,
}

/// Reads an answer, and tells apart what may be another with a new session.
pub(super) fn outcome<T>(answer: Answer, read: impl Fn(Answer) -> Result<T>) -> Result<Outcome<T>> {
    let status = answer.status();
    match status {
        // Not logged in, in the words of several servers.
        401 | 407 | 419 | 440 | 498 => Ok(Outcome::Refused(ended(status))),
        400 if is_about_session(&answer) => Ok(Outcome::Refused(ended(status))),
        // Forbidden; and a redirect, which leads to the page of a login.
        403 | 300..=399 => read(answer).map_or_else(|e| Ok(Outcome::Refused(e)), answered),
        200..=299 => {
            let is_page = answer.is_html();
            match read(answer) {
                // The body says that the call failed, or it is the page of a login.
                Err(e) if is_page || e.is(code::VENDOR_ERROR) => Ok(Outcome::Refused(e)),
                read => read.map(Outcome::Answered),
            }
        }
        _ => read(answer).map(Outcome::Answered),
    }
}

fn answered<T>(read: T) -> Result<Outcome<T>> {
    Ok(Outcome::Answered(read))
}

fn ended(status: u16) -> Error {
    Error::new(
        code::VENDOR_LOGIN,
        format!("UpKeep refused the session (status {status})"),
    )
}

/// Whether a bad request is one because of its session.
fn is_about_session(answer: &Answer) -> bool {
    let body = answer.body();
    if body.len() > LONGEST {
        return false;
    }
    let Ok(said) = serde_json::from_slice::<Said>(body) else {
        return false;
    };
    let texts = [said.error, said.message];
    let names_it = |text: &String| text.to_ascii_lowercase().contains("session");
    said.code == Some(INVALID_SESSION) || texts.iter().flatten().any(names_it)
}
