//! Numbers that people read: `WO-YYYYMMDD-NNNN`, counted anew each day.

use crate::record;
use chrono::NaiveDate;

record! {
    /// The last number given out on a day.
    pub struct DailyNumber: "daily_numbers" {
        /// What is numbered, such as `WO`.
        prefix: String [Key Internal],
        /// The day, in UTC.
        day: NaiveDate [Key Internal],
        /// How many were given out.
        last: i64 [Sum Internal],
    }
}

/// The number of the `n`-th of a day; four digits or more.
///
/// ```
/// let day = chrono::NaiveDate::from_ymd_opt(2024, 1, 15).ok_or("date")?;
/// assert_eq!(cmms_core::domain::numbering::number("WO", day, 7), "WO-20240115-0007");
/// # Ok::<(), &str>(())
/// ```
pub fn number(prefix: &str, day: NaiveDate, n: i64) -> String {
    format!("{prefix}-{}-{n:04}", day.format("%Y%m%d"))
}
