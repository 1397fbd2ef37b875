//! The paths that exist, for answers to those that do not.

use super::problem::Refusal;
use super::system;
use axum::http::{HeaderValue, Method, header};
use cmms::core::ops::OPERATIONS;
use cmms::core::{Error, code};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;

/// What is encoded in a segment of a path: all but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Decodes a word of a URL; none where it is no UTF-8.
pub(super) fn percent_decoded(word: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(word).decode_utf8().ok()
}

/// A segment of a path that stands for this text.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Every method and path.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let operations = OPERATIONS
        .iter()
        .map(|op| (op.meta.verb.as_str(), op.meta.path));
    operations.chain(system::PATHS.into_iter().map(|path| ("GET", path)))
}

/// The answer to a path that does not exist, with the nearest one that does.
pub(super) fn not_found(method: &Method, path: &str) -> Refusal {
    let shown = percent_decoded(path).unwrap_or(Cow::Borrowed(path));
    let error = Error::new(code::SERVE_PATH, format!("there is no {method} {shown:?}"));
    Refusal::of(error.remedy_is(match nearest(&shown) {
        Some(near) => format!("Did you mean {near}? /openapi.json lists all paths."),
        None => "/openapi.json lists all paths.".to_owned(),
    }))
}

/// The answer to a method that a path does not have, with those that it has.
pub(super) fn not_allowed(method: &Method, path: &str) -> Refusal {
    let allowed = allowed(path).join(", ");
    let message = format!("{path} has no {method}; allowed: {allowed}");
    let error = Error::new(code::SERVE_METHOD, message).remedy_is(format!(
        "Use one of: {allowed}. /openapi.json lists all paths."
    ));
    let refusal = Refusal::of(error);
    match HeaderValue::from_str(&allowed) {
        Ok(value) => refusal.header(header::ALLOW, value),
        Err(_) => refusal,
    }
}

fn allowed(path: &str) -> Vec<&'static str> {
    // A path with a fixed word wins over one with a field in that place.
    let fits: Vec<_> = all().filter(|(_, template)| fits(template, path)).collect();
    let fields = |template: &str| template.matches('{').count();
    let fewest = fits.iter().map(|(_, template)| fields(template)).min();
    let mut methods = Vec::new();
    for (method, template) in fits {
        if Some(fields(template)) == fewest {
            methods.push(method);
            if method == "GET" {
                methods.push("HEAD");
            }
        }
    }
    methods
}

fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(t), Some(p)) if t == p || (t.starts_with('{') && !p.is_empty()) => {}
            _ => return false,
        }
    }
}

fn nearest(path: &str) -> Option<&'static str> {
    let distance = |template: &str| {
        // A field is as near as whatever stands in its place.
        let mut words = path.split('/');
        let filled: Vec<_> = template
            .split('/')
            .map(|t| {
                let word = words.next().filter(|word| !word.is_empty());
                if t.starts_with('{') {
                    word.unwrap_or(t)
                } else {
                    t
                }
            })
            .collect();
        let filled = filled.join("/");
        let distance = strsim::damerau_levenshtein(&filled, path);
        (distance <= 1 + filled.len().max(path.len()) / 3).then_some(distance)
    };
    // A long path is no misspelled one, and comparing it would cost time.
    if path.len() > 256 {
        return None;
    }
    all()
        .filter_map(|(_, template)| distance(template).map(|d| (d, template)))
        .min()
        .map(|(_, template)| template)
}
