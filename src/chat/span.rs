//! Spans of time, as people read them.

use std::fmt;
use std::time::Duration;

/// A duration as people read it: `12s`, `4m`, `3h`, `2d`, rounded down.
pub struct Ago(pub Duration);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{seconds}s"),
            60..3_600 => write!(f, "{}m", seconds / 60),
            3_600..86_400 => write!(f, "{}h", seconds / 3_600),
            _ => write!(f, "{}d", seconds / 86_400),
        }
    }
}

/// How long something still lasts, as people read it: never less than it is by a second, and
/// otherwise to the nearest, so that ten minutes are not nine when they have just begun.
pub struct Left(pub Duration);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let seconds = self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0);
        let nearest = |unit: u64| (seconds + unit / 2) / unit;
        if seconds < MINUTE {
            write!(f, "{seconds}s")
        } else if nearest(MINUTE) < HOUR / MINUTE {
            write!(f, "{}m", nearest(MINUTE))
        } else if nearest(HOUR) < DAY / HOUR {
            write!(f, "{}h", nearest(HOUR))
        } else {
            write!(f, "{}d", nearest(DAY))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_not_said_to_be_less() {
        let left = |millis| Left(Duration::from_millis(millis)).to_string();
        assert_eq!(left(1), "1s");
        assert_eq!(left(59_001), "1m");
        assert_eq!(left(599_000), "10m");
        assert_eq!(left(3_599_000), "1h");
        assert_eq!(left(86_399_000), "1d");
        assert_eq!(left(2 * 86_400_000), "2d");
    }
}
