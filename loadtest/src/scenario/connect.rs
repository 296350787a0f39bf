//! Full logins: connect, handshake, name, room.

use super::{Scene, stage};
use crate::Ending;
use crate::conductor::{Conductor, ratio};
use crate::options::{Options, Target};
use crate::plan::{Pace, Role};
use crate::report::words::thousands;
use crate::report::{Report, note_authentication, note_connections, note_server};

const CONNECTIONS: usize = 5_000;

pub(super) fn run(target: &Target, options: &Options) -> Result<Report, Ending> {
    let stage = stage(target, options)?;
    let asked = options
        .count
        .map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let count = asked.unwrap_or_else(|| options.members_or(CONNECTIONS));
    let mut scene = Scene::new(&stage, options);
    let group = scene.group(None, 0, Pace::Silent, 0)?;
    scene.members(group, count, Role::Steady);
    let mut conductor = Conductor::start(scene.finish()?, stage.process)?;
    let connecting = conductor.connect(count)?;
    let plan = conductor.plan();
    let harvest = conductor.finish();
    let mut report = Report::new(format!(
        "connect: {} full logins, {} at once on their way, {}",
        thousands(u64::try_from(count).unwrap_or(u64::MAX)),
        options.conn_parallel,
        stage.protocol.label(),
    ));
    note_connections(&mut report, count, &connecting, &harvest);
    note_authentication(&mut report, &plan, &harvest);
    let joined = connecting.end.sums.joined;
    if let Some(used) = connecting.server().filter(|_| joined > 0) {
        let each = used.total().as_secs_f64() * 1e6 / ratio(joined, 1);
        let kernel = each * used.kernel_share();
        report.fact("us-per-login", each);
        report.line(
            "server",
            format!(
                "per login {each:.0} µs: {:.0} user + {kernel:.0} kernel, so {:.0} a second at most",
                each - kernel,
                1e6 / each
            ),
        );
    }
    note_server(&mut report, &connecting);
    if let Some(busy) = connecting.own_share(options.threads) {
        report.fact("generator-processor-share", busy);
        report.line("generator", format!("{:.0} % of its threads", busy * 100.0));
    }
    Ok(report)
}
