//! The figures that several scenarios share, each as facts and as lines.

use super::words::{rounded, thousands, time};
use super::{Report, UNBROKEN};
use crate::conductor::{Stretch, ratio, share};
use crate::latency::Latency;
use crate::plan::{Pace, Plan};
use crate::process::ProcessorTime;
use crate::swarm::Harvest;
use std::fmt::Write;
use std::time::Duration;

/// The percentiles of a latency, with the names of their facts.
const PERCENTILES: [(&str, f64); 6] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p95", 95.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("p99.99", 99.99),
];
/// A share of the time beyond which a thread has no time left.
const BUSY_SHARE: f64 = 0.95;
/// A lag behind the intended times beyond which the load was not what was asked for.
const LAG_MAX: Duration = Duration::from_millis(1);
/// A share of the target rate below which it was not reached.
const RATE_REACHED_SHARE: f64 = 0.99;

/// How many connected, how fast, and why others did not.
pub(crate) fn note_connections(
    report: &mut Report,
    asked: usize,
    stretch: &Stretch,
    harvest: &Harvest,
) {
    let sums = stretch.end.sums;
    let joined = sums.joined - stretch.begin.sums.joined;
    let seconds = stretch.time().as_secs_f64();
    let asked = u64::try_from(asked).expect("connections are bounded");
    report.fact("asked", ratio(asked, 1));
    report.fact("connected", ratio(sums.joined, 1));
    report.fact("failed", ratio(sums.failed, 1));
    let rate = ratio(joined, 1) / seconds;
    report.fact("connect-rate", rate);
    report.line(
        "connections",
        format!(
            "{} asked, {} joined, {} failed; {} per second",
            thousands(asked),
            thousands(sums.joined),
            thousands(sums.failed),
            rounded(rate)
        ),
    );
    for (why, count) in &harvest.troubles {
        report.line("connections", format!("{} x {why}", thousands(*count)));
    }
    for (why, count) in &harvest.refusals {
        report.line("refused", format!("{} x {why}", thousands(*count)));
    }
    note_percentiles(report, "connect time", "connect-", &harvest.joining);
}

/// Whose records were authenticated, where there are records.
pub(crate) fn note_authentication(report: &mut Report, plan: &Plan, harvest: &Harvest) {
    let Some(verifiers) = plan.verifiers() else {
        return;
    };
    let count = |members: usize| u64::try_from(members).expect("connections are bounded");
    let (verifiers, members) = (count(verifiers), count(plan.members.len()));
    let of_members = share(verifiers, members);
    report.fact("authenticated-receivers-share", of_members);
    let mut words = if verifiers == members {
        "every record of every receiver".to_owned()
    } else {
        format!(
            "every record of {} of {} receivers ({:.1} %), the others' were only decrypted",
            thousands(verifiers),
            thousands(members),
            of_members * 100.0
        )
    };
    let received = harvest.ledger.received;
    if received > 0 {
        let of_messages = share(harvest.authenticated, received);
        report.fact("authenticated-share", of_messages);
        write!(words, "; {:.1} % of the deliveries", of_messages * 100.0)
            .expect("a string takes everything");
    }
    report.line("authenticated", words);
}

/// Who came back, and whether to the session it had.
pub(crate) fn note_sessions(report: &mut Report, harvest: &Harvest) {
    for (key, value) in [
        ("resumed", harvest.resumed),
        ("not-resumed", harvest.begun_anew),
        ("resumes-refused", harvest.resumes_refused),
    ] {
        report.fact(key, ratio(value, 1));
    }
    let mut words = format!(
        "{} resumed, {} not resumed",
        thousands(harvest.resumed),
        thousands(harvest.begun_anew)
    );
    if harvest.resumes_refused > 0 {
        let refused = thousands(harvest.resumes_refused);
        write!(words, "; the server refused to resume {refused}")
            .expect("a string takes everything");
    }
    report.line("sessions", words);
}

/// What became of the messages.
pub(crate) fn note_ledger(report: &mut Report, said: u64, harvest: &Harvest) {
    let ledger = &harvest.ledger;
    for (key, value) in [
        ("sent", said),
        ("expected", ledger.expected),
        ("received", ledger.received),
        ("lost", ledger.lost),
        ("announced", ledger.announced),
        ("unannounced", ledger.lost.saturating_sub(ledger.announced)),
        ("duplicates", ledger.duplicates),
        ("out-of-order", ledger.out_of_order),
        ("corrupt", ledger.corrupt),
        ("stray", ledger.stray),
    ] {
        report.fact(key, ratio(value, 1));
    }
    report.line(
        "ledger",
        format!(
            "{} sent, {} due = {} received + {} lost",
            thousands(said),
            thousands(ledger.expected),
            thousands(ledger.received),
            thousands(ledger.lost)
        ),
    );
    let mut rest = format!(
        "{} twice, {} out of order, {} damaged",
        ledger.duplicates, ledger.out_of_order, ledger.corrupt
    );
    if ledger.stray > 0 {
        write!(rest, ", {} to the wrong room", ledger.stray).expect("a string takes everything");
    }
    if ledger.announced > 0 {
        let announced = thousands(ledger.announced);
        write!(rest, "; the server said that {announced} would not come")
            .expect("a string takes everything");
    }
    report.line("ledger", rest);
}

/// How much was delivered, and whether that is what was asked for.
pub(crate) fn note_rate(report: &mut Report, plan: &Plan, stretch: &Stretch) {
    let seconds = stretch.time().as_secs_f64();
    let (said, heard) = (ratio(stretch.said(), 1), ratio(stretch.heard(), 1));
    report.fact("rate", said / seconds);
    report.fact("delivery-rate", heard / seconds);
    report.line(
        "throughput",
        format!(
            "{} deliveries/s, of {} messages/s, over {}",
            rounded(heard / seconds),
            rounded(said / seconds),
            time(stretch.time())
        ),
    );
    let target: f64 = plan
        .groups
        .iter()
        .map(|group| match group.pace {
            Pace::Open { per_second } => per_second,
            Pace::Silent | Pace::Closed { .. } => 0.0,
        })
        .sum();
    if target > 0.0 {
        report.fact("target-rate", target);
        report.line(
            "throughput",
            format!("open loop: {} messages/s were asked for", rounded(target)),
        );
        let enough = said / seconds >= target * RATE_REACHED_SHARE;
        if !enough
            && plan
                .groups
                .iter()
                .all(|group| group.messages_max == u32::MAX)
        {
            report.warn("the rate that was asked for was not reached");
        }
    }
    if plan.is_closed_loop() {
        report.line(
            "throughput",
            "closed loop: senders wait for the slowest member, so latency is that of a full queue",
        );
    }
}

/// How long it took.
pub(crate) fn note_latency(report: &mut Report, label: &str, prefix: &str, latency: &Latency) {
    note_percentiles(report, label, prefix, latency);
}

fn note_percentiles(report: &mut Report, label: &str, prefix: &str, latency: &Latency) {
    if latency.is_empty() {
        return;
    }
    let mut words = String::new();
    for (name, percent) in PERCENTILES {
        let value = latency.percentile(percent);
        report.fact(format!("{prefix}{name}-ms"), value.as_secs_f64() * 1e3);
        write!(words, "{}, ", together(name, value)).expect("a string takes everything");
    }
    report.fact(format!("{prefix}max-ms"), latency.max().as_secs_f64() * 1e3);
    words.push_str(&together("max", latency.max()));
    report.line(label, words);
}

/// A name and a time, which stay on one line.
fn together(name: &str, value: Duration) -> String {
    format!("{name} {}", time(value)).replace(' ', UNBROKEN)
}

/// Microseconds of the server's processor time per delivery: user and kernel.
pub(crate) fn delivery_cost(stretch: &Stretch) -> Option<(f64, f64)> {
    let heard = stretch.heard();
    let used = stretch.server().filter(|_| heard > 0)?;
    Some(split(used, ratio(heard, 1)))
}

/// Microseconds of user and kernel time for each of so many.
fn split(used: ProcessorTime, count: f64) -> (f64, f64) {
    let each = used.total().as_secs_f64() * 1e6 / count;
    let kernel = each * used.kernel_share();
    (each - kernel, kernel)
}

/// What the server used for what it delivered.
pub(crate) fn note_server(report: &mut Report, stretch: &Stretch) {
    let Some(used) = stretch.server() else {
        return;
    };
    let busy = used.total().as_secs_f64() / stretch.time().as_secs_f64();
    report.fact("server-processor-share", busy);
    let mut words = format!("{:.0} % of a processor", busy * 100.0);
    if let Some((user, kernel)) = delivery_cost(stretch) {
        report.fact("user-us-per-delivery", user);
        report.fact("kernel-us-per-delivery", kernel);
        write!(
            words,
            "; per delivery {user:.3} µs user + {kernel:.3} µs kernel"
        )
        .expect("a string takes everything");
    }
    report.line("server", words);
    if let Some(resident) = stretch.end.resident {
        report.fact("server-resident-bytes", ratio(resident, 1));
        report.line(
            "server",
            format!("{} resident", super::words::bytes(ratio(resident, 1))),
        );
    }
}

/// Whether the load itself was the limit.
pub(crate) fn note_generator(
    report: &mut Report,
    plan: &Plan,
    stretch: &Stretch,
    harvest: &Harvest,
) {
    let Some(busy) = stretch.own_share(plan.threads) else {
        return;
    };
    report.fact("generator-processor-share", busy);
    let threads = plan.threads;
    let plural = if threads == 1 { "" } else { "s" };
    let mut words = format!("{:.0} % of {threads} thread{plural}", busy * 100.0);
    if harvest.reads > 0 {
        let each = ratio(harvest.ledger.received, harvest.reads);
        report.fact("messages-per-read", each);
        write!(words, ", {each:.1} messages per read").expect("a string takes everything");
    }
    report.line("generator", words);
    let server_busy = stretch
        .server()
        .map(|used| share_of(used.total(), stretch.time()));
    let is_server_busy = server_busy.is_none_or(|share| share >= BUSY_SHARE);
    if busy >= BUSY_SHARE && server_busy.is_none() {
        report.warn(
            "the load itself was busy all the time and may have been the limit: --server-pid would \
             tell, more --threads on other processors would give more",
        );
    } else if busy >= BUSY_SHARE && !is_server_busy {
        report.warn(
            "the load itself was the limit, not the server: more --threads on other processors \
             would give more. Processor time per delivery is right all the same",
        );
    } else if plan.is_closed_loop() && !is_server_busy {
        report.warn(
            "neither the server nor the load was busy all the time, so something else was the \
             limit, such as other programs: compare by processor time, not by rate",
        );
    }
    if !harvest.lag.is_empty() {
        let lag = harvest.lag.percentile(99.0);
        report.fact("lag-p99-ms", lag.as_secs_f64() * 1e3);
        if lag > LAG_MAX {
            report.warn(format!(
                "1 % of the messages were sent {} or more after their time; latencies count from \
                 their time and so include it",
                time(lag)
            ));
        }
    }
}

fn share_of(part: Duration, whole: Duration) -> f64 {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    share(nanos(part), nanos(whole))
}
