//! What UpKeep sends.

use crate::http::{self, Answer, misunderstood};
use chrono::{DateTime, Utc};
use cmms_core::mapping::time_of;
use cmms_core::ports::adapter::ExternalRecord;
use cmms_core::{Error, Result, code};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A login's answer.
#[derive(Deserialize)]
struct LoggedIn {
    success: Option<bool>,
    result: Option<SessionResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionResult {
    session_token: Option<String>,
    expires_at: Option<Value>,
}

/// A list's answer.
#[derive(Deserialize)]
struct Listed<'a> {
    success: Option<bool>,
    #[serde(borrow)]
    results: Option<Vec<&'a RawValue>>,
}

/// A single record's answer.
#[derive(Deserialize)]
struct Single<'a> {
    success: Option<bool>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

/// What is read of a record here beside its id and time; all else is the mapping's.
#[derive(Deserialize, Default)]
struct Head<'a> {
    #[serde(borrow)]
    archived: Option<&'a RawValue>,
}

/// A record in the order of its page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Tells it apart from others: its id, or a digest of its text where it has none.
    pub(super) key: String,
    /// Whether it is archived, where it says so.
    pub(super) archived: Option<bool>,
    /// The record.
    pub(super) record: ExternalRecord,
}

impl Row {
    /// Whether it says that it is archived.
    pub(super) fn is_archived(&self) -> bool {
        self.archived == Some(true)
    }

    /// When it last changed, as precisely as filters are.
    pub(super) fn millis(&self) -> Option<i64> {
        self.record.updated_at.map(|at| at.timestamp_millis())
    }
}

/// A new session.
pub(super) struct NewSession {
    pub(super) token: String,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// Reads a login's answer.
pub(super) fn session(answer: Answer) -> Result<NewSession> {
    // How bad credentials are answered is not documented: a refusal in JSON is one, whatever its status.
    let refused = || Error::new(code::VENDOR_LOGIN, "UpKeep refused the credentials");
    if matches!(answer.status(), 400 | 404) {
        let read = answer.json::<LoggedIn>();
        if read.is_ok_and(|a| a.success == Some(false)) {
            return Err(refused());
        }
    }
    let answer = answer.success()?;
    let read: LoggedIn = answer.json()?;
    if read.success == Some(false) {
        return Err(refused());
    }
    let result = read
        .result
        .filter(|_| read.success == Some(true))
        .ok_or_else(|| misunderstood("UpKeep's answer to the login holds no session"))?;
    let token = result
        .session_token
        .filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic()))
        .ok_or_else(|| misunderstood("UpKeep's answer to the login holds no session token"))?;
    Ok(NewSession {
        token,
        expires_at: result.expires_at.as_ref().and_then(time_of),
    })
}

/// What came instead of, or as, a page.
pub(super) enum Page {
    /// Its rows.
    Rows(Vec<Row>),
    /// The query is refused.
    Refused,
    /// There is no such list, or nothing is left of it.
    NotFound(Error),
}

/// Reads a list's answer with what it may say besides.
pub(super) fn page(answer: Answer) -> Result<Page> {
    match answer.status() {
        400 => Ok(Page::Refused),
        404 => Ok(Page::NotFound(
            answer.success().err().unwrap_or_else(failed),
        )),
        _ => rows(answer).map(Page::Rows),
    }
}

/// Reads which account it is from the first of its users: the id of the oldest one. Ids are drawn at random, so no other
/// account has it, and the oldest user stays the oldest whoever joins.
///
/// None where the vendor refuses to list users, or does not list them in the order that was asked for: who comes first
/// by chance says nothing.
pub(super) fn account(answer: Answer) -> Result<Option<String>> {
    if matches!(answer.status(), 400 | 403 | 404 | 405) {
        return Ok(None);
    }
    let answer = answer.success()?;
    let read: Listed<'_> = answer.json()?;
    let users = read.results.filter(|_| read.success == Some(true));
    let users: Vec<ExternalRecord> = users
        .unwrap_or_default()
        .into_iter()
        .map(|user| http::record(user, "id", "createdAt"))
        .collect();
    let times: Option<Vec<_>> = users.iter().map(|user| user.updated_at).collect();
    let is_told = times.is_some_and(|times| {
        let is_first = times.first() < times.get(1) || times.len() == 1;
        is_first && times.is_sorted()
    });
    let oldest = users.into_iter().next().filter(|_| is_told);
    Ok(oldest.and_then(|user| user.external_id))
}

/// Reads a list's answer.
pub(super) fn rows(answer: Answer) -> Result<Vec<Row>> {
    let answer = answer.success()?;
    // No content is a list of nothing.
    if answer.status() == 204 {
        return Ok(Vec::new());
    }
    let read: Listed<'_> = answer.json()?;
    match read.success {
        Some(true) => {}
        Some(false) => return Err(failed()),
        None => return Err(misunderstood("UpKeep's answer does not say `success`")),
    }
    let results = read
        .results
        .ok_or_else(|| misunderstood("UpKeep's answer holds no `results`"))?;
    Ok(results.into_iter().map(row).collect())
}

/// Reads a single record's answer. None: there is no such record.
pub(super) fn record(answer: Answer) -> Result<Option<Row>> {
    if matches!(answer.status(), 404 | 410) {
        return Ok(None);
    }
    let answer = answer.success()?;
    let read: Single<'_> = answer.json()?;
    match read.success {
        Some(true) => Ok(read.result.filter(|r| r.get() != "null").map(row)),
        Some(false) => Err(failed()),
        None => Err(misunderstood("UpKeep's answer does not say `success`")),
    }
}

fn failed() -> Error {
    Error::new(code::VENDOR_ERROR, "UpKeep says that the request failed")
}

fn row(raw: &RawValue) -> Row {
    let text = raw.get();
    let head: Head<'_> = serde_json::from_str(text).unwrap_or_default();
    let record = http::record(raw, "id", "updatedAt");
    Row {
        key: record.external_id.clone().unwrap_or_else(|| digest(text)),
        archived: head.archived.and_then(|a| match a.get() {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        }),
        record,
    }
}

/// FNV-1a: the same on every machine and in every version, since positions are stored.
fn digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("#{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_content_is_an_empty_list() {
        assert_eq!(rows(Answer::of(204, b"")).unwrap(), []);
        assert!(rows(Answer::of(200, b"")).is_err());
    }
}
