//! The plot: latency by percentile, and rate and latency over time, as one SVG picture.

use super::{Point, Report, Second, files};
use crate::Failure;
use std::fmt::Write;
use std::path::Path;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 640.0;
/// The inner part of each of the two pictures: left, right, and the upper and lower edges.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 900.0;
const CURVE: (f64, f64) = (60.0, 290.0);
const TIMES: (f64, f64) = (370.0, 600.0);
/// Percentiles that are marked, by what is left above them.
const MARKS: [(&str, f64); 5] = [
    ("50 %", 0.5),
    ("90 %", 0.1),
    ("99 %", 0.01),
    ("99.9 %", 0.001),
    ("99.99 %", 0.0001),
];

/// Draws the report.
///
/// # Errors
///
/// A [`Failure`] when the file cannot be written.
pub(crate) fn write_plot(report: &Report, path: &Path) -> Result<(), Failure> {
    files::write(path, &draw(report))
}

/// A scale from values to places, linear or by powers of ten.
struct Scale {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        let (value, low, high) = if self.is_log {
            (
                value.max(self.low).log10(),
                self.low.log10(),
                self.high.log10(),
            )
        } else {
            (value, self.low, self.high)
        };
        let part = if high > low {
            (value - low) / (high - low)
        } else {
            0.5
        };
        self.from + (self.to - self.from) * part
    }
}

fn draw(report: &Report) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    text(&mut out, LEFT, 24.0, "start", &escape(&report.title));
    draw_curve(&mut out, &report.curve);
    draw_seconds(&mut out, &report.seconds);
    out.push_str("</svg>\n");
    out
}

/// Latency by percentile; the axis gives each further nine the same room.
fn draw_curve(out: &mut String, curve: &[Point]) {
    text(
        out,
        LEFT,
        CURVE.0 - 8.0,
        "start",
        "latency by percentile, ms",
    );
    let times = || curve.iter().map(|point| point.milliseconds);
    let (low, high) = decades(times());
    let across = |rest: f64| {
        let scale = Scale {
            from: RIGHT,
            to: LEFT,
            low: 0.0001,
            high: 1.0,
            is_log: true,
        };
        scale.place(rest)
    };
    let down = Scale {
        from: CURVE.1,
        to: CURVE.0,
        low,
        high,
        is_log: true,
    };
    frame(out, CURVE);
    for (name, rest) in MARKS {
        grid_down(out, across(rest), CURVE, name);
    }
    let mut mark = low;
    while mark <= high * 1.01 {
        grid_across(out, down.place(mark), &format!("{mark}"));
        mark *= 10.0;
    }
    let places = curve.iter().map(|point| {
        (
            across(1.0 - point.percent / 100.0),
            down.place(point.milliseconds),
        )
    });
    line(out, places, "#1f5fa8");
}

/// Deliveries per second, and the 99th percentile of each second.
fn draw_seconds(out: &mut String, seconds: &[Second]) {
    let title = "deliveries per second (blue, left); latency p99, ms (red, right)";
    text(out, LEFT, TIMES.0 - 8.0, "start", title);
    frame(out, TIMES);
    let last = seconds.last().map_or(1.0, |second| second.at);
    let across = Scale {
        from: LEFT,
        to: RIGHT,
        low: 0.0,
        high: last,
        is_log: false,
    };
    for (share, name) in [(0.0, "0 s".to_owned()), (1.0, format!("{last:.0} s"))] {
        text(
            out,
            across.place(last * share),
            TIMES.1 + 16.0,
            "middle",
            &name,
        );
    }
    type Value = fn(&Second) -> f64;
    let series: [(Value, &str, f64, &str); 2] = [
        (|second| second.delivery_rate, "#1f5fa8", LEFT - 6.0, "end"),
        (|second| second.p99_ms, "#b03030", RIGHT + 6.0, "start"),
    ];
    for (value, colour, label_at, anchor) in series {
        let high = seconds.iter().map(value).fold(0.0, f64::max);
        let down = Scale {
            from: TIMES.1,
            to: TIMES.0,
            low: 0.0,
            high: if high > 0.0 { high * 1.1 } else { 1.0 },
            is_log: false,
        };
        text(out, label_at, down.place(high), anchor, &short(high));
        text(out, label_at, TIMES.1, anchor, "0");
        let places = seconds
            .iter()
            .map(|second| (across.place(second.at), down.place(value(second))));
        line(out, places, colour);
    }
}

/// The powers of ten around all values.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let positive = values.filter(|value| *value > 0.0);
    let (low, high) = positive.fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return (0.1, 10.0);
    }
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    (10_f64.powf(low), 10_f64.powf(high.max(low + 1.0)))
}

fn frame(out: &mut String, (top, bottom): (f64, f64)) {
    writeln!(
        out,
        "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#888\"/>",
        RIGHT - LEFT,
        bottom - top
    )
    .expect("a string takes everything");
}

fn grid_down(out: &mut String, at: f64, (top, bottom): (f64, f64), name: &str) {
    writeln!(out, "<path d=\"M{at:.1} {top}V{bottom}\" stroke=\"#ddd\"/>")
        .expect("a string takes everything");
    text(out, at, bottom + 16.0, "middle", name);
}

fn grid_across(out: &mut String, at: f64, name: &str) {
    writeln!(out, "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"#ddd\"/>")
        .expect("a string takes everything");
    text(out, LEFT - 6.0, at + 4.0, "end", name);
}

fn line(out: &mut String, places: impl Iterator<Item = (f64, f64)>, colour: &str) {
    let mut points = String::new();
    for (x, y) in places {
        write!(points, "{x:.1},{y:.1} ").expect("a string takes everything");
    }
    writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        points.trim_end()
    )
    .expect("a string takes everything");
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    )
    .expect("a string takes everything");
}

fn short(value: f64) -> String {
    if value >= 1e6 {
        format!("{:.1} M", value / 1e6)
    } else if value >= 1e4 {
        format!("{:.0} k", value / 1e3)
    } else {
        format!("{value:.1}")
    }
}

fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_both_lines_and_nothing_beside_the_frame() {
        let mut report = Report::new("a < b");
        report.curve = [(50.0, 1.0), (99.0, 10.0), (100.0, 12.0)]
            .map(|(percent, milliseconds)| Point {
                percent,
                milliseconds,
            })
            .to_vec();
        let second = |at| Second {
            at,
            delivery_rate: 5e6,
            p99_ms: 3.0,
            ..Second::default()
        };
        report.seconds = vec![second(1.0), second(2.0)];
        let picture = draw(&report);
        assert!(picture.contains("a &lt; b"));
        assert_eq!(picture.matches("<polyline").count(), 3);
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
        assert!(!draw(&Report::new("empty")).contains("NaN"));
    }
}
