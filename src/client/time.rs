//! Times as people read them: in the zone of this machine, or in UTC if they like.
//!
//! The zone comes from the system's own tables; a machine without any shows UTC.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

/// Where the clocks are read.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// One moment there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(DateTime);

/// The day of a moment, to be compared and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(jiff::civil::Date);

impl Zone {
    /// That of this machine.
    pub fn local() -> Self {
        Self(TimeZone::system())
    }

    /// The world's.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone of that name in the system's tables.
    #[cfg(test)]
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The moment `unix_seconds` after the beginning of 1970; the last there is, if it is later.
    pub fn moment(&self, unix_seconds: u64) -> Moment {
        let timestamp = i64::try_from(unix_seconds)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .unwrap_or(Timestamp::MAX);
        Moment(self.0.to_datetime(timestamp))
    }

    /// Whether it is UTC.
    pub fn is_utc(&self) -> bool {
        self.0 == TimeZone::UTC
    }
}

impl Moment {
    /// Its day.
    pub fn day(self) -> Day {
        Day(self.0.date())
    }
}

/// `hh:mm`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

/// `Thursday, 1 January 2026`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday = match self.0.weekday() {
            Weekday::Monday => "Monday",
            Weekday::Tuesday => "Tuesday",
            Weekday::Wednesday => "Wednesday",
            Weekday::Thursday => "Thursday",
            Weekday::Friday => "Friday",
            Weekday::Saturday => "Saturday",
            Weekday::Sunday => "Sunday",
        };
        let month = match self.0.month() {
            1 => "January",
            2 => "February",
            3 => "March",
            4 => "April",
            5 => "May",
            6 => "June",
            7 => "July",
            8 => "August",
            9 => "September",
            10 => "October",
            11 => "November",
            _ => "December",
        };
        write!(f, "{weekday}, {} {month} {}", self.0.day(), self.0.year())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_off_the_clock_of_its_zone() {
        let new_year = 1_767_225_600;
        let utc = Zone::utc().moment(new_year + 65);
        assert_eq!(utc.to_string(), "00:01");
        assert_eq!(utc.day().to_string(), "Thursday, 1 January 2026");
        if let Some(zone) = Zone::named("America/New_York") {
            let there = zone.moment(new_year);
            assert_eq!(there.to_string(), "19:00");
            assert_ne!(there.day(), utc.day());
            assert_eq!(there.day().to_string(), "Wednesday, 31 December 2025");
        }
    }

    #[test]
    fn no_time_is_too_late_to_be_shown() {
        let last = Zone::utc().moment(u64::MAX);
        assert_eq!(last.day().to_string(), "Thursday, 30 December 9999");
    }
}
