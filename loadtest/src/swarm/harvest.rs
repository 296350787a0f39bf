//! The harvest: what one thread has counted and timed.

use crate::latency::{Latency, Timeline};
use crate::ledger::Ledger;
use crate::link::Trouble;
use std::collections::BTreeMap;

/// Characters of a reason that are kept.
const REASON_CHARACTERS: usize = 160;
/// Different reasons that are told apart; more are added to one more.
const REASONS_MAX: usize = 20;

/// What one thread brings home, or several together.
#[derive(Default)]
pub(crate) struct Harvest {
    /// What became of the messages.
    pub(crate) ledger: Ledger,
    /// From sending, or from when it should have been, to reading, per receiver.
    pub(crate) latency: Timeline,
    /// The same for one group, or one part of the run, apart, if the scenario asks for it.
    pub(crate) apart: Latency,
    /// The same for members that send or fetch files.
    pub(crate) carrying: Latency,
    /// From connecting to joined.
    pub(crate) joining: Latency,
    /// From being cut off to having joined again, all tries included.
    pub(crate) rejoining: Latency,
    /// How much later than intended messages were sent, in an open loop.
    pub(crate) lag: Latency,
    /// Connections that went on with the session of an earlier one.
    pub(crate) resumed: u64,
    /// Connections after a member's first that began a new session.
    pub(crate) begun_anew: u64,
    /// Sessions that were asked for and did not go on.
    pub(crate) resumes_refused: u64,
    /// Passwords that were asked for to let somebody in.
    pub(crate) asked: u64,
    /// Messages received by members that authenticate.
    pub(crate) authenticated: u64,
    /// How often something was read.
    pub(crate) reads: u64,
    /// Why connections failed, and how many did.
    pub(crate) troubles: BTreeMap<String, u64>,
    /// What the server refused to members, and how often.
    pub(crate) refusals: BTreeMap<String, u64>,
}

impl Harvest {
    /// Counts a connection that failed.
    pub(crate) fn note_trouble(&mut self, trouble: &Trouble) {
        note(&mut self.troubles, &trouble.to_string());
    }

    /// Counts a refusal.
    pub(crate) fn note_refusal(&mut self, why: &str) {
        note(&mut self.refusals, why);
    }

    /// Adds another thread's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.ledger += other.ledger;
        self.authenticated += other.authenticated;
        self.reads += other.reads;
        self.resumed += other.resumed;
        self.begun_anew += other.begun_anew;
        self.resumes_refused += other.resumes_refused;
        self.asked += other.asked;
        self.latency.add(&other.latency);
        self.apart.add(&other.apart);
        self.carrying.add(&other.carrying);
        self.joining.add(&other.joining);
        self.rejoining.add(&other.rejoining);
        self.lag.add(&other.lag);
        for (ours, theirs) in [
            (&mut self.troubles, &other.troubles),
            (&mut self.refusals, &other.refusals),
        ] {
            for (why, count) in theirs {
                *ours.entry(why.clone()).or_default() += count;
            }
        }
    }
}

fn note(counts: &mut BTreeMap<String, u64>, why: &str) {
    let mut why: String = why.chars().take(REASON_CHARACTERS).collect();
    if counts.len() >= REASONS_MAX && !counts.contains_key(&why) {
        "other reasons".clone_into(&mut why);
    }
    *counts.entry(why).or_default() += 1;
}
