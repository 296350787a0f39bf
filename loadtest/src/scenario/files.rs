//! Files: one sends, one or many fetch, and a room may talk beside it.
//!
//! One file after the other: the next is offered when everybody has the last. Who fetches hears
//! what is said over the connection that the file fills; two who only listen have connections of
//! their own, so what they notice is the server's doing, and what those who fetch notice is also
//! the work that this side has with their files.

use super::{Scene, stage};
use crate::conductor::{Conductor, Stretch, ratio};
use crate::options::{Door, Options, Target};
use crate::plan::{FileRole, Pace};
use crate::report::words::{bytes, rounded, thousands, time};
use crate::report::{
    Report, note_authentication, note_connections, note_generator, note_latency, note_ledger,
};
use crate::spawn::Keeping;
use crate::swarm::Order;
use crate::{Ending, Mistake};
use std::fmt::Write;
use std::time::Duration;

const MEMBERS: usize = 1;
const DURATION: Duration = Duration::from_secs(10);
/// What a server that keeps files in memory has space for, with some to spare.
const BYTES_IN_MEMORY: u64 = 32_000_000;
const BYTES_ON_DISK: u64 = 256_000_000;
/// One who speaks and one who listens, with nothing to do with files.
const PAIR: usize = 2;
const MEGABYTE: u64 = 1_000_000;

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    if options.door == Door::Line {
        let words = "files are sent and fetched at the sealed door; leave --door out";
        return Err(Mistake(words.to_owned()).into());
    }
    let stage = stage(target, options)?;
    let members = options.members_or(MEMBERS);
    let file_bytes = options.file_bytes.unwrap_or(match options.keeping() {
        Keeping::Nothing => BYTES_IN_MEMORY,
        Keeping::ForTheRun | Keeping::In(_) => BYTES_ON_DISK,
    });
    let mut scene = Scene::new(&stage, options);
    let (speakers, pace) = match options.rate {
        Some(per_second) => (1, Pace::Open { per_second }),
        None => (0, Pace::Silent),
    };
    let group = scene.group(Some("files"), speakers, pace, u32::MAX)?;
    scene.watchers(group, PAIR);
    scene.carriers(group, 1, FileRole::Sends);
    scene.carriers(group, members, FileRole::Fetches);
    let everybody = scene.count();
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let receivers = u64::try_from(members).expect("connections are bounded");
    let mut report = Report::new(format!(
        "files: of {} to {}, {}, {}",
        bytes(ratio(file_bytes, 1)),
        thousands(receivers),
        match options.rate {
            Some(rate) => format!("in a room where {} messages/s are said", rounded(rate)),
            None => "nothing said".to_owned(),
        },
        stage.protocol.label(),
    ));
    // Who founds the room first.
    conductor.connect(1)?;
    let connecting = conductor.connect(everybody)?;
    let duration = options.duration.unwrap_or(DURATION);
    if options.rate.is_some() {
        conductor.speak();
        conductor.watch(options.warmup, None, "warming up");
        conductor.time();
        conductor.watch(duration, None, "without files");
        conductor.order(Order::SetAside);
    }
    let before = conductor.usage().resident;
    conductor.transfer(file_bytes, receivers, options.warmup, "warming up")?;
    conductor.time();
    let (offered, measured) = conductor.transfer(file_bytes, receivers, duration, "files")?;
    conductor.drain();
    let (said, plan) = (conductor.usage().sums.said, conductor.plan());
    let harvest = conductor.finish();
    note_files(&mut report, &measured, offered, receivers);
    note_cost(&mut report, &measured, before);
    if options.rate.is_some() {
        note_latency(&mut report, "without files", "calm-", &harvest.apart);
        note_latency(&mut report, "beside files", "", &harvest.latency.total());
        note_latency(&mut report, "with the file", "carrying-", &harvest.carrying);
        note_ledger(&mut report, said, &harvest);
        note_authentication(&mut report, &plan, &harvest);
    }
    note_connections(&mut report, everybody, &connecting, &harvest);
    note_generator(&mut report, &plan, &measured, &harvest);
    report.set_harvest(&harvest, &measured);
    Ok(report)
}

/// How much came, how fast, and whether it was what was sent.
fn note_files(report: &mut Report, measured: &Stretch, offered: u64, receivers: u64) {
    let (begin, end) = (&measured.begin.sums, &measured.end.sums);
    let wrong = end.files_wrong - begin.files_wrong;
    let came = end.files - begin.files;
    let missing = (offered * receivers).saturating_sub(came);
    for (key, value) in [
        ("files", came),
        ("files-wrong", wrong),
        ("files-missing", missing),
        ("file-bytes", measured.file_bytes()),
    ] {
        report.fact(key, ratio(value, 1));
    }
    report.line(
        "files",
        format!(
            "{} offered, {} came, {} of them not as sent by SHA-256; over {}",
            thousands(offered),
            thousands(came),
            thousands(wrong),
            time(measured.time()),
        ),
    );
    let all = ratio(measured.file_bytes(), MEGABYTE) / measured.time().as_secs_f64();
    let each = all / ratio(receivers, 1);
    report.fact("file-mb-per-second", all);
    report.fact("file-mb-per-second-each", each);
    let mut words = format!("{} MB/s received", rounded(all));
    if receivers > 1 {
        write!(words, ", {} MB/s by each", rounded(each)).expect("a string takes everything");
    }
    report.line("throughput", words);
}

/// Processor time of both sides for each megabyte that a receiver got, and the server's memory.
fn note_cost(report: &mut Report, measured: &Stretch, before: Option<u64>) {
    let megabytes = ratio(measured.file_bytes(), MEGABYTE);
    let own = measured.end.own.zip(measured.begin.own);
    let own = own.map(|(end, begin)| end - begin);
    for (label, key, used) in [
        ("server", "server", measured.server()),
        ("this side", "own", own),
    ] {
        let Some(used) = used else { continue };
        let each = used.total().as_secs_f64() * 1e3 / megabytes;
        let kernel = each * used.kernel_share();
        report.fact(format!("{key}-ms-per-mb"), each);
        let share = used.total().as_secs_f64() / measured.time().as_secs_f64();
        report.fact(format!("{key}-share"), share);
        report.line(
            label,
            format!(
                "{each:.2} ms per MB received, {:.2} of it user and {kernel:.2} kernel; {:.0} % of \
                 a processor",
                each - kernel,
                share * 100.0,
            ),
        );
    }
    if let (Some(before), Some(most)) = (before, measured.resident_max()) {
        report.fact("server-resident-before-bytes", ratio(before, 1));
        report.fact("server-resident-bytes", ratio(most, 1));
        report.line(
            "memory",
            format!(
                "{} of the server resident before, {} at most meanwhile",
                bytes(ratio(before, 1)),
                bytes(ratio(most, 1)),
            ),
        );
    }
}
