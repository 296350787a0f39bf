//! Files: the report for programs, the same numbers under the same names.

use super::{Report, Second};
use crate::Failure;
use serde_json::{Map, Value, json};
use std::path::Path;

/// A figure of a second, under its name.
type SecondField = (&'static str, fn(&Second) -> f64);

/// What is kept of each second.
const SECOND_FIELDS: [SecondField; 6] = [
    ("at", |second| second.at),
    ("rate", |second| second.rate),
    ("delivery-rate", |second| second.delivery_rate),
    ("p50-ms", |second| second.median_ms),
    ("p99-ms", |second| second.p99_ms),
    ("max-ms", |second| second.max_ms),
];

/// Writes everything as one JSON object.
///
/// # Errors
///
/// A [`Failure`] when the file cannot be written.
pub(crate) fn write_json(report: &Report, path: &Path) -> Result<(), Failure> {
    let facts: Map<String, Value> = report
        .facts
        .iter()
        .map(|fact| (fact.key.clone(), json!(fact.value)))
        .collect();
    let seconds: Vec<Value> = report
        .seconds
        .iter()
        .map(|second| {
            let fields = SECOND_FIELDS
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value(second))));
            Value::Object(fields.collect())
        })
        .collect();
    let curve: Vec<Value> = report
        .curve
        .iter()
        .map(|point| json!([point.percent, point.milliseconds]))
        .collect();
    let whole = json!({
        "title": report.title,
        "command": report.command,
        "versions": report.versions,
        "machine": report.machine,
        "figures": facts,
        "latency-ms-by-percentile": curve,
        "seconds": seconds,
        "warnings": report.warnings,
    });
    write(path, &format!("{whole:#}\n"))
}

/// Writes the same as a line of names and a line of values, so that the lines of many runs make a
/// table. Where there is a list in the other file, its members stand in one field, with spaces
/// between.
///
/// # Errors
///
/// A [`Failure`] when the file cannot be written.
pub(crate) fn write_csv(report: &Report, path: &Path) -> Result<(), Failure> {
    let mut fields = vec![
        ("title".to_owned(), quote(&report.title)),
        ("command".to_owned(), quote(&report.command)),
        ("versions".to_owned(), quote(&report.versions)),
        ("machine".to_owned(), quote(&report.machine)),
        ("warnings".to_owned(), quote(&report.warnings.join("; "))),
    ];
    let figures = report.facts.iter();
    fields.extend(figures.map(|fact| (fact.key.clone(), fact.value.to_string())));
    let curve = report.curve.iter();
    let curve = curve.map(|point| format!("{}:{}", point.percent, point.milliseconds));
    fields.push(("latency-ms-by-percentile".to_owned(), spaced(curve)));
    for (name, value) in SECOND_FIELDS {
        let values = report
            .seconds
            .iter()
            .map(|second| value(second).to_string());
        fields.push((format!("seconds.{name}"), spaced(values)));
    }
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<_> = fields.iter().map(|(_, value)| value.as_str()).collect();
    write(
        path,
        &format!("{}\n{}\n", names.join(","), values.join(",")),
    )
}

fn spaced(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(" ")
}

/// Writes a file.
///
/// # Errors
///
/// A [`Failure`] when it cannot be written.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure(format!("cannot write {}: {error}", path.display())))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
