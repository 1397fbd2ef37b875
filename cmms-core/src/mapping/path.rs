//! Paths into a vendor's record.

use serde_json::Value;
use std::fmt;

/// The longest path, in characters.
const LENGTH: usize = 300;
/// The most names in a path.
const DEPTH: usize = 32;

/// A dotted path into a vendor's record: `location.name`, `items.0.name`. A dot behind a backslash belongs to
/// the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: Box<str>,
    steps: Box<[Step]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: Box<str>,
    /// The place in a list, where the name is a number.
    place: Option<usize>,
}

impl Path {
    /// A path such as `location.name`.
    pub fn new(dotted: &str) -> Self {
        let mut names = vec![String::new()];
        let mut letters = dotted.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' if matches!(letters.peek(), Some('.' | '\\')) => {
                    if let (Some(last), Some(next)) = (names.last_mut(), letters.next()) {
                        last.push(next);
                    }
                }
                '.' => names.push(String::new()),
                other => {
                    if let Some(last) = names.last_mut() {
                        last.push(other);
                    }
                }
            }
        }
        let step = |name: String| Step {
            place: name.parse().ok(),
            name: name.into(),
        };
        Self {
            text: dotted.into(),
            steps: names.into_iter().map(step).collect(),
        }
    }

    /// A path that somebody wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(dotted: &str) -> Result<Self, String> {
        let length = dotted.chars().count();
        if length > LENGTH {
            return Err(format!(
                "has {length} characters; at most {LENGTH} are kept"
            ));
        }
        if dotted.chars().any(char::is_control) {
            return Err("may not hold line breaks and control characters".to_owned());
        }
        let path = Self::new(dotted);
        if path.steps.iter().any(|step| step.name.trim().is_empty()) {
            return Err("has an empty name: write a dotted path such as location.name".to_owned());
        }
        if path.steps.len() > DEPTH {
            return Err(format!("has more than {DEPTH} names"));
        }
        Ok(path)
    }

    /// The value at the path. `null` and a missing field are the same: nothing.
    pub fn find<'v>(&self, record: &'v Value) -> Option<&'v Value> {
        let found = self
            .steps
            .iter()
            .try_fold(record, |value, step| match value {
                Value::Object(fields) => fields.get(&*step.name),
                Value::Array(items) => items.get(step.place?),
                _ => None,
            })?;
        (!found.is_null()).then_some(found)
    }

    /// Whether the record does not name it: an object on the way lacks the next name. What is there and empty, such as
    /// null, is not absent.
    pub(super) fn is_absent(&self, record: &Value) -> bool {
        let mut value = record;
        for step in &self.steps {
            let below = match value {
                Value::Object(fields) => match fields.get(&*step.name) {
                    None => return true,
                    below => below,
                },
                Value::Array(items) => step.place.and_then(|place| items.get(place)),
                _ => None,
            };
            match below {
                Some(below) => value = below,
                None => return false,
            }
        }
        false
    }

    /// Its names as they stand in JSON, but for places in lists.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        let names = self.steps.iter().filter(|step| step.place.is_none());
        names.map(|step| Value::from(&*step.name).to_string())
    }

    /// Whether these names are below it, or its own.
    pub(super) fn leads_towards(&self, names: &[String]) -> bool {
        let own = self.steps.iter().map(|step| &*step.name);
        names.len() >= self.steps.len() && own.eq(names.iter().take(self.steps.len()))
    }

    /// Whether what stands there is likely to be a secret, which no message may show.
    pub(super) fn is_secret(&self) -> bool {
        const WORDS: &[&str] = &[
            "password",
            "passwd",
            "secret",
            "token",
            "apikey",
            "credential",
        ];
        self.steps.iter().any(|step| {
            let name = super::normal(&step.name);
            WORDS.iter().any(|word| name.contains(word))
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_through_objects_lists_and_names_with_dots() {
        let record =
            json!({ "a": { "b": 1 }, "items": [{ "name": "x" }], "a.b": 2, "0": 3, "n": null });
        for (path, want) in [
            ("a.b", Some(json!(1))),
            ("items.0.name", Some(json!("x"))),
            ("items.1.name", None),
            (r"a\.b", Some(json!(2))),
            ("0", Some(json!(3))),
            ("n", None),
            ("a.b.c", None),
        ] {
            assert_eq!(Path::new(path).find(&record), want.as_ref(), "{path}");
        }
        for (path, is_absent) in [
            ("a.b", false),
            ("n", false),
            ("n.x", false),
            ("x", true),
            ("x.y", true),
            ("a.x", true),
            ("items.0.x", true),
            ("items.7.x", false),
        ] {
            assert_eq!(Path::new(path).is_absent(&record), is_absent, "{path}");
        }
        let keys: Vec<_> = Path::new(r"items.0.a\.b").keys().collect();
        assert_eq!(keys, [r#""items""#, r#""a.b""#]);
        for bad in ["", " ", "a..b", ".a", "a\n", &"a.".repeat(40)] {
            assert!(Path::parse(bad).is_err(), "{bad:?}");
        }
    }
}
