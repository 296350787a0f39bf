//! Scenarios: the loads there are.
//!
//! Each makes a [`Plan`], has a conductor take it through its phases, and writes a report.

mod calibrate;
mod connect;
mod fanout;
mod idle;
mod picture;

use crate::options::{Arguments, Options, Scenario, Target};
use crate::plan::{Connecting, Group, Member, Pace, Plan, Role};
use crate::report::Report;
use crate::stage::Stage;
use crate::{Ending, Mistake, entropy, floor, machine, spawn};
use std::time::Duration;

/// How long a connection may take to join.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Carries out what is asked for and prints the report; whether all was well.
///
/// # Errors
///
/// An [`Ending`] when there is nothing to report.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Ending> {
    let options = &arguments.options;
    options.check()?;
    let mut report = match &arguments.scenario {
        None => picture::run(options)?,
        Some(Scenario::Idle(target)) => idle::run(target, options)?,
        Some(Scenario::Fanout(target)) => fanout::run(target, options)?,
        Some(Scenario::Connect(target)) => connect::run(target, options)?,
        Some(Scenario::Calibrate) => calibrate::run(options)?,
        Some(Scenario::FloorServer) => {
            floor::serve()?;
            return Ok(true);
        }
    };
    note_conditions(&mut report, arguments);
    print!("{}", report.page());
    Ok(report.is_clean())
}

/// The command and the versions, so that a figure can be had again.
fn note_conditions(report: &mut Report, arguments: &Arguments) {
    let words: Vec<String> = std::env::args().skip(1).collect();
    report.line("command", format!("loadtest {}", words.join(" ")));
    let own = format!("loadtest {}", env!("CARGO_PKG_VERSION"));
    let server = spawn::version(arguments.options.parlourd.as_deref());
    let server = server.map_or(String::new(), |version| format!(", {version}"));
    report.line("versions", format!("{own}{server}"));
}

/// A plan in the making.
struct Scene {
    plan: Plan,
}

impl Scene {
    /// An empty plan for a stage.
    fn new(stage: &Stage, options: &Options) -> Self {
        Self {
            plan: Plan {
                protocol: stage.protocol,
                server: stage.address,
                fingerprint: stage.fingerprint,
                sources: stage.sources.clone(),
                run: entropy::run_number(),
                size: options.size,
                connecting: Connecting {
                    in_flight_max: options.conn_parallel,
                    per_second: options.conn_rate,
                    timeout: JOIN_TIMEOUT,
                },
                groups: Vec::new(),
                members: Vec::new(),
                threads: options.threads,
                seed: options.seed,
            },
        }
    }

    /// Adds a room whose first `speakers` members speak at `pace`.
    fn group(
        &mut self,
        room: Option<&str>,
        speakers: u16,
        pace: Pace,
        messages_max: u32,
    ) -> Result<u16, Mistake> {
        let first = self
            .plan
            .groups
            .last()
            .map_or(0, |group| group.speakers.end);
        let end = first.checked_add(speakers);
        let end = end.ok_or_else(|| Mistake("at most 65,535 can speak".to_owned()))?;
        let index = u16::try_from(self.plan.groups.len());
        let index = index.map_err(|_| Mistake("at most 65,536 rooms can be tested".to_owned()))?;
        self.plan.groups.push(Group {
            room: room.map(Into::into),
            speakers: first..end,
            pace,
            messages_max,
            apart: false,
        });
        Ok(index)
    }

    /// Adds `count` members of a group; the first ones are its speakers.
    fn members(&mut self, group: u16, count: usize, role: Role) {
        let state = &self.plan.groups[usize::from(group)];
        let before = self.plan.members.iter();
        let before = before.filter(|member| member.group == group).count();
        for place in before..before + count {
            let speaker = u16::try_from(place)
                .ok()
                .and_then(|place| state.speakers.start.checked_add(place))
                .filter(|speaker| state.speakers.contains(speaker));
            self.plan.members.push(Member {
                group,
                speaker,
                role,
                founds: place == 0 && state.room.is_some(),
            });
        }
    }

    /// The plan, once it is known that the machine allows it.
    fn finish(self) -> Result<Plan, Mistake> {
        machine::allow_connections(self.plan.members.len())?;
        Ok(self.plan)
    }
}

/// The stage for a target.
fn stage(target: &Target, options: &Options) -> Result<Stage, Ending> {
    Stage::set(target, options)
}
