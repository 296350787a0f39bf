//! The picture: what somebody sees of this machine in half a minute, without knowing anything.

use super::{fanout, idle};
use crate::Ending;
use crate::options::{Options, Target};
use crate::report::Report;
use crate::report::words::{bytes, rounded, time};
use std::time::Duration;

const CONNECTIONS: usize = 2_000;
const IDLE_DURATION: Duration = Duration::from_secs(2);
const FANOUT_DURATION: Duration = Duration::from_secs(5);
/// One message at a time, at a rate every server keeps: what a person waits.
const QUIET_RATE: f64 = 50.0;

pub(super) fn run(options: &Options) -> Result<Report, Ending> {
    let target = Target::default();
    let held = Options {
        connections: Some(options.members_or(CONNECTIONS)),
        duration: Some(IDLE_DURATION),
        ..options.clone()
    };
    let idle = idle::run(&target, &held)?;
    let busy = Options {
        duration: Some(FANOUT_DURATION),
        ..options.clone()
    };
    let full = fanout::run(&target, &busy)?;
    let alone = Options {
        rate: Some(QUIET_RATE),
        window: None,
        ..busy
    };
    let quiet = fanout::run(&target, &alone)?;

    let mut report = Report::new("this machine in short (`loadtest --help` lists single tests)");
    summarise(&mut report, &idle, &full, &quiet);
    report.append("idle:", idle);
    report.append("full:", full);
    report.append("quiet:", quiet);
    Ok(report)
}

/// What the three found, for who reads no further.
fn summarise(report: &mut Report, idle: &Report, full: &Report, quiet: &Report) {
    let count = |report: &Report, key| rounded(report.value(key).unwrap_or(0.0));
    let milliseconds = |key| {
        let value = quiet.value(key).unwrap_or(0.0) / 1e3;
        time(Duration::from_secs_f64(value))
    };
    if let Some(each) = idle.value("bytes-per-connection") {
        let held = count(idle, "connected");
        let words = format!("{held} held, {} of server memory each", bytes(each));
        report.line("connections", words);
    }
    let words = format!("{} a second", count(idle, "connect-rate"));
    report.line("logins", words);
    let words = format!(
        "{} deliveries/s to {} members who read as fast as they can",
        count(full, "delivery-rate"),
        count(full, "connected")
    );
    report.line("busy room", words);
    if let Some(share) = full.value("floor-share") {
        let words = format!(
            "{:.0} % of what this machine allows a server that only copies",
            share * 100.0
        );
        report.line("busy room", words);
    }
    let words = format!(
        "of {} members half have a message after {}, 99 % after {}",
        count(quiet, "connected"),
        milliseconds("p50-ms"),
        milliseconds("p99-ms")
    );
    report.line("quiet room", words);
    let is_clean = [idle, full, quiet].iter().all(|report| report.is_clean());
    let words = if is_clean {
        "nothing lost, doubled, out of order or damaged"
    } else {
        "NOT all is well: see the end of this page"
    };
    report.line("correctness", words);
}
