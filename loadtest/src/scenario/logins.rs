//! Accounts log in by password, all at once, while a room talks.
//!
//! Each password costs the server some 20 ms of a thread of its own, so it takes as long as it
//! takes; the question is what those notice who only talk. They stay in the room and listen to one
//! who goes on speaking at fixed times; who logs in comes into the same room.

use super::storm::{note_back, note_returns};
use super::{Scene, stage};
use crate::Ending;
use crate::conductor::{Conductor, ratio};
use crate::options::{Options, Target};
use crate::plan::{Pace, Proof, Role};
use crate::report::words::thousands;
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
};
use std::time::Duration;

const LOGINS: usize = 500;
const MEMBERS: usize = 100;
const RATE: f64 = 50.0;
/// The calm before, which is timed apart, and as long a calm after the accounts were made.
const CALM: Duration = Duration::from_secs(3);

pub(super) fn run(options: &Options) -> Result<Report, Ending> {
    // The accounts stay where they were made, so it is not done to a server somebody has.
    let stage = stage(&Target::default(), options)?;
    let logins = options.connections.unwrap_or(LOGINS);
    let members = options.members.unwrap_or(MEMBERS);
    let per_second = options.rate.unwrap_or(RATE);
    let mut scene = Scene::new(&stage, options);
    let group = scene.group(None, 1, Pace::Open { per_second }, u32::MAX)?;
    scene.watchers(group, members);
    scene.holders(group, logins, Role::Mover, Proof::Password);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let mut report = Report::new(format!(
        "logins: {} log in by password at once, beside {} in a room, {}",
        thousands(u64::try_from(logins).unwrap_or(u64::MAX)),
        thousands(u64::try_from(members).unwrap_or(u64::MAX)),
        stage.protocol.label(),
    ));
    let connecting = conductor.connect(members + logins)?;
    conductor.depart();
    conductor.speak();
    conductor.watch(CALM, None, "calm");
    conductor.time();
    let storm = conductor.bring_back(true);
    conductor.drain();
    let (said, present) = (conductor.usage().sums.said, conductor.usage().sums.present);
    let plan = conductor.plan();
    let harvest = conductor.finish();

    note_connections(&mut report, members + logins, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    note_back(&mut report, members + logins, present, &storm);
    report.fact("password-prompts", ratio(harvest.asked, 1));
    let rate = ratio(harvest.asked, 1) / storm.time().as_secs_f64();
    report.fact("logins-per-second", rate);
    report.line(
        "logins",
        format!(
            "{} passwords were asked for and checked, {rate:.0} a second",
            thousands(harvest.asked)
        ),
    );
    note_latency(&mut report, "in after", "back-", &harvest.rejoining);
    note_latency(&mut report, "who talked", "", &harvest.latency.total());
    note_ledger(&mut report, said, &harvest);
    note_returns(&mut report, &storm);
    note_generator(&mut report, &plan, &storm, &harvest);
    report.set_harvest(&harvest, &storm);
    Ok(report)
}
