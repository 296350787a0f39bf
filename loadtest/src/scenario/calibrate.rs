//! The floor under the same load: what this machine allows.

use super::fanout::{self, Outcome};
use crate::Ending;
use crate::options::Options;
use crate::report::Report;
use crate::report::words::thousands;
use crate::stage::Stage;
use std::time::Duration;

const DURATION: Duration = Duration::from_secs(5);
const MEMBERS: usize = 1_000;

pub(super) fn run(options: &Options) -> Result<Report, Ending> {
    let outcome = floor(options, options.duration.unwrap_or(DURATION))?;
    let members = u64::try_from(options.members_or(MEMBERS)).unwrap_or(u64::MAX);
    let mut report = Report::new(format!(
        "calibrate: the floor, a bare loop with one shared buffer, {} members, {} bytes, {}",
        thousands(members),
        options.size,
        fanout::pace_words(fanout::pace(options)),
    ));
    fanout::write(&mut report, &outcome);
    report.set_harvest(&outcome.harvest, &outcome.measured);
    Ok(report)
}

/// Measures the floor with the shape that the options give.
pub(super) fn floor(options: &Options, duration: Duration) -> Result<Outcome, Ending> {
    let stage = Stage::floor(options)?;
    fanout::play(&stage, options, duration)
}
