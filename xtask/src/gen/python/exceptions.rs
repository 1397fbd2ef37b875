//! The exceptions of the Python package.

use super::{head, wrap};
use serde_json::Value;
use std::fmt::Write as _;

/// `exceptions.py`.
pub(in crate::r#gen) fn exceptions(errors: &Value) -> String {
    let mut out = head("The errors: one class for each kind, all of them `CmmsError`.");
    out.push_str("from ._problem import CmmsError\n");
    let rows = errors.get("errors").and_then(Value::as_array);
    let rows: Vec<(&str, &str, u64)> = rows
        .into_iter()
        .flatten()
        .filter_map(|row| {
            Some((
                row.get("code")?.as_str()?,
                row.get("kind")?.as_str()?,
                row.get("number")?.as_u64()?,
            ))
        })
        .collect();
    let mut kinds: Vec<(u64, &str)> = rows
        .iter()
        .map(|(_, kind, number)| (*number, *kind))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut names = vec!["CmmsError".to_owned()];
    for (_, kind) in &kinds {
        let (name, also) = class(kind);
        let bases = also.map(|also| format!(", {also}")).unwrap_or_default();
        let codes: Vec<&str> = rows
            .iter()
            .filter(|(_, k, _)| k == kind)
            .map(|(code, _, _)| *code)
            .collect();
        let _ = write!(
            out,
            "\n\nclass {name}(CmmsError{bases}):\n    \"\"\"Codes: {}.\"\"\"\n",
            wrap(&codes.join(", "), 4)
        );
        names.push(name);
    }
    for (name, base, code) in OWN {
        let _ = write!(
            out,
            "\n\nclass {name}({base}):\n    \"\"\"`{code}`.\"\"\"\n"
        );
        names.push((*name).to_owned());
    }
    out.push_str("\n\n_BY_CODE: dict[str, type[CmmsError]] = {\n");
    for (code, kind, _) in &rows {
        let own = OWN.iter().find(|(_, _, own)| own == code);
        let name = own.map_or_else(|| class(kind).0, |(name, _, _)| (*name).to_owned());
        let _ = writeln!(out, "    {code:?}: {name},");
    }
    out.push_str("}\n\n__all__ = [\n");
    names.sort();
    for name in names {
        let _ = writeln!(out, "    {name:?},");
    }
    out.push_str("]\n");
    out
}

/// Codes that have a class of their own.
const OWN: &[(&str, &str, &str)] = &[
    ("ClosedError", "ConflictError", "CMMS-EMBED-001"),
    ("ForkedProcessError", "UnsupportedError", "CMMS-EMBED-002"),
    (
        "WrongTypeError",
        "InvalidInputError, TypeError",
        "CMMS-INPUT-005",
    ),
];

/// The class of a kind, and the class of Python's own that it is, too.
fn class(kind: &str) -> (String, Option<&'static str>) {
    let also = match kind {
        "InvalidInput" => Some("ValueError"),
        "NotFound" => Some("LookupError"),
        "PermissionDenied" => Some("PermissionError"),
        "Timeout" => Some("TimeoutError"),
        _ => None,
    };
    let name = match kind {
        "Timeout" => "CallTimeoutError".to_owned(),
        "Cancelled" => "CallCancelledError".to_owned(),
        other => format!("{other}Error"),
    };
    (name, also)
}
