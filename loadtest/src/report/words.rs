//! Numbers in words: thousands, times, bytes.

use std::time::Duration;

/// `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut words = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// A rate or another number of which the first three digits matter.
pub(crate) fn rounded(number: f64) -> String {
    if number >= 1e6 {
        format!("{:.2} million", number / 1e6)
    } else if number >= 100.0 {
        thousands(whole(number))
    } else {
        format!("{number:.1}")
    }
}

/// A time, in the unit in which it has one to three digits before the point.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.001 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.1} µs", seconds * 1e6)
    }
}

/// Bytes, in the unit in which they have one to three digits before the point.
pub(crate) fn bytes(bytes: f64) -> String {
    if bytes.abs() >= 1e6 {
        format!("{:.1} MB", bytes / 1e6)
    } else if bytes.abs() >= 10_000.0 {
        format!("{:.1} kB", bytes / 1e3)
    } else {
        let sign = if bytes <= -0.5 { "-" } else { "" };
        format!("{sign}{} bytes", thousands(whole(bytes.abs())))
    }
}

/// A number without what is behind its point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number for people, and casts from f64 saturate"
)]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(rounded(5_432_100.0), "5.43 million");
        assert_eq!(rounded(4_321.6), "4,322");
        assert_eq!(time(Duration::from_micros(1_500)), "1.50 ms");
        assert_eq!(time(Duration::from_nanos(2_500)), "2.5 µs");
        assert_eq!(bytes(849.4), "849 bytes");
        assert_eq!(bytes(-1_147.0), "-1,147 bytes");
        assert_eq!(bytes(5_300_000.0), "5.3 MB");
    }
}
