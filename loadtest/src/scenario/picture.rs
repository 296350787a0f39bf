//! The picture: what somebody sees of this machine in half a minute, without knowing anything.

use super::{fanout, idle};
use crate::Ending;
use crate::options::{Options, Target};
use crate::report::Report;
use std::time::Duration;

const CONNECTIONS: usize = 2_000;
const IDLE_DURATION: Duration = Duration::from_secs(2);
const FANOUT_DURATION: Duration = Duration::from_secs(5);
/// One message at a time, at a rate every server keeps: what a person waits.
const QUIET_RATE: f64 = 50.0;

pub(super) fn run(options: &Options) -> Result<Report, Ending> {
    let target = Target::default();
    let mut report = Report::new("a picture of this machine; `loadtest --help` lists single tests");
    let held = Options {
        connections: Some(options.members_or(CONNECTIONS)),
        duration: Some(IDLE_DURATION),
        ..options.clone()
    };
    report.append("idle:", idle::run(&target, &held)?);
    let full = Options {
        duration: Some(FANOUT_DURATION),
        ..options.clone()
    };
    report.append("full:", fanout::run(&target, &full)?);
    let quiet = Options {
        rate: Some(QUIET_RATE),
        window: None,
        ..full
    };
    report.append("quiet:", fanout::run(&target, &quiet)?);
    Ok(report)
}
