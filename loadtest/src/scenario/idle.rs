//! Connections that do nothing: what each costs to hold.
//!
//! Memory is given as a slope between two numbers of connections, so that what the server needs
//! for itself is left out. In the end one message goes to all.

use super::{Scene, stage};
use crate::Ending;
use crate::conductor::{Conductor, Stretch, Usage, ratio};
use crate::options::{Options, Target};
use crate::plan::{Pace, Role};
use crate::process::socket_bytes;
use crate::report::words::{bytes, thousands, time};
use crate::report::{Report, note_authentication, note_connections, note_ledger};
use crate::stage::Stage;
use std::time::Duration;

const CONNECTIONS: usize = 10_000;
const DURATION: Duration = Duration::from_secs(10);
/// After so long everything that connecting caused is done, counts of arrivals included.
const SETTLE: Duration = Duration::from_secs(3);
/// The slope begins at this part of all connections.
const FIRST_PART: usize = 5;
/// How long one message to all may take.
const MESSAGE_TIME: Duration = Duration::from_secs(10);

/// A number of connections and what they take.
struct Sample {
    usage: Usage,
    sockets: Option<u64>,
}

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let count = options.members_or(CONNECTIONS);
    let mut scene = Scene::new(&stage, options);
    let group = scene.group(None, 1, Pace::Closed { window: 1 }, 1)?;
    scene.members(group, count, Role::Steady);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let mut report = Report::new(format!(
        "idle: {} connections that do nothing, all in one room, {}",
        thousands(u64::try_from(count).unwrap_or(u64::MAX)),
        stage.protocol.label(),
    ));
    note_start(&mut report, &stage, conductor.usage().resident);

    let mut samples = Vec::new();
    let first = conductor.connect(count.div_ceil(FIRST_PART))?;
    conductor.watch(SETTLE, None, "settling");
    samples.push(sample(&conductor));
    let mut connecting = conductor.connect(count)?;
    if samples[0].usage.sums.present == 0 || connecting.end.sums.joined == first.end.sums.joined {
        connecting = first;
    }
    conductor.watch(SETTLE, None, "settling");
    samples.push(sample(&conductor));
    let idle = conductor.watch(options.duration.unwrap_or(DURATION), None, "holding");

    conductor.time();
    conductor.speak();
    conductor.watch(MESSAGE_TIME, Some(1), "one message");
    conductor.drain();
    let said = conductor.usage().sums.said;
    let plan = conductor.plan();
    let harvest = conductor.finish();

    note_connections(&mut report, count, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    note_memory(&mut report, &samples);
    note_idleness(&mut report, &idle);
    let latency = harvest.latency.total();
    if !latency.is_empty() {
        report.fact("last-ms", latency.max().as_secs_f64() * 1e3);
        report.line(
            "one message",
            format!(
                "the first had it after {}, half after {}, the last after {}",
                time(latency.percentile(0.0)),
                time(latency.percentile(50.0)),
                time(latency.max())
            ),
        );
    }
    note_ledger(&mut report, said, &harvest);
    Ok(report)
}

fn sample(conductor: &Conductor) -> Sample {
    Sample {
        usage: conductor.usage(),
        sockets: socket_bytes(),
    }
}

/// How long the server took to start, and how much memory it had then.
fn note_start(report: &mut Report, stage: &Stage, resident: Option<u64>) {
    let (Some(server), Some(resident)) = (&stage.started, resident) else {
        return;
    };
    let ready = server.ready_after();
    report.fact("ready-ms", ready.as_secs_f64() * 1e3);
    report.fact("ready-resident-bytes", ratio(resident, 1));
    report.line(
        "start",
        format!(
            "ready after {}, {} resident then",
            time(ready),
            bytes(ratio(resident, 1))
        ),
    );
}

fn note_memory(report: &mut Report, samples: &[Sample]) {
    let [first, last] = samples else { return };
    let (from, to) = (first.usage.sums.present, last.usage.sums.present);
    let (Some(before), Some(after)) = (first.usage.resident, last.usage.resident) else {
        return;
    };
    let connections = ratio(to, 1) - ratio(from, 1);
    if connections <= 0.0 {
        return;
    }
    let each = (ratio(after, 1) - ratio(before, 1)) / connections;
    report.fact("bytes-per-connection", each);
    report.fact("server-resident-bytes", ratio(after, 1));
    report.line(
        "memory",
        format!(
            "{} resident per connection, from {} to {}; {} in all",
            bytes(each),
            thousands(from),
            thousands(to),
            bytes(ratio(after, 1))
        ),
    );
    if let (Some(before), Some(after)) = (first.sockets, last.sockets) {
        let each = (ratio(after, 1) - ratio(before, 1)) / connections;
        report.fact("kernel-buffer-bytes-per-connection", each);
        report.line(
            "memory",
            format!(
                "{} of socket buffers in the kernel per connection, both ends",
                bytes(each)
            ),
        );
    }
}

fn note_idleness(report: &mut Report, idle: &Stretch) {
    let Some(used) = idle.server() else { return };
    let share = used.total().as_secs_f64() / idle.time().as_secs_f64();
    report.fact("idle-processor-share", share);
    report.line(
        "while idle",
        format!(
            "the server used {} in {}: {:.3} % of a processor",
            time(used.total()),
            time(idle.time()),
            share * 100.0
        ),
    );
}
