//! Files: the report for programs, the same numbers under the same names.

use super::Report;
use crate::Failure;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::Path;

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
            json!({
                "at": second.at,
                "rate": second.rate,
                "delivery-rate": second.delivery_rate,
                "p50-ms": second.median_ms,
                "p99-ms": second.p99_ms,
                "max-ms": second.max_ms,
            })
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
        "figures": facts,
        "latency-ms-by-percentile": curve,
        "seconds": seconds,
        "warnings": report.warnings,
    });
    write(path, &format!("{whole:#}\n"))
}

/// Writes the figures as a line of names and a line of values.
///
/// # Errors
///
/// A [`Failure`] when the file cannot be written.
pub(crate) fn write_csv(report: &Report, path: &Path) -> Result<(), Failure> {
    let mut names = "command".to_owned();
    let mut values = quote(&report.command);
    for fact in &report.facts {
        write!(names, ",{}", fact.key).expect("a string takes everything");
        write!(values, ",{}", fact.value).expect("a string takes everything");
    }
    write(path, &format!("{names}\n{values}\n"))
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
