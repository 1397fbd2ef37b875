//! The page of each error code: `docs/errors/CMMS-AREA-NNN.md`, and the answer to `/errors/CMMS-AREA-NNN`.

use super::table::OPERATIONS;
use crate::error::{ALL_CODES, Code, code};
use crate::{Error, ErrorKind};
use std::fmt::Write;

/// The id of the request in examples.
const REQUEST: &str = "018d0c5e-7a40-7000-8000-1f2e3d4c5b6a";

/// The code of this id.
pub fn code(id: &str) -> Option<&'static Code> {
    ALL_CODES.iter().find(|code| code.id() == id).copied()
}

/// The page of a code, in Markdown.
pub fn page(code: &'static Code) -> String {
    let error = Error::new(code, format!("{}.", code.title()));
    let problem = error.problem(Some(REQUEST));
    let example = serde_json::to_string_pretty(&problem).unwrap_or_default();
    let retry = if problem.retryable {
        "The same request can succeed later."
    } else {
        "Repeating the same request changes nothing."
    };
    let internal = if code.kind() == ErrorKind::Internal {
        " What happened is in the log only, under the id of the request."
    } else {
        ""
    };
    format!(
        "# {id}: {title}\n\n\
         | | |\n|---|---|\n\
         | Type | `{kind_uri}` |\n\
         | Reason | `{reason}` |\n\
         | HTTP status | {status} |\n\
         | Kind | `{kind}`: {meaning} |\n\n\
         ## Meaning\n\n{title}. {meaning} `detail` of the answer says what it is this time, and `violations` which \
         fields.{internal}\n\n\
         ## What to do\n\n{remedy}\n\n{retry}\n\n\
         ## Answered by\n\n{by}\n\
         ## Example\n\n```json\n{example}\n```\n",
        id = code.id(),
        title = code.title(),
        kind_uri = problem.kind,
        reason = code.reason(),
        status = code.http_status(),
        kind = code.kind().name(),
        meaning = code.kind().meaning(),
        remedy = code.remedy(),
        by = answered_by(code),
    )
}

/// The list of all pages, in Markdown.
pub fn index() -> String {
    let mut text = String::from(
        "# Errors\n\nEvery error carries one of these codes, on every surface. A code keeps its meaning for ever.\n\n\
         | Code | Status | Reason | Meaning |\n|---|---|---|---|\n",
    );
    for code in ALL_CODES {
        let (id, status) = (code.id(), code.http_status());
        let (reason, title) = (code.reason(), code.title());
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "| [{id}]({id}.md) | {status} | `{reason}` | {title} |"
        );
    }
    text
}

/// The operations that answer it, as a list; or in which other place it is met.
fn answered_by(code: &Code) -> String {
    let keyed = [code::OP_KEY, code::OP_KEY_IN_USE, code::OP_KEY_REUSED];
    let keyed = keyed.iter().any(|k| k.id() == code.id());
    let mut text = String::new();
    for op in OPERATIONS {
        let meta = &op.meta;
        if meta.errors.contains(&code.id()) || (keyed && meta.takes_key()) {
            let (verb, path) = (meta.verb.as_str(), meta.path);
            let _ = writeln!(text, "- `{}`: {verb} `{path}`", meta.name);
        }
    }
    if text.is_empty() {
        text.push_str(elsewhere(code));
        text.push('\n');
    }
    text
}

fn elsewhere(code: &Code) -> &'static str {
    match code.area() {
        "INPUT" => "Every operation whose input can be wrong so.",
        "OP" | "INTERNAL" | "STORE" => "Every operation.",
        "SERVE" => "The server itself, before or instead of an operation.",
        "SYNC" | "VENDOR" => "Runs: it stands among the `errors` of a sync's run.",
        "SECRET" => "Whatever opens or stores the secrets of a connection.",
        "CONFIG" => "Every program, when it reads its settings.",
        "DEMO" => "The command `cmms demo`.",
        _ => "Operations that take what it names.",
    }
}
