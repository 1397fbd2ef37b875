//! Single records of an answer that cannot be read: each is carried as a text, and the others are read.
//!
//! An answer that is broken as a whole may be whole when it is asked for again. One whose records hold `NaN`, raw
//! control characters or more levels than are read comes like that each time; it must not stop the others.

use super::depth::{MAX_DEPTH, is_too_deep, pass_text};
use cmms_core::record::RawJson;
use serde_json::value::RawValue;

/// The levels of objects around a list of records.
const WRAPPERS: usize = 3;

/// The answer with a JSON string in the place of each record that cannot be read, which carries its text
/// ([`RawJson::carrying`]). None: it is broken in another way.
pub(super) fn carried(answer: &str) -> Option<String> {
    let mut to = String::with_capacity(answer.len() + 64);
    wrapper(answer.trim_ascii(), WRAPPERS, &mut to)?;
    Some(to)
}

/// The text of a record that is carried, and the same with nothing in it but top-level texts, numbers and words.
pub(super) fn told(raw: &str) -> Option<(String, String)> {
    let text = RawJson::carried(raw)?;
    let mut head = String::from("{");
    for member in parts(text.trim_ascii(), '{').unwrap_or_default() {
        let Some((name, value)) = named(member).filter(|(name, _)| is_json(name)) else {
            continue;
        };
        if head.len() > 1 {
            head.push(',');
        }
        let is_plain = !value.starts_with(['{', '[']) && is_json(value);
        head.extend([name, ":", if is_plain { value } else { "null" }]);
    }
    head.push('}');
    Some((text, head))
}

/// Copies an object or list around records.
fn wrapper(text: &str, levels: usize, to: &mut String) -> Option<()> {
    if text.starts_with('[') {
        return list(text, to);
    }
    to.push('{');
    for (i, member) in parts(text, '{')?.into_iter().enumerate() {
        let (name, value) = named(member)?;
        if i > 0 {
            to.push(',');
        }
        to.extend([name, ":"]);
        if is_readable(value) {
            to.push_str(value);
        } else if levels > 0 && is_wrapper(value, levels) {
            wrapper(value, levels - 1, to)?;
        } else {
            carry(value, to)?;
        }
    }
    to.push('}');
    Some(())
}

fn list(text: &str, to: &mut String) -> Option<()> {
    to.push('[');
    for (i, item) in parts(text, '[')?.into_iter().enumerate() {
        if i > 0 {
            to.push(',');
        }
        if is_readable(item) {
            to.push_str(item);
        } else {
            carry(item, to)?;
        }
    }
    to.push(']');
    Some(())
}

/// Carries a text, unless it is broken in a way in which answers break on their way.
fn carry(text: &str, to: &mut String) -> Option<()> {
    let tidy = tidy(text);
    is_json(&tidy).then(|| to.push_str(&RawJson::carrying(text.into()).0))
}

/// Whether it is a list of records or holds one.
fn is_wrapper(value: &str, levels: usize) -> bool {
    if let Some(items) = value.strip_prefix('[') {
        return items.trim_ascii_start().starts_with('{');
    }
    let members = parts(value, '{').unwrap_or_default();
    let mut values = members.into_iter().filter_map(named);
    levels > 0 && values.any(|(_, value)| is_wrapper(value, levels - 1))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

fn is_readable(text: &str) -> bool {
    !is_too_deep(text.as_bytes(), MAX_DEPTH) && is_json(text)
}

/// What stands between the commas of a list or object. None: it is none, or it does not end.
fn parts(text: &str, open: char) -> Option<Vec<&str>> {
    let inner = text.strip_prefix(open)?;
    let close = if open == '[' { b']' } else { b'}' };
    let mut found = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let mut rest = inner.as_bytes().iter();
    let at = |rest: &std::slice::Iter<'_, u8>| inner.len() - rest.as_slice().len();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => pass_text(&mut rest),
            b',' if depth == 0 => {
                found.push(inner.get(start..at(&rest) - 1)?.trim_ascii());
                start = at(&rest);
            }
            byte if *byte == close && depth == 0 => {
                let last = inner.get(start..at(&rest) - 1)?.trim_ascii();
                if !(last.is_empty() && found.is_empty()) {
                    found.push(last);
                }
                return rest.as_slice().trim_ascii().is_empty().then_some(found);
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// The name, in its quotes, and the value of a member of an object.
fn named(member: &str) -> Option<(&str, &str)> {
    let mut rest = member.as_bytes().iter();
    if rest.next() != Some(&b'"') {
        return None;
    }
    pass_text(&mut rest);
    let (name, rest) = member.split_at_checked(member.len() - rest.as_slice().len())?;
    let value = rest.trim_ascii_start().strip_prefix(':')?;
    Some((name, value.trim_ascii()))
}

/// The text with `null` for numbers that are none and without raw control characters in texts.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    loop {
        let start = text.len() - rest.as_slice().len();
        let quote = memchr::memchr(b'"', rest.as_slice());
        let end = quote.map_or(text.len(), |at| start + at);
        // What stands between texts: brackets, numbers, words.
        let between = text.get(start..end).unwrap_or_default();
        let between = between.replace("-Infinity", "null");
        tidy.push_str(&between.replace("Infinity", "null").replace("NaN", "null"));
        let Some(at) = quote else { return tidy };
        rest.nth(at);
        pass_text(&mut rest);
        let behind = text.len() - rest.as_slice().len();
        let quoted = text.get(end..behind).unwrap_or_default();
        let shown = |c: char| if c.is_ascii_control() { ' ' } else { c };
        tidy.extend(quoted.chars().map(shown));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn deep(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn a_record_that_cannot_be_read_is_carried_and_the_others_stay_as_they_are() {
        let deep = format!(r#"{{"id":"2","x":{}}}"#, deep(70));
        for bad in [
            r#"{"id":"2","cost":NaN,"text":"a NaN, \"]"}"#,
            r#"{"cost":-Infinity,"id":"2"}"#,
            "{\"id\":\"2\",\"text\":\"a\tb\0c\nd\"}",
            &deep,
        ] {
            for (open, close) in [
                ("[", "]"),
                (r#"{"success":true,"results":["#, "]}"),
                (r#"{"data":{"page":{"items":["#, "]}}}"),
            ] {
                let good = r#"{"id": "1", "a":[{"b":1.50}]}"#;
                let answer = format!("{open}{good}, {bad} ,{good}{close}");
                let mended = carried(&answer).unwrap();
                assert_eq!(mended.matches(good).count(), 2, "{mended}");
                let value: Value = serde_json::from_str(&mended).unwrap();
                let records = match &value {
                    Value::Array(records) => records,
                    _ => value["results"]
                        .as_array()
                        .or(value["data"]["page"]["items"].as_array())
                        .unwrap(),
                };
                let (text, head) = told(&records[1].to_string()).unwrap();
                assert_eq!(text, bad);
                let head: Value = serde_json::from_str(&head).unwrap();
                assert_eq!(head["id"], "2");
            }
        }
    }

    #[test]
    fn a_single_record_is_carried() {
        let mended = carried(r#"{"success":true,"result":{"id":7,"cost":NaN,"tags":["a"]}}"#);
        let value: Value = serde_json::from_str(&mended.unwrap()).unwrap();
        let (_, head) = told(&value["result"].to_string()).unwrap();
        assert_eq!(head, r#"{"id":7,"cost":null,"tags":null}"#);
    }

    #[test]
    fn an_answer_that_is_broken_otherwise_is_not_mended() {
        for broken in [
            "",
            "nonsense",
            r#"[{"id":1},{"id":2"#,
            r#"[{"id":1}] more"#,
            r#"[{"id":1,"a":nonsense}]"#,
            r#"[{"id":1,"a":}]"#,
            r#"{"results":[{"id":1}}"#,
            r#"{"results" [1]}"#,
        ] {
            assert_eq!(carried(broken), None, "{broken}");
        }
    }
}
