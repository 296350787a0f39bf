//! A share of the members stops reading for a while, or reads slowly, and then reads on.
//!
//! What the others notice is one question; whether the stuck ones get everything that is still
//! kept, and are told what is not, is the other; and how much memory they cost the third. Who is given up by the server meanwhile
//! comes back to its session.

use super::fanout::{pace, pace_words};
use super::{Scene, stage};
use crate::Ending;
use crate::conductor::{Conductor, Stretch, ratio};
use crate::options::{Options, Target};
use crate::plan::Role;
use crate::report::words::{bytes, rounded, thousands, time};
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
    note_rate, note_server, note_sessions,
};
use crate::swarm::Order;
use std::time::Duration;

const MEMBERS: usize = 1_000;
const SHARE_PERCENT: u8 = 20;
/// How long all read, to compare with.
const DURATION: Duration = Duration::from_secs(5);

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let count = options.members_or(MEMBERS).max(2);
    let share = options.share.unwrap_or(SHARE_PERCENT);
    let stuck = (count * usize::from(share) / 100).clamp(1, count - 1);
    let mut scene = Scene::new(&stage, options);
    let group = scene.group(None, options.senders, pace(options), u32::MAX)?;
    scene.members(group, count - stuck, Role::Steady);
    scene.members(group, stuck, Role::Stuck);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let mut report = Report::new(format!(
        "slow: {} of {} members {} for {}, {} bytes, {}, {}",
        thousands(u64::try_from(stuck).unwrap_or(u64::MAX)),
        thousands(u64::try_from(count).unwrap_or(u64::MAX)),
        slowness(options),
        time(options.stuck),
        options.size,
        pace_words(pace(options)),
        stage.protocol.label(),
    ));
    let connecting = conductor.connect(count)?;
    conductor.speak();
    conductor.watch(options.warmup, None, "warming up");
    conductor.time();
    let before = conductor.watch(options.duration.unwrap_or(DURATION), None, "all read");
    conductor.order(Order::Stick(true));
    let during = conductor.watch(options.stuck, None, "some are slow");
    conductor.order(Order::Stick(false));
    conductor.drain();
    let (said, plan) = (conductor.usage().sums.said, conductor.plan());
    let harvest = conductor.finish();

    note_connections(&mut report, count, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    note_rate(&mut report, &plan, &during);
    let stretches = [("before", &before), ("meanwhile", &during)];
    for (label, stretch) in stretches {
        let rate = message_rate(stretch);
        report.fact(format!("rate-{label}"), rate);
        report.line(label, format!("{} messages/s", rounded(rate)));
    }
    report.fact("rate-kept", message_rate(&during) / message_rate(&before));
    if let (Some(first), Some(last)) = (during.begin.resident, during.end.resident) {
        let each = (ratio(last, 1) - ratio(first, 1)) / ratio(u64::try_from(stuck).unwrap_or(1), 1);
        report.fact("bytes-per-stuck", each);
        report.line(
            "memory",
            format!("grew by {} per stuck member", bytes(each)),
        );
    }
    note_ledger(&mut report, said, &harvest);
    if harvest.resumed + harvest.begun_anew > 0 {
        note_sessions(&mut report, &harvest);
    }
    note_latency(&mut report, "who read on", "", &harvest.latency.total());
    note_server(&mut report, &during);
    note_generator(&mut report, &plan, &during, &harvest);
    report.set_harvest(&harvest, &during);
    Ok(report)
}

fn slowness(options: &Options) -> String {
    match options.read_rate {
        Some(rate) => format!("read {} a second each", bytes(f64::from(rate))),
        None => "do not read".to_owned(),
    }
}

/// Messages per second, which does not depend on how many read.
fn message_rate(stretch: &Stretch) -> f64 {
    ratio(stretch.said(), 1) / stretch.time().as_secs_f64()
}
