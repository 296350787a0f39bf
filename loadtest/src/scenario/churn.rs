//! Some leave and come again all the time; others stay, and one of them speaks.

use super::{Scene, stage};
use crate::Ending;
use crate::conductor::{Conductor, ratio};
use crate::options::{Options, Target};
use crate::plan::{Pace, Role};
use crate::report::words::{rounded, thousands};
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
    note_rate, note_server,
};
use crate::swarm::Order;
use std::time::Duration;

const CONNECTIONS: usize = 1_000;
const SHARE_PERCENT: u8 = 20;
const RATE: f64 = 20.0;
const DURATION: Duration = Duration::from_secs(10);

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let count = options.members_or(CONNECTIONS).max(2);
    let share = options.share.unwrap_or(SHARE_PERCENT);
    let movers = (count * usize::from(share) / 100).clamp(1, count - 1);
    let per_second = options.rate.unwrap_or(RATE);
    let mut scene = Scene::new(&stage, options);
    let group = scene.group(None, 1, Pace::Open { per_second }, u32::MAX)?;
    scene.watchers(group, count - movers);
    scene.members(group, movers, Role::Mover);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let mut report = Report::new(format!(
        "churn: {} of {} members come and go, {} a second, {}",
        thousands(u64::try_from(movers).unwrap_or(u64::MAX)),
        thousands(u64::try_from(count).unwrap_or(u64::MAX)),
        rounded(options.moves),
        stage.protocol.label(),
    ));
    let connecting = conductor.connect(count)?;
    conductor.speak();
    let per_second = options.moves;
    conductor.order(Order::Churn { per_second });
    conductor.watch(options.warmup, None, "warming up");
    conductor.time();
    let measured = conductor.watch(options.duration.unwrap_or(DURATION), None, "churning");
    conductor.order(Order::Churn { per_second: 0.0 });
    conductor.drain();
    let (said, plan) = (conductor.usage().sums.said, conductor.plan());
    let harvest = conductor.finish();

    note_connections(&mut report, count, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    let joined = measured.end.sums.joined - measured.begin.sums.joined;
    let rate = ratio(joined, 1) / measured.time().as_secs_f64();
    report.fact("move-rate", rate);
    report.line("churn", format!("{} came again per second", rounded(rate)));
    note_rate(&mut report, &plan, &measured);
    note_latency(&mut report, "who stayed", "", &harvest.latency.total());
    note_ledger(&mut report, said, &harvest);
    note_server(&mut report, &measured);
    note_generator(&mut report, &plan, &measured, &harvest);
    report.set_harvest(&harvest, &measured);
    Ok(report)
}
