//! Scenarios: the loads there are.
//!
//! Each makes a [`Plan`], has a conductor take it through its phases, and writes a report.

mod calibrate;
mod churn;
mod connect;
mod fanout;
mod idle;
mod isolation;
mod logins;
mod picture;
mod restart;
mod rooms;
mod slow;
mod storm;

use crate::options::{Arguments, Options, Scenario, Target, Verify};
use crate::plan::{Connecting, Group, Member, Pace, Plan, Proof, Role};
use crate::report::{Assertion, Report, write_csv, write_json, write_plot};
use crate::stage::Stage;
use crate::{Ending, Failure, Mistake, entropy, floor, machine, spawn};
use std::time::Duration;

/// How long a connection may take to join.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
/// The same where passwords are hashed on the way, one after the other.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(120);

/// Carries out what is asked for and prints the report; whether all was well.
///
/// # Errors
///
/// An [`Ending`] when there is nothing to report.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Ending> {
    let options = &arguments.options;
    options.check()?;
    let assertions = options
        .assertions
        .iter()
        .map(|text| Assertion::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut report = match &arguments.scenario {
        None => picture::run(options)?,
        Some(Scenario::Idle(target)) => idle::run(target, options)?,
        Some(Scenario::Fanout(target)) => fanout::run(target, options)?,
        Some(Scenario::Connect(target)) => connect::run(target, options)?,
        Some(Scenario::Storm(target)) => storm::run(target, options)?,
        Some(Scenario::Churn(target)) => churn::run(target, options)?,
        Some(Scenario::Rooms(target)) => rooms::run(target, options)?,
        Some(Scenario::Slow(target)) => slow::run(target, options)?,
        Some(Scenario::Isolation(target)) => isolation::run(target, options)?,
        Some(Scenario::Logins) => logins::run(options)?,
        Some(Scenario::Restart) => restart::run(options)?,
        Some(Scenario::Calibrate) => calibrate::run(options)?,
        Some(Scenario::FloorServer) => {
            floor::serve()?;
            return Ok(true);
        }
    };
    note_conditions(&mut report, options);
    print!("{}", report.page());
    write_files(&report, options)?;
    // Who says what must hold has said it all.
    let mut holds = !assertions.is_empty() || report.is_clean();
    for assertion in &assertions {
        if let Err(why) = assertion.check(&report) {
            eprintln!("loadtest: {why}");
            holds = false;
        }
    }
    Ok(holds)
}

fn write_files(report: &Report, options: &Options) -> Result<(), Failure> {
    if let Some(path) = &options.json {
        write_json(report, path)?;
    }
    if let Some(path) = &options.csv {
        write_csv(report, path)?;
    }
    if let Some(path) = &options.plot {
        write_plot(report, path)?;
    }
    Ok(())
}

/// The command and the versions, so that a figure can be had again.
fn note_conditions(report: &mut Report, options: &Options) {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let own = format!("loadtest {}", env!("CARGO_PKG_VERSION"));
    let server = options
        .against
        .is_none()
        .then(|| spawn::version(options.parlourd.as_deref()));
    let server = server
        .flatten()
        .map_or(String::new(), |version| format!(", {version}"));
    report.set_conditions(
        format!("loadtest {}", words.join(" "))
            .trim_end()
            .to_owned(),
        format!("{own}{server}"),
        machine::words(),
    );
}

/// A plan in the making.
struct Scene {
    plan: Plan,
    /// How many members each group has so far.
    counts: Vec<usize>,
    verify: Verify,
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
                read_rate: options.read_rate,
                threads: options.threads,
                seed: options.seed,
            },
            counts: Vec::new(),
            verify: options.verify,
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
        self.counts.push(0);
        Ok(index)
    }

    /// Has a group's latencies kept apart from the others'.
    fn keep_apart(&mut self, group: u16) {
        self.plan.groups[usize::from(group)].apart = true;
    }

    /// Adds `count` members of a group; its first ones are its speakers.
    ///
    /// Where members cannot speak, speakers are added beside them.
    fn members(&mut self, group: u16, count: usize, role: Role) {
        let state = &self.plan.groups[usize::from(group)];
        let (founds, speakers) = (state.room.is_some(), state.speakers.clone());
        let placed = &mut self.counts[usize::from(group)];
        let is_first = *placed == 0;
        let members_speak = self.plan.protocol.members_speak();
        if is_first && !members_speak {
            self.plan
                .members
                .extend(speakers.clone().map(|speaker| Member {
                    group,
                    speaker: Some(speaker),
                    role: Role::Publisher,
                    founds: false,
                    watches: false,
                    verifies: true,
                    account: None,
                }));
        }
        for place in *placed..*placed + count {
            let speaker = speakers.clone().nth(place).filter(|_| members_speak);
            self.plan.members.push(Member {
                group,
                speaker,
                role,
                founds: place == 0 && founds,
                watches: false,
                verifies: true,
                account: None,
            });
        }
        *placed += count;
    }

    /// Adds members that stay and watch, undisturbed by this side's work for the others.
    fn watchers(&mut self, group: u16, count: usize) {
        let before = self.plan.members.len();
        self.members(group, count, Role::Steady);
        for member in &mut self.plan.members[before..] {
            member.watches = true;
        }
    }

    /// Adds members that have an account each, which is made when they first join.
    fn holders(&mut self, group: u16, count: usize, role: Role, proof: Proof) {
        let before = self.plan.members.len();
        self.members(group, count, role);
        for member in &mut self.plan.members[before..] {
            member.account = Some(proof);
        }
        self.plan.connecting.timeout = LOGIN_TIMEOUT;
    }

    /// How many there are, of all groups.
    fn count(&self) -> usize {
        self.plan.members.len()
    }

    /// The plan, once it is known that the machine allows it.
    fn finish(mut self) -> Result<Plan, Mistake> {
        machine::allow_connections(self.plan.members.len())?;
        let (size, most) = (self.plan.size, self.plan.protocol.text_bytes_max());
        if size > most {
            return Err(Mistake(format!(
                "-s {size} is more than the {most} bytes that come through whole here"
            )));
        }
        let verifying = self.verify.of(self.plan.members.len());
        self.plan.draw_verifiers(verifying);
        Ok(self.plan)
    }
}

/// The stage for a target.
fn stage(target: &Target, options: &Options) -> Result<Stage, Ending> {
    Stage::set(target, options)
}
