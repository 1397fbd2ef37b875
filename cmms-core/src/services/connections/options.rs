//! The options of a connection, checked once for all vendors.

use crate::domain::connection::ConnectionOptions;
use crate::ports::adapter::Capabilities;
use crate::{Error, Result, code};
use std::ops::RangeInclusive;
use std::path::Path;

/// The most records that are stored at a time.
const BATCH_MAX: u32 = 10_000;
/// The most pages that are fetched at a time: more would be an attack on the vendor.
const IN_FLIGHT_MAX: u32 = 16;

/// The lowest rate of requests: one in a thousand seconds. A rate near zero would let a sync wait for ever.
const RATE_MIN: f64 = 0.001;

/// Refuses an option that is out of range; the largest page is the vendor's.
pub(super) fn check(options: &ConnectionOptions, of: &Capabilities) -> Result<()> {
    let page_max = of.entities.iter().map(|(_, can)| can.page_max).max();
    within(
        "page_size",
        options.page_size,
        1..=page_max.unwrap_or(u32::MAX),
    )?;
    within("batch_records", options.batch_records, 1..=BATCH_MAX)?;
    within(
        "pages_in_flight",
        options.pages_in_flight,
        1..=IN_FLIGHT_MAX,
    )?;
    match options.max_requests_per_second {
        Some(n) if !n.is_finite() || n < RATE_MIN => Err(out_of_range(
            "max_requests_per_second",
            format!("must be at least {RATE_MIN}"),
        )),
        _ => whole_path("ca_file", options.ca_file.as_deref()),
    }
}

/// Refuses a path that is another file in another folder.
fn whole_path(name: &str, value: Option<&str>) -> Result<()> {
    if value.is_none_or(|path| Path::new(path).is_absolute() && !path.contains('\0')) {
        return Ok(());
    }
    let field = format!("options.{name}");
    let want = "must be the whole path of a file, from the root on";
    let message = format!("{field} cannot be used: it {want}");
    Err(Error::new(code::INPUT_VALUE, message).field(field, "invalid_value", want))
}

fn within(name: &str, value: Option<u32>, range: RangeInclusive<u32>) -> Result<()> {
    if value.is_none_or(|n| range.contains(&n)) {
        return Ok(());
    }
    let want = format!("must be from {} to {}", range.start(), range.end());
    Err(out_of_range(name, want))
}

fn out_of_range(name: &str, want: String) -> Error {
    let field = format!("options.{name}");
    Error::new(
        code::INPUT_RANGE,
        format!("{field} is out of range: it {want}"),
    )
    .field(field, "out_of_range", want)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entity::Entity;
    use crate::ports::adapter::{EntityCapabilities, Pages};

    #[test]
    fn an_option_out_of_range_is_named() {
        let can = EntityCapabilities::pull(Pages::Serial, 5000).page_default(100);
        let vendor = Capabilities {
            entities: vec![(Entity::Asset, can)],
        };
        let plain = ConnectionOptions::default;
        let page = |n| ConnectionOptions {
            page_size: Some(n),
            ..plain()
        };
        let batch = |n| ConnectionOptions {
            batch_records: Some(n),
            ..plain()
        };
        let flight = |n| ConnectionOptions {
            pages_in_flight: Some(n),
            ..plain()
        };
        let rate = |n| ConnectionOptions {
            max_requests_per_second: Some(n),
            ..plain()
        };
        for (options, field) in [
            (page(0), "options.page_size"),
            (page(5001), "options.page_size"),
            (batch(0), "options.batch_records"),
            (batch(10_001), "options.batch_records"),
            (flight(0), "options.pages_in_flight"),
            (flight(17), "options.pages_in_flight"),
            (rate(0.0), "options.max_requests_per_second"),
            (rate(-1.0), "options.max_requests_per_second"),
            (rate(1e-300), "options.max_requests_per_second"),
            (rate(0.0009), "options.max_requests_per_second"),
            (rate(f64::NAN), "options.max_requests_per_second"),
            (rate(f64::INFINITY), "options.max_requests_per_second"),
        ] {
            let e = check(&options, &vendor).unwrap_err();
            assert!(e.is(code::INPUT_RANGE));
            assert_eq!(e.first_field(), Some(field));
        }
        for path in ["ca.pem", "", "./ca.pem", "/ca\0.pem"] {
            let options = ConnectionOptions {
                ca_file: Some(path.to_owned()),
                ..plain()
            };
            let e = check(&options, &vendor).unwrap_err();
            assert!(e.is(code::INPUT_VALUE));
            assert_eq!(e.first_field(), Some("options.ca_file"));
        }
        for options in [
            page(1),
            page(5000),
            batch(10_000),
            flight(16),
            rate(0.1),
            rate(0.001),
        ] {
            check(&options, &vendor).unwrap();
        }
    }
}
