//! `string_manipulation` and `substring`: texts, step by step.

use super::args::{Args, refuse};
use crate::domain::check::TEXT;
use crate::error::Violation;
use crate::mapping::shape::Misfit;
use crate::mapping::transform::scalar;
use serde_json::Value;

/// The most octets that a text may grow to between steps; more than any column takes.
const LARGEST: usize = TEXT * 4;
/// The most steps of a rule.
const STEPS: usize = 20;

/// The steps of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strings(Vec<Step>);

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Upper,
    Lower,
    Trim,
    Title,
    /// Line breaks and control characters become spaces, and spaces in a row one.
    SingleLine,
    Replace {
        find: String,
        with: String,
    },
    Prefix(String),
    Suffix(String),
    StripPrefix {
        value: String,
        must: bool,
    },
    StripSuffix {
        value: String,
        must: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Upper,
    Lower,
    Trim,
    Title,
    SingleLine,
    Replace,
    Prefix,
    Suffix,
    StripPrefix,
    StripSuffix,
}

const OPS: &[(&str, Op)] = &[
    ("upper", Op::Upper),
    ("lower", Op::Lower),
    ("trim", Op::Trim),
    ("title", Op::Title),
    ("single_line", Op::SingleLine),
    ("replace", Op::Replace),
    ("prefix", Op::Prefix),
    ("suffix", Op::Suffix),
    ("strip_prefix", Op::StripPrefix),
    ("strip_suffix", Op::StripSuffix),
];

impl Strings {
    pub(super) fn parse(rule: &Value, wrong: &mut Vec<Violation>) -> Option<Self> {
        let mut args = Args::of(super::AT, rule, &["type", "steps"], wrong)?;
        let steps = args.need("steps")?;
        let Some(steps) = steps.as_array().filter(|s| (1..=STEPS).contains(&s.len())) else {
            let detail = format!(
                "should be a list of 1 to {STEPS} steps, such as [\"trim\", {{\"op\": \"prefix\", \"value\": \"UK-\"}}]"
            );
            args.refuse("steps", "wrong_type", detail);
            return None;
        };
        let at = args.path("steps");
        let mut all = Vec::with_capacity(steps.len());
        for (i, step) in steps.iter().enumerate() {
            all.extend(Step::parse(&format!("{at}[{i}]"), step, args.wrong()));
        }
        Some(Self(all))
    }

    pub(super) fn apply(&self, value: &Value) -> Result<Value, Misfit> {
        let mut text = text_of(value)?;
        for step in &self.0 {
            text = step.apply(text)?;
        }
        Ok(Value::String(text))
    }

    pub(super) fn inverse(&self) -> Result<Self, String> {
        let back: Result<Vec<_>, _> = self.0.iter().rev().map(Step::inverse).collect();
        back.map(Self)
    }
}

/// The text of a value, unless it is longer than any column takes: then no step may make it longer still.
fn text_of(value: &Value) -> Result<String, Misfit> {
    let text = scalar(value).ok_or_else(|| ("wrong_type", "should be a text".to_owned()))?;
    fits(text.len())?;
    Ok(text.into_owned())
}

fn fits(octets: usize) -> Result<(), Misfit> {
    if octets > LARGEST {
        let detail = format!("is longer than {LARGEST} octets, more than any rule works on");
        return Err(("too_long", detail));
    }
    Ok(())
}

impl Step {
    fn parse(at: &str, step: &Value, wrong: &mut Vec<Violation>) -> Option<Self> {
        // A step without parts is its name alone.
        if let Some(name) = step.as_str() {
            let object = serde_json::json!({ "op": name });
            let mut found = Vec::new();
            let step = Self::parse(at, &object, &mut found);
            wrong.extend(found);
            return step;
        }
        let known = ["op", "find", "with", "value", "must"];
        let mut args = Args::of(at, step, &known, wrong)?;
        args.need_text("op")?;
        let op = args.word("op", OPS)?;
        let uses: &[&str] = match op {
            Op::Replace => &["find", "with"],
            Op::Prefix | Op::Suffix => &["value"],
            Op::StripPrefix | Op::StripSuffix => &["value", "must"],
            _ => &[],
        };
        for name in known.iter().skip(1).filter(|name| !uses.contains(name)) {
            if args.get(name).is_some() {
                args.refuse(name, "unknown_field", "is no part of this step");
            }
        }
        let part = |args: &mut Args<'_>, name| {
            let text = args.need_text(name)?;
            if text.is_empty() || text.chars().count() > 500 || text.contains('\0') {
                args.refuse(name, "invalid_value", "must have from 1 to 500 characters");
                return None;
            }
            Some(text.to_owned())
        };
        Some(match op {
            Op::Upper => Self::Upper,
            Op::Lower => Self::Lower,
            Op::Trim => Self::Trim,
            Op::Title => Self::Title,
            Op::SingleLine => Self::SingleLine,
            Op::Replace => {
                let find = part(&mut args, "find");
                let with = args.need_text("with");
                if with.is_some_and(|w| w.chars().count() > 500 || w.contains('\0')) {
                    args.refuse("with", "invalid_value", "may have at most 500 characters");
                }
                Self::Replace {
                    find: find?,
                    with: with?.to_owned(),
                }
            }
            Op::Prefix => Self::Prefix(part(&mut args, "value")?),
            Op::Suffix => Self::Suffix(part(&mut args, "value")?),
            Op::StripPrefix => Self::StripPrefix {
                must: args.flag("must").unwrap_or(false),
                value: part(&mut args, "value")?,
            },
            Op::StripSuffix => Self::StripSuffix {
                must: args.flag("must").unwrap_or(false),
                value: part(&mut args, "value")?,
            },
        })
    }

    fn apply(&self, text: String) -> Result<String, Misfit> {
        Ok(match self {
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Trim => text.trim().to_owned(),
            Self::Title => title(&text),
            Self::SingleLine => single_line(&text),
            Self::Replace { find, with } => {
                let count = text.matches(find.as_str()).count();
                fits(text.len() + count * with.len())?;
                text.replace(find.as_str(), with)
            }
            Self::Prefix(value) => {
                fits(text.len() + value.len())?;
                format!("{value}{text}")
            }
            Self::Suffix(value) => {
                fits(text.len() + value.len())?;
                text + value
            }
            Self::StripPrefix { value, must } => match text.strip_prefix(value.as_str()) {
                Some(rest) => rest.to_owned(),
                None if *must => {
                    return Err(("no_prefix", format!("does not begin with {value:?}")));
                }
                None => text,
            },
            Self::StripSuffix { value, must } => match text.strip_suffix(value.as_str()) {
                Some(rest) => rest.to_owned(),
                None if *must => return Err(("no_suffix", format!("does not end with {value:?}"))),
                None => text,
            },
        })
    }

    fn inverse(&self) -> Result<Self, String> {
        match self {
            Self::Prefix(value) => Ok(Self::StripPrefix {
                value: value.clone(),
                must: true,
            }),
            Self::Suffix(value) => Ok(Self::StripSuffix {
                value: value.clone(),
                must: true,
            }),
            Self::StripPrefix { value, must: true } => Ok(Self::Prefix(value.clone())),
            Self::StripSuffix { value, must: true } => Ok(Self::Suffix(value.clone())),
            Self::StripPrefix { value, must: false } | Self::StripSuffix { value, must: false } => {
                Err(format!(
                    "a text that came without {value:?} is not told from one that came with it; add \"must\": true"
                ))
            }
            Self::Upper | Self::Lower | Self::Title => {
                Err("the case of the letters is lost".to_owned())
            }
            Self::Trim | Self::SingleLine => Err("the spaces are lost".to_owned()),
            Self::Replace { find, .. } => Err(format!("where {find:?} stood is lost")),
        }
    }
}

/// The first letter of each word large, the others small.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut titled = String::with_capacity(text.len());
    for letter in text.chars() {
        if !letter.is_alphanumeric() {
            // An apostrophe stands inside a word.
            inside &= matches!(letter, '\'' | '’');
            titled.push(letter);
        } else if inside {
            titled.extend(letter.to_lowercase());
        } else {
            titled.extend(letter.to_uppercase());
            inside = true;
        }
    }
    titled
}

fn single_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// A part of a text, by characters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    start: usize,
    length: Option<usize>,
}

impl Part {
    pub(super) fn parse(rule: &Value, wrong: &mut Vec<Violation>) -> Option<Self> {
        let mut args = Args::of(super::AT, rule, &["type", "start", "length", "end"], wrong)?;
        let start = args.whole("start").unwrap_or(0);
        let length = args.whole("length");
        let end = args.whole("end");
        let at = args.path("length");
        match (length, end) {
            (Some(_), Some(_)) => {
                args.refuse(
                    "end",
                    "invalid_value",
                    "cannot stand beside length: say one of them",
                );
            }
            (None, Some(end)) if end <= start => {
                args.refuse("end", "out_of_range", "must lie behind start");
            }
            (Some(0), None) => args.refuse("length", "out_of_range", "must be 1 or more"),
            (None, None) if start == 0 => {
                let detail = "is missing: say start, length or end".to_owned();
                refuse(args.wrong(), &at, "missing_field", detail);
            }
            _ => {}
        }
        Some(Self {
            start,
            length: length.or(end.map(|end| end.saturating_sub(start))),
        })
    }

    pub(super) fn apply(&self, value: &Value) -> Result<Value, Misfit> {
        let text = scalar(value).ok_or_else(|| ("wrong_type", "should be a text".to_owned()))?;
        let rest = text.chars().skip(self.start);
        Ok(Value::String(match self.length {
            Some(length) => rest.take(length).collect(),
            None => rest.collect(),
        }))
    }
}
