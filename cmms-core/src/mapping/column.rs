//! The rules of one column, bound and prepared.

use super::MapError;
use super::path::Path;
use super::reader::{Made, Reader};
use super::rules::{Changed, Rule};
use super::shape::{Misfit, Shape, long_id, member_limit};
use super::source::VendorRecord;
use super::transform::{LARGE_NUMBER, Transform, is_unset, large_number, shown};
use serde_json::Value;
use std::borrow::Cow;

/// A column with the rules that set it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    /// Its place in the row.
    pub(super) place: usize,
    pub(super) name: &'static str,
    /// What it takes; None: nothing is known about it.
    pub(super) shape: Option<Shape>,
    /// Of several rules, the first that gives a value wins.
    pub(super) rules: Vec<Bound>,
    /// Rules for single fields of a JSON column.
    pub(super) members: Vec<Member>,
    /// Its place among the fields of the mapping, where it has rules.
    pub(super) field: usize,
}

/// A rule for a single field of a JSON column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) name: Box<str>,
    /// With its column, as in `custom_fields.shift`.
    pub(super) target: Box<str>,
    pub(super) rule: Bound,
    /// Its place among the fields of the mapping.
    pub(super) field: usize,
}

/// A rule, prepared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    /// Where the value is: the first path that holds one.
    pub(super) sources: Vec<Path>,
    /// What a user's rule does with the value before it is read.
    pub(super) rule: Option<Rule>,
    pub(super) reader: Reader,
    pub(super) required: bool,
    /// Whether a record that does not name the source has none.
    pub(super) clears: bool,
    /// The place among the user's mappings, where it is one of them.
    pub(super) custom: Option<usize>,
}

/// What a rule gave.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) made: Made,
    /// Whether the mapping supplied it rather than the vendor.
    pub(super) supplied: bool,
    /// The vendor's value that is to be kept beside.
    pub(super) beside: Option<Value>,
    /// Where the record does not name the field: whether it then has none.
    pub(super) absent: Option<bool>,
    /// Why it is no new record.
    pub(super) lacking: Option<Box<Failed>>,
}

impl Given {
    fn new(made: Made) -> Self {
        Self {
            made,
            supplied: false,
            beside: None,
            absent: None,
            lacking: None,
        }
    }

    fn nothing() -> Self {
        Self::new(Made::Nothing)
    }
}

/// A rule that cannot map a record.
#[derive(Debug)]
pub(super) struct Failed {
    /// The place among the user's mappings.
    pub(super) custom: Option<usize>,
    /// The value, short.
    pub(super) value: Option<String>,
    /// What is wrong, without field, value and rule.
    pub(super) bare: String,
    /// Whether a record that is here already may lack it.
    pub(super) of_new_records: bool,
    pub(super) error: MapError,
}

/// What a set of rules makes of a record; `target` and `limit` say where it goes.
pub(super) fn first<'r>(
    rules: impl Iterator<Item = &'r Bound> + Clone,
    target: &str,
    shape: Option<Shape>,
    record: &VendorRecord,
) -> Result<Given, Box<Failed>> {
    for rule in rules.clone() {
        let given = rule.read(target, shape, record)?;
        if given.made != Made::Nothing {
            let stands_in = given.supplied && rule.rule.as_ref().is_some_and(Rule::stands_in);
            return Ok(Given {
                absent: rule.silent(record.value()).filter(|_| stands_in),
                ..given
            });
        }
    }
    let absent = rules.clone().last();
    let absent = absent.and_then(|rule| rule.silent(record.value()));
    for rule in rules {
        match rule.reader.missing() {
            // A word that stands in for none does not make up for one that must be there.
            _ if rule.required => {
                // What an adapter asks for a record of ours has already; what a user asks for is asked of each.
                let spares = absent.is_some() && rule.custom.is_none();
                let lacking = rule.missing(target, spares);
                if !spares {
                    return Err(lacking);
                }
                return Ok(Given {
                    absent,
                    lacking: Some(lacking),
                    ..Given::nothing()
                });
            }
            Made::Nothing => {}
            made => {
                return Ok(Given {
                    supplied: true,
                    absent,
                    ..Given::new(made)
                });
            }
        }
    }
    Ok(Given {
        absent,
        ..Given::nothing()
    })
}

impl Bound {
    /// Where the record does not name what it reads: whether that means that there is none.
    fn silent(&self, record: &Value) -> Option<bool> {
        let is_absent = self.sources.iter().all(|path| path.is_absent(record));
        is_absent.then_some(self.clears)
    }

    fn source<'v>(&self, record: &'v VendorRecord) -> Option<(&Path, &'v Value)> {
        let found = |path: &'_ Path| path.find(record.value()).filter(|v| !is_unset(v));
        self.sources
            .iter()
            .find_map(|path| found(path).map(|value| (path, value)))
    }

    fn read(
        &self,
        target: &str,
        shape: Option<Shape>,
        record: &VendorRecord,
    ) -> Result<Given, Box<Failed>> {
        let Some(rule) = &self.rule else {
            // Of several paths, the first that gives something counts.
            for path in &self.sources {
                let Some(value) = path.find(record.value()) else {
                    continue;
                };
                let given = self
                    .keeps_numbers(record, path, None)
                    .and_then(|()| self.plain(value, shape))
                    .map_err(|why| self.failed(target, path, Some(value), why))?;
                if given.made != Made::Nothing {
                    return Ok(given);
                }
            }
            return Ok(Given::nothing());
        };
        let source = self.source(record);
        let path = source.map(|(path, _)| path).or(self.sources.first());
        let value = source.map(|(_, value)| value);
        let changed = rule.apply(record.value(), value).and_then(|changed| {
            if let (Some(changed), Some(path)) = (&changed, path) {
                self.keeps_numbers(record, path, Some(changed))?;
            }
            self.changed(changed, shape, source)
        });
        changed.map_err(|why| match path {
            Some(path) => self.failed(target, path, value, why),
            None => self.failed(target, &Path::new(""), value, why),
        })
    }

    /// Refuses to keep a whole number of more than 64 bits in a field of any JSON: there it would no longer be a
    /// number, or no longer this one. Its digits as a text are what a rule may have made of it.
    fn keeps_numbers(
        &self,
        record: &VendorRecord,
        path: &Path,
        made: Option<&Changed<'_>>,
    ) -> Result<(), Misfit> {
        let takes_any = matches!(self.reader, Reader::Any | Reader::Plain(Transform::Object));
        let is_text = made.is_some_and(|c| matches!(&c.value, Cow::Owned(Value::String(_))));
        if takes_any && !is_text && record.has_large(path) {
            return Err((LARGE_NUMBER, large_number("holds")));
        }
        Ok(())
    }

    fn plain(&self, value: &Value, shape: Option<Shape>) -> Result<Given, Misfit> {
        let made = adapted(self.reader.read(value)?, shape);
        limited(&made, shape)?;
        let beside = matches!(made, Made::Beside(_) | Made::Adapted(_)).then(|| value.clone());
        Ok(Given {
            supplied: matches!(made, Made::Beside(_)),
            beside,
            ..Given::new(made)
        })
    }

    fn changed(
        &self,
        changed: Option<Changed<'_>>,
        shape: Option<Shape>,
        source: Option<(&Path, &Value)>,
    ) -> Result<Given, Misfit> {
        let Some(changed) = changed else {
            return Ok(Given::nothing());
        };
        let read = self.reader.read(&changed.value);
        let read = read.map(|made| adapted(made, shape));
        let made = read.and_then(|made| limited(&made, shape).map(|()| made));
        let made = made.map_err(|(reason, why)| {
            let same = source.is_some_and(|(_, value)| *value == *changed.value);
            let hidden = source.is_some_and(|(path, _)| path.is_secret());
            if same || hidden {
                (reason, why)
            } else {
                let shown = shown(&changed.value);
                (reason, format!("becomes {shown}, which {why}"))
            }
        })?;
        let is_word = matches!(self.reader, Reader::Words(_));
        let stays = (changed.fallback && is_word) || matches!(made, Made::Adapted(_));
        Ok(Given {
            supplied: changed.supplied,
            beside: source.filter(|_| stays).map(|(_, value)| value.clone()),
            ..Given::new(made)
        })
    }

    fn missing(&self, target: &str, of_new_records: bool) -> Box<Failed> {
        let field = self
            .sources
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        let detail = format!("{field} is missing; {target} needs it");
        Box::new(Failed {
            custom: self.custom,
            value: None,
            bare: format!("is missing; {target} needs it"),
            of_new_records,
            error: MapError {
                field,
                reason: "missing_field",
                detail,
            },
        })
    }

    fn failed(
        &self,
        target: &str,
        path: &Path,
        value: Option<&Value>,
        (reason, why): Misfit,
    ) -> Box<Failed> {
        let value = match value {
            Some(_) if path.is_secret() => Some("(hidden)".to_owned()),
            other => other.map(shown),
        };
        let is = value
            .as_deref()
            .map_or_else(|| "is missing".to_owned(), |value| format!("is {value}"));
        let rule = self.rule.as_ref().map_or_else(String::new, |rule| {
            format!(" (rule {} of the mapping to {target})", rule.name())
        });
        let detail = format!("{path} {is}: it {why}{rule}");
        Box::new(Failed {
            custom: self.custom,
            value,
            bare: why,
            of_new_records: false,
            error: MapError {
                field: path.to_string(),
                reason,
                detail,
            },
        })
    }
}

/// A value as its column takes it.
fn adapted(made: Made, shape: Option<Shape>) -> Made {
    match shape {
        Some(shape) => shape.adapt(made),
        None => made,
    }
}

fn limited(made: &Made, shape: Option<Shape>) -> Result<(), Misfit> {
    let misfit = match (made, shape) {
        (Made::Cell(cell) | Made::Beside(cell) | Made::Adapted(cell), Some(shape)) => {
            shape.limit(cell).or_else(|| cell.refused())
        }
        (Made::Cell(cell) | Made::Beside(cell) | Made::Adapted(cell), None) => cell.refused(),
        (Made::Reference(id), _) => long_id(id),
        (Made::Member(value), _) => member_limit(value),
        _ => None,
    };
    misfit.map_or(Ok(()), Err)
}
