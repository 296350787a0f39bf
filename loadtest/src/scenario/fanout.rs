//! Everybody in the lobby, some speak, all listen.

use super::{Scene, calibrate, stage};
use crate::Ending;
use crate::conductor::{Conductor, Stretch};
use crate::options::{Options, Target};
use crate::plan::{Pace, Plan, Role};
use crate::report::words::{rounded, thousands};
use crate::report::{
    Report, delivery_cost, note_authentication, note_connections, note_generator, note_latency,
    note_ledger, note_rate, note_server,
};
use crate::stage::Stage;
use crate::swarm::Harvest;
use std::sync::Arc;
use std::time::Duration;

const MEMBERS: usize = 1_000;
pub(super) const WINDOW: u32 = 64;
const DURATION: Duration = Duration::from_secs(10);
/// The floor needs less time to settle than a server.
const FLOOR_DURATION: Duration = Duration::from_secs(3);

/// What a run of this shape found.
pub(super) struct Outcome {
    pub(super) connections: usize,
    pub(super) connecting: Stretch,
    pub(super) measured: Stretch,
    pub(super) harvest: Harvest,
    pub(super) said: u64,
    pub(super) plan: Arc<Plan>,
}

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let members = options.members_or(MEMBERS);
    let duration = options.duration.unwrap_or(DURATION);
    let outcome = play(&stage, options, duration)?;
    let is_here = stage.address.ip().is_loopback();
    let mut report = Report::new(format!(
        "fanout: {} members of one room, {} of them speaking, {} bytes, {}, {}",
        thousands(u64::try_from(members).unwrap_or(u64::MAX)),
        options.senders,
        options.size,
        pace_words(pace(options)),
        stage.protocol.label(),
    ));
    drop(stage);
    write(&mut report, &outcome);
    report.set_harvest(&outcome.harvest, &outcome.measured);
    if !options.no_floor && is_here && options.rate.is_none() {
        let floor = calibrate::floor(options, duration.min(FLOOR_DURATION))?;
        compare(&mut report, &outcome.measured, &floor.measured);
    }
    Ok(report)
}

/// How the options let speakers speak.
pub(super) fn pace(options: &Options) -> Pace {
    match options.rate {
        Some(per_second) => Pace::Open { per_second },
        None => Pace::Closed {
            window: options.window.unwrap_or(WINDOW),
        },
    }
}

pub(super) fn pace_words(pace: Pace) -> String {
    match pace {
        Pace::Silent => "silent".to_owned(),
        Pace::Closed { window } => format!("closed loop, {window} outstanding"),
        Pace::Open { per_second } => {
            format!("open loop, {} messages/s", rounded(per_second))
        }
    }
}

/// Connects, warms up, measures, drains.
pub(super) fn play(
    stage: &Stage,
    options: &Options,
    duration: Duration,
) -> Result<Outcome, Ending> {
    let members = options.members_or(MEMBERS);
    let mut scene = Scene::new(stage, options);
    let messages_max = options.count.unwrap_or(u32::MAX);
    let group = scene.group(None, options.senders, pace(options), messages_max)?;
    scene.members(group, members, Role::Steady);
    let connections = scene.count();
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let connecting = conductor.connect(connections)?;
    if options.count.is_some() {
        // All of them count, so timing begins before the first can be sent.
        conductor.time();
        conductor.speak();
    } else {
        conductor.speak();
        conductor.watch(options.warmup, None, "warming up");
        conductor.time();
    }
    let measured = conductor.watch(duration, options.count.map(u64::from), "measuring");
    conductor.drain();
    let said = conductor.usage().sums.said;
    let plan = conductor.plan();
    Ok(Outcome {
        connections,
        connecting,
        measured,
        harvest: conductor.finish(),
        said,
        plan,
    })
}

/// Writes what was found.
pub(super) fn write(report: &mut Report, outcome: &Outcome) {
    let (harvest, plan) = (&outcome.harvest, &outcome.plan);
    note_rate(report, plan, &outcome.measured);
    note_latency(report, "latency", "", &harvest.latency.total());
    note_ledger(report, outcome.said, harvest);
    note_authentication(report, plan, harvest);
    note_connections(report, outcome.connections, &outcome.connecting, harvest);
    note_server(report, &outcome.measured);
    note_generator(report, plan, &outcome.measured, harvest);
}

/// Says what share of the floor was reached.
fn compare(report: &mut Report, measured: &Stretch, floor: &Stretch) {
    let rate = |stretch: &Stretch| {
        crate::conductor::ratio(stretch.heard(), 1) / stretch.time().as_secs_f64()
    };
    let share = rate(measured) / rate(floor);
    report.fact("floor-delivery-rate", rate(floor));
    report.fact("floor-share", share);
    report.line(
        "floor",
        format!(
            "{share:.2} of the floor's rate, which is {} deliveries/s here and now",
            rounded(rate(floor))
        ),
    );
    if let (Some(ours), Some(floors)) = (delivery_cost(measured), delivery_cost(floor)) {
        let share = (floors.0 + floors.1) / (ours.0 + ours.1);
        report.fact("floor-cost-share", share);
        report.line(
            "floor",
            format!(
                "{share:.2} by processor time: the floor takes {:.3} µs user + {:.3} µs kernel",
                floors.0, floors.1
            ),
        );
    }
}
