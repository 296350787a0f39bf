//! The report: one page of figures.
//!
//! Everything a run found out is a [`Fact`] with a key, so that the page, a file and an assertion
//! speak of the same number under the same name; lines for people are made from them here.

mod assertion;
mod figures;
mod files;
mod plot;
pub(crate) mod words;

pub(crate) use assertion::Assertion;
pub(crate) use figures::{
    delivery_cost, note_authentication, note_connections, note_generator, note_latency,
    note_ledger, note_rate, note_server, note_sessions,
};
pub(crate) use files::{write_csv, write_json};
pub(crate) use plot::write_plot;

use crate::conductor::{Stretch, ratio};
use crate::latency::Latency;
use crate::swarm::Harvest;
use std::fmt::Write;
use std::time::Duration;

/// Percentiles of the curve, beside the maximum.
const CURVE_PERCENTS: [f64; 16] = [
    0.0, 10.0, 25.0, 50.0, 75.0, 80.0, 85.0, 90.0, 92.5, 95.0, 97.5, 99.0, 99.5, 99.9, 99.95, 99.99,
];

/// Where a line is not broken; on the page it is a space.
const UNBROKEN: &str = "\u{a0}";

/// Columns of the page: what every terminal has.
const PAGE_COLUMNS: usize = 80;

/// What is zero when all is well.
const MUST_BE_ZERO: [&str; 9] = [
    "unannounced",
    "missing",
    "duplicates",
    "out-of-order",
    "corrupt",
    "stray",
    "failed",
    "resumes-refused",
    "unexpected-prompts",
];

/// One number under its name.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Fact {
    /// What it is called; words joined by hyphens, the unit last.
    pub(crate) key: String,
    /// How much.
    pub(crate) value: f64,
}

/// What a run found out.
#[derive(Default)]
pub(crate) struct Report {
    title: String,
    lines: Vec<Line>,
    facts: Vec<Fact>,
    warnings: Vec<String>,
    command: String,
    versions: String,
    machine: String,
    curve: Vec<Point>,
    seconds: Vec<Second>,
}

/// One line of the page.
enum Line {
    /// The title of what follows.
    Heading(String),
    /// A label, and words.
    Words(String, String),
    /// What was asked for; never wrapped, so that it can be copied.
    Command(String),
}

/// A point of the curve of latencies.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Point {
    /// So many percent.
    percent: f64,
    /// Stay within this.
    milliseconds: f64,
}

/// One second of a run.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct Second {
    /// When it ended, in seconds from the beginning.
    at: f64,
    /// Messages sent per second.
    rate: f64,
    /// Messages received per second, by all together.
    delivery_rate: f64,
    median_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl Report {
    /// An empty report on what `title` says.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Adds a line: a label, repeated ones are left out, and words.
    pub(crate) fn line(&mut self, label: &str, words: impl Into<String>) {
        self.lines.push(Line::Words(label.to_owned(), words.into()));
    }

    /// Adds a number, in place of one of that name.
    pub(crate) fn fact(&mut self, key: impl Into<String>, value: f64) {
        let key = key.into();
        match self.facts.iter_mut().find(|fact| fact.key == key) {
            Some(fact) => fact.value = value,
            None => self.facts.push(Fact { key, value }),
        }
    }

    /// Keeps how latencies are spread and how the seconds went.
    pub(crate) fn set_harvest(&mut self, harvest: &Harvest, stretch: &Stretch) {
        let total = harvest.latency.total();
        if !total.is_empty() {
            let point = |percent| Point {
                percent,
                milliseconds: milliseconds(total.percentile(percent)),
            };
            self.curve = CURVE_PERCENTS
                .into_iter()
                .chain([100.0])
                .map(point)
                .collect();
        }
        let mut before = &stretch.begin;
        let none = Latency::default();
        for (index, usage) in stretch.seconds.iter().enumerate() {
            let time = (usage.at - before.at).as_secs_f64();
            let latency = harvest.latency.seconds().get(index).unwrap_or(&none);
            self.seconds.push(Second {
                at: (usage.at - stretch.begin.at).as_secs_f64(),
                rate: ratio(usage.sums.said - before.sums.said, 1) / time,
                delivery_rate: ratio(usage.sums.heard - before.sums.heard, 1) / time,
                median_ms: milliseconds(latency.percentile(50.0)),
                p99_ms: milliseconds(latency.percentile(99.0)),
                max_ms: milliseconds(latency.max()),
            });
            before = usage;
        }
    }

    /// Keeps what was asked for, of whom, and where.
    pub(crate) fn set_conditions(&mut self, command: String, versions: String, machine: String) {
        self.lines
            .push(Line::Heading("To have it again".to_owned()));
        self.line("versions", versions.clone());
        self.line("machine", machine.clone());
        self.lines.push(Line::Command(command.clone()));
        (self.command, self.versions, self.machine) = (command, versions, machine);
    }

    /// All numbers.
    pub(crate) fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Adds what makes the figures doubtful.
    pub(crate) fn warn(&mut self, words: impl Into<String>) {
        self.warnings.push(words.into());
    }

    /// Adds another report behind this one, its numbers under names that begin with `prefix`.
    pub(crate) fn append(&mut self, prefix: &str, other: Self) {
        self.lines.push(Line::Heading(other.title));
        self.lines.extend(other.lines);
        let warnings = other.warnings.into_iter();
        self.warnings
            .extend(warnings.map(|warning| format!("{prefix} {warning}")));
        let renamed = other.facts.into_iter().map(|fact| Fact {
            key: format!("{prefix}{}", fact.key),
            ..fact
        });
        self.facts.extend(renamed);
        // A picture shows one of them: the last.
        if !other.curve.is_empty() {
            (self.curve, self.seconds) = (other.curve, other.seconds);
        }
    }

    /// The number under a name.
    pub(crate) fn value(&self, key: &str) -> Option<f64> {
        let found = self.facts.iter().find(|fact| fact.key == key);
        found.map(|fact| fact.value)
    }

    /// Whether everything that must hold does: nothing lost, doubled, reordered or damaged.
    pub(crate) fn is_clean(&self) -> bool {
        self.wrongs().next().is_none()
    }

    /// What should be zero and is not.
    fn wrongs(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(|fact| {
            let (_, key) = fact.key.rsplit_once(':').unwrap_or(("", &fact.key));
            fact.value != 0.0 && MUST_BE_ZERO.contains(&key)
        })
    }

    /// The page.
    pub(crate) fn page(&self) -> String {
        let mut page = String::new();
        wrap(&self.title, "", "  ", &mut page);
        let width = self.lines.iter().map(|line| match line {
            Line::Heading(_) | Line::Command(_) => 0,
            Line::Words(label, _) => label.len(),
        });
        let width = width.max().unwrap_or(0);
        let mut last = "";
        if !matches!(self.lines.first(), Some(Line::Heading(_))) {
            page.push('\n');
        }
        for line in &self.lines {
            match line {
                Line::Heading(title) => {
                    page.push('\n');
                    wrap(title, "", "  ", &mut page);
                    last = "";
                }
                Line::Words(label, words) => {
                    let shown = if label == last { "" } else { label };
                    let first = format!("  {shown:width$}  ");
                    wrap(words, &first, &" ".repeat(width + 4), &mut page);
                    last = label;
                }
                Line::Command(command) => {
                    writeln!(page, "  {command}").expect("a string takes everything");
                }
            }
        }
        for warning in &self.warnings {
            page.push('\n');
            wrap(warning, "Warning: ", "  ", &mut page);
        }
        for wrong in self.wrongs() {
            let words = format!(
                "\nWrong: {} is {}, and should be 0\n",
                wrong.key, wrong.value
            );
            page.push_str(&words);
        }
        page
    }
}

/// Writes words in lines of [`PAGE_COLUMNS`], which begin with `first`, then with `next`.
fn wrap(words: &str, first: &str, next: &str, page: &mut String) {
    page.push_str(first);
    let mut columns = first.chars().count();
    let mut is_begin = true;
    for piece in words.split(' ') {
        let length = piece.chars().count();
        if !is_begin && columns + 1 + length > PAGE_COLUMNS {
            page.push('\n');
            page.push_str(next);
            columns = next.len();
        } else if !is_begin {
            page.push(' ');
            columns += 1;
        }
        page.push_str(&piece.replace(UNBROKEN, " "));
        columns += length;
        is_begin = false;
    }
    page.push('\n');
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_aligns_its_lines_and_ends_with_its_warnings() {
        let mut report = Report::new("a test");
        report.line("first", "one");
        report.line("second one", "two");
        report.line("second one", "three");
        report.warn("the floor is wet");
        let page = "a test\n\n  first       one\n  second one  two\n              three\n\
            \nWarning: the floor is wet\n";
        assert_eq!(report.page(), page);
    }

    #[test]
    fn no_line_is_wider_than_the_page_but_for_the_command() {
        let mut report = Report::new("a title of many words ".repeat(9).trim_end());
        report.line("latency", "p50\u{a0}5.95\u{a0}ms, ".repeat(20).trim_end());
        report.warn("the floor is wet ".repeat(20).trim_end());
        let page = report.page();
        assert!(
            page.lines().all(|line| line.len() <= PAGE_COLUMNS),
            "{page}"
        );
        let hanging = |line: &&str| line.starts_with("           p50");
        assert!(page.lines().filter(hanging).count() > 1, "{page}");
        report.set_conditions("x".repeat(100), String::new(), String::new());
        assert!(report.page().contains(&"x".repeat(100)));
    }

    #[test]
    fn what_is_wrong_is_said_in_the_end() {
        let mut report = Report::new("a test");
        report.fact("full:corrupt", 3.0);
        assert!(
            report
                .page()
                .ends_with("\nWrong: full:corrupt is 3, and should be 0\n")
        );
    }

    #[test]
    fn a_report_is_clean_until_something_is_wrong() {
        let mut report = Report::new("a test");
        report.fact("unannounced", 0.0);
        report.fact("p99-ms", 7.0);
        assert!(report.is_clean());
        report.fact("duplicates", 1.0);
        assert!(!report.is_clean());
    }
}
