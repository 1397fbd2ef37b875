//! Which values a store keeps: the same for every one, so that what one takes each other takes, too.
//!
//! Databases differ in what they refuse: one takes no U+0000, one no row of an index beyond some octets, one no time
//! before its own calendar. What every one of them keeps is said here and checked before any of them is asked.

use super::Cell;

/// The longest text of a key, of a unique value or of a column that is looked up, in octets.
pub const INDEXED: usize = 2_000;
/// The largest value of any other column, in octets.
pub const LARGEST: usize = 64 << 20;
/// The first and the last time: those of the years 1 to 9999, in microseconds since 1970.
pub const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Why a value cannot be kept: the slug of a rule, and a sentence that begins behind the name of its field.
pub type Refused = (&'static str, String);

impl Cell<'_> {
    /// Why no column keeps it, if that is so.
    #[inline]
    pub fn refused(&self) -> Option<Refused> {
        match self {
            Cell::Null | Cell::Bool(_) | Cell::Int(_) | Cell::Id(_) => None,
            Cell::Real(v) if v.is_finite() => None,
            Cell::Real(v) => Some(("bad_number", format!("is {v}; it must be a finite number"))),
            Cell::Time(at) if TIMES.contains(at) => None,
            Cell::Time(_) => Some(("out_of_range", "must lie in the years 1 to 9999".to_owned())),
            Cell::Text(text) | Cell::Json(text) if text.as_bytes().contains(&0) => {
                Some(("nul_character", "holds the character U+0000".to_owned()))
            }
            Cell::Text(text) | Cell::Json(text) => large(text.len(), LARGEST),
            Cell::Bytes(bytes) => large(bytes.len(), LARGEST),
        }
    }
}

/// Why a value of so many octets is too large.
pub fn large(octets: usize, most: usize) -> Option<Refused> {
    (octets > most).then(|| {
        let detail = format!("has {octets} octets; at most {most} are kept");
        ("too_large", detail)
    })
}
