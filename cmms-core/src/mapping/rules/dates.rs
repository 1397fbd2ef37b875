//! `date_format`: times and days from one way of writing to another.

use super::args::Args;
use crate::domain::check::nearest;
use crate::error::Violation;
use crate::mapping::moment::{self, Unit};
use crate::mapping::shape::{Misfit, Shape};
use crate::mapping::transform::scalar;
use chrono::format::{Item, Parsed, StrftimeItems, parse as parse_items};
use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Timelike, Utc,
};
use chrono_tz::Tz;
use serde_json::Value;
use std::fmt::Write as _;

/// How a time is written.
#[derive(Debug, Clone, PartialEq)]
enum Style {
    Rfc3339,
    Rfc2822,
    UnixSeconds,
    UnixMillis,
    /// A day, as 2024-01-15.
    Day,
    /// A day, as 20240115.
    BasicDay,
    Pattern(Vec<Item<'static>>),
}

/// A change of the way in which a time is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dates {
    from: Style,
    to: Style,
    zone: Tz,
}

/// What was read.
#[derive(Debug, Clone, Copy)]
enum When {
    Instant(DateTime<Utc>),
    Day(NaiveDate),
}

const NAMED: &[(&str, Style)] = &[
    ("rfc3339", Style::Rfc3339),
    ("iso8601", Style::Rfc3339),
    ("rfc2822", Style::Rfc2822),
    ("unix_s", Style::UnixSeconds),
    ("unix_ms", Style::UnixMillis),
    ("date", Style::Day),
    ("basic_date", Style::BasicDay),
];

impl Dates {
    pub(super) fn parse(rule: &Value, shape: &Shape, wrong: &mut Vec<Violation>) -> Option<Self> {
        let mut args = Args::of(super::AT, rule, &["type", "from", "to", "timezone"], wrong)?;
        let zone = match args.text("timezone") {
            None => Some(Tz::UTC),
            Some(name) => zone(&mut args, name),
        };
        let from = args
            .need_text("from")
            .and_then(|from| style(&mut args, "from", from));
        let to = match args.text("to") {
            Some(to) => style(&mut args, "to", to),
            None if *shape == Shape::Date => Some(Style::Day),
            None => Some(Style::Rfc3339),
        };
        let rule = Self {
            from: from?,
            to: to?,
            zone: zone?,
        };
        rule.check(&mut args, shape)?;
        Some(rule)
    }

    /// Tries the rule on a time: a format that does not tell a whole day cannot be read, and what it gives must
    /// fit its column.
    fn check(&self, args: &mut Args<'_>, shape: &Shape) -> Option<()> {
        let sample = sample();
        let written = self.from.write(When::Instant(sample), self.zone).ok();
        let read = written.and_then(|text| self.from.read(&text, self.zone).ok());
        let day = read.and_then(|when| when.day(self.zone));
        if day != When::Instant(sample).day(self.zone) {
            let detail = "does not tell a whole day, so no date can be read by it";
            args.refuse("from", "bad_format", detail);
            return None;
        }
        let gives = self.to.write(When::Instant(sample), self.zone).ok()?;
        if let Some((_, detail)) = shape.refuses(&gives) {
            let detail = format!(
                "gives {gives}, which does not fit the field: {detail}; leave it away for {}",
                shape.name()
            );
            args.refuse("to", "bad_format", detail);
            return None;
        }
        Some(())
    }

    pub(super) fn apply(&self, value: &Value) -> Result<Value, Misfit> {
        let when = self.from.read(value, self.zone)?;
        self.to.write(when, self.zone)
    }

    pub(super) fn inverse(&self) -> Result<Self, String> {
        let back = Self {
            from: self.to.clone(),
            to: self.from.clone(),
            zone: self.zone,
        };
        // Only a format that keeps as much leads back.
        let sample = When::Instant(sample());
        let there = self.from.write(sample, self.zone).ok();
        let round = there.as_ref().and_then(|v| self.apply(v).ok());
        let round = round.and_then(|v| back.apply(&v).ok());
        if round.is_some() && round == there {
            Ok(back)
        } else {
            Err("what it writes tells less than what it reads".to_owned())
        }
    }
}

fn sample() -> DateTime<Utc> {
    // Every part of it is another number.
    DateTime::from_timestamp(1_705_326_330, 0).unwrap_or_default()
}

fn zone(args: &mut Args<'_>, name: &str) -> Option<Tz> {
    if let Ok(zone) = name.parse() {
        return Some(zone);
    }
    let hint = nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|z| z.name()))
        .map(|near| format!("; did you mean {near}?"))
        .unwrap_or_default();
    let detail = format!("is no time zone, such as Europe/Berlin{hint}");
    args.refuse("timezone", "unknown_value", detail);
    None
}

fn style(args: &mut Args<'_>, name: &str, text: &str) -> Option<Style> {
    if let Some((_, style)) = NAMED.iter().find(|(word, _)| *word == text) {
        return Some(style.clone());
    }
    let names = || NAMED.iter().map(|(word, _)| *word);
    if !text.contains('%') {
        let hint = nearest(text, names())
            .map(|near| format!("; did you mean {near}?"))
            .unwrap_or_default();
        let named: Vec<_> = names().collect();
        let detail = format!(
            "is no pattern such as %d.%m.%Y %H:%M and none of: {}{hint}",
            named.join(", ")
        );
        args.refuse(name, "bad_format", detail);
        return None;
    }
    match StrftimeItems::new(text).parse_to_owned() {
        Ok(items) if text.len() <= 200 => Some(Style::Pattern(items)),
        _ => {
            let detail = "holds a letter behind % that means nothing; see the patterns of strftime";
            args.refuse(name, "bad_format", detail);
            None
        }
    }
}

fn unreadable(style: &str) -> Misfit {
    ("bad_date", format!("is no time written as {style}"))
}

impl Style {
    fn read(&self, value: &Value, zone: Tz) -> Result<When, Misfit> {
        let text = scalar(value).ok_or_else(|| ("bad_date", "is no time".to_owned()))?;
        let text = text.trim();
        match self {
            Self::Rfc3339 => moment::rfc3339(text)
                .map(When::Instant)
                .ok_or_else(|| unreadable("RFC 3339, such as 2024-01-15T09:00:00Z")),
            Self::Rfc2822 => DateTime::parse_from_rfc2822(text)
                .ok()
                .map(|t| t.to_utc())
                .filter(|t| moment::is_kept(*t))
                .map(When::Instant)
                .ok_or_else(|| unreadable("RFC 2822, such as Mon, 15 Jan 2024 09:00:00 +0000")),
            Self::UnixSeconds => counted(text, Unit::Seconds, "seconds since 1970"),
            Self::UnixMillis => counted(text, Unit::Millis, "milliseconds since 1970"),
            Self::BasicDay => moment::basic_date(text)
                .map(When::Day)
                .ok_or_else(|| unreadable("a day of eight digits, such as 20240115")),
            Self::Day => text
                .parse()
                .map(When::Day)
                .map_err(|_| unreadable("a day, such as 2024-01-15")),
            Self::Pattern(items) => by_pattern(text, items, zone),
        }
    }

    fn write(&self, when: When, zone: Tz) -> Result<Value, Misfit> {
        let out = || ("out_of_range", "lies outside of all calendars".to_owned());
        if let Self::Day = self {
            let day = when.day(zone).ok_or_else(out)?;
            return Ok(Value::String(day.format("%Y-%m-%d").to_string()));
        }
        if let Self::BasicDay = self {
            let day = when.day(zone).ok_or_else(out)?;
            return Ok(Value::String(day.format("%Y%m%d").to_string()));
        }
        let at = when.instant(zone).ok_or_else(out)?;
        let local = at.with_timezone(&zone);
        if !moment::is_kept(at) || !(1..=9999).contains(&local.year()) {
            return Err(out());
        }
        Ok(match self {
            Self::Rfc3339 | Self::Day | Self::BasicDay => {
                let micros = if at.timestamp_subsec_nanos() == 0 {
                    chrono::SecondsFormat::Secs
                } else {
                    chrono::SecondsFormat::AutoSi
                };
                Value::String(at.to_rfc3339_opts(micros, true))
            }
            Self::Rfc2822 => Value::String(local.to_rfc2822()),
            Self::UnixSeconds => Value::from(at.timestamp()),
            Self::UnixMillis => Value::from(at.timestamp_millis()),
            Self::Pattern(items) => {
                let mut text = String::new();
                write!(text, "{}", local.format_with_items(items.iter()))
                    .map_err(|_| ("bad_date", "cannot be written in this format".to_owned()))?;
                Value::String(text)
            }
        })
    }
}

/// A time that is counted since 1970.
fn counted(text: &str, unit: Unit, name: &str) -> Result<When, Misfit> {
    let number = moment::whole(text).ok_or_else(|| unreadable(name))?;
    moment::of_number(number, unit)
        .map(When::Instant)
        .map_err(|why| ("bad_date", why))
}

fn by_pattern(text: &str, items: &[Item<'static>], zone: Tz) -> Result<When, Misfit> {
    let wrong = || ("bad_date", "does not fit the format of the rule".to_owned());
    let mut parsed = Parsed::new();
    parse_items(&mut parsed, text, items.iter()).map_err(|_| wrong())?;
    if parsed.offset().is_some() || parsed.timestamp().is_some() {
        return parsed
            .to_datetime()
            .ok()
            .map(|t| t.to_utc())
            .filter(|t| moment::is_kept(*t))
            .map(When::Instant)
            .ok_or_else(wrong);
    }
    let day = parsed.to_naive_date().map_err(|_| wrong())?;
    match parsed.to_naive_time() {
        Ok(time) if time.nanosecond() >= 1_000_000_000 => Err(wrong()),
        Ok(time) => local(day.and_time(time), zone)
            .map(When::Instant)
            .ok_or_else(|| {
                let detail =
                    format!("is a time that {zone} skips: the clocks are moved on over it");
                ("bad_date", detail)
            }),
        // Hours that do not make a time are a mistake; none at all are a day.
        Err(_) if parsed.hour_div_12().is_none() && parsed.minute().is_none() => Ok(When::Day(day)),
        Err(_) => Err(wrong()),
    }
}

/// The instant of a local time; of two, the earlier one.
fn local(at: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&at) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => Some(t.to_utc()),
        LocalResult::None => None,
    }
}

impl When {
    fn day(self, zone: Tz) -> Option<NaiveDate> {
        match self {
            Self::Day(day) => Some(day),
            Self::Instant(at) => Some(at.with_timezone(&zone).date_naive())
                .filter(|day| (1..=9999).contains(&day.year())),
        }
    }

    /// The instant; of a day, when it begins in the zone, which may be later than midnight.
    fn instant(self, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Day(day) => (0..=8).find_map(|halves| {
                let at = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(30 * halves);
                local(at, zone)
            }),
        }
    }
}
