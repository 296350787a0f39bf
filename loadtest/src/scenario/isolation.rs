//! A room of two beside a saturated one: what the two notice.

use super::fanout::WINDOW;
use super::{Scene, stage};
use crate::Ending;
use crate::conductor::Conductor;
use crate::options::{Options, Target};
use crate::plan::{Pace, Role};
use crate::report::words::{rounded, thousands};
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
    note_rate, note_server,
};
use std::time::Duration;

const MEMBERS: usize = 5_000;
const RATE: f64 = 100.0;
const DURATION: Duration = Duration::from_secs(10);
const PAIR: usize = 2;

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let members = options.members_or(MEMBERS);
    let per_second = options.rate.unwrap_or(RATE);
    let window = options.window.unwrap_or(WINDOW);
    let mut scene = Scene::new(&stage, options);
    let pair = scene.group(Some("pair"), 1, Pace::Open { per_second }, u32::MAX)?;
    let crowd = scene.group(None, options.senders, Pace::Closed { window }, u32::MAX)?;
    scene.keep_apart(pair);
    scene.watchers(pair, PAIR);
    scene.members(crowd, members, Role::Steady);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let mut report = Report::new(format!(
        "isolation: two in a room, {} messages/s, beside a room of {} with {window} outstanding, {}",
        rounded(per_second),
        thousands(u64::try_from(members).unwrap_or(u64::MAX)),
        stage.protocol.label(),
    ));
    conductor.connect(1)?;
    let connecting = conductor.connect(PAIR + members)?;
    conductor.speak();
    conductor.watch(options.warmup, None, "warming up");
    conductor.time();
    let measured = conductor.watch(options.duration.unwrap_or(DURATION), None, "measuring");
    conductor.drain();
    let (said, plan) = (conductor.usage().sums.said, conductor.plan());
    let harvest = conductor.finish();
    note_connections(&mut report, PAIR + members, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    note_latency(&mut report, "room of two", "", &harvest.apart);
    note_latency(&mut report, "full room", "full-", &harvest.latency.total());
    note_rate(&mut report, &plan, &measured);
    note_ledger(&mut report, said, &harvest);
    note_server(&mut report, &measured);
    note_generator(&mut report, &plan, &measured, &harvest);
    report.set_harvest(&harvest, &measured);
    Ok(report)
}
