//! The server ends and starts anew on what it has stored, and everybody comes back.
//!
//! All have accounts and keys, so nobody is asked for a password; one of them goes on speaking at
//! fixed times, and says once more what was not acknowledged. Everybody is owed everything, once.

use super::Scene;
use super::storm::{note_back, note_returns};
use crate::conductor::{Conductor, ratio};
use crate::options::Options;
use crate::plan::{Pace, Proof, Role};
use crate::report::words::{thousands, time};
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
    note_sessions,
};
use crate::stage::Stage;
use crate::{Ending, Failure};
use std::time::Duration;

const CONNECTIONS: usize = 5_000;
const RATE: f64 = 50.0;
/// The calm before, and as long a calm after.
const CALM: Duration = Duration::from_secs(3);

pub(super) fn run(options: &Options) -> Result<Report, Ending> {
    let mut stage = Stage::storing(options)?;
    let count = options.members_or(CONNECTIONS);
    let per_second = options.rate.unwrap_or(RATE);
    let mut scene = Scene::new(&stage, options);
    let group = scene.group(None, 1, Pace::Open { per_second }, u32::MAX)?;
    scene.holders(group, count, Role::Returning, Proof::Key);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let how = if options.kill {
        "killed"
    } else {
        "asked to stop"
    };
    let mut report = Report::new(format!(
        "restart: the server of {} with accounts and keys is {how} and started again, {}",
        thousands(u64::try_from(count).unwrap_or(u64::MAX)),
        stage.protocol.label(),
    ));
    let connecting = conductor.connect(count)?;
    // As everybody comes who made the account on another day.
    conductor.depart();
    let entering = conductor.bring_back(false);
    conductor.speak();
    conductor.watch(CALM, None, "calm");
    let mut restarted = None;
    let storm = conductor.survive(|| {
        restarted = Some(stage.restart(options, options.kill)?);
        Ok::<_, Ending>(stage.process)
    })?;
    let restarted = restarted.ok_or_else(|| Failure("nothing was restarted".to_owned()))?;
    conductor.watch(CALM, None, "calm");
    conductor.drain();
    let (said, present) = (conductor.usage().sums.said, conductor.usage().sums.present);
    let plan = conductor.plan();
    let harvest = conductor.finish();

    note_connections(&mut report, count, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    report.fact("key-logins-seconds", entering.time().as_secs_f64());
    report.line(
        "with keys",
        format!("all logged in at once in {}", time(entering.time())),
    );
    for (key, value) in [
        ("stop-ms", restarted.ending),
        ("start-ms", restarted.starting),
    ] {
        report.fact(key, value.as_secs_f64() * 1e3);
    }
    report.line(
        "restart",
        format!(
            "ended after {}, ready after {} more",
            time(restarted.ending),
            time(restarted.starting)
        ),
    );
    note_back(&mut report, count, present, &storm);
    // Whoever has a key must not need it.
    report.fact("unexpected-prompts", ratio(harvest.asked, 1));
    report.line(
        "passwords",
        format!("{} were asked for", thousands(harvest.asked)),
    );
    note_sessions(&mut report, &harvest);
    note_latency(&mut report, "back after", "back-", &harvest.rejoining);
    note_ledger(&mut report, said, &harvest);
    note_returns(&mut report, &storm);
    note_generator(&mut report, &plan, &storm, &harvest);
    report.set_harvest(&harvest, &storm);
    Ok(report)
}
