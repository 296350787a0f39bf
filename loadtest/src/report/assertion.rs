//! Assertions: what must hold of a report, such as `p99<50ms` or `lost==0`.

use super::Report;
use crate::Mistake;

/// The operators, longer ones first so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 6] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<", Operator::Below),
    (">", Operator::Above),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    AtMost,
    AtLeast,
    Equal,
    Unequal,
    Below,
    Above,
}

/// One condition.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Assertion {
    text: String,
    key: String,
    operator: Operator,
    value: f64,
    /// Whether the value is a time, in milliseconds.
    is_time: bool,
}

impl Assertion {
    /// Reads a condition.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] that shows what one looks like.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        let mistake = || {
            Mistake(format!(
                "{text} is no condition; write such as 'p99<50ms', 'lost==0' or 'rate>=1000'"
            ))
        };
        let (at, found) = text
            .char_indices()
            .find_map(|(at, _)| {
                let operator = OPERATORS
                    .iter()
                    .find(|(sign, _)| text[at..].starts_with(sign));
                operator.map(|operator| (at, operator))
            })
            .ok_or_else(mistake)?;
        let (sign, operator) = *found;
        let (key, value) = (text[..at].trim(), text[at + sign.len()..].trim());
        let digits = value.trim_end_matches(|letter: char| letter.is_alphabetic() || letter == '%');
        let (factor, is_time) = match &value[digits.len()..] {
            "" => (1.0, false),
            "%" => (0.01, false),
            "us" | "µs" => (0.001, true),
            "ms" => (1.0, true),
            "s" => (1000.0, true),
            _ => return Err(mistake()),
        };
        let number: f64 = digits.trim().parse().map_err(|_| mistake())?;
        if key.is_empty() || !number.is_finite() {
            return Err(mistake());
        }
        Ok(Self {
            text: text.to_owned(),
            key: key.to_owned(),
            operator,
            value: number * factor,
            is_time,
        })
    }

    /// Whether it holds; if not, in words why.
    pub(crate) fn check(&self, report: &Report) -> Result<(), String> {
        let in_milliseconds = format!("{}-ms", self.key);
        let names = if self.is_time {
            [in_milliseconds.as_str(), self.key.as_str()]
        } else {
            [self.key.as_str(), in_milliseconds.as_str()]
        };
        let Some(value) = names.iter().find_map(|name| report.value(name)) else {
            let keys: Vec<_> = report
                .facts()
                .iter()
                .map(|fact| fact.key.as_str())
                .collect();
            return Err(format!(
                "{}: there is no figure {}; there are {}",
                self.text,
                self.key,
                keys.join(", ")
            ));
        };
        let holds = match self.operator {
            Operator::AtMost => value <= self.value,
            Operator::AtLeast => value >= self.value,
            Operator::Equal => (value - self.value).abs() <= f64::EPSILON * self.value.abs(),
            Operator::Unequal => (value - self.value).abs() > f64::EPSILON * self.value.abs(),
            Operator::Below => value < self.value,
            Operator::Above => value > self.value,
        };
        if holds {
            Ok(())
        } else {
            Err(format!("{} does not hold: it is {value}", self.text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> bool {
        let mut report = Report::new("a test");
        report.fact("p99-ms", 20.0);
        report.fact("lost", 0.0);
        report.fact("floor-share", 0.4);
        report.fact("rate", 1000.0);
        Assertion::parse(text).unwrap().check(&report).is_ok()
    }

    #[test]
    fn conditions_hold_or_do_not() {
        for text in [
            "p99<50ms",
            "p99 <= 20ms",
            "p99<0.1s",
            "p99-ms<21",
            "lost==0",
            "rate>=1000",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "p99<20ms",
            "p99<500us",
            "lost!=0",
            "floor-share>50%",
            "rate>1000",
            "x<1",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_a_mistake() {
        for text in ["p99", "p99<", "<5", "p99<fast", "p99<5 parsecs", "p99=5"] {
            assert!(Assertion::parse(text).is_err(), "{text}");
        }
    }
}
