//! All but a few are cut off and reconnect at once, as after a network has failed.
//!
//! They go on with their sessions, as clients do, and are owed what was said meanwhile, once. The
//! few stay in the room and listen to one who goes on speaking at fixed times: what they notice is
//! the answer to whether a storm harms those it leaves alone.

use super::{Scene, stage};
use crate::Ending;
use crate::conductor::{Conductor, Stretch, ratio};
use crate::options::{Options, Target};
use crate::plan::{Pace, Role};
use crate::report::words::{bytes, thousands, time};
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
    note_sessions,
};
use std::time::Duration;

const CONNECTIONS: usize = 5_000;
const SHARE_PERCENT: u8 = 98;
const RATE: f64 = 50.0;
/// The calm before, and as long a calm after.
const CALM: Duration = Duration::from_secs(3);

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let count = options.members_or(CONNECTIONS).max(2);
    let share = options.share.unwrap_or(SHARE_PERCENT);
    let movers = (count * usize::from(share) / 100).clamp(1, count - 1);
    let per_second = options.rate.unwrap_or(RATE);
    let mut scene = Scene::new(&stage, options);
    let group = scene.group(None, 1, Pace::Open { per_second }, u32::MAX)?;
    scene.watchers(group, count - movers);
    let resumes = stage.protocol.resumes() && !options.fresh;
    let (role, whereto) = if resumes {
        (Role::Returning, "to their sessions")
    } else {
        (Role::Mover, "with new names")
    };
    scene.members(group, movers, role);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let mut report = Report::new(format!(
        "storm: {} of {} connections are cut off and come again at once, {whereto}, {}",
        thousands(u64::try_from(movers).unwrap_or(u64::MAX)),
        thousands(u64::try_from(count).unwrap_or(u64::MAX)),
        stage.protocol.label(),
    ));
    let connecting = conductor.connect(count)?;
    conductor.speak();
    conductor.watch(CALM, None, "calm");
    conductor.time();
    let storm = conductor.scatter();
    conductor.watch(CALM, None, "calm");
    conductor.drain();
    let (said, present) = (conductor.usage().sums.said, conductor.usage().sums.present);
    let plan = conductor.plan();
    let harvest = conductor.finish();

    note_connections(&mut report, count, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    note_back(&mut report, count, present, &storm);
    note_sessions(&mut report, &harvest);
    note_latency(&mut report, "back after", "back-", &harvest.rejoining);
    note_latency(&mut report, "who stayed", "", &harvest.latency.total());
    note_ledger(&mut report, said, &harvest);
    note_returns(&mut report, &storm);
    note_generator(&mut report, &plan, &storm, &harvest);
    report.set_harvest(&harvest, &storm);
    Ok(report)
}

/// Whether all are back, and after what time.
pub(super) fn note_back(report: &mut Report, count: usize, present: u64, storm: &Stretch) {
    let missing = u64::try_from(count)
        .unwrap_or(u64::MAX)
        .saturating_sub(present);
    report.fact("back-seconds", storm.time().as_secs_f64());
    report.fact("missing", ratio(missing, 1));
    let back = if missing == 0 {
        format!("all are back after {}", time(storm.time()))
    } else {
        format!(
            "{} are still away after {}",
            thousands(missing),
            time(storm.time())
        )
    };
    report.line("storm", back);
}

/// What the server used for each that came back; the few messages of that time are in it.
pub(super) fn note_returns(report: &mut Report, storm: &Stretch) {
    let returned = storm.end.sums.joined - storm.begin.sums.joined;
    let Some(used) = storm.server().filter(|_| returned > 0) else {
        return;
    };
    let each = used.total().as_secs_f64() * 1e6 / ratio(returned, 1);
    report.fact("us-per-return", each);
    report.line(
        "server",
        format!("{each:.0} µs of processor time for each that came back"),
    );
    if let Some(resident) = storm.end.resident {
        report.fact("server-resident-bytes", ratio(resident, 1));
        report.line("server", format!("{} resident", bytes(ratio(resident, 1))));
    }
}
