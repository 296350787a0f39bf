//! Many small rooms, in each of which somebody speaks.

use super::fanout::{pace, pace_words};
use super::{Scene, stage};
use crate::conductor::Conductor;
use crate::options::{Options, Target};
use crate::plan::{Pace, Role};
use crate::report::words::thousands;
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
    note_rate, note_server,
};
use crate::{Ending, Mistake};
use std::time::Duration;

const CONNECTIONS: usize = 2_000;
const MEMBERS: usize = 10;
const DURATION: Duration = Duration::from_secs(10);

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let members = options.members.unwrap_or(MEMBERS);
    let rooms = options.connections.unwrap_or(CONNECTIONS) / members;
    let rooms = u32::try_from(rooms).ok().filter(|rooms| *rooms > 0);
    let rooms = rooms.ok_or_else(|| {
        Mistake("-c is the number of all connections and must be at least --members".to_owned())
    })?;
    let pace = match pace(options) {
        Pace::Open { per_second } => Pace::Open {
            per_second: per_second / f64::from(rooms),
        },
        pace @ (Pace::Silent | Pace::Closed { .. }) => pace,
    };
    let mut scene = Scene::new(&stage, options);
    let groups = (0..rooms)
        .map(|room| {
            scene.group(
                Some(&format!("room{room}")),
                options.senders,
                pace,
                u32::MAX,
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Who makes a room comes before anybody who enters it.
    for &group in &groups {
        scene.members(group, 1, Role::Steady);
    }
    for &group in &groups {
        scene.members(group, members - 1, Role::Steady);
    }
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let mut report = Report::new(format!(
        "rooms: {} rooms of {members} members, {} speaking in each, {} bytes, in each {}, {}",
        thousands(u64::from(rooms)),
        options.senders,
        options.size,
        pace_words(pace),
        stage.protocol.label(),
    ));
    conductor.connect(groups.len())?;
    let count = groups.len() * members;
    let connecting = conductor.connect(count)?;
    conductor.speak();
    conductor.watch(options.warmup, None, "warming up");
    conductor.time();
    let measured = conductor.watch(options.duration.unwrap_or(DURATION), None, "measuring");
    conductor.drain();
    let (said, plan) = (conductor.usage().sums.said, conductor.plan());
    let harvest = conductor.finish();
    note_connections(&mut report, count, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    note_rate(&mut report, &plan, &measured);
    note_ledger(&mut report, said, &harvest);
    note_latency(&mut report, "latency", "", &harvest.latency.total());
    note_server(&mut report, &measured);
    note_generator(&mut report, &plan, &measured, &harvest);
    report.set_harvest(&harvest, &measured);
    Ok(report)
}
